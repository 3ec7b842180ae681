//! A process that decides: what it has read and seen, and what it has under way.

use gungnir::sentinel::{Ended, EndedBy, Node, Observation, Pointer, Request};

use super::configuration::Configuration;
use super::environment::State;
use super::packed::{Age, Asked, Entry, Memory, NOW_MS, Order, WAIT_MS, node, run_id};
use super::server::Server;

/// Where clients are sent, and the epoch of that.
pub type Target = (u8, u8);

/// Something to be written that has not arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Write<const N: usize> {
    Record(Entry<N>),
    Service { from: Option<Target>, to: Target },
}

/// How long clients of a node are held by a command of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pause {
    No,
    Held,
    Over,
}

/// A node as this process sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Seen<const N: usize> {
    /// Its last report, on the connection that is up.
    pub report: Option<(Server<N>, Age)>,
    /// It has owed an answer for long.
    pub silent: bool,
    /// The run whose end was proven.
    pub ended: Option<(u8, Age)>,
    pub term: u8,
    pub pause: Pause,
    /// A command on its way, and the run that it is for.
    pub sent: Option<(u8, Order)>,
}

impl<const N: usize> Seen<N> {
    pub const NOTHING: Self =
        Self { report: None, silent: false, ended: None, term: 0, pause: Pause::No, sent: None };

    /// The connection is gone.
    pub fn lose(&mut self) {
        (self.report, self.sent) = (None, None);
    }
}

/// One deciding process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decider<const N: usize> {
    /// It runs.
    pub active: bool,
    /// It believes that it holds the lease.
    pub leading: bool,
    /// It stands still; what it has sent goes on its way.
    pub still: bool,
    /// The term that it has written.
    pub term: u8,
    /// The record that it read, if the store has another one by now.
    pub outdated: Option<Entry<N>>,
    /// What it writes, one after the other.
    pub writes: [Option<Write<N>>; 2],
    /// The Service as it last read it.
    pub service: Option<Target>,
    pub memory: Memory<N>,
    pub seen: [Seen<N>; N],
    /// The nodes that it does not reach, as bits.
    pub cut: u8,
    pub asked: Option<Asked>,
    /// How many wishes it was told.
    pub wishes: u8,
}

impl<const N: usize> Decider<N> {
    /// A process that has not been started.
    pub const ABSENT: Self = Self {
        active: false,
        leading: false,
        still: false,
        term: 0,
        outdated: None,
        writes: [None; 2],
        service: None,
        memory: Memory::EMPTY,
        seen: [Seen::NOTHING; N],
        cut: 0,
        asked: None,
        wishes: 0,
    };

    /// It takes part: it runs and does not stand still.
    pub fn steps(&self) -> bool {
        self.active && !self.still
    }

    pub fn is_cut_from(&self, place: usize) -> bool {
        self.cut >> place & 1 == 1
    }

    /// Nothing of it is on its way.
    pub fn is_idle(&self) -> bool {
        self.writes[0].is_none() && self.seen.iter().all(|seen| seen.sent.is_none())
    }
}

impl<const N: usize> State<N> {
    /// Whether a deciding process has answers from a node.
    pub fn reaches(&self, decider: usize, place: usize) -> bool {
        self.servers[place].answers() && !self.deciders[decider].is_cut_from(place)
    }

    /// The record as a deciding process last read it.
    pub fn read_by(&self, decider: usize) -> Entry<N> {
        self.deciders[decider].outdated.unwrap_or(self.record)
    }

    /// What a deciding process knows.
    pub fn observation(&self, config: &Configuration, decider: usize) -> Observation {
        let it = &self.deciders[decider];
        let recorded = self.read_by(decider);
        let master = recorded.master.and_then(|(master, _)| it.seen[usize::from(master)].report);
        let shut = master.map_or(0, |(report, _)| report.shut);
        let see = |(place, seen): (usize, &Seen<N>)| {
            let report = seen.report.map(|(server, at)| server.report(place_of(place), at));
            let answered = report.is_some() && self.reaches(decider, place);
            let owes = if seen.silent { Age::Old } else { Age::Recent };
            Node {
                asked_ms: (seen.silent || !answered).then(|| owes.ms()),
                trouble: None,
                ended: seen.ended.map(|(run, at)| Ended {
                    run_id: run_id(place_of(place), run),
                    by: EndedBy::FinThenRefused,
                    at_ms: at.ms(),
                }),
                paused_until_ms: match seen.pause {
                    Pause::No => None,
                    Pause::Held => Some(NOW_MS + config.settings().pause_ms()),
                    Pause::Over => Some(NOW_MS - WAIT_MS / 2),
                },
                busy: seen.sent.is_some(),
                highest_term: seen.term.into(),
                shut_out: shut >> place & 1 == 1,
                leaving: false,
                gated: config.knows_gate,
                last_run: report.as_ref().map(|it| it.run_id),
                remembered: None,
                // Its volume may be of an earlier life.
                blank: false,
                report,
            }
        };
        Observation {
            settings: config.settings(),
            record: (recorded.term > 0).then(|| recorded.record()),
            my_term: it.term.into(),
            leading: it.leading,
            writing: it.writes[0].is_some(),
            nodes: it.seen.iter().enumerate().map(see).collect(),
            service: it
                .service
                .map(|(place, epoch)| Pointer { node: node(place), epoch: epoch.into() }),
            request: it.asked.map(|asked| Request { id: it.wishes.into(), wish: asked.wish() }),
        }
    }

    /// A deciding process asks a node that answers. With the first contact in its term it shuts
    /// out whoever led before.
    pub fn look(&mut self, config: &Configuration, decider: usize, place: usize, at: Age) {
        let it = &mut self.deciders[decider];
        let server = &mut self.servers[place];
        if config.fence {
            server.term = server.term.max(it.term);
        }
        let seen = &mut it.seen[place];
        (seen.report, seen.silent, seen.ended) = (Some((*server, at)), false, None);
        seen.term = server.term;
    }

    /// A deciding process that reached a node does not any more, and has not noticed yet.
    pub fn overlook(&mut self, decider: usize, place: usize) {
        if self.deciders[decider].active && self.reaches(decider, place) {
            let seen = &mut self.deciders[decider].seen[place];
            if seen.report.is_none_or(|(_, at)| at != Age::Old) {
                seen.report = Some((self.servers[place], Age::Recent));
            }
        }
    }
}

pub fn place_of(place: usize) -> u8 {
    node_at(place).0
}

fn node_at(place: usize) -> gungnir::sentinel::NodeId {
    gungnir::sentinel::NodeId::at(place)
}

//! What a decision is about, in a few bytes: identities are numbers, instants are ages.
//!
//! Time stands still but for long waits, so an instant is one of three: *now* (since the process
//! that decides took its last step), *recent* (before that), *old* (longer ago than any patience in
//! the settings). All that the rules compare keeps its order.

use gungnir::sentinel::{
    Change, Clock, Command, Home, Id, Local, Mark, Member, Millis, NodeId, Phase,
};
use gungnir::sentinel::{Record, Wish};

/// The present instant, always.
pub const NOW_MS: Millis = 1_000_000;
/// How long a wait lasts: beyond the failover timeout, within the time after which servers close
/// a silent replication link.
pub const WAIT_MS: Millis = 40_000;
const MOMENT_MS: Millis = 10;

/// When something was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Age {
    /// Before the last long wait.
    Old,
    /// After it, but before the last step.
    Recent,
    /// After the last step.
    Now,
}

impl Age {
    pub fn ms(self) -> Millis {
        match self {
            Self::Old => NOW_MS - WAIT_MS,
            Self::Recent => NOW_MS - MOMENT_MS,
            Self::Now => NOW_MS,
        }
    }

    /// As it is remembered after a step: what is now was before the next one.
    pub fn remembered(at_ms: Millis) -> Self {
        if at_ms + WAIT_MS / 4 <= NOW_MS { Self::Old } else { Self::Recent }
    }
}

pub fn small(number: u64) -> u8 {
    u8::try_from(number).expect("the model counts to 255")
}

pub fn node(place: u8) -> NodeId {
    NodeId(place)
}

/// A run of a node.
pub fn run_id(node: u8, number: u8) -> Id {
    let mut bytes = [0; 20];
    (bytes[0], bytes[1]) = (1 + node, number);
    Id(bytes)
}

/// A history.
pub fn history_id(number: u8) -> Id {
    let mut bytes = [0; 20];
    (bytes[0], bytes[1]) = (0xa0, number);
    Id(bytes)
}

/// The number of a run or history.
pub fn number(id: Id) -> u8 {
    id.0[1]
}

/// A process: its node and the number of its run.
pub type Process = (u8, u8);

/// Where a run is at home: the first so many runs of a node share a home.
pub fn home(run: u8) -> Home {
    Home(u128::from(run / RUNS_A_HOME))
}

/// Runs are counted on from a multiple of this in each home.
pub const RUNS_A_HOME: u8 = 16;

fn member((place, run): Process) -> Member {
    Member { node: node(place), run_id: run_id(place, run), home: home(run) }
}

fn process(member: Member) -> Process {
    (member.node.0, number(member.run_id))
}

/// An election record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Entry<const N: usize> {
    pub term: u8,
    pub epoch: u8,
    pub phase: Phase,
    pub target: Option<u8>,
    pub master: Option<Process>,
    pub history: Option<u8>,
    pub previous: Option<u8>,
    pub base: u8,
    /// The recorded run of each member.
    pub in_sync: [Option<u8>; N],
    pub w: u8,
}

impl<const N: usize> Entry<N> {
    pub fn of(record: &Record) -> Self {
        let mut in_sync = [None; N];
        for it in &record.in_sync {
            in_sync[it.node.index()] = Some(number(it.run_id));
        }
        Self {
            term: small(record.term),
            epoch: small(record.epoch),
            phase: record.phase,
            target: record.target.map(|it| it.0),
            master: record.master.map(process),
            history: record.history.map(number),
            previous: record.previous_history.map(number),
            base: small(record.base_offset),
            in_sync,
            w: record.w,
        }
    }

    pub fn record(&self) -> Record {
        let members = self.in_sync.iter().enumerate();
        Record {
            term: self.term.into(),
            epoch: self.epoch.into(),
            phase: self.phase,
            target: self.target.map(node),
            master: self.master.map(member),
            history: self.history.map(history_id),
            previous_history: self.previous.map(history_id),
            base_offset: self.base.into(),
            in_sync: members
                .filter_map(|(place, run)| Some(member((NodeId::at(place).0, (*run)?))))
                .collect(),
            w: self.w,
        }
    }
}

/// The memory of a deciding process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Memory<const N: usize> {
    pub stepped: Option<Age>,
    pub trusted: Age,
    pub pursued: Option<(u8, Age)>,
    pub mark: Option<(Process, u8, u8, u8)>,
    pub accepted: Option<(u8, Process, u8)>,
    pub clocks: [Ticks; N],
}

/// The clocks of one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ticks {
    advanced: Option<(u8, u8, Age)>,
    quiet: Option<(u8, Age)>,
    looked: Option<Age>,
    unlisted: Option<Age>,
    gone: Option<Age>,
    change: Option<(u8, Age, Option<u8>)>,
}

impl<const N: usize> Memory<N> {
    /// Of a process that has just started.
    pub const EMPTY: Self = Self {
        stepped: None,
        trusted: Age::Old,
        pursued: None,
        mark: None,
        accepted: None,
        clocks: [Ticks {
            advanced: None,
            quiet: None,
            looked: None,
            gone: None,
            unlisted: None,
            change: None,
        }; N],
    };

    pub fn of(local: &Local) -> Self {
        let age = Age::remembered;
        let mut memory = Self {
            stepped: local.last_step_ms.map(age),
            trusted: age(local.trusted_since_ms),
            pursued: local.pursued_since.map(|(epoch, at)| (small(epoch), age(at))),
            mark: local.mark.map(|mark| {
                let Mark { master, epoch, min_replicas_to_write, offset } = mark;
                (
                    (master.0[0] - 1, number(master)),
                    small(epoch),
                    min_replicas_to_write,
                    small(offset),
                )
            }),
            accepted: local
                .accepted
                .map(|(id, before, epoch)| (small(id), process(before), small(epoch))),
            ..Self::EMPTY
        };
        for (ticks, clock) in memory.clocks.iter_mut().zip(&local.nodes) {
            *ticks = Ticks {
                advanced: clock
                    .advanced
                    .map(|(run, offset, at)| (number(run), small(offset), age(at))),
                quiet: clock.quiet.map(|(run, at)| (number(run), age(at))),
                looked: clock.looked_at.map(age),
                unlisted: clock.unlisted_since_ms.map(age),
                gone: clock.gone_since_ms.map(age),
                change: clock.change.map(|Change { run_id, noticed_ms, offset }| {
                    (number(run_id), age(noticed_ms), offset.map(small))
                }),
            };
        }
        memory
    }

    pub fn local(&self) -> Local {
        let clock = |(place, ticks): (usize, &Ticks)| {
            let run = |number| run_id(NodeId::at(place).0, number);
            Clock {
                down: false,
                script: None,
                advanced: ticks.advanced.map(|(it, offset, at)| (run(it), offset.into(), at.ms())),
                quiet: ticks.quiet.map(|(it, at)| (run(it), at.ms())),
                looked_at: ticks.looked.map(Age::ms),
                unlisted_since_ms: ticks.unlisted.map(Age::ms),
                gone_since_ms: ticks.gone.map(Age::ms),
                change: ticks.change.map(|(it, noticed, offset)| Change {
                    run_id: run(it),
                    noticed_ms: noticed.ms(),
                    offset: offset.map(Into::into),
                }),
            }
        };
        Local {
            last_step_ms: self.stepped.map(Age::ms),
            trusted_since_ms: self.trusted.ms(),
            hold: None,
            pursued_since: self.pursued.map(|(epoch, at)| (epoch.into(), at.ms())),
            mark: self.mark.map(|((place, run), epoch, w, offset)| Mark {
                master: run_id(place, run),
                epoch: epoch.into(),
                min_replicas_to_write: w,
                offset: offset.into(),
            }),
            accepted: self
                .accepted
                .map(|(id, before, epoch)| (id.into(), member(before), epoch.into())),
            nodes: self.clocks.iter().enumerate().map(clock).collect(),
        }
    }

    /// A long wait. A process that went on stepping has stepped just now.
    pub fn wait(&mut self, went_on: bool) {
        self.stepped = self.stepped.map(|_| if went_on { Age::Recent } else { Age::Old });
        self.trusted = Age::Old;
        self.pursued = self.pursued.map(|(epoch, _)| (epoch, Age::Old));
        for ticks in &mut self.clocks {
            ticks.advanced = ticks.advanced.map(|(run, offset, _)| (run, offset, Age::Old));
            ticks.quiet = ticks.quiet.map(|(run, _)| (run, Age::Old));
            ticks.looked = ticks.looked.map(|_| Age::Old);
            ticks.unlisted = ticks.unlisted.map(|_| Age::Old);
            ticks.gone = ticks.gone.map(|_| Age::Old);
            ticks.change = ticks.change.map(|(run, _, offset)| (run, Age::Old, offset));
        }
    }
}

/// A command on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Order {
    Freeze,
    Promote(u8),
    Follow(u8),
    Pause,
    Resume,
    Look,
    SetW(u8),
    ShutOut(u8),
    LetIn(u8),
}

impl Order {
    pub fn of(command: Command) -> Self {
        match command {
            Command::Freeze => Self::Freeze,
            Command::Promote { min_replicas_to_write } => Self::Promote(min_replicas_to_write),
            Command::Follow(master) => Self::Follow(master.0),
            Command::Pause { .. } => Self::Pause,
            Command::Release | Command::Unpause => Self::Resume,
            Command::SetMinReplicas(w) => Self::SetW(w),
            Command::ShutOut(node) => Self::ShutOut(node.0),
            Command::LetIn(node) => Self::LetIn(node.0),
            Command::Look | Command::ScriptKill => Self::Look,
        }
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    SwitchTo(u8),
    Promote(u8),
}

impl Asked {
    pub fn wish(self) -> Wish {
        match self {
            Self::SwitchTo(place) => Wish::Switchover(Some(node(place))),
            Self::Promote(place) => Wish::Promote(node(place)),
        }
    }
}

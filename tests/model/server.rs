//! Servers: as much of Valkey's replication as a decision can be about.

use gungnir::sentinel::{Follower, Link, NodeId, Report, Role, Upstream};

use super::packed::{Age, Order, history_id, home, node, run_id};

/// The writes that a server holds, four bits each, the first one lowest. An offset is how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Log(pub u32);

impl Log {
    pub fn len(self) -> u8 {
        (0..8).find(|place| self.0 >> (4 * place) == 0).unwrap_or(8)
    }

    pub fn push(&mut self, write: u8) {
        self.0 |= u32::from(write) << (4 * self.len());
    }

    pub fn prefix(self, length: u8) -> Self {
        Self(if length >= 8 { self.0 } else { self.0 & ((1 << (4 * length)) - 1) })
    }

    pub fn get(self, place: u8) -> u8 {
        u8::try_from(self.0 >> (4 * place) & 0xf).unwrap_or_default()
    }

    /// The writes, as bits of a set.
    pub fn set(self) -> u16 {
        (0..self.len()).fold(0, |set, place| set | 1 << self.get(place))
    }
}

/// Whether a server leads, and whom it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    Leads,
    Nowhere,
    Follows(u8),
}

/// A replica's link to its master.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Wire {
    /// There was none since it was told whom to follow.
    Never,
    /// Bytes come in.
    Up,
    /// It counts as up, but no byte has come in for long.
    Silent,
    Lost,
    LostLong,
}

/// The last acknowledgement of a replica, as its master knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Held {
    pub offset: u8,
    /// Longer ago than the lag that is allowed.
    pub late: bool,
}

/// One server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Server<const N: usize> {
    pub up: bool,
    pub hung: bool,
    /// Clients' writes are held.
    pub paused: bool,
    pub run: u8,
    pub place: Place,
    pub wire: Wire,
    pub history: u8,
    pub previous: Option<(u8, u8)>,
    pub log: Log,
    /// `min-replicas-to-write`
    pub w: u8,
    pub held: [Option<Held>; N],
    /// The nodes that it does not let replicate, as bits.
    pub shut: u8,
    /// The highest term of an operator's user.
    pub term: u8,
}

impl<const N: usize> Server<N> {
    pub fn offset(&self) -> u8 {
        self.log.len()
    }

    pub fn answers(&self) -> bool {
        self.up && !self.hung
    }

    pub fn leads(&self) -> bool {
        self.place == Place::Leads
    }

    pub fn follows(&self, master: usize) -> bool {
        matches!(self.place, Place::Follows(it) if usize::from(it) == master)
    }

    /// Whether a client's write is taken at this instant.
    pub fn takes_writes(&self) -> bool {
        let good = self.held.iter().flatten().filter(|held| !held.late).count();
        self.answers() && self.leads() && !self.paused && good >= usize::from(self.w)
    }

    fn turn(&mut self, place: Place) {
        self.place = place;
        self.wire = Wire::Never;
        self.held = [None; N];
    }

    /// Does what it is told. `name` is for a history that begins.
    pub fn obey(&mut self, order: Order, name: u8) {
        match order {
            Order::Freeze => self.turn(Place::Nowhere),
            Order::Follow(master) => self.turn(Place::Follows(master)),
            Order::Promote(w) => {
                self.w = w;
                if !self.leads() {
                    self.previous = Some((self.history, self.offset()));
                    self.history = name;
                    self.turn(Place::Leads);
                }
            }
            Order::Pause => self.paused = true,
            Order::Resume => self.paused = false,
            Order::SetW(w) => self.w = w,
            Order::ShutOut(node) => {
                self.shut |= 1 << node;
                self.held[usize::from(node)] = None;
            }
            Order::LetIn(node) => self.shut &= !(1 << node),
            Order::Look => {}
        }
    }

    /// A new process. It has the first `keep` writes under the history that they were written on,
    /// or nothing.
    pub fn start(&mut self, keep: u8, name: u8, gate: bool) {
        let led = self.leads();
        self.turn(if led && !gate { Place::Leads } else { Place::Nowhere });
        (self.up, self.hung, self.paused) = (true, false, false);
        self.run += 1;
        self.shut = 0;
        if keep == 0 {
            (self.history, self.previous, self.log) = (name, None, Log::default());
            return;
        }
        self.log = self.log.prefix(keep);
        if let Some((before, until)) = self.previous
            && keep < until
        {
            (self.history, self.previous) = (before, None);
        }
    }

    /// Whether it misses only the end of what a master holds.
    fn continues(&self, master: &Self) -> bool {
        if self.history == master.history {
            return self.offset() <= master.offset();
        }
        let before = master.previous.filter(|(history, _)| *history == self.history);
        before.is_some_and(|(_, until)| self.offset() <= until)
    }

    /// One message of a master: the next write, or with a history that does not fit, everything.
    /// Returns whether all that it held was thrown away.
    pub fn receive(&mut self, master: &Self) -> bool {
        let wiped = !self.continues(master);
        if wiped || self.wire != Wire::Up {
            self.log = master.log;
        } else if self.offset() < master.offset() {
            self.log.push(master.log.get(self.offset()));
        }
        (self.history, self.previous) = (master.history, master.previous);
        self.wire = Wire::Up;
        wiped
    }

    /// What it says of itself.
    pub fn report(&self, place: u8, asked: Age) -> Report {
        let link = |upstream| {
            let long = Some(super::packed::WAIT_MS / 1000);
            let (up, down_since_s, last_io_s) = match self.wire {
                Wire::Never => (false, None, None),
                Wire::Up => (true, None, Some(0)),
                Wire::Silent => (true, None, long),
                Wire::Lost => (false, Some(0), None),
                Wire::LostLong => (false, long, None),
            };
            Role::Replica(Link {
                upstream,
                up,
                down_since_s,
                last_io_s,
                second_ms: 0,
                syncing: false,
            })
        };
        let held = self.held.iter().enumerate().filter(|_| self.leads());
        Report {
            asked_ms: asked.ms(),
            run_id: run_id(place, self.run),
            home: home(self.run),
            role: match self.place {
                Place::Leads => Role::Master,
                Place::Nowhere => link(Upstream::Nowhere),
                Place::Follows(master) => link(Upstream::Node(node(master))),
            },
            loading: false,
            priority: 100,
            history: history_id(self.history),
            previous_history: self
                .previous
                .map(|(history, until)| (history_id(history), until.into())),
            offset: self.offset().into(),
            keys: self.offset().into(),
            min_replicas_to_write: self.w,
            followers: held
                .filter_map(|(place, held)| {
                    let offset = (*held)?.offset.into();
                    Some(Follower { node: NodeId::at(place), online: true, offset })
                })
                .collect(),
        }
    }
}

//! What a server finds around it: the network, chance, the time, and what others say.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use gungnir::valkey::Id;
use tokio::time::Instant;

use crate::chance::Chance;
use crate::network::{EndId, ProcessId, Wire};
use crate::trace::Trace;

use super::downstream::Hello;
use super::journal::Journal;
use super::stream::{Data, Entry};

/// What servers say to each other.
#[derive(Debug)]
pub enum Message {
    /// PING, AUTH and REPLCONF of a replica.
    Hello(Hello),
    Welcome,
    /// PSYNC: which history a replica has, and the first byte that it lacks.
    Psync(Option<(Id, u64)>),
    Full {
        history: Id,
        offset: u64,
    },
    Continue {
        history: Id,
    },
    /// An error, in the server's words.
    Refused(String),
    Snapshot(Data),
    Stream(Entry),
    Ack(u64),
}

/// What a server set a timer for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Alarm {
    /// Once a second.
    Cron,
    Loaded,
    /// A snapshot for replicas is written.
    Snapshot,
    /// It is sent.
    Sent,
    /// A snapshot for the disk alone is written.
    Saved,
    /// The append-only file is rewritten.
    Rewritten,
    PauseEnd,
    /// A `WAIT` is over.
    WaitEnd(EndId, u64),
    /// Whether it may end now.
    Ending,
}

/// A timer of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer(pub ProcessId, pub Alarm);

/// How long things take, each between two bounds.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// From the start of a process until its data is read, and from a snapshot's arrival.
    pub load: (Duration, Duration),
    /// To write a snapshot.
    pub snapshot: (Duration, Duration),
    /// To send it, beside the path's own time.
    pub transfer: (Duration, Duration),
    /// To rewrite an append-only file.
    pub rewrite: (Duration, Duration),
}

impl Default for Pace {
    fn default() -> Self {
        let range = |least, most| (Duration::from_millis(least), Duration::from_millis(most));
        Self {
            load: range(1, 20),
            snapshot: range(5, 100),
            transfer: range(1, 20),
            rewrite: range(20, 200),
        }
    }
}

/// What a server finds around it.
pub struct Room<'a> {
    pub wire: &'a mut Wire<Message, Timer>,
    pub chance: &'a Chance,
    pub pace: &'a Pace,
    pub epoch: Instant,
    pub trace: &'a Trace,
    pub journal: &'a mut Journal,
}

impl Room<'_> {
    /// The time of day, in whole seconds: all that Valkey looks at for lags.
    pub fn unix_s(&self) -> u64 {
        self.unix().as_secs()
    }

    /// The time of day.
    pub fn unix(&self) -> Duration {
        Duration::from_secs(1_795_000_000) + self.wire.now().duration_since(self.epoch)
    }

    pub fn note(&self, at: SocketAddr, what: fmt::Arguments<'_>) {
        self.trace.note(format_args!("{at} {what}"));
    }

    pub fn alarm(&mut self, process: ProcessId, after: Duration, alarm: Alarm) {
        let at = self.wire.now() + after;
        self.wire.set_timer(at, Timer(process, alarm));
    }

    pub fn draw(&self, (least, most): (Duration, Duration)) -> Duration {
        self.chance.between(least, most)
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    Code(i32),
    Signal(i32),
}

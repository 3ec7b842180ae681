//! Clients that write, and probers, around one fault.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::agent::now;
use crate::audit::Audit;
use crate::figures::Figures;
use crate::prober::{Probers, most_writers_at_once};
use crate::set::ValkeySet;
use crate::wait::{DEADLINE, until};
use crate::writer::{Kind, Ledger, Writer};

/// What runs around a fault.
pub struct Trial<'s, 'w> {
    set: &'s ValkeySet<'w>,
    writers: Vec<Writer>,
    probers: Probers,
    audit: Option<Audit>,
    fault_at: u64,
    /// Where the clients are: the place of their node among all.
    home: usize,
}

/// What came of a trial, and when.
#[derive(Debug, Clone)]
pub struct Ended {
    pub figures: Figures,
    /// When the fault was; times are [`now`]'s.
    pub fault_at: u64,
    /// When the client that waited longest had a write confirmed again.
    pub back_at: u64,
    /// When new connections of the clients' node first reached the newest master.
    pub led_at: Option<u64>,
}

impl<'s, 'w> Trial<'s, 'w> {
    /// Starts two clients on a node that is not the master's, and probers on all.
    pub fn start(set: &'s ValkeySet<'w>) -> Self {
        let nodes = set.world.nodes();
        let master = set.pointer().expect("there is a master");
        let of_master = set.node_of(&master);
        let numbers = nodes.numbers();
        let home = numbers.iter().position(|number| *number != of_master);
        let home = home.expect("there is another node");
        let netns = nodes.netns(numbers[home]);
        let (address, password) = (set.address(), set.password());
        let kinds = [Kind::Waiting, Kind::Plain];
        let writers = kinds.map(|kind| Writer::start(netns, address, kind, &password)).into();
        let probers = Probers::start(nodes, &set.namespace, address, &password);
        let trial = Self { set, writers, probers, audit: Audit::start(), fault_at: now(), home };
        trial.write_on();
        Self { fault_at: now(), ..trial }
    }

    /// Does what must not harm.
    pub fn fault<T>(&mut self, fault: impl FnOnce() -> T) -> T {
        self.fault_at = now();
        fault()
    }

    /// When the fault was.
    pub fn since_fault(&self) -> Duration {
        Duration::from_nanos(now().saturating_sub(self.fault_at))
    }

    /// Waits until both clients had a write confirmed from now on.
    #[track_caller]
    pub fn write_on(&self) {
        let since = now();
        until("both clients write", DEADLINE, || {
            let last = self.writers.iter().map(Writer::last).min().unwrap_or(0);
            if last > since { Ok(()) } else { Err(self.set.told()) }
        });
    }

    /// Ends it when the set is whole, and holds what the clients were told against what is there.
    #[track_caller]
    pub fn finish(self, replicas: usize) -> Figures {
        self.end(replicas).figures
    }

    /// The same with the times of it.
    #[track_caller]
    pub fn end(self, replicas: usize) -> Ended {
        self.write_on();
        let master = self.set.settle(replicas);
        self.write_on();
        let end = now();
        let Self { set, writers, probers, audit, fault_at, home } = self;
        let seen = probers.stop();
        let ledgers = writers.into_iter().map(|writer| (writer.kind, writer.stop()));
        let mut figures = Figures {
            gap: Duration::ZERO,
            acknowledged: 0,
            acknowledged_lost: 0,
            plain: 0,
            plain_lost: 0,
            writers: most_writers_at_once(&seen.servers),
            window: seen.window(),
            api_writes: audit.map_or(0, |audit| audit.writes()),
        };
        let mut back_at = fault_at;
        for (kind, ledger) in ledgers {
            let (from, until) = ledger.longest_pause(fault_at, end);
            let gap = Duration::from_nanos(until.saturating_sub(from));
            if gap > figures.gap {
                (figures.gap, back_at) = (gap, until);
            }
            let (confirmed, lost) = (ledger.confirmed.len(), lost(set, &master, kind, &ledger));
            match kind {
                Kind::Waiting => {
                    (figures.acknowledged, figures.acknowledged_lost) = (confirmed, lost);
                }
                Kind::Plain => (figures.plain, figures.plain_lost) = (confirmed, lost),
            }
        }
        Ended { figures, fault_at, back_at, led_at: seen.led_at(home) }
    }
}

/// How many confirmed numbers are not in the data.
fn lost(set: &ValkeySet<'_>, master: &str, kind: Kind, ledger: &Ledger) -> usize {
    let found = set.ask(master, &["LRANGE", kind.key(), "0", "-1"]).texts();
    let found: BTreeSet<u64> = found.iter().filter_map(|text| text.parse().ok()).collect();
    ledger.confirmed.iter().filter(|number| !found.contains(number)).count()
}

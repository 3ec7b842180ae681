//! What is explored: sets of some size under a budget of faults, a row each.

use gungnir::sentinel::{Durability, Policy, ReplicaOrder, Rules, Settings};

use super::event::Do;

/// How often each fault may happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Faults {
    /// A process ends; it may start again at any time.
    pub kills: u8,
    /// A pod is deleted by force and made anew while its process runs on, cut off.
    pub moves: u8,
    /// A process stands still; it may go on at any time.
    pub hangs: u8,
    /// Nothing passes between a node and everybody else.
    pub isolations: u8,
    /// Nothing passes from one node to another, in that direction.
    pub cuts: u8,
    /// A deciding process does not reach a node.
    pub losses: u8,
    /// A replication link is reset.
    pub resets: u8,
    /// A firewall closes and refuses a connection: it looks like the end of a process.
    pub pretences: u8,
    /// The deciding process stands still; it may go on at any time.
    pub pauses: u8,
    /// Another process takes the lead.
    pub takeovers: u8,
    /// An answer of the store is lost.
    pub answers: u8,
    /// The record is put back to what it was in the beginning.
    pub restores: u8,
    /// Somebody asks for a handover.
    pub handovers: u8,
    /// Somebody promotes a node whatever may be lost.
    pub promotions: u8,
}

impl Faults {
    pub const NONE: Self = Self {
        kills: 0,
        moves: 0,
        hangs: 0,
        isolations: 0,
        cuts: 0,
        losses: 0,
        resets: 0,
        pretences: 0,
        pauses: 0,
        takeovers: 0,
        answers: 0,
        restores: 0,
        handovers: 0,
        promotions: 0,
    };
}

/// What a process that starts again may find on its disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disk {
    /// All that it had.
    Whole,
    /// Any of its first writes, or nothing.
    Any,
    /// Nothing.
    Empty,
}

/// How a set begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Node 0 leads, everybody follows, one write is there.
    Healthy,
    /// As healthy; then node 0 was cut off, and another one was elected and has settled.
    Replaced,
    /// Nobody leads and nothing is recorded; the first so many nodes hold a write.
    Unrecorded(usize),
    /// A record without a master, data on all but node 0, and that one leads.
    EmptyLeads,
}

/// One search.
#[expect(clippy::struct_excessive_bools, reason = "each is a question of its own")]
#[derive(Debug, Clone, Copy)]
pub struct Configuration {
    pub name: &'static str,
    pub nodes: usize,
    pub w: u8,
    pub start: Start,
    pub faults: Faults,
    /// What has happened before the search begins.
    pub story: &'static [Do],
    /// Clients' writes, beside the first one.
    pub writes: u8,
    pub disk: Disk,
    /// Commands and writes arrive at any later time, or get lost.
    pub late: bool,
    /// A process asks one node at a time and acts on what it was told before.
    pub looks_apart: bool,
    /// A process that was replaced goes on believing that it holds the lease.
    pub leases_overlap: bool,
    pub policy: Policy,
    pub durability: Durability,
    /// Each node replicates as a user of its own.
    pub shuts_out: bool,
    /// Searches end there.
    pub epochs: u8,
    /// One state of so many is healed and run to its end.
    pub sample: u64,
    pub rules: Rules,
    /// Processes start as replicas of nowhere.
    pub gate: bool,
    /// A new term shuts out the earlier ones on each node.
    pub fence: bool,
    /// The store compares versions.
    pub versions: bool,
}

/// What the rows have in common.
pub const BASE: Configuration = Configuration {
    name: "",
    nodes: 3,
    w: 1,
    start: Start::Healthy,
    faults: Faults::NONE,
    story: &[],
    writes: 1,
    disk: Disk::Any,
    late: false,
    looks_apart: false,
    leases_overlap: false,
    policy: Policy::Consistency,
    durability: Durability::Preferred,
    shuts_out: false,
    epochs: 8,
    sample: 64,
    rules: Rules::ALL,
    gate: true,
    fence: true,
    versions: true,
};

impl Configuration {
    pub fn settings(&self) -> Settings {
        Settings {
            ping_interval_ms: 500,
            down_after_ms: 5000,
            failover_timeout_ms: 30_000,
            min_replicas_to_write: self.w,
            min_replicas_max_lag_s: 2,
            replica_order: ReplicaOrder::DataFirst,
            policy: self.policy,
            durability: self.durability,
            may_appoint_first: true,
            auto_failover: true,
            shuts_out: self.shuts_out,
        }
    }
}

const NONE: Faults = Faults::NONE;
const KILL: Faults = Faults { kills: 1, ..NONE };

const fn row(name: &'static str, faults: Faults, rest: Configuration) -> Configuration {
    Configuration { name, faults, ..rest }
}

const LATE: Configuration = Configuration { late: true, ..BASE };
const WHOLE: Configuration = Configuration { disk: Disk::Whole, ..BASE };
const PAIR: Configuration = Configuration { nodes: 2, ..LATE };
const FIVE: Configuration = Configuration { nodes: 5, w: 2, ..WHOLE };

/// The searches of `tests/run model`, each of all that can happen.
pub const CONFIGURATIONS: &[Configuration] = &[
    row("a process ends, two writes", KILL, Configuration { writes: 2, ..BASE }),
    row("a process ends, messages are late", KILL, LATE),
    row("a pod is made anew while it runs on", Faults { moves: 1, ..NONE }, LATE),
    row("a process stands still", Faults { hangs: 1, ..NONE }, LATE),
    row("a node is cut off", Faults { isolations: 1, ..NONE }, LATE),
    row("two one-way cuts", Faults { cuts: 2, ..NONE }, BASE),
    row("a handover, and a process ends", Faults { handovers: 1, ..KILL }, WHOLE),
    row(
        "a node is promoted by people while one is cut off",
        Faults { promotions: 1, isolations: 1, ..NONE },
        BASE,
    ),
    row(
        "the first master, and a process ends",
        KILL,
        Configuration { start: Start::Unrecorded(2), ..BASE },
    ),
    row("two nodes, a process ends", KILL, Configuration { writes: 2, ..PAIR }),
    row("five nodes, a process ends", KILL, Configuration { writes: 0, ..FIVE }),
    row(
        "another process takes the lead after one that goes on",
        Faults { takeovers: 1, ..NONE },
        Configuration { leases_overlap: true, ..WHOLE },
    ),
    row("a process ends while another one takes the lead", Faults { takeovers: 1, ..KILL }, WHOLE),
    row(
        "a link is reset, a firewall pretends an end",
        Faults { resets: 1, pretences: 1, ..NONE },
        WHOLE,
    ),
];

/// Searches of `tests/run model-deep` end after so many generated states each: what memory holds.
pub const DEEP_AT_MOST: usize = 30_000_000;

/// The searches of `tests/run model-deep`.
pub const DEEP: &[Configuration] = &[
    row(
        "a process ends, messages are late, nodes are asked apart",
        KILL,
        Configuration { looks_apart: true, ..LATE },
    ),
    row("a process ends while another one takes the lead", Faults { takeovers: 1, ..KILL }, LATE),
    row(
        "two that lead at once, and a process ends",
        Faults { takeovers: 1, ..KILL },
        Configuration { leases_overlap: true, ..LATE },
    ),
    row(
        "one that leads stands still and comes back",
        Faults { takeovers: 1, pauses: 1, ..KILL },
        Configuration { leases_overlap: true, ..BASE },
    ),
    row("the record is restored", Faults { takeovers: 1, restores: 1, ..KILL }, BASE),
    row("answers of the store are lost", Faults { answers: 2, ..KILL }, LATE),
    row("a process ends and a node is cut off", Faults { isolations: 1, ..KILL }, BASE),
    row("staggered cuts", Faults { cuts: 2, losses: 2, ..NONE }, BASE),
    row("two handovers", Faults { handovers: 2, ..KILL }, LATE),
    row("two processes end", Faults { kills: 2, ..NONE }, BASE),
    row(
        "one is shut out",
        Faults { isolations: 1, ..KILL },
        Configuration { shuts_out: true, ..BASE },
    ),
    row("five nodes, a process ends", KILL, Configuration { disk: Disk::Any, ..FIVE }),
    row("one process ends, two partitions", Faults { isolations: 2, ..KILL }, WHOLE),
    row(
        "one process ends, two partitions, the first of which has moved the master",
        Faults { isolations: 1, ..KILL },
        Configuration { start: Start::Replaced, ..WHOLE },
    ),
    row(
        "a link is reset, a firewall pretends an end, messages are late",
        Faults { resets: 1, pretences: 1, ..NONE },
        Configuration { writes: 2, ..LATE },
    ),
    row(
        "five nodes, one is cut off, messages are late",
        Faults { isolations: 1, ..NONE },
        Configuration { late: true, ..FIVE },
    ),
];

/// How many walks `tests/run model-deep` takes through each of [`LONG`], and how long they may be.
pub const WALKS: u64 = 100_000;
pub const WALK_STEPS: usize = 200;

/// What is walked through as well: chains of elections are longer than any search in breadth is deep.
pub const LONG: &[Configuration] = &[
    row("one process ends, two partitions", Faults { isolations: 2, ..KILL }, WHOLE),
    row(
        "one process ends, two partitions, messages are late",
        Faults { isolations: 2, ..KILL },
        LATE,
    ),
    row(
        "the same, while another process takes the lead",
        Faults { isolations: 2, takeovers: 1, ..KILL },
        BASE,
    ),
    row("two processes end, one partition", Faults { isolations: 1, kills: 2, ..NONE }, WHOLE),
];

//! What one search is about: a set of some size, its settings, and a budget of faults.

use gungnir::sentinel::{Durability, Millis, Policy, ReplicaOrder, Rules, Settings};

use super::event::Do;
use super::property::Property;

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
    /// A set that nobody leads is given its first master.
    pub may_appoint_first: bool,
    pub auto_failover: bool,
    /// How long silence lasts until a node counts as down.
    pub down_after_ms: Millis,
    /// Each node replicates as a user of its own.
    pub shuts_out: bool,
    /// Searches end there.
    pub epochs: u8,
    /// One state of so many is healed and run to its end.
    pub sample: u64,
    pub rules: Rules,
    /// Processes start as replicas of nowhere.
    pub gate: bool,
    /// Those who decide know that.
    pub knows_gate: bool,
    /// A new term shuts out the earlier ones on each node.
    pub fence: bool,
    /// A command is done only by the run that it was sent to.
    pub runs: bool,
    /// A node that is told to follow attaches.
    pub attaches: bool,
    /// The store compares versions.
    pub versions: bool,
    /// A process is asked to decide while it writes, too.
    pub steps_while_writing: bool,
    /// What is not promised there.
    pub except: &'static [Property],
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
    may_appoint_first: true,
    auto_failover: true,
    down_after_ms: 5000,
    shuts_out: false,
    epochs: 8,
    sample: 64,
    rules: Rules::ALL,
    gate: true,
    knows_gate: true,
    fence: true,
    runs: true,
    attaches: true,
    versions: true,
    steps_while_writing: false,
    except: &[],
};

impl Configuration {
    pub fn settings(&self) -> Settings {
        Settings {
            ping_interval_ms: 500,
            down_after_ms: self.down_after_ms,
            failover_timeout_ms: 30_000,
            min_replicas_to_write: self.w,
            min_replicas_max_lag_s: 2,
            replica_order: ReplicaOrder::DataFirst,
            policy: self.policy,
            durability: self.durability,
            may_appoint_first: self.may_appoint_first,
            auto_failover: self.auto_failover,
            shuts_out: self.shuts_out,
        }
    }

    /// The same where each message arrives at once.
    pub fn at_once(&self) -> Self {
        Self { late: false, looks_apart: false, ..*self }
    }

    /// The same with all that is relied on in force.
    pub fn as_assumed(&self) -> Self {
        Self {
            w: BASE.w,
            sample: BASE.sample,
            may_appoint_first: BASE.may_appoint_first,
            auto_failover: BASE.auto_failover,
            down_after_ms: BASE.down_after_ms,
            gate: BASE.gate,
            fence: BASE.fence,
            runs: BASE.runs,
            attaches: BASE.attaches,
            versions: BASE.versions,
            ..*self
        }
    }
}

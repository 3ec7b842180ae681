//! How many copies a write needs, and who decides when the master is gone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the replicas follow the master.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Replication {
    /// How many replicas must be online for the master to accept writes
    /// (`min-replicas-to-write`), at most `replicas` - 1. Default: half of `replicas`, rounded
    /// down; 0 for a single pod.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 8))]
    pub min_replicas_to_write: Option<i32>,

    /// After how many seconds without a word a replica no longer counts as online
    /// (`min-replicas-max-lag`). Default: 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 3600))]
    pub min_replicas_max_lag: Option<i32>,

    /// What happens while fewer replicas are online: `Preferred` lowers the number for as long
    /// as they are away, `Required` refuses writes. Default: Preferred.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub durability: Option<Durability>,

    /// Whether a full synchronisation is streamed without a file on the master's disk
    /// (`repl-diskless-sync`). Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub diskless_sync: Option<bool>,
}

/// What happens while fewer replicas are online than a write needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Durability {
    /// Writes go on with the replicas that are there.
    #[default]
    Preferred,
    /// Writes wait until enough replicas are there.
    Required,
}

/// When the master counts as gone, and who takes over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sentinel {
    /// How often every server is asked, in milliseconds. Default: 1000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 100, max = 60_000))]
    pub ping_interval_ms: Option<i32>,

    /// After how many milliseconds of silence a server counts as down (SDOWN). With
    /// `minReplicasToWrite` of 1 or more it is at least (`minReplicasMaxLag` + 2) * 1000, so that
    /// an isolated master refuses writes before another takes them. Default: 5000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 500, max = 600_000))]
    pub down_after_ms: Option<i32>,

    /// How long a failover may take before it is tried again, in milliseconds. Default: 60000.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1000, max = 3_600_000))]
    pub failover_timeout_ms: Option<i32>,

    /// Whether the operator fails over by itself; planned handovers work either way.
    /// Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_failover: Option<bool>,

    /// What an unclear situation costs: `Consistency` waits until no acknowledged write can be
    /// lost, `Availability` waits `failoverTimeoutMs` and then takes the best replica there is.
    /// Default: Consistency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<FailoverPolicy>,

    /// How replicas are ranked: `DataFirst` by replication offset, then priority;
    /// `PriorityFirst` by priority, then offset, as Valkey Sentinel does. Default: `DataFirst`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replica_order: Option<ReplicaOrder>,
}

/// What an unclear situation costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum FailoverPolicy {
    /// Wait until no acknowledged write can be lost.
    #[default]
    Consistency,
    /// Wait for a while, then take the best replica there is.
    Availability,
}

/// How replicas are ranked in a failover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReplicaOrder {
    /// Replication offset, priority, run id.
    #[default]
    DataFirst,
    /// Priority, replication offset, run id.
    PriorityFirst,
}

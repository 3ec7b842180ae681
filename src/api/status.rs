//! What the operator reports, and what it must remember to decide safely.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The state of a cluster as the operator sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ValkeyClusterStatus {
    /// One word for people; programs read `conditions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub phase: Option<String>,

    /// The pod that is master.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub master: Option<String>,

    /// How many pods are ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_replicas: Option<i32>,

    /// How many pods there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<i32>,

    /// The `metadata.generation` that this status speaks of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// The label selector of the pods, as text (for the scale subresource).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    pub selector: Option<String>,

    /// What holds and what does not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 32),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"])
    )]
    pub conditions: Vec<Condition>,

    /// The last change of master.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_failover: Option<LastFailover>,

    /// What must survive a crash of the operator in the middle of a failover.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub election: Option<Election>,
}

/// The last change of master.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LastFailover {
    /// The pod that was master.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub from: Option<String>,

    /// The pod that became master.
    #[schemars(length(max = 63))]
    pub to: String,

    /// Why, in one word.
    #[schemars(length(max = 128))]
    pub reason: String,

    /// When the new master was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// The record that every failover is decided on and written to before it acts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Election {
    /// Which leader wrote this; only grows.
    pub term: i64,

    /// Which change of master this is; only grows.
    pub epoch: i64,

    /// What is going on.
    pub phase: ElectionPhase,

    /// The pod that is to become master.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63))]
    pub target: Option<String>,

    /// The master.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master: Option<MasterRef>,

    /// `run_id` of the master's process.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub run_id: Option<String>,

    /// `master_replid`: the history that the data belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub repl_id: Option<String>,

    /// The history before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub previous_repl_id: Option<String>,

    /// The replicas that may hold acknowledged writes of this epoch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 9), extend("x-kubernetes-list-type" = "atomic"))]
    pub in_sync: Vec<Member>,

    /// The same of the epoch before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 9), extend("x-kubernetes-list-type" = "atomic"))]
    pub previous_in_sync: Vec<Member>,

    /// `min-replicas-to-write` in force.
    pub w: i32,

    /// The replication offset at which the master was promoted, in bytes.
    pub base_offset: i64,

    /// What people asked for by annotation and was done, as annotation=value: not done again before
    /// the annotation has another value, or was gone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(max = 4),
        inner(length(max = 256)),
        extend("x-kubernetes-list-type" = "atomic")
    )]
    pub served: Vec<String>,

    /// The lease of the operator that watches this cluster, as namespace/name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 317))]
    pub operator: Option<String>,
}

/// What is going on in an election.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ElectionPhase {
    /// Nothing is recorded yet, or the record was older than the servers.
    #[default]
    Adopt,
    /// The recorded master leads.
    Stable,
    /// The recorded master is gone; `target` takes over.
    Failover,
    /// A planned handover to `target`.
    Switchover,
}

/// A master, by what cannot be reused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MasterRef {
    /// The pod's name.
    #[schemars(length(max = 63))]
    pub pod: String,

    /// The pod's uid.
    #[schemars(length(max = 64))]
    pub uid: String,

    /// The container's id, as the kubelet reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub container_id: Option<String>,
}

/// A replica that may hold acknowledged writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The pod's name.
    #[schemars(length(max = 63))]
    pub pod: String,

    /// The pod's uid.
    #[schemars(length(max = 64))]
    pub uid: String,

    /// `run_id` of its process.
    #[schemars(length(max = 64))]
    pub run_id: String,
}

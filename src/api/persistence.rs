//! Where the data survives a restart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Volumes and the files on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Persistence {
    /// Whether every pod has a volume of its own. Immutable. Default: true.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,

    /// The size of each pod's volume, as a Kubernetes quantity. It can only grow. Default: 1Gi.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(min = 1, max = 32),
        regex(pattern = "^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|[eE][0-9]+)?$")
    )]
    pub storage_size: Option<String>,

    /// The StorageClass of the volumes. Immutable. Default: the cluster's default class.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,

    /// What is written to the volume: `none`, `rdb` (snapshots), `aof` (a log of every write) or
    /// `both`. Without a volume it is `none`. Default: both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<PersistenceMode>,

    /// What becomes of the volumes when the cluster is deleted or scaled down: `Retain` or
    /// `Delete`. Default: Retain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reclaim_policy: Option<ReclaimPolicy>,
}

/// What a server writes to its volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum PersistenceMode {
    /// Nothing: a pod that restarts is empty until it has synchronised.
    None,
    /// Snapshots.
    Rdb,
    /// A log of every write.
    Aof,
    /// Snapshots and a log.
    #[default]
    Both,
}

impl PersistenceMode {
    /// Whether snapshots are written.
    #[must_use]
    pub fn has_rdb(self) -> bool {
        matches!(self, Self::Rdb | Self::Both)
    }

    /// Whether a log of every write is kept.
    #[must_use]
    pub fn has_aof(self) -> bool {
        matches!(self, Self::Aof | Self::Both)
    }
}

/// What becomes of a volume that no pod uses any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ReclaimPolicy {
    /// It is kept.
    #[default]
    Retain,
    /// It is deleted, and the data on it.
    Delete,
}

impl ReclaimPolicy {
    /// The word Kubernetes uses for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retain => "Retain",
            Self::Delete => "Delete",
        }
    }
}

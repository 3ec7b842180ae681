//! What the election tells the rest of the operator: for conditions, events and metrics.

use super::facts::ClusterKey;

/// Something that an election has found or done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElectionNews {
    /// Of which cluster.
    pub key: ClusterKey,
    /// The reason of an event, in Valkey Sentinel's vocabulary: `+switch-master`, `+sdown`.
    pub reason: &'static str,
    /// The event in words.
    pub text: String,
    /// Whether people should worry.
    pub warning: bool,
}

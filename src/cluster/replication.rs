//! How many copies a write needs, and when the master counts as gone: the resolved
//! `spec.replication` and `spec.sentinel`.

use crate::api::{Durability, FailoverPolicy, ReplicaOrder, Replication, Sentinel};

use super::fault::{Faults, number, spec};

/// After how many seconds without a word a replica no longer counts, when the spec says nothing.
pub const DEFAULT_MAX_LAG_SECONDS: u32 = 2;
/// How often every server is asked, in milliseconds, when the spec says nothing.
pub const DEFAULT_PING_INTERVAL_MS: u32 = 1000;
/// After how many milliseconds of silence a server is down, when the spec says nothing.
pub const DEFAULT_DOWN_AFTER_MS: u32 = 5000;
/// How long a failover may take, in milliseconds, when the spec says nothing.
pub const DEFAULT_FAILOVER_TIMEOUT_MS: u32 = 60_000;

/// How many copies a write needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteQuorum {
    /// How many replicas must be online for the master to accept writes.
    pub min_replicas_to_write: u32,
    /// After how many seconds without a word a replica no longer counts as online.
    pub max_lag_seconds: u32,
    /// What happens while fewer are online.
    pub durability: Durability,
    /// Whether a full synchronisation is streamed without a file.
    pub diskless_sync: bool,
}

impl WriteQuorum {
    pub(super) fn resolve(
        replication: Option<Replication>,
        replicas: u32,
        faults: &mut Faults,
    ) -> Self {
        let Replication { min_replicas_to_write, min_replicas_max_lag, durability, diskless_sync } =
            replication.unwrap_or_default();
        let path = spec("replication").key("minReplicasToWrite");
        let default = default_write_quorum(replicas);
        let quorum = number(min_replicas_to_write, 0..=8, default, &path, faults);
        if quorum >= replicas {
            faults.add_with_help(
                path,
                format!(
                    "is {quorum}, and there are only {} replicas beside the master",
                    replicas - 1
                ),
                "lower it, or raise spec.replicas",
            );
        }
        let path = spec("replication").key("minReplicasMaxLag");
        let max_lag_seconds =
            number(min_replicas_max_lag, 1..=3600, DEFAULT_MAX_LAG_SECONDS, &path, faults);
        Self {
            min_replicas_to_write: quorum,
            max_lag_seconds,
            durability: durability.unwrap_or_default(),
            diskless_sync: diskless_sync.unwrap_or(true),
        }
    }
}

/// When the master counts as gone, and who takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailoverRules {
    /// How often every server is asked, in milliseconds.
    pub ping_interval_ms: u32,
    /// After how many milliseconds of silence a server is down.
    pub down_after_ms: u32,
    /// How long a failover may take before it is tried again, in milliseconds.
    pub failover_timeout_ms: u32,
    /// Whether the operator fails over by itself.
    pub auto_failover: bool,
    /// What an unclear situation costs.
    pub policy: FailoverPolicy,
    /// How replicas are ranked.
    pub replica_order: ReplicaOrder,
}

impl FailoverRules {
    pub(super) fn resolve(
        sentinel: Option<Sentinel>,
        quorum: &WriteQuorum,
        faults: &mut Faults,
    ) -> Self {
        let Sentinel {
            ping_interval_ms,
            down_after_ms,
            failover_timeout_ms,
            auto_failover,
            policy,
            replica_order,
        } = sentinel.unwrap_or_default();
        let path = |field: &str| spec("sentinel").key(field);
        let mut milliseconds =
            |value, range, default, field| number(value, range, default, &path(field), faults);
        let ping_interval_ms = milliseconds(
            ping_interval_ms,
            100..=60_000,
            DEFAULT_PING_INTERVAL_MS,
            "pingIntervalMs",
        );
        let down_after_ms =
            milliseconds(down_after_ms, 500..=600_000, DEFAULT_DOWN_AFTER_MS, "downAfterMs");
        let failover_timeout_ms = milliseconds(
            failover_timeout_ms,
            1000..=3_600_000,
            DEFAULT_FAILOVER_TIMEOUT_MS,
            "failoverTimeoutMs",
        );

        let least = least_down_after_ms(quorum.max_lag_seconds);
        if quorum.min_replicas_to_write > 0 && down_after_ms < least {
            faults.add_with_help(
                path("downAfterMs"),
                format!("{down_after_ms} ms is too short: two masters could take writes at once"),
                format!(
                    "an isolated master goes on for up to {} s (replication.minReplicasMaxLag + 2); \
                     set at least {least}, or lower the lag",
                    least / 1000
                ),
            );
        }
        if ping_interval_ms > down_after_ms {
            faults.add_with_help(
                path("pingIntervalMs"),
                format!(
                    "a ping every {ping_interval_ms} ms cannot tell silence of {down_after_ms} ms"
                ),
                "set it to at most downAfterMs",
            );
        }
        Self {
            ping_interval_ms,
            down_after_ms,
            failover_timeout_ms,
            auto_failover: auto_failover.unwrap_or(true),
            policy: policy.unwrap_or_default(),
            replica_order: replica_order.unwrap_or_default(),
        }
    }
}

/// The least `downAfterMs` at which an isolated master refuses writes before another takes them.
///
/// Valkey counts the lag in whole seconds, once a second: that is the 2.
#[must_use]
pub fn least_down_after_ms(max_lag_seconds: u32) -> u32 {
    max_lag_seconds.saturating_add(2).saturating_mul(1000)
}

/// How many replicas a write needs when the spec does not say: half of the pods, rounded down.
#[must_use]
pub fn default_write_quorum(replicas: u32) -> u32 {
    if replicas <= 1 { 0 } else { replicas / 2 }
}

/// How many pods an eviction may take when the spec does not say: what leaves the quorum that a
/// failover needs, and never 0, which would block every drain.
#[must_use]
pub fn default_max_unavailable(replicas: u32, min_replicas_to_write: u32) -> u32 {
    let spare = replicas.saturating_sub(1).saturating_sub(min_replicas_to_write);
    min_replicas_to_write.min(spare).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_pods_acknowledge_and_an_eviction_leaves_a_quorum() {
        for (replicas, quorum, max_unavailable) in
            [(1, 0, 1), (2, 1, 1), (3, 1, 1), (4, 2, 1), (5, 2, 2), (6, 3, 2), (7, 3, 3), (9, 4, 4)]
        {
            assert_eq!(default_write_quorum(replicas), quorum, "{replicas} pods");
            assert_eq!(
                default_max_unavailable(replicas, quorum),
                max_unavailable,
                "{replicas} pods"
            );
        }
    }

    #[test]
    fn two_writers_are_never_accepted() {
        let wait = |down_after_ms| {
            Some(Sentinel { down_after_ms: Some(down_after_ms), ..Sentinel::default() })
        };
        for (lag, down_after_ms, quorum, fine) in [
            (2, 4000, 1, true),
            (2, 3999, 1, false),
            (2, 3999, 0, true),
            (3, 5000, 2, true),
            (3, 4999, 2, false),
        ] {
            let mut faults = Faults::default();
            let replication = Replication {
                min_replicas_to_write: Some(quorum),
                min_replicas_max_lag: Some(lag),
                ..Replication::default()
            };
            let quorum = WriteQuorum::resolve(Some(replication), 3, &mut faults);
            FailoverRules::resolve(wait(down_after_ms), &quorum, &mut faults);
            assert_eq!(faults.into_result().is_ok(), fine, "lag {lag}, {down_after_ms} ms");
        }
    }
}

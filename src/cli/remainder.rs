//! What of a spec no manifest tells, as a `ValkeyCluster` that holds just that.
//!
//! A field stands in it, under its own name, when its value stands in no manifest, since the
//! operator alone reads it, or when the API server refuses its change. All else is told by the
//! manifests: nothing is left out, and nothing is told twice but what is refused, where the
//! manifests show what another cluster of that spec would have.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::json;

use crate::api::GROUP;
use crate::api::KIND;
use crate::api::VERSION;
use crate::cluster::FailoverRules;
use crate::cluster::Roles;
use crate::cluster::ValidatedCluster;
use crate::cluster::WriteQuorum;
use crate::cluster::transition::refusals;
use crate::manifest::Manifest;
use crate::manifest::ManifestError;

use super::operand::Side;

/// Adds it to both sides, for every cluster that both have: one that is made or deleted is told by
/// its manifests, and where a master is static there is neither an operator nor a `ValkeyCluster`.
pub(super) fn add_remainders(from: &mut Side, to: &mut Side) -> Result<(), ManifestError> {
    let elected = |cluster: &&ValidatedCluster| cluster.roles == Roles::Elected;
    let newer = to.clusters.iter().filter(elected).map(|new| (identity(new), new));
    let newer: BTreeMap<_, _> = newer.collect();
    for old in from.clusters.iter().filter(elected) {
        let Some(new) = newer.get(&identity(old)) else { continue };
        let (mut before, mut after) = (remainder(old), remainder(new));
        for refused in refusals(&old.fixed, &new.fixed) {
            set(&mut before, refused.field, (refused.value)(&old.fixed));
            set(&mut after, refused.field, (refused.value)(&new.fixed));
        }
        from.manifests.insert(Manifest::from_object(before)?)?;
        to.manifests.insert(Manifest::from_object(after)?)?;
    }
    Ok(())
}

fn identity(cluster: &ValidatedCluster) -> (Option<&str>, &str) {
    (cluster.namespace.as_deref(), &cluster.names.cluster)
}

/// What the operator alone reads, defaults filled in.
fn remainder(cluster: &ValidatedCluster) -> Value {
    let WriteQuorum { durability, min_replicas_to_write: _, max_lag_seconds: _, diskless_sync: _ } =
        cluster.quorum;
    let FailoverRules {
        ping_interval_ms,
        down_after_ms,
        failover_timeout_ms,
        auto_failover,
        policy,
        replica_order,
    } = cluster.failover;
    let (namespace, name) = identity(cluster);
    let mut metadata = json!({ "name": name });
    if let Some(namespace) = namespace {
        metadata["namespace"] = namespace.into();
    }
    json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": KIND,
        "metadata": metadata,
        "spec": {
            "management": cluster.management,
            "replication": { "durability": durability },
            "sentinel": {
                "pingIntervalMs": ping_interval_ms,
                "downAfterMs": down_after_ms,
                "failoverTimeoutMs": failover_timeout_ms,
                "autoFailover": auto_failover,
                "policy": policy,
                "replicaOrder": replica_order,
            },
        },
    })
}

fn set(object: &mut Value, field: &str, value: Value) {
    *field.split('.').fold(&mut object["spec"], |place, key| &mut place[key]) = value;
}

//! What the election is told of a cluster, out of the caches: pure.

use crate::api;
use crate::cluster::{FailoverRules, Quantity, ValidatedCluster, WriteQuorum, ordinal_of};
use crate::runtime::LiveSettings;
use crate::sentinel::{Durability, Policy, ReplicaOrder, Settings};

use super::annotation::Annotation;
use super::cache::{ClusterObject, Detail, KindId, View};
use super::facts::{
    Access, ClusterFacts, PodFacts, ServiceFacts, Terminated, TlsFiles, VolumeFacts,
};
use super::secret::Passwords;

/// What the election is told. `sound` is the last spec that was sound, `heir` who is to take over
/// before its master is restarted.
#[must_use]
pub fn facts_of(
    cluster: &ClusterObject,
    view: &View,
    sound: &ValidatedCluster,
    passwords: Option<&Passwords>,
    tls: Option<&TlsFiles>,
    heir: Option<&str>,
) -> ClusterFacts {
    let owned = |annotation| cluster.annotation(annotation).map(str::to_owned);
    ClusterFacts {
        key: cluster.key.clone(),
        uid: cluster.uid.clone(),
        resource_version: cluster.resource_version.clone(),
        settings: settings(&sound.quorum, &sound.failover),
        port: u16::try_from(sound.port).unwrap_or(u16::MAX),
        live: LiveSettings::new(sound.config.live()),
        pods: pods(cluster, view, sound),
        access: access(sound, passwords, tls),
        service: service(view, sound),
        election: cluster.status.election.clone(),
        record_unreadable: cluster.record_unreadable,
        switchover_to: owned(Annotation::SwitchoverTo),
        heir: heir.map(str::to_owned),
        promote: owned(Annotation::Promote),
        fence: owned(Annotation::Fence),
        paused: cluster.paused(),
    }
}

/// The settings of an election.
pub fn settings(quorum: &WriteQuorum, failover: &FailoverRules) -> Settings {
    let WriteQuorum { min_replicas_to_write, max_lag_seconds, durability, diskless_sync: _ } =
        *quorum;
    let FailoverRules {
        ping_interval_ms,
        down_after_ms,
        failover_timeout_ms,
        auto_failover,
        policy,
        replica_order,
    } = *failover;
    Settings {
        ping_interval_ms: ping_interval_ms.into(),
        down_after_ms: down_after_ms.into(),
        failover_timeout_ms: failover_timeout_ms.into(),
        min_replicas_to_write: u8::try_from(min_replicas_to_write).unwrap_or(u8::MAX),
        min_replicas_max_lag_s: max_lag_seconds.into(),
        replica_order: match replica_order {
            api::ReplicaOrder::DataFirst => ReplicaOrder::DataFirst,
            api::ReplicaOrder::PriorityFirst => ReplicaOrder::PriorityFirst,
        },
        policy: match policy {
            api::FailoverPolicy::Consistency => Policy::Consistency,
            api::FailoverPolicy::Availability => Policy::Availability,
        },
        durability: match durability {
            api::Durability::Preferred => Durability::Preferred,
            api::Durability::Required => Durability::Required,
        },
        may_appoint_first: true,
        auto_failover,
        // Each pod has a replication user of its own.
        shuts_out: true,
    }
}

/// Every ordinal that there is to be, or still is: a pod that is about to go can be master.
fn pods(cluster: &ClusterObject, view: &View, sound: &ValidatedCluster) -> Vec<PodFacts> {
    let ordinal = |name: &String| ordinal_of(&sound.names.cluster, name);
    let highest = view.pods.keys().filter_map(ordinal).map(|ordinal| ordinal + 1).max();
    let count = sound.replicas.max(highest.unwrap_or(0));
    (0..count).map(|ordinal| pod(cluster, view, sound, ordinal)).collect()
}

fn pod(cluster: &ClusterObject, view: &View, sound: &ValidatedCluster, ordinal: u32) -> PodFacts {
    let name = sound.names.pod(ordinal);
    let volume = view.claim_of(&name).map(|claim| VolumeFacts {
        name: claim.name.clone(),
        uid: claim.uid.clone(),
        epoch: claim.epoch.clone(),
        older_than_cluster: claim.created.is_some() && claim.created < cluster.created,
    });
    let dns_name = format!("{name}.{}.{}.svc", sound.names.headless, cluster.key.namespace);
    let Some(pod) = view.pods.get(&name) else {
        return PodFacts { name, dns_name, volume, ..PodFacts::default() };
    };
    let terminated =
        |id: &String| Terminated { pod_uid: pod.uid.clone(), container_id: id.clone() };
    PodFacts {
        name,
        uid: Some(pod.uid.clone()),
        ip: pod.ip.clone(),
        host: pod.host.clone(),
        dns_name,
        deleting: pod.deleting,
        container_id: pod.container_id.clone(),
        terminated: pod.ended.iter().map(terminated).collect(),
        other_memory_limit: pod.memory_limit != memory_limit(sound),
        role: pod.role.clone(),
        volume,
    }
}

/// The memory limit of the servers, as the spec says it.
fn memory_limit(sound: &ValidatedCluster) -> Option<Quantity> {
    sound.resources.as_ref()?.limits.as_ref()?.get("memory")?.0.parse().ok()
}

fn access(
    sound: &ValidatedCluster,
    passwords: Option<&Passwords>,
    tls: Option<&TlsFiles>,
) -> Option<Access> {
    let operator_password = passwords?.operator().clone();
    if sound.transport.is_some() && tls.is_none() {
        return None;
    }
    let tls = tls.filter(|_| sound.transport.is_some()).cloned();
    Some(Access { operator_password, tls })
}

fn service(view: &View, sound: &ValidatedCluster) -> Option<ServiceFacts> {
    let named = |(kind, name): &(KindId, String)| {
        kind.row().resource.kind == "Service" && *name == sound.names.client
    };
    let (_, child) = view.children.iter().find(|(place, _)| named(place))?;
    let Detail::Service { pod, epoch } = &child.detail else { return None };
    Some(ServiceFacts {
        uid: child.uid.clone(),
        resource_version: child.resource_version.clone(),
        pod: pod.clone(),
        epoch: *epoch,
    })
}

//! A cluster as the tests of this room have it.

use crate::operator::{Access, ClusterFacts, ClusterKey, PodFacts};
use crate::runtime::LiveSettings;
use crate::sentinel::{Durability, Policy, ReplicaOrder, Settings};
use crate::valkey::Secret;

/// Uids of pods.
pub(super) const UIDS: [&str; 3] = [
    "0ab97cd1-8d71-4b52-ae5b-2e5b6a3a0a11",
    "0ab97cd1-8d71-4b52-ae5b-2e5b6a3a0a12",
    "0ab97cd1-8d71-4b52-ae5b-2e5b6a3a0a13",
];

/// `demo/shop` with so many pods, at most three.
pub(super) fn facts(pods: usize) -> ClusterFacts {
    let pod = |(index, uid): (usize, &&str)| PodFacts {
        name: format!("shop-{index}"),
        uid: Some((*uid).to_owned()),
        ip: Some(format!("10.0.0.{}", index + 1)),
        dns_name: format!("shop-{index}.shop-headless.demo.svc"),
        ..PodFacts::default()
    };
    ClusterFacts {
        key: ClusterKey { namespace: "demo".into(), name: "shop".into() },
        uid: "0ab97cd1-8d71-4b52-ae5b-000000000000".into(),
        resource_version: "10".into(),
        settings: Settings {
            ping_interval_ms: 100,
            down_after_ms: 5000,
            failover_timeout_ms: 60_000,
            min_replicas_to_write: 1,
            min_replicas_max_lag_s: 2,
            replica_order: ReplicaOrder::DataFirst,
            policy: Policy::Consistency,
            durability: Durability::Preferred,
            may_appoint_first: false,
            auto_failover: true,
            shuts_out: false,
        },
        port: 6379,
        live: LiveSettings::default(),
        pods: UIDS.iter().enumerate().take(pods).map(pod).collect(),
        access: Some(Access { operator_password: Secret::new("secret".to_owned()), tls: None }),
        service: None,
        election: None,
        record_unreadable: false,
        switchover_to: None,
        heir: None,
        promote: None,
        fence: None,
        paused: false,
    }
}

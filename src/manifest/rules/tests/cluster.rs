//! Changes of a `ValkeyCluster`.

/// Older spec of a cluster, newer one, impact, reason.
pub(super) const CLUSTERS: &[(&str, &str, &str, &str)] = &[
    (
        "{port: 6379}",
        "{port: 7000}",
        "recreate",
        "port is immutable: clients and replicas hold it; the API server refuses this change to a \
         living cluster: make a new one and copy the data",
    ),
    (
        "{persistence: {enabled: true}}",
        "{persistence: {enabled: false}}",
        "data-loss",
        "persistence.enabled is immutable: make a new cluster and copy the data; the API server \
         refuses this change to a living cluster",
    ),
    (
        "{persistence: {enabled: false}}",
        "{persistence: {enabled: true}}",
        "recreate",
        "persistence.enabled is immutable: make a new cluster and copy the data; the API server \
         refuses this change to a living cluster",
    ),
    (
        "{persistence: {}}",
        "{persistence: {storageClassName: fast}}",
        "data-loss",
        "persistence.storageClassName is immutable: a volume cannot change its class; the API \
         server refuses this change to a living cluster: make a new one and copy the data",
    ),
    (
        "{persistence: {storageSize: 2Gi}}",
        "{persistence: {storageSize: 1Gi}}",
        "data-loss",
        "persistence.storageSize can only grow: a volume cannot shrink; the API server refuses \
         this change to a living cluster: make a new one and copy the data",
    ),
    (
        "{persistence: {mode: rdb}}",
        "{persistence: {mode: aof}}",
        "data-loss",
        "persistence.mode may not change in a way that loses data: go from rdb to aof and back \
         through both; nothing goes to none; the API server refuses this change to a living \
         cluster",
    ),
    (
        "{management: Operator}",
        "{management: GitOps}",
        "reload",
        "the operator applies nothing once Git applies all of the set",
    ),
    (
        "{management: GitOps}",
        "{management: Operator}",
        "reload",
        "the operator applies the set, Git no longer has to",
    ),
    (
        "{replication: {durability: Required}}",
        "{replication: {durability: Preferred}}",
        "reload",
        "weaker: while replicas are away, writes go on with fewer copies",
    ),
    (
        "{replication: {durability: Preferred}}",
        "{replication: {durability: Required}}",
        "reload",
        "stronger: while replicas are away, writes are refused",
    ),
    (
        "{sentinel: {autoFailover: true}}",
        "{sentinel: {autoFailover: false}}",
        "reload",
        "weaker: when the master dies, nobody takes over by itself",
    ),
    (
        "{sentinel: {autoFailover: false}}",
        "{sentinel: {autoFailover: true}}",
        "reload",
        "the operator fails over by itself",
    ),
    (
        "{sentinel: {policy: Consistency}}",
        "{sentinel: {policy: Availability}}",
        "reload",
        "weaker: a failover that is unclear may lose acknowledged writes",
    ),
    (
        "{sentinel: {policy: Availability}}",
        "{sentinel: {policy: Consistency}}",
        "reload",
        "stronger: a failover waits until it can lose no acknowledged write",
    ),
    (
        "{sentinel: {downAfterMs: 5000}}",
        "{sentinel: {downAfterMs: 6000}}",
        "reload",
        "the operator takes it over",
    ),
];

//! The table of rules. The first row that holds counts; a new rule is a new row.

use crate::cluster::transition::{
    PERSISTENCE, PERSISTENCE_MODE, PORT, STORAGE_CLASS, STORAGE_SIZE,
};
use crate::manifest::impact::Impact;
use crate::manifest::impact::Impact::DataLoss;
use crate::manifest::impact::Impact::Failover;
use crate::manifest::impact::Impact::Recreate;
use crate::manifest::impact::Impact::Reload;
use crate::manifest::impact::Impact::RollingRestart;
use crate::manifest::rules::Place;
use crate::manifest::rules::Row;
use crate::manifest::rules::condition::{
    always, becomes_availability, becomes_false, becomes_git_ops, becomes_preferred, both_sides,
    cluster_keeps_nothing, grows, is_added, is_alone, is_certificate, is_delete, is_newer_major,
    is_older_major, is_removed, needs_restart, no_copy_stays, nobody_sets, operator_rolls, shrinks,
    starts_empty, stops_every_pod, turns_log_off, turns_persistence_off, volumes_go_with_it,
};

const ANY: &[&str] = &[];
const CLUSTER: &[&str] = &["ValkeyCluster"];
const STATEFUL_SET: &[&str] = &["StatefulSet"];
const CONFIG_MAP: &[&str] = &["ConfigMap"];
const SERVICE: &[&str] = &["Service"];
const SECRET: &[&str] = &["Secret"];
const CLAIM: &[&str] = &["PersistentVolumeClaim"];
/// The pattern of the whole object, which is added or deleted.
const WHOLE: &str = "";

const fn at(kinds: &'static [&'static str], pattern: &'static str, rows: &'static [Row]) -> Place {
    Place { kinds, pattern, rows }
}

/// What holds where nothing else does.
pub(super) const HARMLESS: Row = (always, Impact::None, "");

/// Said on top of why, where the rule is one of the API server's, too.
const REFUSED: Row =
    (always, Impact::None, "the API server refuses this change to a living cluster");
/// The same where no way through other values leads to it.
const REFUSED_FOR_GOOD: Row = (
    always,
    Impact::None,
    "the API server refuses this change to a living cluster: make a new one and copy the data",
);

pub(super) static RULES: &[Place] = &[
    at(ANY, WHOLE, &[(is_added, Impact::None, "")]),
    // What goes away.
    at(
        STATEFUL_SET,
        WHOLE,
        &[
            (volumes_go_with_it, DataLoss, "its data is deleted with it"),
            (always, Recreate, "stops every pod; the volumes are kept"),
        ],
    ),
    at(
        CLUSTER,
        WHOLE,
        &[
            (cluster_keeps_nothing, DataLoss, "its data is deleted with it"),
            (always, Recreate, "stops every pod; the volumes are kept"),
        ],
    ),
    at(CLAIM, WHOLE, &[(always, DataLoss, "the volume is deleted with it")]),
    at(
        &["CustomResourceDefinition", "Namespace"],
        WHOLE,
        &[(always, DataLoss, "everything in it is deleted with it")],
    ),
    at(
        &["ConfigMap", "Secret"],
        WHOLE,
        &[(always, Failover, "a pod that restarts cannot start without it")],
    ),
    at(SERVICE, WHOLE, &[(always, Failover, "clients lose this way to the cluster")]),
    // The cluster: what the API server refuses, and then what the operator alone reads. The rest of
    // a spec is told by what it renders to.
    at(CLUSTER, "spec/port", &[(always, Recreate, PORT.message)]),
    at(
        CLUSTER,
        "spec/persistence/enabled",
        &[(becomes_false, DataLoss, PERSISTENCE.message), (always, Recreate, PERSISTENCE.message)],
    ),
    at(CLUSTER, "spec/persistence/storageClassName", &[(always, DataLoss, STORAGE_CLASS.message)]),
    at(CLUSTER, "spec/persistence/storageSize", &[(always, DataLoss, STORAGE_SIZE.message)]),
    at(CLUSTER, "spec/persistence/mode", &[(always, DataLoss, PERSISTENCE_MODE.message)]),
    at(
        CLUSTER,
        "spec/management",
        &[
            (
                becomes_git_ops,
                Reload,
                "the operator applies nothing once Git applies all of the set",
            ),
            (always, Reload, "the operator applies the set, Git no longer has to"),
        ],
    ),
    at(
        CLUSTER,
        "spec/replication/durability",
        &[
            (
                becomes_preferred,
                Reload,
                "weaker: while replicas are away, writes go on with fewer copies",
            ),
            (always, Reload, "stronger: while replicas are away, writes are refused"),
        ],
    ),
    at(
        CLUSTER,
        "spec/sentinel/autoFailover",
        &[
            (becomes_false, Reload, "weaker: when the master dies, nobody takes over by itself"),
            (always, Reload, "the operator fails over by itself"),
        ],
    ),
    at(
        CLUSTER,
        "spec/sentinel/policy",
        &[
            (
                becomes_availability,
                Reload,
                "weaker: a failover that is unclear may lose acknowledged writes",
            ),
            (always, Reload, "stronger: a failover waits until it can lose no acknowledged write"),
        ],
    ),
    at(CLUSTER, "spec/**", &[(always, Reload, "the operator takes it over")]),
    // The StatefulSet.
    at(
        STATEFUL_SET,
        "spec/replicas",
        &[
            (no_copy_stays, DataLoss, "stops every pod, and no volume is kept"),
            (stops_every_pod, Failover, "stops every pod"),
            (shrinks, Failover, "hands over first if the master is on a removed ordinal"),
            (always, Impact::None, "new replicas copy the data from the master"),
        ],
    ),
    at(
        STATEFUL_SET,
        "spec/template/**",
        &[
            (is_alone, Failover, "restarts the master"),
            (
                operator_rolls,
                RollingRestart,
                "restarts every pod: replicas first, then a handover, the old master last",
            ),
            (always, Failover, "restarts every pod, the master too: no operator hands over"),
        ],
    ),
    at(
        STATEFUL_SET,
        "spec/persistentVolumeClaimRetentionPolicy/*",
        &[
            (is_delete, DataLoss, "volumes are deleted with what used them"),
            (always, Impact::None, "volumes are kept"),
        ],
    ),
    at(
        STATEFUL_SET,
        "spec/volumeClaimTemplates/*/spec/resources/requests/storage",
        &[
            (
                grows,
                Recreate,
                "volumes grow in place; the StatefulSet is made again, its pods stay",
            ),
            (always, DataLoss, "a volume cannot shrink: only a new, empty one has that size"),
        ],
    ),
    at(
        STATEFUL_SET,
        "spec/volumeClaimTemplates/*/spec/storageClassName",
        &[(always, DataLoss, "a volume cannot change its class: only a new, empty one has it")],
    ),
    at(
        STATEFUL_SET,
        "spec/volumeClaimTemplates",
        &[(is_removed, DataLoss, "pods are made without their volumes")],
    ),
    at(
        STATEFUL_SET,
        "spec/volumeClaimTemplates/*",
        &[(is_removed, DataLoss, "pods are made without this volume")],
    ),
    at(
        STATEFUL_SET,
        "spec/ordinals/**",
        &[(always, Recreate, "renumbers the pods; each gets a new volume")],
    ),
    at(STATEFUL_SET, "spec/updateStrategy/**", &[HARMLESS]),
    at(STATEFUL_SET, "spec/minReadySeconds", &[HARMLESS]),
    at(STATEFUL_SET, "spec/revisionHistoryLimit", &[HARMLESS]),
    at(
        STATEFUL_SET,
        "spec/**",
        &[(always, Recreate, "immutable: the StatefulSet is made again, its pods stay")],
    ),
    // The server's configuration.
    at(
        CONFIG_MAP,
        "data/valkey.conf/appendonly",
        &[
            (turns_log_off, DataLoss, "the append-only file is no longer written or read"),
            (
                starts_empty,
                DataLoss,
                "a server that starts with an append-only file ignores its snapshot; CONFIG SET it first",
            ),
        ],
    ),
    at(
        CONFIG_MAP,
        "data/valkey.conf/save",
        &[(turns_persistence_off, DataLoss, "nothing is written to disk any more")],
    ),
    at(
        CONFIG_MAP,
        "data/valkey.conf/*",
        &[
            (
                nobody_sets,
                RollingRestart,
                "is read when a pod starts: without an operator nobody sets it before",
            ),
            (needs_restart, RollingRestart, "a running server does not take it over"),
            (is_removed, Reload, "a running server keeps its value until it restarts"),
            (always, Reload, "a running server takes it over by CONFIG SET"),
        ],
    ),
    at(CONFIG_MAP, "data/valkey.conf", &[(always, RollingRestart, "is read when a pod starts")]),
    at(CONFIG_MAP, "data/start.sh", &[(always, RollingRestart, "is read when a pod starts")]),
    at(CONFIG_MAP, "data/**", &[(always, Reload, "mounted files are renewed in place")]),
    at(CONFIG_MAP, "binaryData/**", &[(always, Reload, "mounted files are renewed in place")]),
    // The rest.
    at(SERVICE, "spec/selector/**", &[(always, Failover, "moves the traffic to other pods")]),
    at(
        SERVICE,
        "spec/clusterIP",
        &[(always, Recreate, "immutable: the Service is deleted and made again")],
    ),
    at(
        SECRET,
        "data/**",
        &[
            (is_certificate, Reload, "a running server takes a new certificate over"),
            (always, RollingRestart, "pods read it when they start"),
        ],
    ),
    at(SECRET, "stringData/**", &[(always, RollingRestart, "pods read it when they start")]),
    at(SECRET, "type", &[(always, Recreate, "immutable: the Secret is deleted and made again")]),
    at(
        CLAIM,
        "spec/resources/requests/storage",
        &[(grows, Impact::None, "the volume grows in place")],
    ),
    at(CLAIM, "spec/**", &[(always, DataLoss, "immutable: only a new, empty volume has it")]),
    at(
        &["Certificate"],
        "spec/**",
        &[(always, Reload, "a new certificate is issued and taken over")],
    ),
    at(
        &["DaemonSet", "Deployment"],
        "spec/template/**",
        &[(always, RollingRestart, "restarts its pods")],
    ),
    at(
        &["DaemonSet", "Deployment"],
        "spec/selector/**",
        &[(always, Recreate, "immutable: it is deleted and made again")],
    ),
    at(
        &["Job"],
        "spec/template/**",
        &[(always, Recreate, "immutable: the Job is deleted and runs again")],
    ),
];

/// Said on top of the rule that counts; every row that holds is said.
pub(super) static REMARKS: &[Place] = &[
    at(CLUSTER, "spec/port", &[REFUSED_FOR_GOOD]),
    at(CLUSTER, "spec/persistence/enabled", &[REFUSED]),
    at(CLUSTER, "spec/persistence/storageClassName", &[REFUSED_FOR_GOOD]),
    at(CLUSTER, "spec/persistence/storageSize", &[REFUSED_FOR_GOOD]),
    at(CLUSTER, "spec/persistence/mode", &[REFUSED]),
    at(
        STATEFUL_SET,
        "spec/template/spec/containers/valkey/image",
        &[
            (is_newer_major, Impact::None, "irreversible: an older major cannot read newer data"),
            (is_older_major, Impact::None, "an older major may not read the data of a newer one"),
        ],
    ),
    at(
        STATEFUL_SET,
        "spec/template/**/env",
        &[(both_sides, Impact::None, "only the order differs: a variable may use those before it")],
    ),
    at(
        STATEFUL_SET,
        "spec/template/**/initContainers",
        &[(both_sides, Impact::None, "only the order differs: they run one after another")],
    ),
];

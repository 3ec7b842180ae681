//! Every row of the tables has a change that it decides.

mod cluster;
mod server_config;

use serde_json::Value;
use serde_json::json;

use crate::manifest::walk::Difference;
use crate::manifest::walk::differences;

use super::*;

use cluster::CLUSTERS;
use server_config::SERVER_CONFIGS;
use server_config::STATIC_SERVER_CONFIGS;

/// No object on that side.
const GONE: &str = "";
/// What every stateful set below is, unless its line says otherwise: three pods with a volume each,
/// run by an operator.
const STATEFUL_SET: &str = "{replicas: 3, updateStrategy: {type: OnDelete}, volumeClaimTemplates: \
    [{metadata: {name: data}, spec: {storageClassName: fast, resources: {requests: {storage: 1Gi}}}}]}";

const ROLLED: &str = "restarts every pod: replicas first, then a handover, the old master last";
const RECREATED: &str = "immutable: the StatefulSet is made again, its pods stay";
const KEPT: &str = "stops every pod; the volumes are kept";
const LOST: &str = "its data is deleted with it";
const AT_START: &str = "is read when a pod starts";
const RENEWED: &str = "mounted files are renewed in place";

/// Older spec, newer spec (of a stateful set), impact, reason.
const STATEFUL_SETS: &[(&str, &str, &str, &str)] = &[
    (GONE, "{}", "none", ""),
    ("{persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}", GONE, "data-loss", LOST),
    ("{volumeClaimTemplates: []}", GONE, "data-loss", LOST),
    ("{persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}}", GONE, "recreate", KEPT),
    ("{}", "{replicas: 5}", "none", "new replicas copy the data from the master"),
    ("{}", "{replicas: 2}", "failover", "hands over first if the master is on a removed ordinal"),
    ("{}", "{replicas: 0}", "failover", "stops every pod"),
    (
        "{persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}}",
        "{persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}, replicas: 0}",
        "data-loss",
        "stops every pod, and no volume is kept",
    ),
    ("{template: {metadata: {labels: {a: b}}}}", "{template: {}}", "rolling-restart", ROLLED),
    (
        "{replicas: 1, template: {a: 1}}",
        "{replicas: 1, template: {}}",
        "failover",
        "restarts the master",
    ),
    (
        "{updateStrategy: {type: RollingUpdate}, template: {a: 1}}",
        "{updateStrategy: {type: RollingUpdate}, template: {}}",
        "failover",
        "restarts every pod, the master too: no operator hands over",
    ),
    (
        "{}",
        "{persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}}",
        "data-loss",
        "volumes are deleted with what used them",
    ),
    (
        "{persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}}",
        "{persistentVolumeClaimRetentionPolicy: {whenScaled: Retain}}",
        "none",
        "volumes are kept",
    ),
    (
        "{persistentVolumeClaimRetentionPolicy: {whenScaled: Delete}}",
        "{}",
        "none",
        "volumes are kept",
    ),
    (
        "{}",
        "{volumeClaimTemplates: [{metadata: {name: data}, spec: {storageClassName: fast, resources: {requests: {storage: 1.5Gi}}}}]}",
        "recreate",
        "volumes grow in place; the StatefulSet is made again, its pods stay",
    ),
    (
        "{}",
        "{volumeClaimTemplates: [{metadata: {name: data}, spec: {storageClassName: fast, resources: {requests: {storage: 1023Mi}}}}]}",
        "data-loss",
        "a volume cannot shrink: only a new, empty one has that size",
    ),
    (
        "{}",
        "{volumeClaimTemplates: [{metadata: {name: data}, spec: {resources: {requests: {storage: 1Gi}}}}]}",
        "data-loss",
        "a volume cannot change its class: only a new, empty one has it",
    ),
    ("{}", "{volumeClaimTemplates: null}", "data-loss", "pods are made without their volumes"),
    ("{}", "{volumeClaimTemplates: []}", "data-loss", "pods are made without this volume"),
    ("{volumeClaimTemplates: null}", "{}", "recreate", RECREATED),
    ("{}", "{ordinals: {start: 1}}", "recreate", "renumbers the pods; each gets a new volume"),
    ("{}", "{updateStrategy: {type: RollingUpdate}}", "none", ""),
    ("{}", "{minReadySeconds: 1}", "none", ""),
    ("{}", "{revisionHistoryLimit: 1}", "none", ""),
    ("{}", "{serviceName: a}", "recreate", RECREATED),
    ("{}", "{selector: {matchLabels: {a: b}}}", "recreate", RECREATED),
    (
        "{podManagementPolicy: OrderedReady}",
        "{podManagementPolicy: Parallel}",
        "recreate",
        RECREATED,
    ),
];

/// Older container or list in the pod template, newer one, what is said on top of [`ROLLED`].
const REMARKED: &[(&str, &str, &str)] = &[
    (
        "containers: [{name: valkey, image: 'v:8.0'}]",
        "containers: [{name: valkey, image: 'v:8.1'}]",
        "",
    ),
    (
        "containers: [{name: valkey, image: 'r.example:5000/v:8.1@sha256:00'}]",
        "containers: [{name: valkey, image: 'r.example:5000/v:v9-alpine'}]",
        "; irreversible: an older major cannot read newer data",
    ),
    (
        "containers: [{name: valkey, image: 'v:9.0'}]",
        "containers: [{name: valkey, image: 'v:8.1'}]",
        "; an older major may not read the data of a newer one",
    ),
    (
        "containers: [{name: valkey, image: 'r:5/v'}]",
        "containers: [{name: valkey, image: 'r:6/v'}]",
        "",
    ),
    (
        "containers: [{name: exporter, image: 'e:1'}]",
        "containers: [{name: exporter, image: 'e:2'}]",
        "",
    ),
    (
        "containers: [{name: valkey, env: [{name: A}, {name: B}]}]",
        "containers: [{name: valkey, env: [{name: B}, {name: A}]}]",
        "; only the order differs: a variable may use those before it",
    ),
    (
        "initContainers: [{name: a}, {name: b}]",
        "initContainers: [{name: b}, {name: a}]",
        "; only the order differs: they run one after another",
    ),
];

/// Kind, older object, newer object, impact, reason.
const OTHERS: &[(&str, &str, &str, &str, &str)] = &[
    ("Secret", GONE, "{}", "none", ""),
    ("ValkeyCluster", "{spec: {persistence: {reclaimPolicy: Delete}}}", GONE, "data-loss", LOST),
    ("ValkeyCluster", "{spec: {persistence: {enabled: false}}}", GONE, "data-loss", LOST),
    ("ValkeyCluster", "{spec: {}}", GONE, "recreate", KEPT),
    ("PersistentVolumeClaim", "{}", GONE, "data-loss", "the volume is deleted with it"),
    ("Namespace", "{}", GONE, "data-loss", "everything in it is deleted with it"),
    ("Secret", "{}", GONE, "failover", "a pod that restarts cannot start without it"),
    ("ConfigMap", "{}", GONE, "failover", "a pod that restarts cannot start without it"),
    ("Service", "{}", GONE, "failover", "clients lose this way to the cluster"),
    ("PodDisruptionBudget", "{}", GONE, "none", ""),
    ("StatefulSet", "{metadata: {labels: {a: b}}}", "{metadata: {labels: {a: c}}}", "none", ""),
    ("StatefulSet", "{metadata: {}}", "{metadata: {annotations: {a: b}}}", "none", ""),
    ("ConfigMap", "{}", "{data: {valkey.conf: port 1}}", "rolling-restart", AT_START),
    ("ConfigMap", "{data: {start.sh: a}}", "{data: {start.sh: b}}", "rolling-restart", AT_START),
    ("ConfigMap", "{data: {ready.sh: a}}", "{data: {ready.sh: b}}", "reload", RENEWED),
    ("ConfigMap", "{}", "{binaryData: {a: YQ==}}", "reload", RENEWED),
    (
        "Service",
        "{spec: {}}",
        "{spec: {selector: {a: b}}}",
        "failover",
        "moves the traffic to other pods",
    ),
    (
        "Service",
        "{spec: {selector: {a: b}}}",
        "{spec: {selector: {a: c}}}",
        "failover",
        "moves the traffic to other pods",
    ),
    (
        "Service",
        "{spec: {}}",
        "{spec: {clusterIP: None}}",
        "recreate",
        "immutable: the Service is deleted and made again",
    ),
    ("Service", "{spec: {type: ClusterIP}}", "{spec: {type: NodePort}}", "none", ""),
    ("Service", "{spec: {ports: [{port: 1}]}}", "{spec: {ports: []}}", "none", ""),
    (
        "Secret",
        "{type: kubernetes.io/tls, data: {a: b}}",
        "{type: kubernetes.io/tls, data: {a: c}}",
        "reload",
        "a running server takes a new certificate over",
    ),
    (
        "Secret",
        "{data: {a: b}}",
        "{data: {a: c}}",
        "rolling-restart",
        "pods read it when they start",
    ),
    ("Secret", "{}", "{stringData: {a: c}}", "rolling-restart", "pods read it when they start"),
    (
        "Secret",
        "{}",
        "{type: Opaque}",
        "recreate",
        "immutable: the Secret is deleted and made again",
    ),
    (
        "PersistentVolumeClaim",
        "{spec: {resources: {requests: {storage: 1Gi}}}}",
        "{spec: {resources: {requests: {storage: 2Gi}}}}",
        "none",
        "the volume grows in place",
    ),
    (
        "PersistentVolumeClaim",
        "{spec: {resources: {requests: {storage: 2Gi}}}}",
        "{spec: {resources: {requests: {storage: 1Gi}}}}",
        "data-loss",
        "immutable: only a new, empty volume has it",
    ),
    (
        "Certificate",
        "{spec: {duration: 1h}}",
        "{spec: {duration: 2h}}",
        "reload",
        "a new certificate is issued and taken over",
    ),
    (
        "Deployment",
        "{spec: {template: {a: 1}}}",
        "{spec: {template: {}}}",
        "rolling-restart",
        "restarts its pods",
    ),
    (
        "Deployment",
        "{spec: {selector: {a: 1}}}",
        "{spec: {selector: {}}}",
        "recreate",
        "immutable: it is deleted and made again",
    ),
    ("Deployment", "{spec: {replicas: 1}}", "{spec: {replicas: 2}}", "none", ""),
    (
        "Job",
        "{spec: {template: {a: 1}}}",
        "{spec: {template: {}}}",
        "recreate",
        "immutable: the Job is deleted and runs again",
    ),
    (
        "PodDisruptionBudget",
        "{spec: {maxUnavailable: 1}}",
        "{spec: {maxUnavailable: 2}}",
        "none",
        "",
    ),
    ("NetworkPolicy", "{spec: {policyTypes: [Ingress]}}", "{spec: {policyTypes: []}}", "none", ""),
    ("ServiceMonitor", "{spec: {jobLabel: a}}", "{spec: {jobLabel: b}}", "none", ""),
    ("PrometheusRule", "{spec: {groups: []}}", "{spec: {}}", "none", ""),
];

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// An object of `kind` that `text` says, or none.
fn object(kind: &str, text: &str) -> Option<Value> {
    let mut object = (text != GONE).then(|| yaml(text))?;
    object["kind"] = json!(kind);
    Some(object)
}

fn stateful_set(text: &str) -> Option<Value> {
    let mut set = object("StatefulSet", text).map(|_| json!({"spec": yaml(STATEFUL_SET)}))?;
    for (field, value) in yaml(text).as_object()? {
        set["spec"][field] = value.clone();
    }
    Some(set)
}

fn server_config(text: &str) -> Value {
    json!({"kind": "ConfigMap", "data": {"valkey.conf": text}})
}

/// Judges the one change between two objects; crosses out the rows that spoke.
fn check(
    kind: &str,
    [from, to]: [Option<Value>; 2],
    (impact, note): (&str, &str),
    unused: &mut Vec<&'static Row>,
) {
    let found = match (&from, &to) {
        (Some(from), Some(to)) => differences(kind, from, to),
        _ => vec![Difference { path: Path::root(), old: from.clone(), new: to.clone() }],
    };
    let [Difference { path, old, new }] = found.as_slice() else {
        panic!("one change, not {found:?}")
    };
    let (old, new, from, to) = (old.as_ref(), new.as_ref(), from.as_ref(), to.as_ref());
    let case = Case { kind, path, old, new, from, to };
    let judged = judge(&case);
    assert_eq!((judged.0.name(), judged.1.as_str()), (impact, note), "{path}: {from:?} {to:?}");
    for row in holding(RULES, &case).take(1).chain(holding(REMARKS, &case)) {
        unused.retain(|candidate| !std::ptr::eq(*candidate, row));
    }
}

#[test]
fn every_row_decides_some_change_and_says_why() {
    let unused = &mut RULES.iter().chain(REMARKS).flat_map(|place| place.rows).collect();
    for (from, to, impact, note) in STATEFUL_SETS {
        check("StatefulSet", [from, to].map(|text| stateful_set(text)), (impact, note), unused);
    }
    for (from, to, remark) in REMARKED {
        let set = |pod: &str| stateful_set(&format!("{{template: {{spec: {{{pod}}}}}}}"));
        let note = format!("{ROLLED}{remark}");
        check("StatefulSet", [from, to].map(|pod| set(pod)), ("rolling-restart", &note), unused);
    }
    let gated = SERVER_CONFIGS.iter().map(|row| ("replicaof 127.0.0.1 1\n", row));
    let ungated = STATIC_SERVER_CONFIGS.iter().map(|row| ("", row));
    for (gate, (from, to, impact, note)) in gated.chain(ungated) {
        let config = |text: &&str| Some(server_config(&format!("{gate}{text}")));
        check("ConfigMap", [from, to].map(config), (impact, note), unused);
    }
    for (from, to, impact, note) in CLUSTERS {
        let cluster = |spec: &&str| object("ValkeyCluster", &format!("{{spec: {spec}}}"));
        check("ValkeyCluster", [from, to].map(cluster), (impact, note), unused);
    }
    for (kind, from, to, impact, note) in OTHERS {
        check(kind, [from, to].map(|text| object(kind, text)), (impact, note), unused);
    }
    let unused: Vec<_> = unused.iter().map(|(_, impact, reason)| (impact, reason)).collect();
    assert!(unused.is_empty(), "no change is decided by {unused:?}");
}

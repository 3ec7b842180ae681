//! `gungnir diff` of two specs: whatever differs is told once, and as the API server would take it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::folder::Folder;
use crate::support::rule_cases::{Case, cases};
use crate::support::run::{ROOT, Run};
use crate::support::spec_fields::fields_of_the_spec;

/// What only the operator reads.
const UNRENDERED: &[&str] = &[
    "spec.management",
    "spec.replication.durability",
    "spec.sentinel.autoFailover",
    "spec.sentinel.downAfterMs",
    "spec.sentinel.failoverTimeoutMs",
    "spec.sentinel.pingIntervalMs",
    "spec.sentinel.policy",
    "spec.sentinel.replicaOrder",
];

/// What the API server refuses when it becomes what it becomes here.
const REFUSED: &[&str] =
    &["spec.persistence.enabled", "spec.persistence.storageClassName", "spec.port"];

/// The start of a field's path, and the kind of a manifest that it reaches; the first that fits.
const REACHED: &[(&str, &str)] = &[
    ("spec.config", "ConfigMap"),
    ("spec.maxMemoryPercentOfLimit", "ConfigMap"),
    ("spec.metrics.podMonitor", "PodMonitor"),
    ("spec.metrics.prometheusRule", "PrometheusRule"),
    ("spec.metrics.serviceMonitor", "ServiceMonitor"),
    ("spec.networkPolicy", "NetworkPolicy"),
    ("spec.persistence.mode", "ConfigMap"),
    ("spec.podDisruptionBudget", "PodDisruptionBudget"),
    ("spec.replication", "ConfigMap"),
    ("spec.serviceAccount", "ServiceAccount"),
    ("spec.service", "Service"),
    ("spec.tls.certSecretName", "StatefulSet"),
    ("spec.tls.clientAuth", "ConfigMap"),
    ("spec.tls.enabled", "ConfigMap"),
    ("spec.tls", "Certificate"),
    ("spec", "StatefulSet"),
];

/// What a field becomes that is no switch, number, name or map of labels: the field, the place of
/// what is replaced, and by what.
const OTHERWISE: &[(&str, &str, &str)] = &[
    ("spec.affinity", "spec.affinity", "{}"),
    ("spec.config", "spec.config.databases", "'32'"),
    ("spec.env", "spec.env", "[{name: TZ, value: CET}]"),
    ("spec.extraContainers", "spec.extraContainers", "[]"),
    ("spec.extraVolumeMounts", "spec.extraVolumeMounts", "[{name: scratch, mountPath: /scratch}]"),
    ("spec.extraVolumes", "spec.extraVolumes", "[{name: scratch, emptyDir: {}}]"),
    ("spec.imagePullPolicy", "spec.imagePullPolicy", "Always"),
    ("spec.imagePullSecrets", "spec.imagePullSecrets", "[]"),
    ("spec.management", "spec.management", "GitOps"),
    ("spec.metrics.enabled", "spec.metrics", "{enabled: false}"),
    ("spec.metrics.podMonitor.interval", "spec.metrics.podMonitor.interval", "2m"),
    ("spec.metrics.resources", "spec.metrics.resources", "{}"),
    ("spec.metrics.serviceMonitor.interval", "spec.metrics.serviceMonitor.interval", "2m"),
    ("spec.networkPolicy.allowFrom", "spec.networkPolicy.allowFrom", "[]"),
    ("spec.persistence.mode", "spec.persistence.mode", "rdb"),
    ("spec.persistence.reclaimPolicy", "spec.persistence.reclaimPolicy", "Delete"),
    ("spec.persistence.storageSize", "spec.persistence.storageSize", "20Gi"),
    ("spec.podDisruptionBudget.maxUnavailable", "spec.podDisruptionBudget.maxUnavailable", "1"),
    ("spec.podSecurityContext", "spec.podSecurityContext", "{supplementalGroups: [3000]}"),
    ("spec.replication.durability", "spec.replication.durability", "Preferred"),
    ("spec.resources", "spec.resources.limits.cpu", "2"),
    ("spec.securityContext", "spec.securityContext", "{readOnlyRootFilesystem: false}"),
    ("spec.sentinel.policy", "spec.sentinel.policy", "Availability"),
    ("spec.sentinel.replicaOrder", "spec.sentinel.replicaOrder", "PriorityFirst"),
    ("spec.service.externalTrafficPolicy", "spec.service.externalTrafficPolicy", "Cluster"),
    ("spec.service.loadBalancerSourceRanges", "spec.service.loadBalancerSourceRanges", "[]"),
    ("spec.service.type", "spec.service", "{type: ClusterIP}"),
    ("spec.tls.certSecretName", "spec.tls", "{enabled: true, certSecretName: other}"),
    ("spec.tls.clientAuth", "spec.tls.clientAuth", "require"),
    ("spec.tls.duration", "spec.tls.duration", "2161h"),
    ("spec.tls.extraDnsNames", "spec.tls.extraDnsNames", "[]"),
    ("spec.tls.issuerRef.group", "spec.tls.issuerRef.group", "example.com"),
    ("spec.tls.issuerRef.kind", "spec.tls.issuerRef.kind", "Issuer"),
    ("spec.tls.renewBefore", "spec.tls.renewBefore", "361h"),
    ("spec.tolerations", "spec.tolerations", "[]"),
    ("spec.topologySpreadConstraints", "spec.topologySpreadConstraints", "[]"),
];

/// The place of a path in a cluster; it is made where there is none.
fn place<'a>(cluster: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(cluster, |place, key| &mut place[key])
}

/// `cluster` with another value of one field.
fn changed(mut cluster: Value, field: &str) -> Value {
    if let Some((_, path, text)) = OTHERWISE.iter().find(|(named, ..)| *named == field) {
        *place(&mut cluster, path) = serde_yaml::from_str(text).unwrap();
        return cluster;
    }
    let value = place(&mut cluster, field);
    *value = match &*value {
        Value::Bool(on) => json!(!on),
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(name) => json!(format!("{name}-2")),
        Value::Object(labels) => {
            let mut labels = labels.clone();
            labels.insert("example.com/more".to_owned(), json!("more"));
            Value::Object(labels)
        }
        other => panic!("what does {field} become? it is {other}"),
    };
    cluster
}

/// A stream of clusters.
fn stream(clusters: &[Value]) -> String {
    let documents: Vec<String> =
        clusters.iter().map(|cluster| format!("---\n{cluster}\n")).collect();
    documents.concat()
}

/// What `gungnir diff` tells of two streams: the objects that differ.
fn objects_that_differ(from: &[Value], to: &[Value]) -> Vec<Value> {
    let folder = Folder::new();
    folder.write("from.yaml", &stream(from));
    folder.write("to.yaml", &stream(to));
    let arguments = ["diff", "from.yaml", "to.yaml", "-o", "json"];
    let found = Run::gungnir(arguments).folder(folder.path()).finish();
    assert_eq!(found.status, 1, "{}", found.stderr);
    let report: Value = serde_json::from_str(&found.stdout).unwrap();
    report["objects"].as_array().unwrap().clone()
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// The changes of the `ValkeyCluster` of this name in this namespace.
fn changes_of_the_cluster<'a>(objects: &'a [Value], name: &str, namespace: &str) -> Vec<&'a Value> {
    let wanted = ["ValkeyCluster", name, namespace];
    let is_it = |object: &&Value| ["kind", "name", "namespace"].map(|f| text(object, f)) == wanted;
    let object = objects.iter().find(is_it);
    object.into_iter().flat_map(|object| object["changes"].as_array().unwrap()).collect()
}

#[test]
fn every_field_that_differs_is_told_once() {
    let everything = std::fs::read_to_string(format!("{ROOT}/examples/everything.yaml")).unwrap();
    let mut everything: Value = serde_yaml::from_str(&everything).unwrap();
    // It goes with snapshots alone, and one of the changes turns them off.
    everything["spec"]["config"].as_object_mut().unwrap().remove("save");
    let mut fields = fields_of_the_spec();
    // No cluster has it.
    fields.retain(|field| field != "spec.restoreFrom.backupName");
    let namespace = |field: &str| field.replace('.', "-").to_lowercase();
    let of_field = |field: &String| {
        let mut cluster = everything.clone();
        cluster["metadata"]["namespace"] = json!(namespace(field));
        cluster
    };
    let from: Vec<Value> = fields.iter().map(of_field).collect();
    let to: Vec<Value> = fields.iter().map(|field| changed(of_field(field), field)).collect();
    let objects = objects_that_differ(&from, &to);

    let mut wrong = Vec::new();
    for field in &fields {
        let namespace = namespace(field);
        let own = changes_of_the_cluster(&objects, "everything", &namespace);
        let own: Vec<&str> = own.into_iter().map(|change| text(change, "path")).collect();
        let by_name = [UNRENDERED, REFUSED].concat().contains(&field.as_str());
        let expected = if by_name { vec![field.as_str()] } else { Vec::new() };
        if own != expected {
            wrong.push(format!("{field}: the ValkeyCluster shows {own:?}, not {expected:?}"));
        }
        let kinds: BTreeSet<&str> = objects
            .iter()
            .filter(|object| text(object, "namespace") == namespace)
            .map(|object| text(object, "kind"))
            .collect();
        let (_, kind) = REACHED.iter().find(|(start, _)| field.starts_with(start)).unwrap();
        if !UNRENDERED.contains(&field.as_str()) && !kinds.contains(kind) {
            wrong.push(format!("{field}: no {kind} shows it, but {kinds:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_the_api_server_refuses_to_change_is_told_as_refused_and_nothing_else_is() {
    let changes: Vec<Case> = cases().into_iter().filter(|case| case.old.is_some()).collect();
    let cluster = |case: &Case, spec: &Value| {
        json!({
            "apiVersion": "valkey.verilean.io/v1",
            "kind": "ValkeyCluster",
            "metadata": { "name": case.name, "namespace": "shop" },
            "spec": spec,
        })
    };
    let from: Vec<Value> =
        changes.iter().map(|case| cluster(case, case.old.as_ref().unwrap())).collect();
    let to: Vec<Value> = changes.iter().map(|case| cluster(case, &case.new)).collect();
    let objects = objects_that_differ(&from, &to);
    assert!(changes.len() > 40, "{} cases", changes.len());
    for case in &changes {
        let told = changes_of_the_cluster(&objects, &case.name, "shop");
        if case.accepted {
            assert!(told.is_empty(), "{told:#?}: {case:#?}");
            continue;
        }
        let [change] = told.as_slice() else { panic!("{told:#?}: {case:#?}") };
        let note = text(change, "note");
        assert!(note.starts_with(case.rule), "{note}: {case:#?}");
        assert!(note.contains("the API server refuses"), "{note}: {case:#?}");
        assert!(["recreate", "data-loss"].contains(&text(change, "impact")), "{change}: {case:#?}");
    }
}

#[test]
fn a_field_that_only_the_operator_reads_is_a_change_of_the_cluster() {
    let folder = Folder::new();
    let cluster = |sentinel: &str| {
        format!(
            "apiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\nmetadata:\n  name: demo\n\
             spec:\n  auth: {{enabled: false}}\n{sentinel}"
        )
    };
    folder.write("before.yaml", &cluster(""));
    folder.write("same.yaml", &cluster("  sentinel: {policy: Consistency}\n"));
    folder.write("after.yaml", &cluster("  sentinel: {policy: Availability}\n"));
    let diff = |to: &str, more: &[&str]| {
        Run::gungnir(["diff", "before.yaml", to].iter().chain(more)).folder(folder.path())
    };
    // What is left out is what it is by default.
    diff("same.yaml", &[]).check();
    let told = "--- a/valkey.verilean.io/v1/ValkeyCluster/demo\n\
                +++ b/valkey.verilean.io/v1/ValkeyCluster/demo\n\
                @@ spec.sentinel.policy @@ reload: weaker: a failover that is unclear may lose \
                acknowledged writes\n-Consistency\n+Availability\n\
                Plan: 0 to add, 1 to change, 0 to delete; impact: reload\n";
    diff("after.yaml", &[]).stdout(told).status(1).check();
    diff("after.yaml", &["--fail-on", "reload"]).stdout(told).status(4).check();
    diff("after.yaml", &["--only", "ValkeyCluster/demo"]).stdout(told).status(1).check();
    diff("after.yaml", &["--only", "StatefulSet"]).check();
    // There is no operator to read it.
    diff("after.yaml", &["--master", "0"]).check();
}

#[test]
fn a_cluster_on_one_side_alone_is_told_by_its_manifests() {
    let folder = Folder::new();
    let example = "examples/minimal.yaml";
    folder.write("empty/.keep", "");
    let empty = folder.path().join("empty").to_str().unwrap().to_owned();
    for (from, to) in [(empty.as_str(), example), (example, &empty)] {
        let found = Run::gungnir(["diff", from, to, "-o", "summary"]).finish();
        assert_eq!(found.status, 1, "{}", found.stderr);
        assert!(!found.stdout.contains("ValkeyCluster"), "{}", found.stdout);
    }
}

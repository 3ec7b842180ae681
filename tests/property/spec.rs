//! Sound specs: every field that there is, in any combination that makes sense.

use gungnir::cluster::Roles;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::text::free_text;

/// One field, left out or set to something sound.
fn field(
    name: &'static str,
    value: impl Strategy<Value = Value>,
) -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    prop::option::of(value).prop_map(move |value| value.map(|v| (name, v)).into_iter().collect())
}

fn flag() -> impl Strategy<Value = Value> {
    any::<bool>().prop_map(Value::from)
}

fn word(words: &'static [&'static str]) -> impl Strategy<Value = Value> {
    prop::sample::select(words).prop_map(Value::from)
}

fn section(fields: Vec<BoxedStrategy<Vec<(&'static str, Value)>>>) -> impl Strategy<Value = Value> {
    fields.prop_map(|fields| {
        let fields = fields.into_iter().flatten().map(|(name, value)| (name.to_owned(), value));
        Value::Object(fields.collect())
    })
}

fn labels() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-z]{1,8}(/[a-z]{1,8})?", "[a-zA-Z0-9]{0,10}", 0..4)
        .prop_map(|labels| json!(labels))
}

fn annotations() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-z]{1,8}(/[a-z]{1,8})?", free_text(), 0..4)
        .prop_map(|annotations| json!(annotations))
}

fn numbers(range: std::ops::RangeInclusive<i32>) -> impl Strategy<Value = Value> {
    range.prop_map(Value::from)
}

/// One of these.
fn any_of(values: Vec<Value>) -> impl Strategy<Value = Value> {
    prop::sample::select(values)
}

fn resources() -> impl Strategy<Value = Value> {
    any_of(vec![
        json!({ "limits": { "memory": "1Gi", "cpu": 2 } }),
        json!({ "limits": { "memory": "512Mi" }, "requests": { "memory": "0.25Gi", "cpu": "100m" } }),
        json!({}),
    ])
}

/// Who says which pod is master, and a sound spec for that: any subset of the fields, each with a
/// sound value.
pub fn roles_and_spec() -> impl Strategy<Value = (Roles, Value)> {
    let ordinal = prop::option::of(0_u32..9);
    (ordinal, fields(), server(), pods()).prop_map(|(ordinal, fields, server, pods)| {
        let mut all = Map::new();
        for part in [fields, server, pods] {
            all.extend(part.as_object().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())));
        }
        settled(ordinal, Value::Object(all))
    })
}

/// Takes away what would exclude something else.
fn settled(ordinal: Option<u32>, mut spec: Value) -> (Roles, Value) {
    let replicas = spec["replicas"].as_u64().unwrap_or(3);
    if spec["replication"]["minReplicasToWrite"].as_u64().is_some_and(|w| w >= replicas) {
        spec["replication"]["minReplicasToWrite"] = Value::from(replicas - 1);
    }
    if spec["config"]["maxmemory"].is_string() {
        remove(&mut spec, "maxMemoryPercentOfLimit");
    }
    let snapshots = spec["persistence"]["enabled"] != false
        && matches!(spec["persistence"]["mode"].as_str(), Some("rdb" | "both"));
    if !snapshots && let Some(config) = spec.get_mut("config") {
        remove(config, "save");
    }
    let Some(ordinal) = ordinal else { return (Roles::Elected, spec) };
    // Nobody makes a password then.
    if spec["auth"]["existingSecret"].is_null() {
        spec["auth"] = json!({ "enabled": false });
    }
    let master = ordinal % u32::try_from(replicas).unwrap_or(1);
    (Roles::Static { master }, spec)
}

fn remove(value: &mut Value, key: &str) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove(key);
    }
}

/// What a cluster is, and what stands around it.
fn fields() -> impl Strategy<Value = Value> {
    section(vec![
        field("replicas", numbers(1..=9)).boxed(),
        field("port", numbers(1024..=9000)).boxed(),
        field("management", word(&["Operator", "GitOps"])).boxed(),
        field("service", service()).boxed(),
        field(
            "podDisruptionBudget",
            section(vec![
                field("enabled", flag()).boxed(),
                field("maxUnavailable", any_of(vec![json!(0), json!(2), json!("34%")])).boxed(),
            ]),
        )
        .boxed(),
        field(
            "networkPolicy",
            section(vec![
                field("enabled", flag()).boxed(),
                field(
                    "allowFrom",
                    any_of(vec![
                        json!([{ "namespaceSelector": {} }]),
                        json!([{ "ipBlock": { "cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"] } }]),
                    ]),
                )
                .boxed(),
            ]),
        )
        .boxed(),
        field("metrics", metrics()).boxed(),
        field(
            "serviceAccount",
            section(vec![
                field("create", flag()).boxed(),
                field("name", word(&["valkey", "no"])).boxed(),
                field("annotations", annotations()).boxed(),
            ]),
        )
        .boxed(),
        field("labels", labels()).boxed(),
        field("annotations", annotations()).boxed(),
    ])
}

fn service() -> impl Strategy<Value = Value> {
    let annotated = || field("annotations", annotations()).boxed();
    let always = |kind: &'static str| Just(vec![("type", Value::from(kind))]).boxed();
    let policy = || field("externalTrafficPolicy", word(&["Cluster", "Local"])).boxed();
    let node_port = || field("nodePort", numbers(30_000..=32_767)).boxed();
    let ranges = any_of(vec![json!(["10.0.0.0/8", "fd00::/8"]), json!([])]);
    prop_oneof![
        section(vec![annotated(), always("ClusterIP")]),
        section(vec![annotated(), always("NodePort"), policy(), node_port()]),
        section(vec![
            annotated(),
            always("LoadBalancer"),
            policy(),
            node_port(),
            field("loadBalancerClass", word(&["example.com/internal", "yes"])).boxed(),
            field("loadBalancerSourceRanges", ranges).boxed(),
        ]),
    ]
}

fn metrics() -> impl Strategy<Value = Value> {
    let monitor = || {
        section(vec![
            field("enabled", flag()).boxed(),
            field("interval", word(&["30s", "1m", "1h30m"])).boxed(),
            field("labels", labels()).boxed(),
        ])
    };
    section(vec![
        Just(vec![("enabled", Value::from(true))]).boxed(),
        field(
            "image",
            word(&[
                "registry:5000/exporter:v1",
                "exporter@sha256:0123456789012345678901234567890123456789012345678901234567890123",
            ]),
        )
        .boxed(),
        field("port", numbers(9001..=9200)).boxed(),
        field("resources", resources()).boxed(),
        field("serviceMonitor", monitor()).boxed(),
        field("podMonitor", monitor()).boxed(),
        field(
            "prometheusRule",
            section(vec![field("enabled", flag()).boxed(), field("labels", labels()).boxed()]),
        )
        .boxed(),
    ])
}

/// What the servers do.
fn server() -> impl Strategy<Value = Value> {
    section(vec![
        field(
            "persistence",
            section(vec![
                field("enabled", flag()).boxed(),
                field("storageSize", word(&["1Gi", "1.5Ti", "1000000000"])).boxed(),
                field("storageClassName", word(&["fast", "gp3.encrypted"])).boxed(),
                field("mode", word(&["none", "rdb", "aof", "both"])).boxed(),
                field("reclaimPolicy", word(&["Retain", "Delete"])).boxed(),
            ]),
        )
        .boxed(),
        field("maxMemoryPercentOfLimit", numbers(10..=100)).boxed(),
        field("config", config()).boxed(),
        field(
            "auth",
            section(vec![
                field("enabled", flag()).boxed(),
                field(
                    "existingSecret",
                    any_of(vec![json!({ "name": "s", "key": "k" }), json!({ "name": "null" })]),
                )
                .boxed(),
            ]),
        )
        .boxed(),
        field("tls", tls()).boxed(),
        field(
            "replication",
            section(vec![
                field("minReplicasToWrite", numbers(0..=8)).boxed(),
                field("minReplicasMaxLag", numbers(1..=3)).boxed(),
                field("durability", word(&["Preferred", "Required"])).boxed(),
                field("disklessSync", flag()).boxed(),
            ]),
        )
        .boxed(),
        field(
            "sentinel",
            section(vec![
                field("pingIntervalMs", numbers(100..=5000)).boxed(),
                field("downAfterMs", numbers(5000..=600_000)).boxed(),
                field("failoverTimeoutMs", numbers(1000..=3_600_000)).boxed(),
                field("autoFailover", flag()).boxed(),
                field("policy", word(&["Consistency", "Availability"])).boxed(),
                field("replicaOrder", word(&["DataFirst", "PriorityFirst"])).boxed(),
            ]),
        )
        .boxed(),
    ])
}

fn config() -> impl Strategy<Value = Value> {
    section(vec![
        field("maxmemory", word(&["100mb", "0"])).boxed(),
        field("maxmemory-policy", word(&["allkeys-lru", "noeviction"])).boxed(),
        field("save", word(&["3600 1 60 100", "\"\""])).boxed(),
        field("notify-keyspace-events", word(&["KEA", "\"\""])).boxed(),
        field("client-output-buffer-limit", word(&["replica 0 0 0"])).boxed(),
        field("io-threads", word(&["4"])).boxed(),
    ])
}

fn tls() -> impl Strategy<Value = Value> {
    let asked = || field("clientAuth", word(&["off", "optional", "require"])).boxed();
    let always = |name, value| Just(vec![(name, value)]).boxed();
    let issuer = any_of(vec![
        json!({ "name": "ca" }),
        json!({ "name": "on", "kind": "ClusterIssuer", "group": "example.com" }),
    ]);
    prop_oneof![
        section(vec![
            field("enabled", flag()).boxed(),
            asked(),
            always("certSecretName", Value::from("tls")),
        ]),
        section(vec![
            field("enabled", flag()).boxed(),
            asked(),
            issuer.prop_map(|issuer| vec![("issuerRef", issuer)]).boxed(),
            field("duration", word(&["2160h", "1000h30m"])).boxed(),
            field("renewBefore", word(&["5m", "360h"])).boxed(),
            field("extraDnsNames", any_of(vec![json!(["*.example.com", "null"]), json!([])]))
                .boxed(),
        ]),
        Just(json!({ "enabled": false })),
    ]
}

/// What the pods are.
fn pods() -> impl Strategy<Value = Value> {
    let affinity = json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
        "nodeSelectorTerms": [{ "matchExpressions": [
            { "key": "zone", "operator": "In", "values": ["1", "no"] }] }] } } });
    let spread =
        json!([{ "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule" }]);
    let container =
        json!([{ "name": "yes", "image": "busybox:1.37", "command": ["sleep", "1e3"] }]);
    section(vec![
        field("image", word(&["docker.io/valkey/valkey:9.0", "localhost:5000/valkey:1"])).boxed(),
        field("imagePullPolicy", word(&["Always", "IfNotPresent", "Never"])).boxed(),
        field("imagePullSecrets", any_of(vec![json!([{ "name": "login" }]), json!([])])).boxed(),
        field("resources", resources()).boxed(),
        field("podLabels", labels()).boxed(),
        field("podAnnotations", annotations()).boxed(),
        field("nodeSelector", labels()).boxed(),
        field(
            "tolerations",
            free_text()
                .prop_map(|text| json!([{ "key": "k", "operator": "Equal", "value": text }])),
        )
        .boxed(),
        field("affinity", any_of(vec![affinity, json!({})])).boxed(),
        field("topologySpreadConstraints", any_of(vec![spread, json!([])])).boxed(),
        field("priorityClassName", word(&["system-cluster-critical", "true"])).boxed(),
        field("env", free_text().prop_map(|text| json!([{ "name": "TEXT", "value": text }])))
            .boxed(),
        field("extraContainers", any_of(vec![container, json!([])])).boxed(),
        field("extraVolumes", Just(json!([{ "name": "more", "emptyDir": {} }]))).boxed(),
        field("extraVolumeMounts", Just(json!([{ "name": "data", "mountPath": "/a b" }]))).boxed(),
        field("terminationGracePeriodSeconds", numbers(30..=86_400)).boxed(),
        field(
            "podSecurityContext",
            any_of(vec![json!({ "runAsUser": null }), json!({ "fsGroup": 7, "sysctls": [] })]),
        )
        .boxed(),
        field(
            "securityContext",
            any_of(vec![json!({ "runAsUser": 5 }), json!({ "capabilities": null })]),
        )
        .boxed(),
    ])
}

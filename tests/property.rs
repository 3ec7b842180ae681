//! What holds for every cluster, whatever people write.
#![allow(clippy::unwrap_used)] // in the helpers: a test that panics fails

use gungnir::api::ValkeyCluster;
use gungnir::cluster::{Roles, validate};
use gungnir::manifest::{Manifest, ManifestSet};
use gungnir::render::render;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::Command;

fn rendered(spec: &Value) -> ManifestSet {
    let cluster = json!({
        "apiVersion": "valkey.verilean.io/v1",
        "kind": "ValkeyCluster",
        "metadata": { "name": "demo", "namespace": "shop" },
        "spec": spec,
    });
    let cluster: ValkeyCluster = serde_json::from_value(cluster).unwrap();
    render(&validate(cluster, Roles::Elected).unwrap()).unwrap()
}

fn objects(set: &ManifestSet) -> Vec<Value> {
    set.iter().map(|manifest| manifest.object().unwrap()).collect()
}

fn object(set: &ManifestSet, kind: &str, name: &str) -> Value {
    let found = set.iter().find(|m| m.key().kind == kind && m.key().name == name);
    found.unwrap_or_else(|| panic!("no {kind}/{name}")).object().unwrap()
}

/// Texts that a YAML reader or a template engine could take for something else, and any other.
fn free_text() -> impl Strategy<Value = String> {
    let traps = prop::sample::select(vec![
        "yes",
        "no",
        "on",
        "off",
        "~",
        "null",
        "true",
        "",
        " ",
        "12:30",
        "1_000",
        "0644",
        "1e3",
        ".inf",
        "2001-01-01",
        "{{ names.cluster }}",
        "{% raw %}",
        "{# a #}",
        "a\nevil: true",
        "\"",
        "'",
        "- a",
        "a: b",
        "# a",
        "&a",
        "*a",
        "!!int 5",
        "|",
        ">",
        "%",
        "@",
        "`",
        "\t",
        "\r\n",
        "\u{0}",
        "\u{7f}",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "ключ 🔑",
        "---",
        "...",
        "a\n\n",
        " lead",
        "trail ",
        "a\n  b\n c",
        "\\x41",
        "${HOME}",
        "$(id)",
    ]);
    prop_oneof![traps.prop_map(str::to_owned), any::<String>(), "[ -~\n]{0,120}"]
}

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

/// A sound spec: any subset of the fields, each with a sound value.
fn spec() -> impl Strategy<Value = Value> {
    let (replicas, resources) = (
        4_i32..=9,
        prop::sample::select(vec![
            json!({ "limits": { "memory": "1Gi", "cpu": 2 } }),
            json!({ "limits": { "memory": "512Mi" }, "requests": { "memory": "0.25Gi", "cpu": "100m" } }),
            json!({}),
        ]),
    );
    section(vec![
        field("replicas", replicas.prop_map(Value::from)).boxed(),
        field("port", (1024_i32..9000).prop_map(Value::from)).boxed(),
        field("management", word(&["Operator", "GitOps"])).boxed(),
        field("resources", resources).boxed(),
        field("maxMemoryPercentOfLimit", (10_i32..=100).prop_map(Value::from)).boxed(),
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
        field(
            "auth",
            section(vec![
                field("enabled", flag()).boxed(),
                field("existingSecret", Just(json!({ "name": "s", "key": "k" }))).boxed(),
            ]),
        )
        .boxed(),
        field(
            "tls",
            prop::sample::select(vec![
                json!({ "enabled": true, "certSecretName": "tls" }),
                json!({ "enabled": true, "issuerRef": { "name": "ca" }, "clientAuth": "require" }),
                json!({ "enabled": false }),
            ]),
        )
        .boxed(),
        field(
            "replication",
            section(vec![
                field("minReplicasToWrite", (0_i32..3).prop_map(Value::from)).boxed(),
                field("minReplicasMaxLag", (1_i32..=3).prop_map(Value::from)).boxed(),
                field("durability", word(&["Preferred", "Required"])).boxed(),
                field("disklessSync", flag()).boxed(),
            ]),
        )
        .boxed(),
        field(
            "service",
            prop::sample::select(vec![
                json!({ "type": "NodePort", "nodePort": 30_000 }),
                json!({ "type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8"] }),
            ]),
        )
        .boxed(),
        field(
            "networkPolicy",
            Just(json!({ "enabled": true, "allowFrom": [{ "namespaceSelector": {} }] })),
        )
        .boxed(),
        field(
            "metrics",
            Just(json!({
                "enabled": true,
                "serviceMonitor": { "enabled": true },
                "podMonitor": { "enabled": true },
                "prometheusRule": { "enabled": true },
            })),
        )
        .boxed(),
        field("labels", labels()).boxed(),
        field("annotations", annotations()).boxed(),
        field("podLabels", labels()).boxed(),
        field("podAnnotations", annotations()).boxed(),
        field("env", free_text().prop_map(|text| json!([{ "name": "TEXT", "value": text }])))
            .boxed(),
        field("podSecurityContext", Just(json!({ "runAsUser": null }))).boxed(),
    ])
}

/// The same value, the keys of every mapping in reverse.
fn reversed(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().rev().map(|(key, value)| (key.clone(), reversed(value))).collect()
        }
        Value::Array(items) => items.iter().map(reversed).collect(),
        scalar => scalar.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_sound_spec_renders_to_objects_and_key_order_changes_no_byte(spec in spec()) {
        let set = rendered(&spec);
        for (manifest, object) in set.iter().zip(objects(&set)) {
            prop_assert_eq!(object["kind"].as_str(), Some(manifest.key().kind.as_str()));
            prop_assert_eq!(object["metadata"]["name"].as_str(), Some(manifest.key().name.as_str()));
            prop_assert_eq!(&object["metadata"]["namespace"], "shop");
            prop_assert_eq!(&object["metadata"]["labels"]["valkey.verilean.io/cluster"], "demo");
            // kubectl's rules (YAML 1.1) and ours read the same object.
            let foreign = Manifest::read(manifest.text()).unwrap().object().unwrap();
            prop_assert_eq!(&foreign, &object);
        }
        prop_assert_eq!(rendered(&reversed(&spec)).to_yaml(), set.to_yaml());
    }

    #[test]
    fn free_text_comes_back_unchanged(texts in prop::collection::vec(free_text(), 5)) {
        let set = rendered(&json!({
            "annotations": { "a": texts[0] },
            "podAnnotations": { "b": texts[1] },
            "service": { "annotations": { "c": texts[2] } },
            "env": [{ "name": "TEXT", "value": texts[3] }],
            "extraContainers": [{ "name": "x", "image": "x", "args": [texts[4]] }],
        }));
        let stateful_set = object(&set, "StatefulSet", "demo");
        let service = object(&set, "Service", "demo-client");
        let containers = &stateful_set["spec"]["template"]["spec"]["containers"];
        let env = containers[0]["env"].as_array().unwrap();
        let variable = env.iter().find(|variable| variable["name"] == "TEXT").unwrap();
        prop_assert_eq!(&stateful_set["metadata"]["annotations"]["a"], &texts[0]);
        prop_assert_eq!(&stateful_set["spec"]["template"]["metadata"]["annotations"]["b"], &texts[1]);
        prop_assert_eq!(&service["metadata"]["annotations"]["c"], &texts[2]);
        prop_assert_eq!(&variable["value"], &texts[3]);
        prop_assert_eq!(&containers[1]["args"][0], &texts[4]);
    }
}

#[test]
fn time_zone_language_folder_and_file_order_change_no_byte() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let examples = root.join("examples");
    let mut files: Vec<_> =
        examples.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let render = |files: &[std::path::PathBuf], folder: &Path, variables: &[(&str, &str)]| {
        let output = Command::new(env!("CARGO_BIN_EXE_gungnir"))
            .arg("render")
            .args(files)
            .current_dir(folder)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let expected = render(&files, root, &[]);
    assert!(!expected.is_empty());
    let backwards: Vec<_> = files.iter().rev().cloned().collect();
    for (files, folder, variables) in [
        (&files, "/", vec![("TZ", "Pacific/Kiritimati")]),
        (&files, "/tmp", vec![("LANG", "tr_TR.UTF-8"), ("LC_ALL", "tr_TR.UTF-8")]),
        (&backwards, "/", vec![]),
        (&backwards, "/", vec![("HOME", "/nowhere"), ("KUBECONFIG", "/nowhere")]),
    ] {
        assert!(
            render(files, Path::new(folder), &variables) == expected,
            "{variables:?} in {folder}"
        );
    }
    assert!(render(&[examples], Path::new("/"), &[]) == expected, "the directory as a whole");
}

#[test]
fn a_cluster_without_fields_is_sound() {
    let set = rendered(&Value::Object(Map::new()));
    assert_eq!(set.len(), 7);
}

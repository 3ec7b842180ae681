//! What holds for every cluster, whatever people write.
#![allow(clippy::unwrap_used)] // in the helpers: a test that panics fails

mod support;

mod property {
    pub mod spec;
    pub mod text;
}

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use gungnir::api::ValkeyCluster;
use gungnir::cluster::{Fault, Roles, ValidatedCluster, validate};
use gungnir::manifest::{Manifest, ManifestSet};
use gungnir::render::render;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

use property::spec::roles_and_spec;
use property::text::free_text;
use support::spec_fields::{REFUSED, fields_of_the_spec, set_in};

fn validated(spec: &Value, roles: Roles) -> Result<ValidatedCluster, Vec<Fault>> {
    let cluster = json!({
        "apiVersion": "valkey.verilean.io/v1",
        "kind": "ValkeyCluster",
        "metadata": { "name": "demo", "namespace": "shop" },
        "spec": spec,
    });
    let cluster: ValkeyCluster = serde_json::from_value(cluster).unwrap();
    validate(cluster, roles)
}

fn rendered(spec: &Value, roles: Roles) -> ManifestSet {
    render(&validated(spec, roles).unwrap()).unwrap()
}

fn objects(set: &ManifestSet) -> Vec<Value> {
    set.iter().map(|manifest| manifest.object().unwrap()).collect()
}

fn object(set: &ManifestSet, kind: &str, name: &str) -> Value {
    let found = set.iter().find(|m| m.key().kind == kind && m.key().name == name);
    found.unwrap_or_else(|| panic!("no {kind}/{name}")).object().unwrap()
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
    fn any_sound_spec_renders_to_objects_and_key_order_changes_no_byte(
        (roles, spec) in roles_and_spec()
    ) {
        let set = rendered(&spec, roles);
        for (manifest, object) in set.iter().zip(objects(&set)) {
            prop_assert_eq!(object["kind"].as_str(), Some(manifest.key().kind.as_str()));
            prop_assert_eq!(object["metadata"]["name"].as_str(), Some(manifest.key().name.as_str()));
            prop_assert_eq!(&object["metadata"]["namespace"], "shop");
            prop_assert_eq!(&object["metadata"]["labels"]["valkey.verilean.io/cluster"], "demo");
            // kubectl's rules (YAML 1.1) and ours read the same object.
            let foreign = Manifest::read(manifest.text()).unwrap().object().unwrap();
            prop_assert_eq!(&foreign, &object);
        }
        prop_assert_eq!(rendered(&reversed(&spec), roles).to_yaml(), set.to_yaml());
    }

    #[test]
    fn free_text_comes_back_unchanged(texts in prop::collection::vec(free_text(), 11)) {
        let affinity = |text: &str| json!({
            "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{ "matchExpressions": [
                    { "key": "k", "operator": "In", "values": [text] }] }] } },
        });
        let set = rendered(&json!({
            "annotations": { "a": texts[0] },
            "podAnnotations": { "b": texts[1] },
            "service": { "annotations": { "c": texts[2] } },
            "env": [{ "name": "TEXT", "value": texts[3] }],
            "extraContainers": [{ "name": "x", "image": "x", "args": [texts[4]] }],
            "serviceAccount": { "create": true, "annotations": { "d": texts[5] } },
            "tolerations": [{ "key": "k", "operator": "Equal", "value": texts[6] }],
            "affinity": affinity(&texts[7]),
            "securityContext": { "procMount": texts[8] },
            "podSecurityContext": { "fsGroupChangePolicy": texts[9] },
            "extraVolumes": [{ "name": "v", "hostPath": { "path": texts[10] } }],
        }), Roles::Elected);
        let stateful_set = object(&set, "StatefulSet", "demo");
        let service = object(&set, "Service", "demo-client");
        let account = object(&set, "ServiceAccount", "demo");
        let pod = &stateful_set["spec"]["template"]["spec"];
        let env = named(&pod["containers"][0]["env"], "TEXT");
        let volume = named(&pod["volumes"], "v");
        prop_assert_eq!(&stateful_set["metadata"]["annotations"]["a"], &texts[0]);
        prop_assert_eq!(&stateful_set["spec"]["template"]["metadata"]["annotations"]["b"], &texts[1]);
        prop_assert_eq!(&service["metadata"]["annotations"]["c"], &texts[2]);
        prop_assert_eq!(&env["value"], &texts[3]);
        prop_assert_eq!(&pod["containers"][1]["args"][0], &texts[4]);
        prop_assert_eq!(&account["metadata"]["annotations"]["d"], &texts[5]);
        prop_assert_eq!(&pod["tolerations"][0]["value"], &texts[6]);
        prop_assert_eq!(&pod["affinity"]["nodeAffinity"], &affinity(&texts[7])["nodeAffinity"]);
        prop_assert_eq!(&pod["containers"][0]["securityContext"]["procMount"], &texts[8]);
        prop_assert_eq!(&pod["securityContext"]["fsGroupChangePolicy"], &texts[9]);
        prop_assert_eq!(&volume["hostPath"]["path"], &texts[10]);
    }

    /// Any text as the value of a directive is refused, or is the rest of its one line.
    #[test]
    fn a_directive_is_one_line_or_refused(text in free_text()) {
        let lines = |text: &str| {
            let spec = json!({ "config": { "loadmodule": text } });
            let cluster = validated(&spec, Roles::Elected).ok()?;
            let config = object(&render(&cluster).unwrap(), "ConfigMap", "demo-config");
            let lines = config["data"]["valkey.conf"].as_str().unwrap().split('\n');
            Some(lines.map(str::to_owned).collect::<Vec<_>>())
        };
        let plain = lines("a.so").unwrap();
        if let Some(found) = lines(&text) {
            let expected = |line: &String| {
                if line == "loadmodule a.so" { format!("loadmodule {text}") } else { line.clone() }
            };
            prop_assert_eq!(found, plain.iter().map(expected).collect::<Vec<_>>());
        }
    }
}

/// The item of a list that has this name.
fn named(list: &Value, name: &str) -> Value {
    let found = list.as_array().unwrap().iter().find(|item| item["name"] == name);
    found.unwrap_or_else(|| panic!("no {name}")).clone()
}

#[test]
fn the_specs_set_every_field_and_each_kind_of_roles() {
    let fields = fields_of_the_spec();
    let mut missing: BTreeSet<&str> = fields.iter().map(String::as_str).collect();
    let (mut runner, mut elected, mut fixed) = (TestRunner::deterministic(), false, false);
    for _ in 0..300 {
        let (roles, spec) = roles_and_spec().new_tree(&mut runner).unwrap().current();
        for field in set_in(&json!({ "spec": spec }), &fields) {
            missing.remove(field.as_str());
        }
        elected |= roles == Roles::Elected;
        fixed |= roles != Roles::Elected;
    }
    assert_eq!(missing, REFUSED.iter().copied().collect());
    assert!(elected && fixed);
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
    let set = rendered(&Value::Object(Map::new()), Roles::Elected);
    assert_eq!(set.len(), 7);
}

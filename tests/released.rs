//! What was released goes on to work: the CustomResourceDefinition takes every object that the one of
//! the last release took, and reads it the same way. `tests/released` holds what releases had.
//!
//! What never happens here: a file of a release is changed. A new one is added when a release is made
//! (CONTRIBUTING says how).
#![allow(clippy::unwrap_used)] // in the helpers: a test that panics fails

#[path = "released/additive.rs"]
mod additive;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use additive::breaks;

fn parsed(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

fn present() -> Value {
    let printed = Command::new(env!("CARGO_BIN_EXE_gungnir")).arg("crd").output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    parsed(&String::from_utf8(printed.stdout).unwrap())
}

/// Every release that there was: an object may have been made under any of them.
fn released() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/released");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let yaml = files.filter(|path| path.extension().is_some_and(|it| it == "yaml"));
    let mut all: Vec<(String, Value)> = yaml
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, parsed(&fs::read_to_string(path).unwrap()))
        })
        .collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

#[test]
fn every_object_of_every_release_is_still_taken_and_means_the_same() {
    let released = released();
    assert!(!released.is_empty(), "no release is held against");
    let present = present();
    for (name, before) in released {
        let found = breaks(&before, &present);
        assert!(found.is_empty(), "since {name}:\n{}", found.join("\n"));
    }
}

/// The schema of `spec`.
fn spec(crd: &mut Value) -> &mut Value {
    crd.pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec").unwrap()
}

#[test]
fn whatever_would_refuse_or_change_an_object_is_found() {
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 14] = [
        ("spec.properties.replicas is gone", |crd| {
            spec(crd)["properties"].as_object_mut().unwrap().remove("replicas");
        }),
        ("spec.properties.replicas.type", |crd| {
            spec(crd)["properties"]["replicas"]["type"] = json!("string");
        }),
        ("spec.properties.port.default", |crd| {
            spec(crd)["properties"]["port"]["default"] = json!(6380);
        }),
        ("spec.properties.port.maximum", |crd| {
            spec(crd)["properties"]["port"]["maximum"] = json!(9999);
        }),
        ("spec.properties.port.minimum", |crd| {
            spec(crd)["properties"]["port"]["minimum"] = json!(2048);
        }),
        ("spec.required", |crd| spec(crd)["required"] = json!(["image"])),
        ("spec.properties.image.maxLength", |crd| {
            spec(crd)["properties"]["image"]["maxLength"] = json!(8);
        }),
        ("spec.properties.management.enum", |crd| {
            spec(crd)["properties"]["management"]["enum"] = json!(["Operator"]);
        }),
        ("spec.x-kubernetes-validations", |crd| {
            let rules = spec(crd)["x-kubernetes-validations"].as_array_mut().unwrap();
            rules.push(json!({"rule": "self.replicas > 1", "message": "no single pods"}));
        }),
        ("spec.properties.tolerations.items", |crd| {
            spec(crd)["properties"]["tolerations"]["items"] = json!({"type": "string"});
        }),
        ("version v1 is gone", |crd| crd["spec"]["versions"][0]["name"] = json!("v2")),
        ("version v1 is not served", |crd| crd["spec"]["versions"][0]["served"] = json!(false)),
        ("version v1 has no scale", |crd| {
            crd["spec"]["versions"][0]["subresources"].as_object_mut().unwrap().remove("scale");
        }),
        ("spec.names", |crd| crd["spec"]["names"]["shortNames"] = json!([])),
    ];
    let before = present();
    for (what, change) in changes {
        let mut after = before.clone();
        change(&mut after);
        assert!(before != after, "{what}: nothing was changed");
        let found = breaks(&before, &after);
        assert!(found.iter().any(|it| it.contains(what)), "{what} is not in {found:?}");
    }
}

#[test]
fn what_is_added_or_allowed_breaks_nothing() {
    let before = present();
    let mut after = before.clone();
    let wider = spec(&mut after);
    wider["properties"]["hibernate"] = json!({"type": "boolean", "default": false});
    wider["properties"]["port"]["minimum"] = json!(0);
    wider["properties"]["management"]["enum"].as_array_mut().unwrap().push(json!("Other"));
    wider["x-kubernetes-validations"].as_array_mut().unwrap().pop();
    after["spec"]["names"]["shortNames"].as_array_mut().unwrap().push(json!("vkc"));
    assert!(before != after);
    assert_eq!(breaks(&before, &after), [""; 0]);
}

//! What the operator may do in a cluster: exactly what it does.
//!
//! The rights of the chart are held against the catalog of manifests and a table of everything else
//! that the operator asks for. The tests of the rungs `operator`, `election` and `scenarios` run under
//! just these rights, so a missing one fails there; and they write down which were used, so that one
//! too many fails here.
#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use gungnir::cluster::Roles;
use gungnir::render::CATALOG;
use kube::api::{ApiResource, GroupVersionKind};
use serde::Deserialize;
use serde_json::Value;

#[path = "support/examples.rs"]
mod examples;

use examples::{examples, rendered};

/// The verbs on one resource.
type Rights = BTreeMap<(String, String), BTreeSet<String>>;

/// What an object of the set needs: it is watched, looked at when its name is taken, and applied.
const CHILD: &[&str] = &["create", "get", "list", "patch", "watch"];

/// Kinds whose objects never leave the set: nothing deletes them but the garbage collector, with
/// their cluster.
const STAYS: &[&str] = &["ConfigMap", "Secret", "Service"];

/// Everything else: group, resource, verbs.
const BESIDE: &[(&str, &str, &[&str])] = &[
    // Watched; read again before the record is written.
    ("valkey.verilean.io", "valkeyclusters", &["get", "list", "watch"]),
    // The status and the election record.
    ("valkey.verilean.io", "valkeyclusters/status", &["patch"]),
    // To be named as an owner that blocks: OwnerReferencesPermissionEnforcement asks for it.
    ("valkey.verilean.io", "valkeyclusters/finalizers", &["update"]),
    // Watched, given their role, restarted in order.
    ("", "pods", &["delete", "list", "patch", "watch"]),
    // Watched, given the epoch of their data, grown.
    ("", "persistentvolumeclaims", &["list", "patch", "watch"]),
    // Whether a volume can grow.
    ("storage.k8s.io", "storageclasses", &["get"]),
    // Whether its schema is that of this version.
    ("apiextensions.k8s.io", "customresourcedefinitions", &["get"]),
    // What people are told.
    ("events.k8s.io", "events", &["create", "patch"]),
];

/// What only the operator of all namespaces may: whether another one, which has a cluster, is still
/// there. The operator of one namespace says that it cannot know, and what helps.
const EVERYWHERE: &[(&str, &str, &[&str])] = &[("coordination.k8s.io", "leases", &["get"])];

/// What a lease needs, in the operator's own namespace.
const LEASE: &[&str] = &["create", "get", "update"];

fn set(verbs: &[&str]) -> BTreeSet<String> {
    verbs.iter().map(|verb| (*verb).to_owned()).collect()
}

fn needed() -> Rights {
    let mut needed = Rights::new();
    for row in CATALOG {
        let (group, version) = row.api_version.rsplit_once('/').unwrap_or(("", row.api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, row.kind));
        let mut verbs = set(CHILD);
        // What leaves the set is deleted; a StatefulSet is, to be made anew around its pods.
        if !STAYS.contains(&row.kind) {
            verbs.insert("delete".to_owned());
        }
        needed.insert((resource.group, resource.plural), verbs);
    }
    for (group, resource, verbs) in BESIDE {
        needed.insert(((*group).to_owned(), (*resource).to_owned()), set(verbs));
    }
    needed
}

fn objects(golden: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/chart").join(golden);
    let text = fs::read_to_string(path).unwrap();
    let documents = serde_yaml::Deserializer::from_str(&text);
    documents.map(|document| Value::deserialize(document).unwrap()).collect()
}

/// All rights of the roles of a kind.
fn granted(objects: &[Value], kind: &str) -> Rights {
    let texts = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let mut granted = Rights::new();
    for role in objects.iter().filter(|object| object["kind"] == kind) {
        for rule in role["rules"].as_array().unwrap() {
            for group in texts(&rule["apiGroups"]) {
                for resource in texts(&rule["resources"]) {
                    let verbs = texts(&rule["verbs"]);
                    granted.entry((group.clone(), resource)).or_default().extend(verbs);
                }
            }
        }
    }
    granted
}

#[test]
fn what_is_never_deleted_is_in_every_set() {
    for example in examples() {
        for cluster in example.clusters {
            let rendered = rendered(&cluster, Roles::Elected);
            let count =
                |kind: &str| rendered.iter().filter(|object| object["kind"] == kind).count();
            for kind in STAYS {
                let rows = CATALOG.iter().filter(|row| row.kind == *kind).count();
                assert_eq!(count(kind), rows, "{}: {kind}", example.name);
            }
        }
    }
}

#[test]
fn the_operator_of_all_namespaces_has_what_it_needs_and_no_more() {
    let objects = objects("default.yaml");
    let mut everywhere = needed();
    for (group, resource, verbs) in EVERYWHERE {
        everywhere.insert(((*group).to_owned(), (*resource).to_owned()), set(verbs));
    }
    assert_eq!(granted(&objects, "ClusterRole"), everywhere);
    let lease = ("coordination.k8s.io".to_owned(), "leases".to_owned());
    assert_eq!(granted(&objects, "Role"), BTreeMap::from([(lease, set(LEASE))]));
}

#[test]
fn the_operator_of_one_namespace_has_the_same_rights_there_alone() {
    let objects = objects("one-namespace.yaml");
    let without_namespace = ["storageclasses", "customresourcedefinitions"];
    let (everywhere, mut needed): (Rights, Rights) = needed()
        .into_iter()
        .partition(|((_, resource), _)| without_namespace.contains(&resource.as_str()));
    assert_eq!(granted(&objects, "ClusterRole"), everywhere, "what has no namespace");
    let lease = ("coordination.k8s.io".to_owned(), "leases".to_owned());
    needed.insert(lease, set(LEASE));
    assert_eq!(granted(&objects, "Role"), needed);
    let namespaces: BTreeSet<&str> = objects
        .iter()
        .filter(|object| object["kind"] == "Role")
        .filter_map(|role| role["metadata"]["namespace"].as_str())
        .collect();
    assert_eq!(namespaces, BTreeSet::from(["gungnir-system", "shop"]));
}

/// Who takes a right that no request of the rung `operator` does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taker {
    /// Admission checks it; nobody asks for it by itself.
    Admission,
    /// The elections, which the rung `election` has.
    Elections,
}

/// Such rights.
const ELSEWHERE: &[(&str, &str, &str, Taker)] = &[
    ("update", "valkey.verilean.io", "valkeyclusters/finalizers", Taker::Admission),
    // The record is read again where the watch has not brought one that can be read, pods get their role.
    ("get", "valkey.verilean.io", "valkeyclusters", Taker::Elections),
    ("patch", "", "pods", Taker::Elections),
];

/// What tests have written down, a right on each line.
fn used() -> BTreeSet<String> {
    let file = std::env::var_os("GUNGNIR_RIGHTS_USED").expect("GUNGNIR_RIGHTS_USED names a file");
    fs::read_to_string(file).unwrap().lines().map(str::to_owned).collect()
}

fn line(verb: &str, group: &str, resource: &str) -> String {
    format!("{verb} {group} {resource}")
}

/// A line for each right that the chart's roles of some kinds grant.
fn lines(kinds: &[&str]) -> BTreeSet<String> {
    let objects = objects("default.yaml");
    let granted = kinds.iter().flat_map(|kind| granted(&objects, kind));
    let lines = granted.flat_map(|((group, resource), verbs)| {
        verbs.into_iter().map(move |verb| line(&verb, &group, &resource))
    });
    lines.collect()
}

/// By `tests/run operator`, after its tests: `GUNGNIR_RIGHTS_USED` names what they wrote.
#[test]
#[ignore = "needs what the rung `operator` has written"]
fn every_right_was_used() {
    let used = used();
    let mut unused = Vec::new();
    for right in lines(&["ClusterRole"]) {
        let is_told =
            ELSEWHERE.iter().any(|(verb, group, resource, _)| line(verb, group, resource) == right);
        match (used.contains(&right), is_told) {
            (true, true) => unused.push(format!("told, and used: {right}")),
            (false, false) => unused.push(right),
            _ => {}
        }
    }
    assert_eq!(unused, Vec::<String>::new(), "rights that nobody has used");
}

/// By `tests/run election`, after its tests.
#[test]
#[ignore = "needs what the rung `election` has written"]
fn what_the_elections_alone_take_was_used_by_them() {
    let used = used();
    for (verb, group, resource, taker) in ELSEWHERE {
        let right = line(verb, group, resource);
        assert_eq!(used.contains(&right), *taker == Taker::Elections, "{right}");
    }
}

/// By `tests/run scenarios`, after its own: the API server's own log of the installed operator.
#[test]
#[ignore = "needs what the rung `scenarios` has written"]
fn all_that_was_used_is_granted() {
    let (used, granted) = (used(), lines(&["ClusterRole", "Role"]));
    assert!(!used.is_empty(), "nothing was used at all");
    let more: Vec<&String> = used.difference(&granted).collect();
    assert_eq!(more, Vec::<&String>::new(), "asked for without a right");
}

//! `gungnir fn`: a ResourceList in, a ResourceList out.

use gungnir::input::limits::{MAX_INPUT_BYTES, OF_A_FILE};
use gungnir::manifest::yaml::block;
use serde_json::{Value, json};

use crate::support::run::Run;
use crate::support::stream::{golden, object, objects};

fn other() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "flags" },
        "data": { "a": "yes" },
    })
}

fn minimal() -> Value {
    object(&crate::support::stream::file("examples/minimal.yaml"))
}

fn list(configuration: Option<Value>, items: Vec<Value>) -> Value {
    let mut list = json!({ "apiVersion": "config.kubernetes.io/v1", "kind": "ResourceList" });
    if let Some(configuration) = configuration {
        list["functionConfig"] = configuration;
    }
    list["items"] = Value::Array(items);
    list
}

fn text(list: &Value) -> String {
    block(list, 0).unwrap()
}

#[test]
fn a_cluster_among_the_items_is_replaced_by_what_it_renders_to() {
    let expected = list(None, [vec![other()], objects(&golden("minimal"))].concat());
    for input in [vec![other(), minimal()], vec![minimal(), other()]] {
        Run::gungnir(["fn"]).stdin(text(&list(None, input))).stdout(text(&expected)).check();
    }
}

#[test]
fn json_comes_in_as_well() {
    let expected = list(None, objects(&golden("minimal")));
    Run::gungnir(["fn"])
        .stdin(list(None, vec![minimal()]).to_string())
        .stdout(text(&expected))
        .check();
}

#[test]
fn the_version_of_the_list_stays_as_it_came() {
    for version in ["config.kubernetes.io/v1beta1", "config.kubernetes.io/v1alpha1"] {
        let listed = |items| {
            let mut list = list(None, items);
            list["apiVersion"] = Value::from(version);
            text(&list)
        };
        let expected = listed([vec![other()], objects(&golden("minimal"))].concat());
        Run::gungnir(["fn"]).stdin(listed(vec![other(), minimal()])).stdout(expected).check();
    }
}

/// A tool hands over a whole folder as one document, so that it may be longer than one that
/// people write, and have more values.
#[test]
fn a_list_may_be_as_long_as_any_input() {
    let mut long = other();
    long["data"] = json!({ "text": "x".repeat(OF_A_FILE.bytes + 1) });
    let mut many = other();
    many["data"] = Value::from(vec![1; OF_A_FILE.nodes + 1]);
    let items = vec![long, many];
    let input = text(&list(None, [items.clone(), vec![minimal()]].concat()));
    let expected = list(None, [items, objects(&golden("minimal"))].concat());
    Run::gungnir(["fn"]).stdin(input).stdout(text(&expected)).check();
}

#[test]
fn a_list_that_is_too_long_is_refused_with_what_helps() {
    Run::gungnir(["fn"])
        .stdin("a".repeat(MAX_INPUT_BYTES + 1))
        .stderr(
            "\
error: stdin:1:1: the input is longer than 16 MiB
  help: have the tool hand over fewer objects: keep the clusters in a folder of their own, with the \
             function there
",
        )
        .status(2)
        .check();
}

#[test]
fn the_function_configuration_may_be_the_cluster() {
    let expected = list(Some(minimal()), [vec![other()], objects(&golden("minimal"))].concat());
    Run::gungnir(["fn"])
        .stdin(text(&list(Some(minimal()), vec![other()])))
        .stdout(text(&expected))
        .check();
}

#[test]
fn a_list_without_clusters_passes_through() {
    for items in [vec![], vec![other()]] {
        let list = text(&list(Some(json!({ "kind": "Render" })), items));
        Run::gungnir(["fn"]).stdin(&list).stdout(&list).check();
    }
}

#[test]
fn new_objects_are_kept_beside_the_cluster_and_the_tools_notes_are_not_copied() {
    let mut cluster = minimal();
    cluster["metadata"]["annotations"] = json!({
        "config.kubernetes.io/index": "0",
        "config.kubernetes.io/path": "base/cluster.yaml",
        "internal.config.kubernetes.io/path": "base/cluster.yaml",
        "example.com/mine": "stays with the cluster",
    });
    let mut items = objects(&golden("minimal"));
    for item in &mut items {
        let kind = item["kind"].as_str().unwrap().to_ascii_lowercase();
        let path = format!("base/{kind}-{}.yaml", item["metadata"]["name"].as_str().unwrap());
        item["metadata"]["annotations"] = json!({
            "config.kubernetes.io/path": path,
            "internal.config.kubernetes.io/path": path,
        });
    }
    Run::gungnir(["fn"])
        .stdin(text(&list(None, vec![cluster])))
        .stdout(text(&list(None, items)))
        .check();
}

#[test]
fn faults_are_results_and_the_list_comes_back() {
    let input = list(
        None,
        vec![
            other(),
            json!({
                "apiVersion": "valkey.verilean.io/v1",
                "kind": "ValkeyCluster",
                "metadata": { "name": "cart" },
                "spec": { "replcas": 3, "image": "valkey:" },
            }),
            minimal(),
        ],
    );
    let mut expected = input.clone();
    let items = expected["items"].as_array_mut().unwrap();
    items.truncate(2);
    items.extend(objects(&golden("minimal")));
    let result = |message: &str, path: &str| {
        json!({
            "message": message,
            "severity": "error",
            "field": { "path": path },
            "resourceRef": {
                "apiVersion": "valkey.verilean.io/v1",
                "kind": "ValkeyCluster",
                "name": "cart",
            },
        })
    };
    expected["results"] = json!([
        result("unknown field; did you mean `replicas`?", "spec.replcas"),
        result(
            "`valkey:` is not an image: the part after `:` is not a tag; write \
             `registry/repository:tag`, like `docker.io/valkey/valkey:8.1`",
            "spec.image",
        ),
    ]);
    Run::gungnir(["fn"])
        .stdin(text(&input))
        .stdout(text(&expected))
        .stderr(
            "\
error: items[1] (cart):6:3: spec.replcas: unknown field
  6 |   replcas: 3
    |   ^^^^^^^
  help: did you mean `replicas`?
error: items[1] (cart):7:10: spec.image: `valkey:` is not an image: the part after `:` is not a tag
  7 |   image: \"valkey:\"
    |          ^^^^^^^^^
  help: write `registry/repository:tag`, like `docker.io/valkey/valkey:8.1`
",
        )
        .status(2)
        .check();
}

#[test]
fn one_cluster_twice_is_a_fault_and_rendered_once() {
    let input = list(None, vec![minimal(), minimal()]);
    let mut expected = list(None, [vec![minimal()], objects(&golden("minimal"))].concat());
    expected["results"] = json!([{
        "message": "there is a ValkeyCluster `demo` already; the first one is at items[0] \
                    (default/demo):4; give one of them another name",
        "severity": "error",
        "field": { "path": "metadata.name" },
        "resourceRef": {
            "apiVersion": "valkey.verilean.io/v1",
            "kind": "ValkeyCluster",
            "name": "demo",
            "namespace": "default",
        },
    }]);
    Run::gungnir(["fn"])
        .stdin(text(&input))
        .stdout(text(&expected))
        .stderr(
            "\
error: items[1] (default/demo):4:9: metadata.name: there is a ValkeyCluster `demo` already
  4 |   name: demo
    |         ^^^^
  help: the first one is at items[0] (default/demo):4; give one of them another name
",
        )
        .status(2)
        .check();
}

#[test]
fn a_generators_own_configuration_comes_as_an_item_too_and_is_rendered_once() {
    // kustomize hands it over in both places, and drops what stands there.
    let input = list(Some(minimal()), vec![minimal(), other()]);
    let items = [vec![minimal(), other()], objects(&golden("minimal"))].concat();
    Run::gungnir(["fn"]).stdin(text(&input)).stdout(text(&list(Some(minimal()), items))).check();
}

#[test]
fn what_is_no_resource_list_is_refused() {
    for input in ["", "{}", "kind: List\nitems: []\n", "[]", "text"] {
        Run::gungnir(["fn"])
            .stdin(input)
            .stderr("error: stdin holds no ResourceList (config.kubernetes.io/v1)\n")
            .status(2)
            .check();
    }
}

#[test]
fn a_broken_list_is_told_with_its_place_and_without_its_secrets() {
    let input = "\
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- kind: Secret
  data: {password: hunter2, [
";
    let found = Run::gungnir(["fn"]).stdin(input).finish();
    assert_eq!((found.stdout.as_str(), found.status), ("", 2));
    assert!(found.stderr.starts_with("error: stdin:5:29: unclosed bracket"), "{}", found.stderr);
    assert!(!found.stderr.contains("hunter2"), "{}", found.stderr);
}

//! `gungnir render`: what goes in, in which form and from where.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::folder::Folder;
use crate::support::run::{ROOT, Run};
use crate::support::stream::{documents, file, golden, keys, stream};

const MINIMAL: &str = "examples/minimal.yaml";

/// An object of another kind.
const OTHER: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";

fn cluster(name: &str) -> String {
    format!(
        "apiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\nmetadata:\n  name: {name}\n\
         spec: {{}}\n"
    )
}

#[test]
fn a_file_goes_to_stdout() {
    Run::gungnir(["render", MINIMAL]).stdout(golden("minimal")).check();
}

#[test]
fn a_dash_is_stdin() {
    Run::gungnir(["render", "-"]).stdin(file(MINIMAL)).stdout(golden("minimal")).check();
}

#[test]
fn json_is_read_as_well() {
    let json = json!({
        "apiVersion": "valkey.verilean.io/v1",
        "kind": "ValkeyCluster",
        "metadata": { "name": "demo", "namespace": "default" },
        "spec": { "replicas": 3 },
    });
    for text in [json.to_string(), format!("{json:#}")] {
        Run::gungnir(["render", "-"]).stdin(text).stdout(golden("minimal")).check();
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_change_nothing() {
    let text = format!("\u{feff}{}", file(MINIMAL).replace('\n', "\r\n"));
    Run::gungnir(["render", "-"]).stdin(text).stdout(golden("minimal")).check();
}

#[test]
fn a_key_without_a_value_is_as_if_it_were_not_there() {
    let text = file(MINIMAL).replace("replicas: 3", "replicas:\n  tls:\n  persistence: null");
    Run::gungnir(["render", "-"]).stdin(text).stdout(golden("minimal")).check();
}

#[test]
fn several_files_are_one_ordered_set() {
    let paths = ["examples/no-auth.yaml", "examples/minimal.yaml"];
    let there = Run::gungnir(["render", paths[0], paths[1]]).finish();
    assert_eq!((there.stderr.as_str(), there.status), ("", 0));
    assert_eq!(
        keys(&there.stdout),
        [
            "NetworkPolicy legacy/legacy-queue",
            "PodDisruptionBudget default/demo-pdb",
            "PodDisruptionBudget legacy/legacy-queue-pdb",
            "Secret default/demo-secret",
            "Secret legacy/legacy-queue-secret",
            "ConfigMap default/demo-config",
            "ConfigMap legacy/legacy-queue-config",
            "Service default/demo-client",
            "Service default/demo-headless",
            "Service default/demo-replicas",
            "Service legacy/legacy-queue-client",
            "Service legacy/legacy-queue-headless",
            "Service legacy/legacy-queue-replicas",
            "StatefulSet default/demo",
            "StatefulSet legacy/legacy-queue",
        ]
    );
    let both = golden("minimal") + &golden("no-auth");
    assert_eq!(sorted(&there.stdout), sorted(&both), "each object is what it is alone");
    Run::gungnir(["render", paths[1], paths[0]]).stdout(there.stdout).check();
}

fn sorted(stream: &str) -> Vec<&str> {
    let mut documents = documents(stream);
    documents.sort_unstable();
    documents
}

#[test]
fn a_directory_is_read_whatever_its_files_are_called() {
    let [demo, cart] = [file(MINIMAL), cluster("cart")];
    let one = Folder::of([("a.yaml", demo.as_str()), ("b/c.yml", cart.as_str())]);
    let other = Folder::of([("z.yml", demo.as_str()), ("b.yaml", cart.as_str())]);
    let json = json!({
        "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster",
        "metadata": { "name": "cart" }, "spec": {},
    });
    let third = Folder::of([("deep/er/x.yaml", demo.as_str())]);
    third.write("y.json", &json.to_string());
    let expected = Run::gungnir(["render", "-"]).stdin(format!("{demo}---\n{cart}")).finish();
    assert_eq!((expected.stderr.as_str(), expected.status), ("", 0));
    assert_eq!(documents(&expected.stdout).len(), 14);
    for folder in [&one, &other, &third] {
        Run::gungnir(["render".as_ref(), folder.path()]).stdout(expected.stdout.clone()).check();
    }
}

#[test]
fn a_directory_leaves_out_what_is_hidden_or_no_manifest_and_goes_round_in_no_circle() {
    let bad = "apiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\n";
    let folder = Folder::of([
        ("cluster.yaml", file(MINIMAL).as_str()),
        ("README.md", bad),
        (".hidden.yaml", bad),
        (".git/cluster.yaml", bad),
        ("cluster.yaml~", bad),
    ]);
    symlink("..", folder.path().join("up")).unwrap();
    symlink("nowhere.yaml", folder.path().join("dangling.yaml")).unwrap();
    Run::gungnir(["render", "."]).folder(folder.path()).stdout(golden("minimal")).check();
}

#[test]
fn a_directory_without_clusters_is_an_error() {
    let folder = Folder::of([("other/config.yaml", OTHER)]);
    let help =
        "  help: a cluster has `apiVersion: valkey.verilean.io/v1` and `kind: ValkeyCluster`\n";
    for (path, what) in [("other", "in this directory"), ("other/config.yaml", "in this file")] {
        Run::gungnir(["render", path])
            .folder(folder.path())
            .stderr(format!("error: {path}:1:1: there is no ValkeyCluster {what}\n{help}"))
            .status(2)
            .check();
    }
    Run::gungnir(["render", "-"])
        .stderr(format!("error: stdin:1:1: there is no ValkeyCluster on stdin\n{help}"))
        .status(2)
        .check();
}

#[test]
fn one_name_in_two_files_is_an_error_that_names_both() {
    let folder = Folder::of([("a.yaml", cluster("cart").as_str()), ("b.yaml", "")]);
    folder.write("b.yaml", &format!("# The same again.\n{}", cluster("cart")));
    Run::gungnir(["render", "a.yaml", "b.yaml"])
        .folder(folder.path())
        .stderr(
            "\
error: b.yaml:5:9: metadata.name: there is a ValkeyCluster `cart` already
  5 |   name: cart
    |         ^^^^
  help: the first one is at a.yaml:4; give one of them another name
",
        )
        .status(2)
        .check();
}

#[test]
fn nothing_is_printed_when_anything_is_wrong() {
    let folder = Folder::of([
        ("bad.yaml", "apiVersion: valkey.verilean.io/v1\nkind: ValkeyClusters\n"),
        ("good.yaml", file(MINIMAL).as_str()),
    ]);
    Run::gungnir(["render", "."])
        .folder(folder.path())
        .stderr(
            "\
error: ./bad.yaml:2:7: kind: valkey.verilean.io has no kind `ValkeyClusters`
  2 | kind: ValkeyClusters
    |       ^^^^^^^^^^^^^^
  help: write `ValkeyCluster`
",
        )
        .status(2)
        .check();
}

#[test]
fn the_same_kind_of_another_group_is_another_kind_unless_it_is_misspelt() {
    let foreign = |group: &str| {
        format!("apiVersion: {group}/v1\nkind: ValkeyCluster\nmetadata:\n  name: other\n")
    };
    Run::gungnir(["render", "-"])
        .stdin(format!("{}---\n{}", foreign("valkey.io"), file(MINIMAL)))
        .stdout(golden("minimal"))
        .check();
    Run::gungnir(["render", "-"])
        .stdin(format!("{}---\n{}", foreign("valkey.verilian.io"), file(MINIMAL)))
        .stderr(
            "\
error: stdin:1:13: apiVersion: there is no API group `valkey.verilian.io`
  1 | apiVersion: valkey.verilian.io/v1
    |             ^^^^^^^^^^^^^^^^^^^^^
  help: did you mean `valkey.verilean.io/v1`?
",
        )
        .status(2)
        .check();
}

#[test]
fn neither_time_zone_nor_language_nor_folder_changes_a_byte() {
    let path = ROOT.to_owned() + "/" + MINIMAL;
    Run::gungnir(["render", &path])
        .folder("/")
        .env("TZ", "Pacific/Chatham")
        .env("LANG", "tr_TR.UTF-8")
        .env("LC_ALL", "tr_TR.UTF-8")
        .env("HOME", "/nonexistent")
        .stdout(golden("minimal"))
        .check();
}

#[test]
fn many_clusters_in_one_stream_come_out_once_each() {
    let count = 50;
    let clusters: Vec<String> = (0..count).map(|at| cluster(&format!("c{at}"))).collect();
    let input = stream(clusters.iter().map(String::as_str));
    let found =
        Run::gungnir(["render", "-", "-o", "json", "--only", "StatefulSet"]).stdin(input).finish();
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    let list: Value = serde_json::from_str(&found.stdout).unwrap();
    let names: Vec<&str> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["name"].as_str().unwrap())
        .collect();
    let mut expected: Vec<String> = (0..count).map(|at| format!("c{at}")).collect();
    expected.sort();
    assert_eq!(names, expected);
}

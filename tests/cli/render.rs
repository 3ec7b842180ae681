//! `gungnir render`: what goes in, and what of it comes out.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::folder::Folder;
use crate::support::run::Run;
use crate::support::stream::{documents, file, golden, keys, objects, only, stream};

const MINIMAL: &str = "examples/minimal.yaml";

/// A ConfigMap in nobody's style.
const OTHER: &str = "\
# Kept as it is.
kind:   ConfigMap   # odd, and right
apiVersion: v1
metadata: {name: other, namespace: shop}
data:
    flag:    'yes'
    time: \"12:30\"
";
const NAMESPACE: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";

fn cluster(name: &str) -> String {
    format!(
        "apiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\nmetadata:\n  name: {name}\n\
         spec: {{}}\n"
    )
}

/// What a cluster of the repository's smallest example looks like under another name.
fn minimal_as(name: &str, namespace: &str) -> String {
    golden("minimal").replace("demo", name).replace("\"default\"", &format!("\"{namespace}\""))
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
fn other_kinds_are_dropped_or_kept_byte_for_byte() {
    let input = format!("{OTHER}---\n{}---\n{NAMESPACE}", file(MINIMAL));
    Run::gungnir(["render", "-"]).stdin(&input).stdout(golden("minimal")).check();

    let rendered = golden("minimal");
    let mut expected = documents(&rendered);
    // What others need comes first; a ConfigMap stands with the ConfigMaps.
    expected.insert(0, NAMESPACE);
    let config = expected.iter().position(|text| text.contains("name: \"demo-config\"")).unwrap();
    expected.insert(config + 1, OTHER);
    Run::gungnir(["render", "-", "--keep-others"]).stdin(&input).stdout(stream(expected)).check();
}

#[test]
fn json_holds_the_same_objects() {
    let mut items = objects(&golden("minimal"));
    // What people wrote is read as kubectl reads it.
    let other = json!({
        "kind": "ConfigMap",
        "apiVersion": "v1",
        "metadata": { "name": "flags", "namespace": "shop" },
        "data": { "a": "yes", "mode": 288 },
    });
    let config = items.iter().position(|item| item["kind"] == "ConfigMap").unwrap();
    items.insert(config + 1, other);
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
    let written = "kind: ConfigMap\napiVersion: v1\nmetadata: {name: flags, namespace: shop}\n\
                   data: {a: 'yes', mode: 0440}\n";
    Run::gungnir(["render", "-", "--output", "json", "--keep-others"])
        .stdin(format!("{}---\n{written}", file(MINIMAL)))
        .stdout(format!("{list:#}\n"))
        .check();
}

#[test]
fn only_some_objects_are_printed() {
    let all = golden("minimal");
    for (patterns, wanted) in [
        (&["StatefulSet/demo"][..], only(&all, |kind, _| kind == "StatefulSet")),
        (&["service"], only(&all, |kind, _| kind == "Service")),
        (&["*/demo-c*"], only(&all, |_, name| name.starts_with("demo-c"))),
        (
            &["Secret", "PodDisruptionBudget/*"],
            only(&all, |kind, _| kind == "Secret" || kind == "PodDisruptionBudget"),
        ),
    ] {
        let options = patterns.iter().flat_map(|pattern| ["--only", pattern]);
        Run::gungnir(["render", MINIMAL].into_iter().chain(options)).stdout(wanted).check();
    }
}

#[test]
fn a_pattern_that_fits_nothing_is_a_mistake() {
    Run::gungnir(["render", MINIMAL, "--only", "StatefulSet", "--only", "Pod/demo-0"])
        .stderr(
            "error: `--only Pod/demo-0` fits no object; there are ConfigMap/demo-config, \
             PodDisruptionBudget/demo-pdb, Secret/demo-secret, Service/demo-client, \
             Service/demo-headless, Service/demo-replicas, StatefulSet/demo\n",
        )
        .status(2)
        .check();
}

#[test]
fn the_namespace_is_for_clusters_that_name_none() {
    let without = file(MINIMAL).replace("  namespace: default\n", "");
    Run::gungnir(["render", "-", "--namespace", "shop"])
        .stdin(&without)
        .stdout(minimal_as("demo", "shop"))
        .check();
    Run::gungnir(["render", "-", "-n", "shop"])
        .stdin(file(MINIMAL))
        .stdout(golden("minimal"))
        .check();
    Run::gungnir(["render", "-"])
        .stdin(&without)
        .stdout(golden("minimal").replace("  namespace: \"default\"\n", ""))
        .check();
}

#[test]
fn a_value_that_is_set_is_as_good_as_one_in_the_file() {
    for (overrides, spec) in [
        (&["replicas=5"][..], "replicas: 5"),
        (&["spec.replicas=5"], "replicas: 5"),
        (&["replicas=1", "replicas=5"], "replicas: 5"),
        (&["persistence.storageSize=3Gi"], "replicas: 3\n  persistence: {storageSize: 3Gi}"),
        (&["config.hz=\"20\""], "replicas: 3\n  config: {hz: \"20\"}"),
        (
            &["config[\"maxmemory-policy\"]=noeviction"],
            "replicas: 3\n  config: {maxmemory-policy: noeviction}",
        ),
        (&["auth={enabled: false}"], "replicas: 3\n  auth: {enabled: false}"),
        (
            &["tolerations[0].key=a", "tolerations[1]={operator: Exists}"],
            "replicas: 3\n  tolerations: [{key: a}, {operator: Exists}]",
        ),
    ] {
        let options = overrides.iter().flat_map(|text| ["--set", text]);
        let text = file(MINIMAL).replace("replicas: 3", spec);
        let written = Run::gungnir(["render", "-"]).stdin(text).finish();
        assert_eq!((written.stderr.as_str(), written.status), ("", 0), "{spec}");
        assert_ne!(written.stdout, golden("minimal"), "{spec}");
        Run::gungnir(["render", MINIMAL].into_iter().chain(options)).stdout(written.stdout).check();
    }
}

#[test]
fn metadata_can_be_set_too() {
    Run::gungnir(["render", MINIMAL, "--set", "metadata.name=cart"])
        .stdout(minimal_as("cart", "default"))
        .check();
}

#[test]
fn a_value_that_does_not_fit_is_an_error() {
    let usage = |value: &str, cause: &str| {
        format!(
            "error: invalid value '{value}' for '--set <PATH=VALUE>': {cause}\n\n\
             For more information, try '--help'.\n"
        )
    };
    // The file's line is shown, so the message says that it is not the file's value.
    let fault = |place: &str, path: &str, message: &str, more: &str| {
        let by = path.strip_prefix("spec.").unwrap();
        format!("error: {MINIMAL}:{place}: {path}: by `--set {by}`: {message}\n{more}")
    };
    for (value, stderr) in [
        ("replicas", usage("replicas", "write `path=value`, like `replicas=5`")),
        ("replicas=[", usage("replicas=[", "`[` is not YAML; quote it if it is text")),
        ("a..b=3", usage("a..b=3", "a key is missing at column 3 of the path")),
        (
            "replicas.x=3",
            fault(
                "9:3",
                "spec.replicas.x",
                "`spec.replicas` is an integer, not a mapping",
                "  9 |   replicas: 3\n    |   ^^^^^^^^^^^\n",
            ),
        ),
        (
            "replcas=3",
            fault(
                "8:1",
                "spec.replcas",
                "unknown field",
                "  8 | spec:\n    | ^^^^\n  help: did you mean `replicas`?\n",
            ),
        ),
        (
            "config.replicaof=10.0.0.1 6379",
            fault(
                "8:1",
                "spec.config.replicaof",
                "is set by Gungnir",
                "  8 | spec:\n    | ^^^^\n  help: every server starts as a replica of nowhere; the \
                 sentinel says who is master\n",
            ),
        ),
    ] {
        Run::gungnir(["render", MINIMAL, "--set", value]).stderr(stderr).status(2).check();
    }
}

#[test]
fn a_secret_that_is_set_is_not_told() {
    let value = "env[0]={name: DB_PASSWORD, value: hunter2, vale: hunter2}";
    let found = Run::gungnir(["render", MINIMAL, "--set", value]).finish();
    assert_eq!((found.stdout.as_str(), found.status), ("", 2));
    assert!(found.stderr.contains("spec.env[0].vale: "), "{}", found.stderr);
    assert!(!found.stderr.contains("hunter2"), "{}", found.stderr);
}

#[test]
fn a_static_master_is_rendered_with_a_word_of_warning() {
    Run::gungnir(["render", "--master", "0", "examples/no-auth.yaml"])
        .stdout(file("golden/master-0/no-auth.yaml"))
        .stderr(
            "note: rendered with a static master (ordinal 0): nobody fails over when it dies, and \
             its pod restarts without a handover\n",
        )
        .check();
}

#[test]
fn a_static_master_that_could_not_work_is_an_error() {
    Run::gungnir(["render", "--master", "0", MINIMAL])
        .stderr(
            "\
error: examples/minimal.yaml:8:1: spec.auth.existingSecret: is needed with a static master: no operator makes the password, and the pods would wait for it
  8 | spec:
    | ^^^^^
  help: name a Secret that exists, or set spec.auth.enabled to false
",
        )
        .status(2)
        .check();
    Run::gungnir(["render", "--master", "3", "examples/no-auth.yaml"])
        .stderr(
            "\
error: examples/no-auth.yaml:8:1: spec.replicas: a static master with ordinal 3 needs at least 4 pods
  8 | spec:
    | ^^^^^
",
        )
        .status(2)
        .check();
}

#[test]
fn neither_time_zone_nor_language_nor_folder_changes_a_byte() {
    let path = crate::support::run::ROOT.to_owned() + "/" + MINIMAL;
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

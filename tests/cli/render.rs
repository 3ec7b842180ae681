//! `gungnir render`: what is asked of it, and what comes out.

use serde_json::json;

use crate::support::folder::Folder;
use crate::support::run::Run;
use crate::support::stream::{documents, file, golden, objects, only, stream};

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

/// What a cluster of the repository's smallest example looks like under another name.
fn minimal_as(name: &str, namespace: &str) -> String {
    golden("minimal").replace("demo", name).replace("\"default\"", &format!("\"{namespace}\""))
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
fn an_object_that_is_kept_may_be_there_once_only() {
    let folder = Folder::of([("a.yaml", file(MINIMAL).as_str()), ("b.yaml", OTHER)]);
    folder.write("c.yaml", &format!("{NAMESPACE}---\n{OTHER}"));
    Run::gungnir(["render", ".", "--keep-others"])
        .folder(folder.path())
        .stderr(
            "\
error: ./c.yaml:9:18: metadata.name: `v1/ConfigMap/shop/other` is there twice
  9 | metadata: {name: other, namespace: shop}
    |                  ^^^^^
  help: the first one is at ./b.yaml:4
",
        )
        .status(2)
        .check();
}

#[test]
fn what_is_kept_must_be_an_object() {
    Run::gungnir(["render", "-", "--keep-others"])
        .stdin(format!("{}---\nreplicas: 3\n", file(MINIMAL)))
        .stderr(
            "\
error: stdin:11:1: not a Kubernetes object: `apiVersion` must be a string that is not empty
  11 | replicas: 3
     | ^^^^^^^^^^^
",
        )
        .status(2)
        .check();
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
    // What was typed may be a secret: its path is told, its value never.
    let usage = |cause: &str| format!("error: `--set`: {cause}\n");
    // The file's line is shown, so the message says that it is not the file's value.
    let fault = |place: &str, path: &str, message: &str, more: &str| {
        let by = path.strip_prefix("spec.").unwrap();
        format!("error: {MINIMAL}:{place}: {path}: by `--set {by}`: {message}\n{more}")
    };
    for (value, stderr) in [
        ("replicas", usage("write `path=value`, like `replicas=5`")),
        ("replicas=[", usage("the value of `replicas` is not YAML; quote it if it is text")),
        ("a..b=3", usage("a key is missing at column 3 of the path")),
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

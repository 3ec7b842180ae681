//! kustomize: `gungnir fn` as a transformer and as a generator, and builds of rendered files.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::folder::Folder;
use crate::support::run::{Finished, Run};
use crate::support::stream::{file, golden};

use super::tool::{by_key, tool};

/// What a build needs before it runs programs.
const BUILD: [&str; 3] = ["build", "--enable-alpha-plugins", "--enable-exec"];
const FLAGS: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: flags\ndata:\n  debug: \"yes\"\n";

/// The kustomization that `gungnir plugin kustomize` prints, with more of it.
fn printed(more: &str) -> String {
    let printed = Run::gungnir(["plugin", "kustomize"]).finish();
    assert_eq!((printed.stderr.as_str(), printed.status), ("", 0));
    printed.stdout + more
}

/// A folder as a new user makes it: the printed kustomization and a cluster.
fn transformed(more: &str) -> Folder {
    Folder::of([
        ("kustomization.yaml", printed(more).as_str()),
        ("cluster.yaml", file("examples/minimal.yaml").as_str()),
    ])
}

/// The cluster as a generator: its own annotation says which program makes it what it is.
fn generated(more: &str) -> Folder {
    let cluster = file("examples/minimal.yaml").replace(
        "  namespace: default\n",
        "  namespace: default\n  annotations:\n    config.kubernetes.io/function: |\n      exec:\n        \
         path: gungnir\n        args: [fn]\n",
    );
    let kustomization = format!("generators: [cluster.yaml]\n{more}");
    Folder::of([("kustomization.yaml", &*kustomization), ("cluster.yaml", &cluster)])
}

#[track_caller]
fn run(folder: &Folder, at: &str) -> Finished {
    tool("kustomize", BUILD.into_iter().chain([at])).folder(folder.path()).finish()
}

#[track_caller]
fn build(folder: &Folder, at: &str) -> BTreeMap<String, Value> {
    let built = run(folder, at);
    assert_eq!((built.stderr.as_str(), built.status), ("", 0));
    by_key(&built.stdout)
}

fn rendered(arguments: &[&str]) -> BTreeMap<String, Value> {
    let arguments = ["render", "examples/minimal.yaml"].iter().chain(arguments);
    by_key(&Run::gungnir(arguments).finish().stdout)
}

#[test]
fn what_is_printed_builds_the_whole_set() {
    let built = build(&transformed(""), ".");
    assert_eq!(built.len(), 7);
    assert_eq!(built, by_key(&golden("minimal")));
}

#[test]
fn a_cluster_as_a_generator_builds_the_whole_set() {
    assert_eq!(build(&generated(""), "."), by_key(&golden("minimal")));
}

#[test]
fn prefixes_labels_and_patches_of_the_cluster_reach_what_is_rendered() {
    let folder = transformed(
        "\
namePrefix: prod-
namespace: shop
labels:
  - pairs: {team: checkout}
patches:
  - target: {kind: ValkeyCluster}
    patch: |-
      - {op: replace, path: /spec/replicas, value: 5}
configMapGenerator:
  - name: extra
    literals: [a=b]
",
    );
    folder.write("flags.yaml", FLAGS);
    let kustomization = folder.read("kustomization.yaml");
    let both = kustomization.replace("- cluster.yaml\n", "- flags.yaml\n  - cluster.yaml\n");
    folder.write("kustomization.yaml", &both);

    let mut built = build(&folder, ".");
    let flags = built.remove("ConfigMap shop/prod-flags").expect("others pass through");
    assert_eq!(flags["metadata"]["labels"], json!({ "team": "checkout" }));
    assert_eq!(flags["data"], json!({ "debug": "yes" }));
    let extra = built.keys().position(|key| key.starts_with("ConfigMap shop/prod-extra-"));
    assert!(extra.is_some(), "kustomize's own generators go on: {:?}", built.keys());
    built.retain(|key, _| !key.starts_with("ConfigMap shop/prod-extra-"));

    let set = ["metadata.name=prod-demo", "metadata.namespace=shop", "replicas=5"]
        .map(|one| ["--set", one]);
    assert_eq!(built, rendered(&set.concat()));
}

#[test]
fn an_overlay_prefixes_labels_and_patches_what_is_rendered() {
    for base in [transformed(""), generated("")] {
        base.write(
            "prod/kustomization.yaml",
            "\
resources: [../base]
namePrefix: prod-
labels:
  - pairs: {team: checkout}
images:
  - name: docker.io/valkey/valkey
    newName: registry.example.com/valkey
patches:
  - target: {kind: StatefulSet}
    patch: |-
      apiVersion: apps/v1
      kind: StatefulSet
      metadata: {name: demo}
      spec:
        template:
          spec:
            containers:
              - name: valkey
                resources: {limits: {memory: 2Gi}}
",
        );
        for name in ["kustomization.yaml", "cluster.yaml"] {
            base.write(&format!("base/{name}"), &base.read(name));
        }

        let built = build(&base, "prod");
        assert_eq!(built.len(), 7);
        for (key, object) in &built {
            assert!(key.contains(" default/prod-demo"), "{key}");
            assert_eq!(object["metadata"]["labels"]["team"], "checkout", "{key}");
        }
        let stateful_set = &built["StatefulSet default/prod-demo"];
        assert_eq!(
            stateful_set["spec"]["selector"]["matchLabels"],
            json!({ "valkey.verilean.io/cluster": "demo" }),
        );
        assert_eq!(stateful_set["spec"]["serviceName"], "prod-demo-headless");
        let pod = stateful_set["spec"]["template"]["spec"].to_string();
        for reference in [r#""secretKeyRef":{"key":"#, r#""configMap":{"#, r#""memory":"2Gi""#] {
            assert!(pod.contains(reference), "{reference}: {pod}");
        }
        assert!(pod.contains("registry.example.com/valkey:"), "{pod}");
        let old = ["demo-secret", "demo-config"].map(|name| format!("\"{name}\""));
        assert!(!old.iter().any(|name| pod.contains(name)), "{pod}");
    }
}

#[test]
fn several_clusters_and_a_base_without_any_are_built() {
    let folder = transformed("");
    let second = file("examples/minimal.yaml").replace("name: demo", "name: cart");
    folder.write("base/kustomization.yaml", "resources: [flags.yaml]\n");
    folder.write("base/flags.yaml", FLAGS);
    folder.write("cart.yaml", &second);
    let kustomization = folder.read("kustomization.yaml");
    let all =
        kustomization.replace("- cluster.yaml\n", "- cluster.yaml\n  - cart.yaml\n  - base\n");
    folder.write("kustomization.yaml", &all);

    let built = build(&folder, ".");
    assert_eq!(built.len(), 2 * 7 + 1);
    for name in ["demo", "cart"] {
        assert!(built.contains_key(&format!("StatefulSet default/{name}")), "{name}");
    }
    assert!(built.contains_key("ConfigMap /flags"));
}

#[test]
fn a_fault_stops_the_build_and_is_told() {
    let replicas = "  replicas: 3\n";
    for folder in [transformed(""), generated("")] {
        let cluster = folder.read("cluster.yaml");
        assert!(cluster.contains(replicas));
        folder.write("cluster.yaml", &cluster.replace(replicas, "  replcas: 3\n"));
        let built = run(&folder, ".");
        assert_eq!((built.stdout.as_str(), built.status), ("", 1));
        for words in [
            "(default/demo)",
            "spec.replcas: unknown field",
            "  help: did you mean `replicas`?",
            "exit status 2",
        ] {
            assert!(built.stderr.contains(words), "{words}: {}", built.stderr);
        }
    }
}

#[test]
fn programs_run_only_where_the_user_allows_them() {
    let folder = transformed("");
    let built = tool("kustomize", ["build"]).folder(folder.path()).finish();
    assert_eq!((built.stdout.as_str(), built.status), ("", 1));
}

#[test]
fn rendered_files_are_a_kustomization_of_their_own() {
    let folder = Folder::new();
    let render = |more: &[&str]| {
        let arguments = ["render", "examples/minimal.yaml", "--output-dir", &folder.join("app")];
        Run::gungnir(arguments.iter().chain(more)).finish()
    };
    assert_eq!(render(&[]).status, 0);

    let app = folder.path().join("app");
    let created =
        tool("kustomize", ["create", "--autodetect", "--recursive"]).folder(&app).finish();
    assert_eq!(created.status, 0, "{}", created.stderr);
    let built = tool("kustomize", ["build"]).folder(&app).finish();
    assert_eq!((built.stderr.as_str(), built.status), ("", 0));
    assert_eq!(by_key(&built.stdout), by_key(&golden("minimal")));

    // The kustomization is the user's: it is neither in the way nor pruned.
    assert_eq!(render(&["--check"]).status, 0);
    assert_eq!(render(&["--prune"]).status, 0);
    assert!(app.join("kustomization.yaml").is_file());
}

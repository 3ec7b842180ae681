//! `gungnir plugin`: what Argo CD calls, in the folder of an application.

use serde_json::Value;

use crate::support::folder::Folder;
use crate::support::run::Run;
use crate::support::stream::{documents, file, golden, object, stream};

const OTHER: &str = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n";

/// An application: a cluster that names no namespace, and an object beside it.
fn application() -> Folder {
    let cluster = file("examples/minimal.yaml").replace("  namespace: default\n", "");
    Folder::of([("cluster.yaml", cluster.as_str()), ("base/namespace.yaml", OTHER)])
}

fn expected(namespace: &str, from: &str) -> String {
    let rendered = from.replace("\"default\"", &format!("\"{namespace}\""));
    stream([OTHER].into_iter().chain(documents(&rendered)))
}

#[test]
fn the_definitions_are_yaml_and_name_commands_that_exist() {
    for (tool, template) in [("argocd", "argocd"), ("kustomize", "kustomize")] {
        Run::gungnir(["plugin", tool])
            .stdout(file(format!("templates/plugin/{template}.yaml")))
            .check();
    }
    let definition = object(&file("templates/plugin/argocd.yaml"));
    assert_eq!(definition["kind"], "ConfigManagementPlugin");
    let folder = application();
    for pointer in [
        "/spec/discover/find/command",
        "/spec/generate/command",
        "/spec/parameters/dynamic/command",
    ] {
        let command = definition.pointer(pointer).and_then(Value::as_array).unwrap();
        let words: Vec<&str> = command.iter().map(|word| word.as_str().unwrap()).collect();
        assert_eq!(words[0], "gungnir");
        let found = Run::gungnir(&words[1..]).folder(folder.path()).finish();
        assert_eq!((found.stderr.as_str(), found.status), ("", 0), "{words:?}");
        assert!(!found.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn an_application_is_generated_in_its_own_namespace() {
    let folder = application();
    Run::gungnir(["plugin", "argocd", "generate"])
        .folder(folder.path())
        .env("ARGOCD_APP_NAMESPACE", "shop")
        .stdout(expected("shop", &golden("minimal")))
        .check();
}

#[test]
fn parameters_override_the_application() {
    let five = Run::gungnir(["render", "examples/minimal.yaml", "--set", "replicas=5"]).finish();
    Run::gungnir(["plugin", "argocd", "generate"])
        .folder(application().path())
        .env("ARGOCD_APP_NAMESPACE", "argocd")
        .env(
            "ARGOCD_APP_PARAMETERS",
            r#"[{"name":"namespace","string":"shop"},{"name":"set","array":["replicas=5"]}]"#,
        )
        .stdout(expected("shop", &five.stdout))
        .check();
    // What Argo CD sends when nobody set anything.
    for nothing in ["", "null", "[]", r#"[{"name":"namespace","string":""}]"#] {
        Run::gungnir(["plugin", "argocd", "generate"])
            .folder(application().path())
            .env("ARGOCD_APP_NAMESPACE", "shop")
            .env("ARGOCD_APP_PARAMETERS", nothing)
            .stdout(expected("shop", &golden("minimal")))
            .check();
    }
}

#[test]
fn parameters_that_are_none_are_refused() {
    for (parameters, cause) in [
        (
            "{}",
            "`ARGOCD_APP_PARAMETERS` is not what Argo CD sends: invalid type: map, expected a \
             sequence at line 1 column 0",
        ),
        (r#"[{"name":"size"}]"#, "there is no parameter `size`; there are `namespace` and `set`"),
        (
            r#"[{"name":"set","array":["replicas"]}]"#,
            "parameter `set`: write `path=value`, like `replicas=5`",
        ),
    ] {
        Run::gungnir(["plugin", "argocd", "generate"])
            .folder(application().path())
            .env("ARGOCD_APP_PARAMETERS", parameters)
            .stderr(format!("error: {cause}\n"))
            .status(2)
            .check();
    }
}

#[test]
fn an_application_is_discovered_by_its_clusters() {
    Run::gungnir(["plugin", "argocd", "discover"])
        .folder(application().path())
        .stdout("./cluster.yaml\n")
        .check();
    // A broken file of ours is ours, so that its fault is shown; a broken one of others is not.
    let folder = Folder::of([
        ("a.yaml", "apiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\nspec: [\n"),
        ("b.yaml", "a: [\n"),
        ("c/d.yml", file("examples/minimal.yaml").as_str()),
        ("notes.md", "valkey.verilean.io\n"),
    ]);
    Run::gungnir(["plugin", "argocd", "discover"])
        .folder(folder.path())
        .stdout("./a.yaml\n./c/d.yml\n")
        .check();
    // Argo CD has tools of its own for these, which it asks after the plugins.
    for name in ["Chart.yaml", "kustomization.yaml"] {
        let folder = application();
        folder.write(name, "name: shop\n");
        Run::gungnir(["plugin", "argocd", "discover"]).folder(folder.path()).check();
    }
    for text in [OTHER, "", "text\n"] {
        let folder = Folder::of([("other.yaml", text)]);
        Run::gungnir(["plugin", "argocd", "discover"]).folder(folder.path()).check();
    }
}

#[test]
fn faults_of_an_application_are_told() {
    let folder = application();
    folder.write("bad.yaml", "apiVersion: valkey.verilean.io/v1\nkind: ValkeyClusters\n");
    Run::gungnir(["plugin", "argocd", "generate"])
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
fn what_a_user_may_set_is_a_list_that_argo_cd_reads() {
    let found = Run::gungnir(["plugin", "argocd", "parameters"]).finish();
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    let parameters: Value = serde_json::from_str(&found.stdout).unwrap();
    let kinds: Vec<_> = parameters
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["name"].as_str(), one["collectionType"].as_str()))
        .collect();
    assert_eq!(kinds, [(Some("namespace"), Some("")), (Some("set"), Some("array"))]);
}

//! Helm: the chart of the operator.
//!
//! `charts/gungnir-operator/ci/NAME-values.yaml` gives, byte for byte, `golden/chart/NAME.yaml`; the
//! chart as it is, with the namespace and the definition, is `charts/gungnir-operator.yaml`, for
//! those without Helm. `UPDATE_GOLDEN=1 tests/run tools` writes them anew.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::run::{Finished, ROOT, Run};
use crate::support::update::wants_update;

use super::tool::{by_key, tool};

const CHART: &str = "charts/gungnir-operator";
const NAMESPACE: &str = "gungnir-system";
/// What stands before the chart for those without Helm.
const PLAIN_HEAD: &str = "\
# Gungnir for those without Helm: `kubectl apply --server-side -f` this file. It is what the chart
# in this folder renders to.
---
apiVersion: v1
kind: Namespace
metadata:
  name: gungnir-system
  labels:
    pod-security.kubernetes.io/enforce: restricted
";

/// `helm template` for the oldest Kubernetes that is supported: what Helm takes without being
/// told depends on how it was built.
#[track_caller]
fn template(more: &[&str]) -> Finished {
    let arguments = ["template", "gungnir-operator", CHART, "--kube-version", "1.33.0"];
    tool("helm", arguments.iter().chain(more)).finish()
}

#[test]
fn the_chart_has_no_faults() {
    let found = tool("helm", ["lint", "--strict", CHART]).finish();
    assert_eq!((found.stderr.as_str(), found.status), ("", 0), "{}", found.stdout);
    assert!(found.stdout.contains("1 chart(s) linted, 0 chart(s) failed"), "{}", found.stdout);
}

#[test]
fn the_chart_installs_exactly_the_definition() {
    let found = template(&[]);
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    let printed = Run::gungnir(["crd"]).finish();
    let crd = by_key(&printed.stdout);
    assert_eq!(crd.len(), 1);
    let definitions: Vec<_> = by_key(&found.stdout)
        .into_iter()
        .filter(|(_, object)| object["kind"] == "CustomResourceDefinition")
        .collect();
    assert_eq!(definitions, Vec::from_iter(crd));
}

#[test]
fn the_definition_can_be_left_out() {
    let found = template(&["--set", "crds.install=false"]);
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    let is_definition = |object: &Value| object["kind"] == "CustomResourceDefinition";
    assert!(!by_key(&found.stdout).values().any(is_definition));
}

/// Holds a file against what it should be.
#[track_caller]
fn holds(path: &str, expected: &str) {
    let full = Path::new(ROOT).join(path);
    if wants_update() {
        fs::write(&full, expected).unwrap();
    }
    let actual = fs::read_to_string(&full).unwrap_or_default();
    assert!(
        actual == expected,
        "{path} is not what the chart gives; UPDATE_GOLDEN=1 tests/run tools"
    );
}

#[test]
fn each_set_of_values_gives_its_golden() {
    let mut names = Vec::new();
    for entry in fs::read_dir(Path::new(ROOT).join(CHART).join("ci")).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let name = file.strip_suffix("-values.yaml").expect("NAME-values.yaml").to_owned();
        let values = format!("{CHART}/ci/{file}");
        let found = template(&["-n", NAMESPACE, "-f", &values, "--set", "crds.install=false"]);
        assert_eq!((found.stderr.as_str(), found.status), ("", 0), "{name}");
        holds(&format!("golden/chart/{name}.yaml"), &found.stdout);
        names.push(format!("{name}.yaml"));
    }
    let mut goldens: Vec<String> = fs::read_dir(Path::new(ROOT).join("golden/chart"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    goldens.sort();
    assert_eq!(goldens, names, "golden without values");
}

#[test]
fn the_chart_is_there_without_helm() {
    let found = template(&["-n", NAMESPACE]);
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    holds("charts/gungnir-operator.yaml", &format!("{PLAIN_HEAD}{}", found.stdout));
}

#[test]
fn values_that_are_none_are_refused() {
    for (wrong, cause) in [
        ("crds.instal=false", "- at '/crds': additional properties 'instal' not allowed"),
        ("crd.install=false", "- at '': additional properties 'crd' not allowed"),
        ("crds.install=perhaps", "- at '/crds/install': got string, want boolean"),
        ("replicas=-1", "- at '/replicas': minimum: got -1, want 0"),
        ("discovery.port=0", "- at '/discovery/port': minimum: got 0, want 1"),
        ("image.digest=sha256:1", "- at '/image/digest': 'sha256:1' does not match pattern"),
        ("log.format=xml", "- at '/log/format': value must be one of 'text', 'json'"),
    ] {
        let found = template(&["--set", wrong]);
        assert_eq!((found.stdout.as_str(), found.status), ("", 1), "{wrong}");
        assert!(found.stderr.contains(cause), "{wrong}: {}", found.stderr);
    }
}

#[test]
fn a_kubernetes_that_is_too_old_is_refused() {
    let found = tool("helm", ["template", CHART, "--kube-version", "1.32.9"]).finish();
    assert_eq!((found.stdout.as_str(), found.status), ("", 1));
    assert!(found.stderr.contains("kubeVersion: >=1.33.0"), "{}", found.stderr);
}

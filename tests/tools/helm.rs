//! Helm: the chart of the CustomResourceDefinition.

use crate::support::run::{Finished, Run};

use super::tool::{by_key, tool};

const CHART: &str = "charts/gungnir-operator";

/// `helm template` for the oldest Kubernetes that is supported: what Helm takes without being
/// told depends on how it was built.
#[track_caller]
fn template(more: &[&str]) -> Finished {
    let arguments = ["template", "gungnir", CHART, "--kube-version", "1.33.0"];
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
    assert_eq!(by_key(&found.stdout), crd);
}

#[test]
fn the_definition_can_be_left_out() {
    let found = template(&["--set", "crds.install=false"]);
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    assert_eq!(found.stdout.trim(), "");
}

#[test]
fn values_that_are_none_are_refused() {
    for (wrong, cause) in [
        ("crds.instal=false", "- at '/crds': additional properties 'instal' not allowed"),
        ("crd.install=false", "- at '': additional properties 'crd' not allowed"),
        ("crds.install=perhaps", "- at '/crds/install': got string, want boolean"),
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

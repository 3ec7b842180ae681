//! The operator over this Kubernetes: it makes what is to be there, and rests.

use std::time::Duration;

use gungnir::operator::{LeaseName, LeaseTimes, NoElections, Options, Outside, Scope, run_with};
use serde_json::json;
use tokio::time::sleep;

use crate::chance::Chance;
use crate::clockwork::simulate;
use crate::trace::Trace;

use super::Kubernetes;

/// What the operator is told.
pub fn options(kubernetes: &Kubernetes) -> Options {
    Options {
        scope: Scope::Cluster,
        lease: LeaseName {
            namespace: "default".to_owned(),
            name: "gungnir-operator".to_owned(),
            identity: "operator-0".to_owned(),
        },
        lease_times: LeaseTimes::default(),
        listen: None,
        discovery: None,
        pause_all: false,
        outside: Outside { clock: kubernetes.clock(), ..Outside::default() },
    }
}

pub fn minimal() -> serde_json::Value {
    json!({
        "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster",
        "metadata": { "name": "demo", "namespace": "default" },
        "spec": { "replicas": 3 },
    })
}

/// A run: its trace, and how much of it was there before the rest began.
async fn run(seed: u64) -> (Vec<String>, usize) {
    let (chance, trace) = (Chance::new(seed), Trace::start());
    let kubernetes = Kubernetes::new(&chance, &trace);
    kubernetes.create(minimal()).unwrap();
    let (_news, told) = tokio::sync::mpsc::channel(1);
    let story = async {
        sleep(Duration::from_secs(60)).await;
        for (kind, name) in [
            ("Service", "demo-client"),
            ("Service", "demo-headless"),
            ("Service", "demo-replicas"),
            ("ConfigMap", "demo-config"),
            ("Secret", "demo-secret"),
            ("StatefulSet", "demo"),
            ("PodDisruptionBudget", "demo-pdb"),
        ] {
            assert!(kubernetes.get(kind, "default", name).is_some(), "{kind} {name}");
        }
        let secret = kubernetes.get("Secret", "default", "demo-secret").unwrap();
        assert_eq!(secret["data"].as_object().unwrap().len(), 3);
        let before = trace.lines().len();
        sleep(Duration::from_secs(300)).await;
        before
    };
    let (done, ended) = tokio::sync::oneshot::channel();
    let story = async { done.send(story.await).unwrap() };
    let client = kubernetes.client("operator");
    run_with(client, options(&kubernetes), |_| NoElections, told, story).await.unwrap();
    (trace.lines(), ended.await.unwrap())
}

#[test]
fn the_operator_makes_what_is_to_be_there_and_rests() {
    let (lines, before) = simulate(1, run(1));
    let noise = ["leases", "Lease", "(watch)"];
    let asked: Vec<&String> = lines[before..]
        .iter()
        .filter(|line| !noise.iter().any(|word| line.contains(word)))
        .collect();
    assert!(asked.is_empty(), "{asked:#?}\n{}", lines.join("\n"));
}

#[test]
#[cfg_attr(not(tokio_unstable), ignore = "needs RUSTFLAGS='--cfg tokio_unstable'")]
fn the_same_seed_is_the_same_run() {
    let lines = |seed| simulate(seed, run(seed)).0;
    let (one, other) = (lines(7), lines(7));
    for (one, other) in one.iter().zip(&other) {
        assert_eq!(one, other);
    }
    assert_eq!(one.len(), other.len());
    assert_ne!(one, lines(8), "another seed is another run");
}

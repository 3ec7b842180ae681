//! The operator on a bad way to the API server: it comes to the same end.

use std::time::Duration;

use gungnir::operator::{NoElections, run_with};
use serde_json::json;
use tokio::time::sleep;

use crate::chance::Chance;
use crate::clockwork::simulate;
use crate::trace::Trace;

use super::smoke::{minimal, options};
use super::{Kubernetes, Lag, Link};

/// Runs a story beside an operator.
async fn operated<F: Future<Output = ()>>(seed: u64, story: impl FnOnce(Kubernetes) -> F) -> Trace {
    let (chance, trace) = (Chance::new(seed), Trace::start());
    let kubernetes = Kubernetes::new(&chance, &trace);
    kubernetes.create(minimal()).unwrap();
    let (_news, told) = tokio::sync::mpsc::channel(1);
    let client = kubernetes.client("operator");
    let story = story(kubernetes.clone());
    run_with(client, options(&kubernetes), |_| NoElections, told, story).await.unwrap();
    trace
}

/// Waits until the replicas of the set are those of the cluster, and the status tells of it.
async fn carried_out(kubernetes: &Kubernetes, replicas: u64, within: Duration) {
    let mut left = within.as_secs();
    loop {
        let set = kubernetes.get("StatefulSet", "default", "demo");
        let cluster = kubernetes.get("ValkeyCluster", "default", "demo").unwrap();
        let seen = cluster["status"]["observedGeneration"] == cluster["metadata"]["generation"];
        if seen && set.is_some_and(|set| set["spec"]["replicas"] == replicas) {
            return;
        }
        assert!(left > 0, "{replicas} replicas: {cluster:#}");
        left -= 1;
        sleep(Duration::from_secs(1)).await;
    }
}

fn ask(kubernetes: &Kubernetes, replicas: u64) {
    let patch = json!({ "spec": { "replicas": replicas } });
    kubernetes.patch("ValkeyCluster", "default", "demo", &patch).unwrap();
}

#[test]
fn errors_lost_answers_and_broken_watches_only_take_time() {
    for seed in 0..20 {
        simulate(
            seed,
            operated(seed, |kubernetes| async move {
                let bad = Link {
                    latency: Lag::ms(1, 200),
                    watch_lag: Lag::ms(1, 2000),
                    errors: 100,
                    loses_answers: 20,
                    repeats_events: 200,
                    breaks_watches: 100,
                    patience: Duration::from_secs(10),
                    ..Link::default()
                };
                kubernetes.set_link("operator", bad);
                carried_out(&kubernetes, 3, Duration::from_secs(300)).await;
                ask(&kubernetes, 5);
                carried_out(&kubernetes, 5, Duration::from_secs(300)).await;
                kubernetes.compact();
                kubernetes.set_link("operator", Link::default());
                ask(&kubernetes, 4);
                carried_out(&kubernetes, 4, Duration::from_secs(120)).await;
            }),
        );
    }
}

#[test]
fn a_way_that_is_cut_goes_on_with_what_was_missed_and_a_forgotten_one_is_made_anew() {
    simulate(
        1,
        operated(1, |kubernetes| async move {
            carried_out(&kubernetes, 3, Duration::from_secs(20)).await;
            kubernetes.set_link("operator", Link { cut: true, ..Link::default() });
            ask(&kubernetes, 5);
            sleep(Duration::from_secs(20)).await;
            let set = kubernetes.get("StatefulSet", "default", "demo").unwrap();
            assert_eq!(set["spec"]["replicas"], 3);
            kubernetes.set_link("operator", Link::default());
            carried_out(&kubernetes, 5, Duration::from_secs(20)).await;
            // The watches hear of nothing until they are given up.
            kubernetes.forget_connections("operator");
            ask(&kubernetes, 4);
            sleep(Duration::from_secs(60)).await;
            let set = kubernetes.get("StatefulSet", "default", "demo").unwrap();
            assert_eq!(set["spec"]["replicas"], 5);
            carried_out(&kubernetes, 4, Duration::from_secs(300)).await;
            // What was missed is lost by then: it is listed again.
            kubernetes.set_link("operator", Link { refused: true, ..Link::default() });
            kubernetes.forget_connections("operator");
            ask(&kubernetes, 6);
            sleep(Duration::from_secs(300)).await;
            kubernetes.compact();
            kubernetes.set_link("operator", Link::default());
            carried_out(&kubernetes, 6, Duration::from_secs(60)).await;
        }),
    );
}

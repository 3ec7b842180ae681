//! The controllers and kubelets under the operator: pods come, end, move and go.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use gungnir::operator::{NoElections, run_with};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::chance::Chance;
use crate::clockwork::simulate;
use crate::trace::Trace;

use super::smoke::{minimal, options};
use super::{ContainerStart, Containers, Deletion, Exit, Kubernetes, Probe, Verb};

/// Processes that are well and end when they are asked to.
#[derive(Default)]
struct Tame {
    running: RefCell<BTreeMap<String, (ContainerStart, oneshot::Sender<Exit>)>>,
}

impl Tame {
    fn end(&self, id: &str, exit: Exit) {
        if let Some((_, end)) = self.running.borrow_mut().remove(id) {
            let _ = end.send(exit);
        }
    }

    /// Who runs under the name of a pod.
    fn of(&self, pod: &str) -> Vec<ContainerStart> {
        let running = self.running.borrow();
        let starts = running.values().map(|(start, _)| start.clone());
        starts.filter(|start| start.pod == pod).collect()
    }
}

impl Containers for Tame {
    fn start(&self, start: ContainerStart) -> LocalBoxFuture<'static, Exit> {
        let (end, ended) = oneshot::channel();
        self.running.borrow_mut().insert(start.id.clone(), (start, end));
        Box::pin(async move { ended.await.unwrap_or(Exit::of(137)) })
    }

    fn probe(&self, id: &str, _: Probe) -> LocalBoxFuture<'static, bool> {
        Box::pin(std::future::ready(self.running.borrow().contains_key(id)))
    }

    fn pre_stop(&self, _: &str) -> LocalBoxFuture<'static, ()> {
        Box::pin(sleep(Duration::from_secs(1)))
    }

    fn terminate(&self, id: &str) {
        self.end(id, Exit::of(0));
    }

    fn kill(&self, id: &str) {
        self.end(id, Exit::of(137));
    }
}

/// Three nodes, the operator and a cluster.
fn with_cluster<F: Future<Output = ()>>(
    seed: u64,
    story: impl FnOnce(Kubernetes, Rc<Tame>) -> F,
) -> Vec<String> {
    simulate(seed, async {
        let (chance, trace) = (Chance::new(seed), Trace::start());
        let kubernetes = Kubernetes::new(&chance, &trace);
        for node in ["n1", "n2", "n3"] {
            kubernetes.add_node(node);
        }
        kubernetes.create(minimal()).unwrap();
        let tame = Rc::new(Tame::default());
        let (_news, told) = tokio::sync::mpsc::channel(1);
        let told = async {
            let client = kubernetes.client("operator");
            let story = story(kubernetes.clone(), Rc::clone(&tame));
            run_with(client, options(&kubernetes), |_| NoElections, told, story).await.unwrap();
        };
        tokio::select! {
            () = told => {}
            () = kubernetes.run(Rc::clone(&tame) as Rc<dyn Containers>) => {}
        }
        trace.lines()
    })
}

fn pod(kubernetes: &Kubernetes, name: &str) -> Arc<Value> {
    kubernetes.get("Pod", "default", name).unwrap_or_else(|| panic!("no {name}"))
}

fn is_ready(pod: &Value) -> bool {
    super::api::delete::is_ready(pod)
}

async fn all_ready(kubernetes: &Kubernetes) {
    for _ in 0..1200 {
        let set = kubernetes.get("StatefulSet", "default", "demo");
        if set.is_some_and(|set| set["status"]["readyReplicas"] == set["spec"]["replicas"]) {
            return;
        }
        sleep(Duration::from_millis(500)).await;
    }
    panic!("not ready: {:#?}", kubernetes.list("Pod"));
}

#[test]
fn pods_are_made_spread_and_ready_and_have_what_they_name() {
    with_cluster(1, |kubernetes, tame| async move {
        all_ready(&kubernetes).await;
        sleep(Duration::from_secs(2)).await;
        let pods = kubernetes.list("Pod");
        let mut nodes: Vec<&str> =
            pods.iter().map(|pod| pod["spec"]["nodeName"].as_str().unwrap()).collect();
        nodes.sort_unstable();
        assert_eq!(nodes, ["n1", "n2", "n3"]);
        let start = tame.of("demo-1").remove(0);
        assert_eq!(start.env["POD_IP"], start.ip);
        assert_eq!(start.env["OPERATOR_PASSWORD"].len(), 64);
        assert!(start.files.contains_key("/etc/valkey/valkey.conf"));
        let claim = kubernetes.get("PersistentVolumeClaim", "default", "data-demo-1").unwrap();
        assert_eq!(claim["status"]["phase"], "Bound");
        assert_eq!(start.volumes["/data"], claim["metadata"]["uid"].as_str().unwrap());
        let behind = kubernetes.endpoints("default", "demo-headless");
        assert_eq!(behind.len(), 3, "{behind:?}");
        let budget = kubernetes.get("PodDisruptionBudget", "default", "demo-pdb").unwrap();
        assert_eq!(budget["status"]["disruptionsAllowed"], 1);
        let service = kubernetes.get("StatefulSet", "default", "demo").unwrap();
        assert_eq!(service["status"]["updatedReplicas"], 3);
    });
}

#[test]
fn a_process_that_ends_is_started_again_in_its_pod_and_waits_longer_each_time() {
    with_cluster(2, |kubernetes, tame| async move {
        all_ready(&kubernetes).await;
        let before = pod(&kubernetes, "demo-0");
        for round in 1..4 {
            let start = tame.of("demo-0").remove(0);
            tame.end(&start.id, Exit { code: 137, reason: "OOMKilled" });
            sleep(Duration::from_secs(1)).await;
            let now = pod(&kubernetes, "demo-0");
            let container = &now["status"]["containerStatuses"][0];
            if round > 1 {
                assert_eq!(container["state"]["waiting"]["reason"], "CrashLoopBackOff");
                assert!(!is_ready(&now));
            }
            sleep(Duration::from_secs(45)).await;
            let now = pod(&kubernetes, "demo-0");
            let container = &now["status"]["containerStatuses"][0];
            assert_eq!(container["restartCount"], round);
            assert_eq!(container["lastState"]["terminated"]["reason"], "OOMKilled");
            assert_eq!(container["lastState"]["terminated"]["containerID"], start.id);
            assert_eq!(now["metadata"]["uid"], before["metadata"]["uid"]);
            assert_eq!(now["status"]["podIP"], before["status"]["podIP"]);
        }
        sleep(Duration::from_secs(60)).await;
        assert!(is_ready(&pod(&kubernetes, "demo-0")));
    });
}

#[test]
fn a_deleted_pod_is_made_anew_on_the_same_volume_and_an_eviction_is_counted() {
    with_cluster(3, |kubernetes, tame| async move {
        all_ready(&kubernetes).await;
        sleep(Duration::from_secs(1)).await;
        let before = pod(&kubernetes, "demo-2");
        let volumes = tame.of("demo-2").remove(0).volumes;
        kubernetes.evict("default", "demo-2").unwrap();
        let refused = kubernetes.evict("default", "demo-1").unwrap_err();
        assert_eq!(refused.code, 429);
        assert!(pod(&kubernetes, "demo-2")["metadata"]["deletionTimestamp"].is_string());
        sleep(Duration::from_secs(10)).await;
        all_ready(&kubernetes).await;
        let after = pod(&kubernetes, "demo-2");
        assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"]);
        assert_ne!(after["status"]["podIP"], before["status"]["podIP"]);
        assert_eq!(tame.of("demo-2").remove(0).volumes, volumes);
    });
}

#[test]
fn the_pods_of_a_lost_node_leave_late_and_stay_until_the_node_is_back_or_force_is_used() {
    with_cluster(4, |kubernetes, tame| async move {
        all_ready(&kubernetes).await;
        let before = pod(&kubernetes, "demo-1");
        let node = before["spec"]["nodeName"].as_str().unwrap().to_owned();
        kubernetes.set_node_cut(&node, true);
        sleep(Duration::from_secs(50)).await;
        assert!(!is_ready(&pod(&kubernetes, "demo-1")));
        sleep(Duration::from_secs(300)).await;
        let leaving = pod(&kubernetes, "demo-1");
        assert_eq!(leaving["metadata"]["uid"], before["metadata"]["uid"]);
        assert!(leaving["metadata"]["deletionTimestamp"].is_string());
        sleep(Duration::from_secs(100)).await;
        assert_eq!(tame.of("demo-1").len(), 1, "it runs on");
        let forced = Deletion { grace_seconds: Some(0), ..Deletion::default() };
        kubernetes.delete("Pod", "default", "demo-1", &forced).unwrap();
        sleep(Duration::from_secs(20)).await;
        assert_eq!(tame.of("demo-1").len(), 2, "the old one runs beside the new one");
        kubernetes.set_node_cut(&node, false);
        sleep(Duration::from_secs(40)).await;
        assert_eq!(tame.of("demo-1").len(), 1);
        all_ready(&kubernetes).await;
        kubernetes.set_node_up(&node, false);
        sleep(Duration::from_secs(60)).await;
        kubernetes.set_node_up(&node, true);
        sleep(Duration::from_secs(60)).await;
        all_ready(&kubernetes).await;
        let ready = kubernetes.get("Node", "", &node).unwrap();
        assert_eq!(ready["spec"]["taints"], Value::Null);
    });
}

#[test]
fn a_set_grows_shrinks_and_goes_with_its_cluster_and_volumes_stay() {
    let hooked = Arc::new(Mutex::new(0));
    let count = Arc::clone(&hooked);
    with_cluster(5, |kubernetes, tame| async move {
        kubernetes.on_change(Box::new(move |change, objects| {
            if change.key.kind == "Pod" && change.verb == Verb::Delete {
                let name = &change.key.name;
                assert!(objects.get("Pod", &change.key.namespace, name).is_none());
                *count.lock().unwrap() += 1;
            }
        }));
        all_ready(&kubernetes).await;
        let spec = |spec: Value| {
            let patch = json!({ "spec": spec });
            kubernetes.patch("ValkeyCluster", "default", "demo", &patch).unwrap();
        };
        spec(json!({ "replicas": 5 }));
        sleep(Duration::from_secs(30)).await;
        assert_eq!(kubernetes.list("Pod").len(), 5);
        spec(json!({ "replicas": 3 }));
        sleep(Duration::from_secs(30)).await;
        assert_eq!(kubernetes.list("Pod").len(), 3);
        // Volumes grow, and the set is made anew around its pods.
        let set = kubernetes.get("StatefulSet", "default", "demo").unwrap();
        let before = pod(&kubernetes, "demo-0");
        spec(json!({ "persistence": { "storageSize": "2Gi" } }));
        sleep(Duration::from_secs(60)).await;
        let claim = kubernetes.get("PersistentVolumeClaim", "default", "data-demo-0").unwrap();
        assert_eq!(claim["status"]["capacity"]["storage"], "2Gi");
        let now = kubernetes.get("StatefulSet", "default", "demo").unwrap();
        assert_ne!(now["metadata"]["uid"], set["metadata"]["uid"]);
        let adopted = pod(&kubernetes, "demo-0");
        assert_eq!(adopted["metadata"]["uid"], before["metadata"]["uid"]);
        let owner = &adopted["metadata"]["ownerReferences"][0]["uid"];
        assert_eq!(*owner, now["metadata"]["uid"]);
        kubernetes.delete("ValkeyCluster", "default", "demo", &Deletion::default()).unwrap();
        sleep(Duration::from_secs(90)).await;
        for kind in ["StatefulSet", "Service", "Secret", "Pod", "EndpointSlice"] {
            assert!(kubernetes.list(kind).is_empty(), "{kind}: {:#?}", kubernetes.list(kind));
        }
        assert_eq!(kubernetes.list("PersistentVolumeClaim").len(), 5);
        assert!(tame.running.borrow().is_empty());
    });
    assert_eq!(*hooked.lock().unwrap(), 5);
}

/// A minute of a cluster in which a pod is deleted and a process ends.
fn minute(seed: u64) -> Vec<String> {
    with_cluster(seed, |kubernetes, tame| async move {
        sleep(Duration::from_secs(20)).await;
        kubernetes.delete("Pod", "default", "demo-1", &Deletion::default()).unwrap();
        sleep(Duration::from_secs(20)).await;
        for start in tame.of("demo-2") {
            tame.end(&start.id, Exit::of(1));
        }
        sleep(Duration::from_secs(20)).await;
    })
}

#[test]
fn minutes_pass() {
    for seed in 100..105 {
        minute(seed);
    }
}

#[test]
#[cfg_attr(not(tokio_unstable), ignore = "needs RUSTFLAGS='--cfg tokio_unstable'")]
fn the_same_seed_is_the_same_life() {
    for seed in 100..102 {
        let (one, other) = (minute(seed), minute(seed));
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one, other);
        }
        assert_eq!(one.len(), other.len());
    }
}

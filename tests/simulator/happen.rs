//! How what a schedule says is done to a world, and healed.

use std::rc::Rc;
use std::time::Duration;

use gungnir::operator::{Annotation, ClusterKey, Inquiry};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

use crate::kubernetes::{Deletion, Lag, Link};
use crate::schedule::{Action, Who};
use crate::world::{NAME, NAMESPACE, NODES, Pod, World};

/// What a volume is asked for with.
const CLAIM: &str = "PersistentVolumeClaim";
/// How long people wait for an answer of the API server.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an operator that was asked to end has for it, and how often it is looked whether it has.
const GRACE: Duration = Duration::from_secs(10);
const LOOK_PERIOD: Duration = Duration::from_millis(50);
/// What a slow API server takes for a request.
const SLOW: Lag = Lag::ms(1_000, 4_000);

impl World {
    /// Has something happen, and heals it when its time is over. Ends when it is healed.
    pub async fn happen(self: Rc<Self>, action: Action) {
        match action {
            Action::Kill(who) if self.may_lose_memory() => {
                if let Some(process) = self.who(who).and_then(|pod| self.process(&pod)) {
                    self.fleet.kill(process);
                }
            }
            Action::Stop(who, long) => {
                let Some(process) = self.who(who).and_then(|pod| self.process(&pod)) else {
                    return;
                };
                self.fleet.stop(process);
                sleep(long).await;
                self.fleet.resume(process);
            }
            Action::Delete(who) if self.may_lose_memory() => self.delete_pod(who, None),
            Action::DeleteByForce(who) if self.may_lose_memory() => self.delete_pod(who, Some(0)),
            Action::Evict(who) if self.may_lose_memory() => {
                if let Some(pod) = self.who(who) {
                    // A budget may say no.
                    let _ = self.kubernetes.evict(NAMESPACE, &pod.name);
                }
            }
            Action::WipeStatus => self.write_election(&Value::Null),
            Action::Kill(_) | Action::Delete(_) | Action::DeleteByForce(_) | Action::Evict(_) => {}
            Action::NodeDown(who, long) => self.node_down(who, long).await,
            Action::CutNode(who, long) => self.cut_node(who, long).await,
            Action::CutOneWay(from, to, long) => {
                let (Some(from), Some(to)) = (self.who(from), self.who(to)) else { return };
                let pair = (from.name, to.name);
                self.cuts.borrow_mut().pods.push(pair.clone());
                self.rewire();
                sleep(long).await;
                let position = self.cuts.borrow().pods.iter().position(|it| *it == pair);
                position.map(|at| self.cuts.borrow_mut().pods.remove(at));
                self.rewire();
            }
            Action::DiskFull(who, long) => {
                let claim = self.who(who).and_then(|pod| self.claim(&pod.name));
                let Some(claim) = claim else { return };
                let volume = self.servers.volume(&claim);
                volume.set_full(true);
                sleep(long).await;
                volume.set_full(false);
            }
            Action::LoseVolume(who) => self.lose_volume(who),
            Action::DeleteClaim(who) => {
                let Some(pod) = self.who(who) else { return };
                let (claim, politely) = (format!("data-{}", pod.name), Deletion::default());
                let _ = self.kubernetes.delete(CLAIM, NAMESPACE, &claim, &politely);
            }
            Action::EndOperator(_)
            | Action::KillOperator(_)
            | Action::StopOperator(_)
            | Action::CutOperatorFromApi(_)
            | Action::CutOperatorFromServers(_) => self.to_leader(action).await,
            Action::SlowApi(long) => {
                let slow = |link: Link| Link { latency: SLOW, ..link };
                self.on_every_link(slow, long).await;
            }
            Action::UnreliableApi(long) => {
                let unreliable = |link: Link| Link {
                    errors: 100,
                    loses_answers: 50,
                    repeats_events: 100,
                    breaks_watches: 50,
                    watch_lag: Lag::ms(1, 800),
                    ..link
                };
                self.on_every_link(unreliable, long).await;
            }
            Action::Compact => self.kubernetes.compact(),
            Action::Switchover(who) => self.ask_for_switchover(who).await,
            Action::Reload => self.change(&json!({ "config": { "timeout": self.number() } })),
            Action::Roll => {
                self.change(&json!({ "podAnnotations": { "example.com/roll": self.number() } }));
            }
            Action::Scale(pods) => self.change(&json!({ "replicas": pods })),
            Action::EditChild => self.edit_child(),
            Action::DeleteChild => {
                let (kind, suffix) = *self.chance.one_of(&[
                    ("Service", "client"),
                    ("Service", "headless"),
                    ("ConfigMap", "config"),
                    ("PodDisruptionBudget", "pdb"),
                    ("Secret", "secret"),
                ]);
                let name = format!("{NAME}-{suffix}");
                let _ = self.kubernetes.delete(kind, NAMESPACE, &name, &Deletion::default());
            }
            Action::RestoreStatus => {
                let old = self.cluster()["status"]["election"].clone();
                sleep(Duration::from_secs(8)).await;
                if !old.is_null() {
                    self.write_election(&Value::Null);
                    self.write_election(&old);
                }
            }
        }
    }

    /// Has people do what they are told that nobody else can. Whether that is what is waited for.
    pub fn help(&self) -> bool {
        let status = self.cluster()["status"].to_string();
        let delete = |pod: &Pod| {
            let _ = self.kubernetes.delete("Pod", NAMESPACE, &pod.name, &Deletion::default());
        };
        let pointer = self.pointer();
        if status.contains("only the proof of a death starts a failover") {
            // No replica acknowledged writes, and the master is gone without a proof of its death.
            let keys = |pod: &&Pod| self.look(pod).map_or(0, |look| look.data.len());
            let rank = |pod: &&Pod| (keys(pod), Some(&pod.name) == pointer.as_ref());
            let pods = self.pods();
            let Some(most) = pods.iter().max_by_key(rank) else { return false };
            // The same words again would be the same wish, which was granted before.
            let wish = format!("{}/{}", most.name, self.number());
            let annotations = json!({ Annotation::Promote.key(): wish });
            let patch = json!({ "metadata": { "annotations": annotations } });
            let _ = self.kubernetes.patch("ValkeyCluster", NAMESPACE, NAME, &patch);
        } else if status.contains("delete all pods of the cluster so that new ones are made") {
            // The passwords are lost with everybody who knew them.
            self.pods().iter().for_each(delete);
        } else if status.contains("both are masters and no record says which one leads") {
            // A pod that starts anew is a replica of nowhere.
            let leads = |pod: &&Pod| self.look(pod).is_some_and(|look| look.follows.is_none());
            let is_other = |pod: &&Pod| Some(&pod.name) != pointer.as_ref();
            self.pods().iter().filter(leads).filter(is_other).for_each(delete);
        } else {
            return false;
        }
        true
    }

    /// Has people want as many pods as in a spec again; whether they wanted others.
    pub fn scale_back(&self, spec: &Value) -> bool {
        let other = self.cluster()["spec"]["replicas"] != spec["replicas"];
        if other {
            self.change(&json!({ "replicas": spec["replicas"] }));
        }
        other
    }

    /// Who is meant, where there is one.
    fn who(&self, who: Who) -> Option<Pod> {
        let master = self.pointer();
        let mut pods = self.pods().into_iter();
        match who {
            Who::Master => pods.find(|pod| Some(&pod.name) == master.as_ref()),
            Who::Replica(at) => {
                pods.filter(|pod| Some(&pod.name) != master.as_ref()).nth(usize::from(at))
            }
        }
    }

    fn delete_pod(&self, who: Who, grace_seconds: Option<u64>) {
        if let Some(pod) = self.who(who) {
            let deletion = Deletion { grace_seconds, ..Deletion::default() };
            let _ = self.kubernetes.delete("Pod", NAMESPACE, &pod.name, &deletion);
        }
    }

    /// Where a pod's node is, by its name.
    fn node_of(&self, who: Who) -> Option<&'static str> {
        let node = self.who(who)?.node?;
        NODES.into_iter().find(|name| *name == node)
    }

    /// What was not on the disk is lost: of what a replica held, too. So nobody loses power while
    /// others are not whole; one loss is what is promised.
    async fn node_down(&self, who: Who, long: Duration) {
        let Some(node) = self.node_of(who).filter(|_| self.is_whole().is_ok()) else { return };
        self.lossy.replace(true);
        self.loses_alone();
        for pod in self.pods().iter().filter(|pod| pod.node.as_deref() == Some(node)) {
            if let Some(ip) = pod.ip {
                self.fleet.remove_host(ip);
            }
            if let Some(claim) = self.claim(&pod.name) {
                let kept = usize::try_from(self.chance.below(1001)).unwrap_or(0);
                self.servers.volume(&claim).lose_power(kept);
            }
        }
        self.kubernetes.set_node_up(node, false);
        sleep(long).await;
        self.kubernetes.set_node_up(node, true);
    }

    async fn cut_node(&self, who: Who, long: Duration) {
        let Some(node) = self.node_of(who) else { return };
        if !self.cuts.borrow_mut().nodes.insert(node) {
            return;
        }
        self.kubernetes.set_node_cut(node, true);
        self.rewire();
        sleep(long).await;
        self.cuts.borrow_mut().nodes.remove(node);
        self.kubernetes.set_node_cut(node, false);
        self.rewire();
    }

    /// A pod's volume is lost with it, where all others have what it had.
    fn lose_volume(&self, who: Who) {
        let Some(pod) = self.who(who).filter(|_| self.is_whole().is_ok()) else { return };
        self.lossy.replace(true);
        self.loses_alone();
        let Some(claim) = self.claim(&pod.name) else { return };
        if let Some(process) = self.process(&pod) {
            self.fleet.kill(process);
        }
        self.servers.lose(&claim);
        let by_force = Deletion { grace_seconds: Some(0), ..Deletion::default() };
        let claim = format!("data-{}", pod.name);
        let _ = self.kubernetes.delete(CLAIM, NAMESPACE, &claim, &by_force);
        let _ = self.kubernetes.delete("Pod", NAMESPACE, &pod.name, &by_force);
    }

    /// Where there is one pod, nobody else has what it loses, however many there were once.
    fn loses_alone(&self) {
        if self.pods().len() < 2 {
            self.properties.tell_loss();
        }
    }

    async fn to_leader(&self, action: Action) {
        let Some(index) = self.leader() else { return };
        let name = self.operators.borrow()[index].name.clone();
        match action {
            Action::EndOperator(long) => {
                let end = self.operators.borrow_mut()[index].end.take();
                // Somebody else asked before.
                let Some(end) = end else { return };
                let _ = end.send(());
                let until = Instant::now() + GRACE;
                while self.runs(index, &name) && Instant::now() < until {
                    sleep(LOOK_PERIOD).await;
                }
                self.replace_operator(index, &name, long).await;
            }
            Action::KillOperator(long) => self.replace_operator(index, &name, long).await,
            Action::StopOperator(long) => {
                let stop = |stops: bool| {
                    let operators = self.operators.borrow();
                    if let Some(process) = &operators[index].process {
                        if stops { process.stop() } else { process.go_on() }
                    }
                };
                stop(true);
                sleep(long).await;
                stop(false);
            }
            Action::CutOperatorFromApi(long) => {
                let link = self.kubernetes.link(&name);
                self.kubernetes.set_link(&name, Link { cut: true, ..link });
                sleep(long).await;
                let link = self.kubernetes.link(&name);
                self.kubernetes.set_link(&name, Link { cut: false, ..link });
            }
            Action::CutOperatorFromServers(long) => {
                self.cuts.borrow_mut().operators.insert(index);
                self.rewire();
                sleep(long).await;
                self.cuts.borrow_mut().operators.remove(&index);
                self.rewire();
            }
            _ => {}
        }
    }

    /// Whether the process of that name still runs in an operator's place.
    fn runs(&self, index: usize, name: &str) -> bool {
        let operator = &self.operators.borrow()[index];
        let process = operator.process.as_ref().filter(|_| operator.name == name);
        process.is_some_and(|process| !process.has_ended())
    }

    /// Ends the process of that name, wherever it is, and starts another after a while.
    async fn replace_operator(&self, index: usize, name: &str, pause: Duration) {
        if self.operators.borrow()[index].name != name {
            return;
        }
        self.operators.borrow_mut()[index].process = None;
        sleep(pause).await;
        if self.operators.borrow()[index].process.is_none() {
            self.start_operator(index);
        }
    }

    /// Makes the ways of all operators others for a time. One that starts meanwhile has a good one.
    async fn on_every_link(&self, change: impl Fn(Link) -> Link, long: Duration) {
        let names: Vec<String> =
            self.operators.borrow().iter().map(|operator| operator.name.clone()).collect();
        for name in &names {
            self.kubernetes.set_link(name, change(self.kubernetes.link(name)));
        }
        sleep(long).await;
        for name in &names {
            let cut = self.kubernetes.link(name).cut;
            self.kubernetes.set_link(name, Link { cut, ..Link::default() });
        }
    }

    /// As `gungnir switchover` asks.
    async fn ask_for_switchover(&self, who: Who) {
        let Some(pod) = self.who(who) else { return };
        let key = ClusterKey { namespace: NAMESPACE.to_owned(), name: NAME.to_owned() };
        let inquiry = Inquiry::new(self.kubernetes.client("people"));
        let value = format!("{}/{}", pod.name, self.number());
        let _ = timeout(PATIENCE, inquiry.ask_for_switchover(&key, &value)).await;
    }

    /// A number that was not there before.
    fn number(&self) -> String {
        self.chance.below(1_000_000).to_string()
    }

    fn change(&self, spec: &Value) {
        let _ = self.kubernetes.patch("ValkeyCluster", NAMESPACE, NAME, &json!({ "spec": spec }));
    }

    fn edit_child(&self) {
        let other = self.who(Who::Replica(0)).map(|pod| pod.name);
        let pod = json!({ "statefulset.kubernetes.io/pod-name": other });
        // Whoever takes the gate out as well has two that lead if a pod starts just then.
        let config = self.kubernetes.get("ConfigMap", NAMESPACE, &format!("{NAME}-config"));
        let config = config.map(|config| config["data"]["valkey.conf"].clone());
        let edited = config.unwrap_or_default().as_str().unwrap_or_default().to_owned();
        let edited = edited + "maxclients 500\n";
        let edits = [
            ("Service", "client", json!({ "spec": { "selector": pod } })),
            (
                "Service",
                "headless",
                json!({ "metadata": { "labels": {
                "valkey.verilean.io/cluster": "other" } } }),
            ),
            ("ConfigMap", "config", json!({ "data": { "valkey.conf": edited } })),
            ("PodDisruptionBudget", "pdb", json!({ "spec": { "maxUnavailable": 3 } })),
        ];
        let (kind, suffix, patch) = self.chance.one_of(&edits);
        let _ = self.kubernetes.patch(kind, NAMESPACE, &format!("{NAME}-{suffix}"), patch);
    }

    fn write_election(&self, election: &Value) {
        let status = json!({ "status": { "election": election } });
        let _ = self.kubernetes.patch_status("ValkeyCluster", NAMESPACE, NAME, &status);
    }
}

//! What has to hold at every change of an object and at every write of a client, whatever happens. The
//! names are those of the README's table.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gungnir::valkey::Id;
use serde_json::Value;
use tokio::time::Instant;

use crate::kubernetes::{Kubernetes, Mutation, Store, Verb};
use crate::trace::Trace;
use crate::valkey::Standstill;
use crate::world::{NAME, NAMESPACE, is_operator};
use crate::writer::Taken;

/// Looks at every change. Clones are the same.
#[derive(Clone, Default)]
pub struct Properties(Arc<Mutex<Found>>);

#[derive(Default)]
struct Found {
    violations: Vec<String>,
    /// Who was master in which epoch: the pod and its run.
    masters: BTreeMap<u64, (String, String)>,
    /// The record that people put something else in the place of, since an operator last recorded anything.
    taken_back: Option<Value>,
    last_change_by_operator: Option<(Instant, String)>,
    /// When the record said that no replica has to hold a write, and until when.
    unheld: Vec<(Instant, Option<Instant>)>,
    /// It was told that acknowledged writes may be lost.
    loss_told: bool,
    /// To which pods clients were sent by the operators.
    pointed_at: Vec<String>,
}

impl Properties {
    /// Properties that hold for this Kubernetes from now on.
    pub fn watch(kubernetes: &Kubernetes, trace: &Trace) -> Self {
        let properties = Self::default();
        let (found, trace) = (Arc::clone(&properties.0), trace.clone());
        kubernetes.on_change(Box::new(move |mutation, store| {
            tell(mutation, &trace);
            found.lock().unwrap().look(mutation, store);
        }));
        properties
    }

    /// Something else did not hold.
    pub fn violated(&self, property: &str, text: &str) {
        self.0.lock().unwrap().violated(property, text);
    }

    /// Everything that did not hold so far.
    pub fn violations(&self) -> Vec<String> {
        self.0.lock().unwrap().violations.clone()
    }

    /// When an operator last changed something other than a lease, and what.
    pub fn last_change(&self) -> Option<(Instant, String)> {
        self.0.lock().unwrap().last_change_by_operator.clone()
    }

    /// To which pods clients were sent, one after the other.
    pub fn masters(&self) -> Vec<String> {
        self.0.lock().unwrap().pointed_at.clone()
    }

    /// Whether it was told since the last time that acknowledged writes may be lost: more was lost than
    /// is promised for.
    pub fn take_loss_told(&self) -> bool {
        std::mem::take(&mut self.0.lock().unwrap().loss_told)
    }

    /// Whether a master whose history began at a time was elected when no replica had to hold a write.
    fn silence_elects(&self, began: Instant) -> bool {
        let found = self.0.lock().unwrap();
        found.unheld.iter().any(|(from, until)| {
            *from <= began && until.is_none_or(|until| until + ELECTED_WITHIN >= began)
        })
    }

    /// More is lost than is promised for.
    pub fn tell_loss(&self) {
        self.0.lock().unwrap().loss_told = true;
    }

    /// `atMostOneMaster`: no server takes a write that was sent after another took one of a later
    /// history. Where no replica had to hold a write when that history began, silence elected. Who
    /// stood still when it began, and has only just gone on, cannot know; a replica has nothing of it.
    pub fn at_most_one_master(&self, taken: &[Taken], standstills: &[Standstill]) {
        let mut first: BTreeMap<Id, Instant> = BTreeMap::new();
        for write in taken {
            let at = first.entry(write.history).or_insert(write.answered);
            *at = (*at).min(write.answered);
        }
        let cannot_know = |write: &Taken, other_led| {
            let explains = |it: &Standstill| it.explains(write.server, other_led, write.answered);
            !write.held && standstills.iter().any(explains)
        };
        for write in taken {
            let begun = first[&write.history];
            let later = first.iter().filter(|(_, at)| **at > begun && **at < write.sent);
            let next = later.min_by_key(|(_, at)| **at);
            if let Some((history, at)) = next
                && !self.silence_elects(*at)
                && !cannot_know(write, *at)
            {
                let text = format!(
                    "{} took a write in history {:?} after history {history:?} had begun",
                    write.server, write.history
                );
                self.violated("atMostOneMaster", &text);
                return;
            }
        }
    }
}

/// The record in a cluster; null where there is none.
fn election(cluster: Option<&Value>) -> Value {
    cluster.map(|it| it["status"]["election"].clone()).unwrap_or_default()
}

/// How long before a history's first write it may have been decided on.
const ELECTED_WITHIN: Duration = Duration::from_secs(30);

/// Records and events are what a reader of the trace looks for first.
fn tell(mutation: &Mutation<'_>, trace: &Trace) {
    let Some(after) = mutation.after else { return };
    match mutation.key.kind {
        "Event" if mutation.before.is_none() => {
            trace.note(format_args!("  event {}: {}", after["reason"], after["note"]));
        }
        "ValkeyCluster" => {
            let is = election(Some(after));
            if mutation.before.map(|it| election(Some(it))).as_ref() != Some(&is) {
                let pods = is["inSync"].as_array().map(Vec::as_slice).unwrap_or_default();
                let pods: Vec<&Value> = pods.iter().map(|member| &member["pod"]).collect();
                trace.note(format_args!(
                    "  record: term {} epoch {} {} master {} target {} members {pods:?} W {}",
                    is["term"],
                    is["epoch"],
                    is["phase"],
                    is["master"]["pod"],
                    is["target"],
                    is["w"]
                ));
            }
        }
        _ => {}
    }
}

impl Found {
    fn violated(&mut self, property: &str, text: &str) {
        let violation = format!("{property}: {text}");
        if !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }

    fn look(&mut self, mutation: &Mutation<'_>, store: &Store) {
        if !is_operator(mutation.who) {
            if mutation.key.kind == "ValkeyCluster" {
                self.forget(mutation.after, store);
                let [was, is] = [mutation.before, mutation.after].map(election);
                if was != is && !was.is_null() {
                    self.taken_back = Some(was);
                }
            }
            return;
        }
        let Mutation { who, verb, key, before, after } = mutation;
        if key.kind == "Event" {
            self.loss_told |= after.is_some_and(|event| event["reason"] == "DataLossPossible");
        }
        if key.kind == "Lease" || key.kind == "Event" {
            return;
        }
        let what = format!("{who}: {verb:?} {} {}", key.kind, key.name);
        self.last_change_by_operator = Some((Instant::now(), what.clone()));
        self.is_leader(who, &what, store);
        match key.kind {
            "ValkeyCluster" => self.record(&what, *before, *after),
            "Service" if key.name == format!("{NAME}-client") => {
                self.service(&what, *before, *after, store);
            }
            "Pod" => self.pod(&what, &key.name, *before, *after, store),
            "PersistentVolumeClaim" if *verb == Verb::Delete => {
                self.violated("neverWipedByEmptyMaster", &format!("{what}: a volume"));
            }
            _ => {}
        }
        let owned = ["Service", "ConfigMap", "StatefulSet", "PodDisruptionBudget"];
        if let (true, Some(after)) = (owned.contains(&key.kind), after) {
            let cluster = store.get("ValkeyCluster", NAMESPACE, NAME);
            let uid = cluster.map(|it| it["metadata"]["uid"].clone());
            let owners = after["metadata"]["ownerReferences"].as_array();
            let is_ours = |owner: &Value| Some(&owner["uid"]) == uid.as_ref();
            // One whose cluster is gone is about to go.
            if uid.is_some() && !owners.is_some_and(|all| all.iter().any(is_ours)) {
                self.violated("ownerRefConsistency", &what);
            }
        }
    }

    /// `leaderElectionSafety`: who changes something has the lease.
    fn is_leader(&mut self, who: &str, what: &str, store: &Store) {
        let lease = store.get("Lease", NAMESPACE, "gungnir-operator");
        let holder = lease.and_then(|it| it["spec"]["holderIdentity"].as_str());
        if holder != Some(who) {
            let text = format!("{what}, and {holder:?} has the lease");
            self.violated("leaderElectionSafety", &text);
        }
    }

    /// `noDoubleFailover`: an epoch has one master, and neither it nor the term goes back.
    fn record(&mut self, what: &str, before: Option<&Value>, after: Option<&Value>) {
        if before.is_none() || after.is_none() {
            return;
        }
        let [was, is] = [before, after].map(election);
        if was != is {
            self.taken_back = None;
        }
        if is.is_null() {
            if !was.is_null() {
                self.violated("noDoubleFailover", &format!("{what}: the record is gone"));
            }
            return;
        }
        self.note_held(is["w"] == 0);
        for number in ["epoch", "term"] {
            let (was, is) = (was[number].as_u64(), is[number].as_u64());
            if was > is {
                let text = format!("{what}: {number} goes back from {was:?} to {is:?}");
                self.violated("noDoubleFailover", &text);
            }
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let master = (text(&is["master"]["pod"]), text(&is["runId"]));
        let (Some(epoch), false) = (is["epoch"].as_u64(), master.0.is_empty()) else { return };
        if is["phase"] != "Stable" {
            return;
        }
        let known = self.masters.entry(epoch).or_insert_with(|| master.clone());
        if *known != master {
            let text =
                format!("{what}: epoch {epoch} had the master {known:?}, and has {master:?}");
            self.violated("noDoubleFailover", &text);
        }
    }

    /// People have wiped the record, or put an older one in its place: an epoch that neither the
    /// Service nor a volume knows is known to nobody then.
    fn forget(&mut self, after: Option<&Value>, store: &Store) {
        let recorded = after.and_then(|it| it["status"]["election"]["epoch"].as_u64());
        let services = store.of_kind("Service", Some(NAMESPACE));
        let volumes = store.of_kind("PersistentVolumeClaim", Some(NAMESPACE));
        let noted = services.chain(volumes).filter_map(|(_, object)| {
            let note = object["metadata"]["annotations"]["valkey.verilean.io/epoch"].as_str()?;
            note.split('/').next()?.parse().ok()
        });
        let known = noted.chain(recorded).max().unwrap_or(0);
        self.masters.retain(|epoch, _| *epoch <= known);
    }

    fn note_held(&mut self, unheld: bool) {
        let now = Instant::now();
        match self.unheld.last_mut() {
            Some((_, until @ None)) if !unheld => *until = Some(now),
            Some((_, None)) => {}
            _ if unheld => self.unheld.push((now, None)),
            _ => {}
        }
    }

    /// `recordBeforeAct`: clients are sent to who is recorded, and never back to an epoch before.
    fn service(
        &mut self,
        what: &str,
        before: Option<&Value>,
        after: Option<&Value>,
        store: &Store,
    ) {
        const POD: &str = "statefulset.kubernetes.io/pod-name";
        let pod = |it: Option<&Value>| Some(it?["spec"]["selector"][POD].as_str()?.to_owned());
        let (was, is) = (pod(before), pod(after));
        if was == is {
            return;
        }
        let Some(is) = is else { return };
        if self.pointed_at.last() != Some(&is) {
            self.pointed_at.push(is.clone());
        }
        let recorded = election(store.get("ValkeyCluster", NAMESPACE, NAME).map(Arc::as_ref));
        let names = |record: &Value| {
            [&record["master"]["pod"], &record["target"]].iter().any(|name| **name == *is)
        };
        // Whoever acts on a record cannot know yet that people have just taken it back.
        let epoch = after.and_then(|it| {
            it["metadata"]["annotations"]["valkey.verilean.io/epoch"].as_str()?.parse::<u64>().ok()
        });
        let acted_on = |record: &Value| names(record) && record["epoch"].as_u64() == epoch;
        if !names(&recorded) && !self.taken_back.as_ref().is_some_and(acted_on) {
            let text = format!("{what}: clients are sent to {is}, recorded is {recorded}");
            self.violated("recordBeforeAct", &text);
        }
    }

    /// `pdbProtectsMaster`: no operator ends the pod that leads, where there is another.
    fn pod(
        &mut self,
        what: &str,
        name: &str,
        before: Option<&Value>,
        after: Option<&Value>,
        store: &Store,
    ) {
        let deleting = |it: Option<&Value>| {
            it.is_some_and(|it| !it["metadata"]["deletionTimestamp"].is_null())
        };
        if deleting(before) || !(after.is_none() || deleting(after)) {
            return;
        }
        let Some(cluster) = store.get("ValkeyCluster", NAMESPACE, NAME) else { return };
        let alone = cluster["spec"]["replicas"] == 1;
        // In a pod that never started nobody leads.
        let statuses = before.and_then(|pod| pod["status"]["containerStatuses"].as_array());
        let runs = |it: &Value| it["state"]["running"].is_object();
        let leads = statuses.is_some_and(|all| all.iter().any(runs));
        if cluster["status"]["election"]["master"]["pod"] == name && leads && !alone {
            self.violated("pdbProtectsMaster", what);
        }
    }
}

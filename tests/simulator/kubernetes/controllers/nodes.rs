//! Says of a silent node that it is unreachable, and later has its pods leave.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::kubernetes::api::Shared;
use crate::kubernetes::api::delete::{Deletion, delete, is_ready};
use crate::kubernetes::api::kind::Row;
use crate::kubernetes::api::store::Store;
use crate::kubernetes::api::write::Write;
use crate::kubernetes::machine::Machine;
use crate::kubernetes::object::{
    all, is_leaving, name, namespace, set_condition, text, uid, write,
};

const WHO: &str = "node-controller";

/// What a restart of the controller forgets.
#[derive(Default)]
pub struct Nodes {
    /// When each node is to be heard of at last.
    patience: BTreeMap<String, (Instant, Instant)>,
    /// Since when each is unreachable.
    unreachable: BTreeMap<String, Instant>,
}

impl Nodes {
    /// Looks at every node; when to look again.
    pub fn turn(&mut self, shared: &Shared) -> Option<Instant> {
        let now = Instant::now();
        let machines = shared.machines();
        let mut again = Vec::new();
        let nodes = all(&shared.store(), "Node");
        for node in nodes {
            let node_name = name(&node).to_owned();
            let silent = machines.get(&node_name).and_then(Machine::silent_since);
            let Some(silent) = silent else {
                self.patience.remove(&node_name);
                self.unreachable.remove(&node_name);
                mark(&mut shared.store(), &node, true);
                continue;
            };
            let known = self.patience.get(&node_name).filter(|(since, _)| *since == silent);
            let due = known.map(|(_, due)| *due);
            let due = due
                .unwrap_or_else(|| silent + shared.settings().node_patience.draw(&shared.chance));
            self.patience.insert(node_name.clone(), (silent, due));
            if now < due {
                again.push(due);
                continue;
            }
            mark(&mut shared.store(), &node, false);
            let since = *self.unreachable.entry(node_name.clone()).or_insert(now);
            let pods = all(&shared.store(), "Pod");
            for pod in pods.iter().filter(|pod| pod["spec"]["nodeName"] == node_name) {
                not_ready(&mut shared.store(), pod);
                if is_leaving(pod) {
                    continue;
                }
                let Some(patience) = toleration(pod) else { continue };
                if since + patience <= now {
                    evict(&mut shared.store(), pod);
                } else {
                    again.push(since + patience);
                }
            }
        }
        again.into_iter().min()
    }
}

/// Writes whether a node is heard of.
fn mark(store: &mut Store, node: &Value, heard: bool) {
    let (status, reason) =
        if heard { ("True", "KubeletReady") } else { ("Unknown", "NodeStatusUnknown") };
    let now = store.now();
    let taint = |effect| json!({ "key": "node.kubernetes.io/unreachable", "effect": effect });
    let taints = if heard { Value::Null } else { json!([taint("NoSchedule"), taint("NoExecute")]) };
    let _ = write(WHO, "Node", node).merge(store, &json!({ "spec": { "taints": taints } }));
    let own = Write { status: true, ..write(WHO, "Node", node) };
    let _ = own.edit(store, &Value::Null, |node| {
        set_condition(&mut node["status"]["conditions"], "Ready", status, reason, &now);
        Ok(())
    });
}

fn not_ready(store: &mut Store, pod: &Value) {
    if !is_ready(pod) {
        return;
    }
    let now = store.now();
    let own = Write { status: true, ..write(WHO, "Pod", pod) };
    let _ = own.edit(store, &Value::Null, |pod| {
        let conditions = &mut pod["status"]["conditions"];
        set_condition(conditions, "Ready", "False", "NodeNotReady", &now);
        Ok(())
    });
}

/// How long a pod stays on a node that is unreachable; for ever without an answer.
fn toleration(pod: &Value) -> Option<Duration> {
    let tolerations = pod["spec"]["tolerations"].as_array().into_iter().flatten();
    let own = tolerations.into_iter().find(|own| {
        let key = text(&own["key"]);
        let fits = key == "node.kubernetes.io/unreachable" || key.is_empty();
        fits && matches!(text(&own["effect"]), "" | "NoExecute")
    });
    match own {
        None => Some(Duration::from_secs(300)),
        Some(own) => own["tolerationSeconds"].as_u64().map(Duration::from_secs),
    }
}

fn evict(store: &mut Store, pod: &Value) {
    let now = store.now();
    let own = Write { status: true, ..write(WHO, "Pod", pod) };
    let _ = own.edit(store, &Value::Null, |pod| {
        let conditions = &mut pod["status"]["conditions"];
        set_condition(conditions, "DisruptionTarget", "True", "DeletionByTaintManager", &now);
        Ok(())
    });
    let deletion = Deletion { uid: Some(uid(pod).to_owned()), ..Deletion::default() };
    let _ = delete(store, WHO, Row::named("Pod"), namespace(pod), name(pod), &deletion);
}

//! The ends of objects: at once, after finalizers, or of a pod after its grace period; evictions.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::kind::{Kind, Row};
use super::refusal::Refusal;
use super::selector::Selector;
use super::store::{Key, Store};
use super::write::Write;

/// How an object is deleted.
#[derive(Debug, Clone, Default)]
pub struct Deletion {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub grace_seconds: Option<u64>,
    /// `Background`, `Foreground` or `Orphan`.
    pub propagation: Option<String>,
    pub dry_run: bool,
}

impl Deletion {
    /// Reads `DeleteOptions`.
    pub fn of(options: &Value) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Self {
            uid: text(&options["preconditions"]["uid"]),
            resource_version: text(&options["preconditions"]["resourceVersion"]),
            grace_seconds: options["gracePeriodSeconds"].as_u64(),
            propagation: text(&options["propagationPolicy"]),
            dry_run: options["dryRun"].as_array().is_some_and(|all| !all.is_empty()),
        }
    }
}

/// Deletes an object; what is left of it, or `None` when nothing is.
pub fn delete(
    store: &mut Store,
    who: &str,
    kind: Kind,
    namespace: &str,
    name: &str,
    deletion: &Deletion,
) -> Result<Option<Arc<Value>>, Refusal> {
    let Some(live) = store.get(kind.name, namespace, name).cloned() else {
        return Err(Refusal::not_found(kind, name));
    };
    let metadata = &live["metadata"];
    let own = |field: &str| metadata[field].as_str().unwrap_or_default();
    if let Some(asked) = deletion.uid.as_ref().filter(|asked| **asked != own("uid")) {
        return Err(Refusal::other_object(kind, name, asked, own("uid")));
    }
    let version = deletion.resource_version.as_ref();
    if version.is_some_and(|asked| *asked != own("resourceVersion")) {
        return Err(Refusal::modified(kind, name));
    }
    if deletion.dry_run {
        return Ok(Some(live));
    }
    let grace_seconds = grace(kind, &live, deletion);
    let mut finalizers = metadata["finalizers"].as_array().cloned().unwrap_or_default();
    let extra = match deletion.propagation.as_deref() {
        Some("Orphan") => Some("orphan"),
        Some("Foreground") => Some("foregroundDeletion"),
        _ => None,
    };
    if let Some(extra) = extra.filter(|extra| !finalizers.iter().any(|own| own == *extra)) {
        finalizers.push(json!(extra));
    }
    let key = Key { kind: kind.name, namespace: namespace.to_owned(), name: name.to_owned() };
    if finalizers.is_empty() && grace_seconds == 0 {
        store.commit(who, &key, None);
        return Ok(None);
    }
    let before = metadata["deletionGracePeriodSeconds"].as_u64();
    if before.is_some_and(|before| before <= grace_seconds) {
        return Ok(Some(live));
    }
    let mut object = (*live).clone();
    let metadata = &mut object["metadata"];
    if !finalizers.is_empty() {
        metadata["finalizers"] = Value::Array(finalizers);
    }
    let at = store.time_in(Duration::from_secs(grace_seconds));
    metadata["deletionTimestamp"] = json!(at);
    metadata["deletionGracePeriodSeconds"] = json!(grace_seconds);
    if let Some(generation) = metadata["generation"].as_u64() {
        metadata["generation"] = json!(generation + 1);
    }
    Ok(Some(store.commit(who, &key, Some(object))))
}

/// Only a pod that a node has takes time.
fn grace(kind: Kind, live: &Value, deletion: &Deletion) -> u64 {
    let ended = matches!(live["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
    if kind.name != "Pod" || live["spec"]["nodeName"].is_null() || ended {
        return 0;
    }
    let own = live["spec"]["terminationGracePeriodSeconds"].as_u64();
    deletion.grace_seconds.or(own).unwrap_or(30)
}

/// Evicts a pod, as far as the budgets let.
pub fn evict(
    store: &mut Store,
    who: &str,
    namespace: &str,
    name: &str,
    deletion: &Deletion,
) -> Result<(), Refusal> {
    let pods = Row::named("Pod");
    let Some(pod) = store.get("Pod", namespace, name).cloned() else {
        return Err(Refusal::not_found(pods, name));
    };
    let budgets = store.of_kind("PodDisruptionBudget", Some(namespace));
    let budget = budgets
        .map(|(_, budget)| budget)
        .find(|budget| Selector::of_object(&budget["spec"]["selector"]).matches(&pod))
        .cloned();
    let ready = is_ready(&pod);
    if let Some(budget) = budget.filter(|_| ready) {
        let status = &budget["status"];
        let allowed = status["disruptionsAllowed"].as_u64().unwrap_or(0);
        let seen = status["observedGeneration"].as_u64().unwrap_or(0);
        let is_seen = seen >= budget["metadata"]["generation"].as_u64().unwrap_or(0);
        if allowed == 0 || !is_seen {
            let text = "Cannot evict pod as it would violate the pod's disruption budget.";
            let mut refusal = Refusal::new(429, "TooManyRequests", text);
            refusal.details = json!({ "causes": [{ "reason": "DisruptionBudget" }] });
            return Err(refusal);
        }
        let left = json!({ "status": { "disruptionsAllowed": allowed - 1 } });
        let budget_name = budget["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let write = Write {
            who,
            manager: "kube-apiserver",
            kind: Row::named("PodDisruptionBudget"),
            namespace,
            name: &budget_name,
            status: true,
            dry_run: false,
        };
        write.merge(store, &left)?;
    }
    let now = store.now();
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
        "lastTransitionTime": now,
    });
    let write = Write {
        who,
        manager: "kube-apiserver",
        kind: pods,
        namespace,
        name,
        status: true,
        dry_run: false,
    };
    write.edit(store, &Value::Null, |pod| {
        let status = &mut pod["status"]["conditions"];
        if !status.is_array() {
            *status = json!([]);
        }
        let all = status.as_array_mut().unwrap();
        all.retain(|own| own["type"] != "DisruptionTarget");
        all.push(condition);
        Ok(())
    })?;
    delete(store, who, pods, namespace, name, deletion).map(drop)
}

/// Whether a pod is ready.
pub fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
}

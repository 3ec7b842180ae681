//! Counts how many pods each `PodDisruptionBudget` lets go.

use serde_json::{Value, json};

use crate::kubernetes::api::delete::is_ready;
use crate::kubernetes::api::selector::Selector;
use crate::kubernetes::api::store::Store;
use crate::kubernetes::object::{
    all, controller, is_leaving, namespace, set_condition, set_status, text, uid,
};

const WHO: &str = "disruption-controller";

/// Looks at every budget.
pub fn turn(store: &mut Store) {
    let (pods, sets) = (all(store, "Pod"), all(store, "StatefulSet"));
    for budget in all(store, "PodDisruptionBudget") {
        let selector = Selector::of_object(&budget["spec"]["selector"]);
        let chosen: Vec<&Value> = pods
            .iter()
            .map(|pod| &**pod)
            .filter(|pod| namespace(pod) == namespace(&budget) && selector.matches(pod))
            .collect();
        let healthy = chosen.iter().filter(|pod| is_ready(pod) && !is_leaving(pod)).count() as u64;
        let owned = |set: &Value| chosen.iter().any(|pod| controller(pod) == Some(uid(set)));
        let expected: u64 = sets
            .iter()
            .filter(|set| owned(set))
            .map(|set| set["spec"]["replicas"].as_u64().unwrap_or(1))
            .sum();
        let spec = &budget["spec"];
        let desired = if spec["maxUnavailable"].is_null() {
            share(&spec["minAvailable"], expected)
        } else {
            expected.saturating_sub(share(&spec["maxUnavailable"], expected))
        };
        let allowed = if expected == 0 { 0 } else { healthy.saturating_sub(desired) };
        let mut status = json!({
            "observedGeneration": budget["metadata"]["generation"], "expectedPods": expected,
            "currentHealthy": healthy, "desiredHealthy": desired, "disruptionsAllowed": allowed,
        });
        status["conditions"] = budget["status"]["conditions"].clone();
        let (is_so, reason) =
            if allowed > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
        let now = store.now();
        let conditions = &mut status["conditions"];
        set_condition(conditions, "DisruptionAllowed", is_so, reason, &now);
        set_status(store, WHO, "PodDisruptionBudget", &budget, &status);
    }
}

/// A number, or a share that is rounded up.
fn share(value: &Value, of: u64) -> u64 {
    match text(value).strip_suffix('%').and_then(|percent| percent.parse::<u64>().ok()) {
        Some(percent) => (of * percent).div_ceil(100),
        None => value.as_u64().unwrap_or(0),
    }
}

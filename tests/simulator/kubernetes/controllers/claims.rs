//! Gives volume claims their volumes, has them grow, and holds those that a pod uses.

use serde_json::{Value, json};

use crate::kubernetes::api::store::Store;
use crate::kubernetes::object::{all, is_leaving, name, namespace, set_status, text, uid, write};

const WHO: &str = "volume-controller";
const KIND: &str = "PersistentVolumeClaim";

/// Looks at every claim.
pub fn turn(store: &mut Store) {
    for claim in all(store, KIND) {
        let user = all(store, "Pod").into_iter().find(|pod| uses(pod, &claim));
        if is_leaving(&claim) {
            // One that has no node yet does not hold it.
            if user.is_none_or(|pod| pod["spec"]["nodeName"].is_null()) {
                let finalizers = json!({ "metadata": { "finalizers": null } });
                let _ = write(WHO, KIND, &claim).merge(store, &finalizers);
            }
            continue;
        }
        let wanted = &claim["spec"]["resources"]["requests"]["storage"];
        // The volume is where its first pod is.
        let node = user.as_ref().and_then(|pod| pod["spec"]["nodeName"].as_str());
        if claim["spec"]["volumeName"].is_null() {
            let Some(node) = node else { continue };
            let bound = json!({
                "metadata": { "annotations": { "volume.kubernetes.io/selected-node": node } },
                "spec": { "volumeName": format!("pvc-{}", uid(&claim)) },
            });
            let _ = write(WHO, KIND, &claim).merge(store, &bound);
            let status = json!({
                "phase": "Bound", "capacity": { "storage": wanted },
                "accessModes": claim["spec"]["accessModes"],
            });
            set_status(store, WHO, KIND, &claim, &status);
        } else if claim["status"]["capacity"]["storage"] != *wanted && grows(store, &claim) {
            set_status(store, WHO, KIND, &claim, &json!({ "capacity": { "storage": wanted } }));
        }
    }
}

fn grows(store: &Store, claim: &Value) -> bool {
    let class = store.get("StorageClass", "", text(&claim["spec"]["storageClassName"]));
    class.is_some_and(|class| class["allowVolumeExpansion"] == true)
}

fn uses(pod: &Value, claim: &Value) -> bool {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    namespace(pod) == namespace(claim)
        && volumes
            .into_iter()
            .any(|volume| volume["persistentVolumeClaim"]["claimName"] == name(claim))
}

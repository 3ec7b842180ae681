//! In the place of the controllers and kubelets that a control plane alone has not, and of the
//! election: a turn at a time, by what there is.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::world::World;

/// How often they look.
const PERIOD: Duration = Duration::from_millis(50);

/// Runs `story` with controllers beside it.
pub async fn beside(world: &World, story: impl Future<Output = ()>) {
    let controllers = async {
        loop {
            turn(world).await;
            sleep(PERIOD).await;
        }
    };
    tokio::select! {
        () = story => {}
        () = controllers => {}
    }
}

/// What is refused, because something has changed meanwhile, is for the next turn.
async fn turn(world: &World) {
    let Some(set) = world.get("StatefulSet", "shop").await else { return };
    let metadata = &set["metadata"];
    if !metadata["deletionTimestamp"].is_null() {
        // The garbage collector has let the pods go.
        let free = json!({ "metadata": { "finalizers": null, "uid": metadata["uid"] } });
        patch(world, "StatefulSet", "shop", &free, false).await;
        return;
    }
    let replicas = u32::try_from(set["spec"]["replicas"].as_u64().unwrap()).unwrap();
    let revision = revision_of(&set);
    for ordinal in 0..replicas {
        volume(world, &set, ordinal).await;
        if world.get("Pod", &format!("shop-{ordinal}")).await.is_none() {
            world.pod(ordinal, &revision).await;
        }
    }
    let seen = json!({
        "observedGeneration": metadata["generation"], "replicas": replicas,
        "readyReplicas": replicas, "updateRevision": revision,
    });
    if seen.as_object().unwrap().iter().any(|(name, value)| set["status"][name] != *value) {
        let status = json!({ "metadata": { "uid": metadata["uid"] }, "status": seen });
        patch(world, "StatefulSet", "shop", &status, true).await;
    }
    elect(world).await;
}

/// What the controller calls a template.
pub fn revision_of(set: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    set["spec"]["template"].to_string().hash(&mut hasher);
    format!("r{:x}", hasher.finish())
}

async fn volume(world: &World, set: &Value, ordinal: u32) {
    let claim = &set["spec"]["volumeClaimTemplates"][0]["spec"];
    let Some(size) = claim["resources"]["requests"]["storage"].as_str() else { return };
    let name = format!("data-shop-{ordinal}");
    let Some(found) = world.get("PersistentVolumeClaim", &name).await else {
        let class = claim["storageClassName"].as_str().unwrap_or_default();
        return world.claim(ordinal, size, class).await;
    };
    let wanted = &found["spec"]["resources"]["requests"]["storage"];
    if found["status"]["capacity"]["storage"] != *wanted {
        let grown = json!({ "status": { "capacity": { "storage": wanted } } });
        patch(world, "PersistentVolumeClaim", &name, &grown, true).await;
    }
}

/// Points the Service to pod 0, and later to whom the master is to be handed over to.
async fn elect(world: &World) {
    let Some(service) = world.get("Service", "shop-client").await else { return };
    let heir = world.known().and_then(|facts| facts.heir);
    let master = match (&service["spec"]["selector"], heir) {
        (_, Some(heir)) => heir,
        (Value::Null, None) => "shop-0".to_owned(),
        (_, None) => return,
    };
    let selector = json!({ "statefulset.kubernetes.io/pod-name": master });
    if service["spec"]["selector"] != selector {
        let pointer = json!({ "spec": { "selector": selector } });
        patch(world, "Service", "shop-client", &pointer, false).await;
    }
}

async fn patch(world: &World, kind: &str, name: &str, change: &Value, status: bool) {
    let parameters = PatchParams {
        field_manager: Some("gungnir-sentinel".to_owned()),
        ..PatchParams::default()
    };
    let (api, patch) = (world.api(kind), Patch::Merge(change));
    let _ = if status {
        api.patch_status(name, &parameters, &patch).await
    } else {
        api.patch(name, &parameters, &patch).await
    };
}

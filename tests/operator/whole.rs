//! Whether a cluster is what its spec says: what is live is what is rendered.

use std::time::{Duration, Instant};

use gungnir::cluster::Roles;
use serde_json::Value;
use tokio::time::sleep;

use crate::differences::missing;
use crate::examples::rendered;
use crate::world::{DEADLINE, World};

/// Waits until what is live is what the cluster renders to, and of `before` nothing else is left.
pub async fn is_live(world: &World, what: &str, cluster: &Value, before: &[Value]) -> Vec<Value> {
    let objects = rendered(cluster, Roles::Elected);
    let start = Instant::now();
    loop {
        let mut amiss = Vec::new();
        for object in &objects {
            let (kind, name) = named(object);
            match world.get(kind, name).await {
                Some(live) => amiss.extend(missing(object, &live)),
                None => amiss.push(format!("{kind} {name} is not there")),
            }
        }
        for object in before {
            let (kind, name) = named(object);
            let wanted = objects.iter().any(|other| named(other) == (kind, name));
            if !wanted && world.get(kind, name).await.is_some() {
                amiss.push(format!("{kind} {name} is still there"));
            }
        }
        if amiss.is_empty() {
            return objects;
        }
        let status = world.get("ValkeyCluster", "shop").await.unwrap()["status"].clone();
        assert!(start.elapsed() < DEADLINE, "{what}: {amiss:#?}\n{status:#}");
        sleep(Duration::from_millis(50)).await;
    }
}

fn named(object: &Value) -> (&str, &str) {
    (object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
}

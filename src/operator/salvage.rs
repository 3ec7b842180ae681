//! What can still be understood of a spec that is at fault: a cluster that runs goes on being watched,
//! though nothing of it is changed. Pure.

use serde_json::{Map, Value};

use crate::api::{ValkeyCluster, ValkeyClusterSpec};
use crate::cluster::{Fault, Roles, Segment, ValidatedCluster, validate};

use super::cache::ClusterObject;

/// The cluster with what is at fault left out, each such field with all that is in it; `None` where
/// that does not help.
#[must_use]
pub fn salvage(cluster: &ClusterObject) -> Option<ValidatedCluster> {
    let mut fields = match &cluster.spec {
        Ok(spec) => serde_json::to_value(spec).ok()?,
        Err(unreadable) => readable(&unreadable.fields),
    };
    // Each turn leaves one out, so there are no more turns than fields.
    loop {
        let spec = serde_json::from_value(fields.clone()).ok()?;
        let mut whole = ValkeyCluster::new(&cluster.key.name, spec);
        whole.metadata.namespace = Some(cluster.key.namespace.clone());
        let faults = match validate(whole, Roles::Elected) {
            Ok(sound) => return Some(sound),
            Err(faults) => faults,
        };
        let mut at_fault = faults.iter().filter_map(field_of);
        let name = at_fault.find(|name| fields.get(*name).is_some())?.to_owned();
        fields.as_object_mut()?.remove(&name);
    }
}

/// The fields that can be read, each by itself.
fn readable(fields: &Map<String, Value>) -> Value {
    let reads = |(name, value): &(&String, &Value)| {
        let alone = Value::Object(Map::from_iter([((*name).clone(), (*value).clone())]));
        serde_json::from_value::<ValkeyClusterSpec>(alone).is_ok()
    };
    let kept = fields.iter().filter(reads);
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The field of the spec that a fault lies in.
fn field_of(fault: &Fault) -> Option<&str> {
    match fault.path.segments() {
        [Segment::Key(spec), Segment::Key(name), ..] if spec == "spec" => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn salvaged(spec: &Value) -> Option<ValidatedCluster> {
        let metadata =
            json!({ "name": "shop", "namespace": "ns", "uid": "u", "resourceVersion": "1" });
        let metadata = serde_json::from_value(metadata).unwrap();
        salvage(&ClusterObject::of(&metadata, &json!({ "spec": spec })).unwrap())
    }

    #[test]
    fn what_is_at_fault_is_left_out_and_the_rest_counts() {
        let spec = json!({
            "replicas": "three", "port": 6400,
            "sentinel": { "downAfterMs": 7000, "pingIntervalMs": 500 },
        });
        let sound = salvaged(&spec).unwrap();
        assert_eq!((sound.port, sound.replicas), (6400, 3));
        assert_eq!(sound.failover.down_after_ms, 7000);

        let spec =
            json!({ "replicas": 5, "config": { "port": "1" }, "sentinel": { "downAfterMs": 1 } });
        let sound = salvaged(&spec).unwrap();
        assert_eq!((sound.replicas, sound.failover.down_after_ms), (5, 5000));
    }

    #[test]
    fn a_sound_spec_is_taken_as_it_is_and_a_name_cannot_be_left_out() {
        assert_eq!(salvaged(&json!({ "replicas": 5 })).unwrap().replicas, 5);
        let metadata =
            json!({ "name": "A_B", "namespace": "ns", "uid": "u", "resourceVersion": "1" });
        let metadata = serde_json::from_value(metadata).unwrap();
        let cluster = ClusterObject::of(&metadata, &json!({})).unwrap();
        assert!(salvage(&cluster).is_none());
    }
}

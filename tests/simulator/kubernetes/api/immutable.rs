//! What is refused: changes of what cannot be changed, and what cannot be.

use serde_json::Value;

use super::kind::Kind;
use super::refusal::Refusal;

/// The fields of a `StatefulSet` that can.
const OF_A_SET: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// Refuses a change of what cannot be changed.
pub fn check(kind: Kind, name: &str, live: &Value, object: &Value) -> Result<(), Refusal> {
    let (old, new) = (&live["spec"], &object["spec"]);
    if old == new {
        return Ok(());
    }
    match kind.name {
        "StatefulSet" if without(old, &OF_A_SET) != without(new, &OF_A_SET) => {
            let why = "Forbidden: updates to statefulset spec for fields other than 'replicas', \
                       'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', \
                       'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
            Err(Refusal::invalid(kind, name, "spec", why))
        }
        "PersistentVolumeClaim" => {
            let bound = old["volumeName"].is_string();
            let fixed: &[&str] = if bound { &["resources"] } else { &["resources", "volumeName"] };
            if without(old, fixed) == without(new, fixed) {
                return Ok(());
            }
            let why = "Forbidden: spec is immutable after creation except resources.requests and \
                       volumeAttributesClassName for bound claims";
            Err(Refusal::invalid(kind, name, "spec", why))
        }
        "Service" if old["clusterIP"] != new["clusterIP"] => {
            let why = format!("Invalid value: {}: field is immutable", new["clusterIPs"]);
            Err(Refusal::invalid(kind, name, "spec.clusterIPs[0]", &why))
        }
        "Service" => {
            let ports: Vec<&Value> = new["ports"].as_array().into_iter().flatten().collect();
            let twice = ports.iter().enumerate().find(|(at, port)| {
                !port["name"].is_null()
                    && ports[..*at].iter().any(|other| other["name"] == port["name"])
            });
            let Some((at, port)) = twice else { return Ok(()) };
            let why = format!("Duplicate value: {}", port["name"]);
            Err(Refusal::invalid(kind, name, &format!("spec.ports[{at}].name"), &why))
        }
        _ => Ok(()),
    }
}

fn without(spec: &Value, fields: &[&str]) -> Value {
    let mut spec = spec.clone();
    if let Some(all) = spec.as_object_mut() {
        all.retain(|name, _| !fields.contains(&name.as_str()));
    }
    spec
}

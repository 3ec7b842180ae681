//! What is kept of pods and their volume claims.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::cluster::CONTAINER_VALKEY;
use crate::cluster::LABEL_ROLE;
use crate::cluster::Quantity;
use crate::operator::annotation::Annotation;

use super::child::text;

/// A pod as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `status.podIP`.
    pub ip: Option<String>,
    /// `spec.nodeName`.
    pub host: Option<String>,
    /// It is being deleted, or a disruption is announced.
    pub deleting: bool,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// It is ready.
    pub ready: bool,
    /// The template that it was made from: the label `controller-revision-hash`.
    pub revision: Option<String>,
    /// The label `valkey.verilean.io/role`.
    pub role: Option<String>,
    /// `containerID` of the server that runs.
    pub container_id: Option<String>,
    /// `containerID` of servers that have ended.
    pub ended: Vec<String>,
    /// The memory limit of its server.
    pub memory_limit: Option<Quantity>,
    /// Why it cannot start.
    pub block: Option<Block>,
}

/// Why a pod cannot start, in Kubernetes' words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// No node takes it.
    NoNode(String),
    /// An image cannot be had.
    NoImage(String),
    /// Something that it names is not there.
    NoConfig(String),
    /// This container ends again and again.
    Crashes(String),
}

/// A volume claim as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeClaim {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// The annotation `valkey.verilean.io/epoch`.
    pub epoch: Option<String>,
    /// It is being deleted.
    pub deleting: bool,
    /// The size that is asked for.
    pub requested: Option<String>,
    /// The size that it has.
    pub capacity: Option<String>,
    /// Its StorageClass.
    pub class: Option<String>,
}

impl Pod {
    /// Keeps what is needed of a pod.
    #[must_use]
    pub fn of(metadata: &ObjectMeta, object: &Value) -> Option<Self> {
        let label = |key: &str| metadata.labels.as_ref()?.get(key).cloned();
        let none = Vec::new();
        let list =
            |pointer: &str| object.pointer(pointer).and_then(Value::as_array).unwrap_or(&none);
        let holds = |kind: &str| {
            list("/status/conditions")
                .iter()
                .any(|condition| condition["type"] == kind && condition["status"] == "True")
        };
        let server = list("/status/containerStatuses")
            .iter()
            .find(|container| container["name"] == CONTAINER_VALKEY);
        let at = |pointer: &str| server.and_then(|server| text(server, pointer));
        let running = server.is_some_and(|server| server.pointer("/state/running").is_some());
        let ended = ["/state/terminated/containerID", "/lastState/terminated/containerID"];
        Some(Self {
            name: metadata.name.clone()?,
            uid: metadata.uid.clone()?,
            ip: text(object, "/status/podIP"),
            host: text(object, "/spec/nodeName"),
            deleting: metadata.deletion_timestamp.is_some() || holds("DisruptionTarget"),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            ready: holds("Ready"),
            revision: label("controller-revision-hash"),
            role: label(LABEL_ROLE),
            container_id: at("/containerID").filter(|_| running),
            ended: ended.into_iter().filter_map(at).collect(),
            memory_limit: list("/spec/containers")
                .iter()
                .find(|container| container["name"] == CONTAINER_VALKEY)
                .and_then(|server| text(server, "/resources/limits/memory")?.parse().ok()),
            block: block(object),
        })
    }

    /// Whether its server runs or ever ran, and so knows the passwords that it was started with.
    #[must_use]
    pub fn has_run(&self) -> bool {
        self.container_id.is_some() || !self.ended.is_empty()
    }
}

impl VolumeClaim {
    /// Keeps what is needed of a volume claim.
    #[must_use]
    pub fn of(metadata: &ObjectMeta, object: &Value) -> Option<Self> {
        let annotations = metadata.annotations.as_ref();
        Some(Self {
            name: metadata.name.clone()?,
            uid: metadata.uid.clone()?,
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            epoch: annotations.and_then(|all| all.get(Annotation::Epoch.key())).cloned(),
            deleting: metadata.deletion_timestamp.is_some(),
            requested: text(object, "/spec/resources/requests/storage"),
            capacity: text(object, "/status/capacity/storage"),
            class: text(object, "/spec/storageClassName"),
        })
    }
}

fn block(object: &Value) -> Option<Block> {
    let list =
        |pointer: &str| object.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let unscheduled = list("/status/conditions").find(|condition| {
        condition["type"] == "PodScheduled" && condition["reason"] == "Unschedulable"
    });
    if let Some(condition) = unscheduled {
        return Some(Block::NoNode(text(condition, "/message").unwrap_or_default()));
    }
    list("/status/initContainerStatuses").chain(list("/status/containerStatuses")).find_map(
        |container| {
            let reason = text(container, "/state/waiting/reason")?;
            let message = text(container, "/state/waiting/message").unwrap_or_default();
            match reason.as_str() {
                "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => {
                    Some(Block::NoImage(format!("{reason}: {message}")))
                }
                "CreateContainerConfigError" => Some(Block::NoConfig(message)),
                "CrashLoopBackOff" => Some(Block::Crashes(text(container, "/name")?)),
                _ => None,
            }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(status: &Value) -> Pod {
        let metadata = ObjectMeta {
            name: Some("shop-0".to_owned()),
            uid: Some("u".to_owned()),
            ..ObjectMeta::default()
        };
        Pod::of(&metadata, &json!({ "status": status })).unwrap()
    }

    #[test]
    fn a_container_that_ended_is_known_by_its_id() {
        let restarted = pod(&json!({
            "podIP": "10.0.0.1",
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [
                { "name": "exporter", "containerID": "x", "state": { "running": {} } },
                {
                    "name": "valkey", "containerID": "new", "state": { "running": {} },
                    "lastState": { "terminated": { "containerID": "old" } },
                },
            ],
        }));
        assert_eq!(restarted.container_id.as_deref(), Some("new"));
        assert_eq!(restarted.ended, ["old"]);
        assert!(restarted.ready);
        let down = pod(&json!({ "containerStatuses": [{
            "name": "valkey", "containerID": "new",
            "state": { "terminated": { "containerID": "new" } },
        }] }));
        assert_eq!((down.container_id, down.ended), (None, vec!["new".to_owned()]));
    }

    #[test]
    fn only_a_server_that_was_started_knows_passwords() {
        let waiting = json!({ "waiting": { "reason": "CreateContainerConfigError" } });
        let server = |id: &str, state: &Value, last: &Value| {
            let server = json!({ "name": "valkey", "containerID": id, "state": state,
                "lastState": last });
            pod(&json!({ "containerStatuses": [server] })).has_run()
        };
        let (running, none) = (json!({ "running": {} }), json!({}));
        let ended = json!({ "terminated": { "containerID": "a" } });
        assert!(!pod(&none).has_run(), "just made");
        assert!(!server("", &waiting, &none), "its Secret has no passwords yet");
        assert!(server("a", &running, &none));
        assert!(server("a", &ended, &none));
        assert!(server("a", &waiting, &ended), "it crashes again and again");
    }

    #[test]
    fn an_announced_disruption_counts_as_deletion() {
        let status = json!({ "conditions": [{ "type": "DisruptionTarget", "status": "True" }] });
        assert!(pod(&status).deleting);
        assert!(!pod(&json!({})).deleting);
    }
}

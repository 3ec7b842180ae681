//! What is kept of an object of the set: whose it is, who wrote which field, and little more.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::api;
use crate::cluster::LABEL_CLUSTER;
use crate::cluster::LABEL_POD_NAME;
use crate::manifest::ObjectKey;
use crate::operator::annotation::Annotation;

use super::kind::KindId;

/// An object of the set as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Child {
    /// Which.
    pub key: ObjectKey,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// Its controller, or the cluster that owns it.
    pub owner: Option<Owner>,
    /// The cluster that its label names.
    pub label: Option<String>,
    /// The annotation `valkey.verilean.io/applied`.
    pub applied: Option<String>,
    /// It is being deleted.
    pub deleting: bool,
    /// Annotations say that leaving Git does not delete it.
    pub kept_by_git: bool,
    /// Who wrote which field.
    pub fields: Vec<ManagedFields>,
    /// What only some kinds have.
    pub detail: Detail,
}

/// Who an object belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
}

/// What one writer wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct ManagedFields {
    /// The field manager.
    pub manager: String,
    /// By server-side apply, rather than by an update.
    pub applies: bool,
    /// The subresource it wrote through; empty for the object itself.
    pub subresource: String,
    /// When it last changed something.
    pub time: Option<Timestamp>,
    /// `fieldsV1`, as JSON text: read when it is needed.
    pub fields: Box<str>,
}

/// What only some kinds have.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Detail {
    /// Nothing more is needed.
    #[default]
    None,
    /// A Service.
    Service {
        /// The pod that it selects by name.
        pod: Option<String>,
        /// The annotation `valkey.verilean.io/epoch`.
        epoch: Option<u64>,
    },
    /// A `StatefulSet`.
    StatefulSet(SetStatus),
}

/// What is needed of a `StatefulSet`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SetStatus {
    /// `metadata.generation`.
    pub generation: i64,
    /// `status.observedGeneration`.
    pub observed_generation: i64,
    /// The annotation `valkey.verilean.io/generation`: of the spec that it was rendered from.
    pub spec_generation: Option<i64>,
    /// `spec.replicas`.
    pub spec_replicas: Option<u32>,
    /// `status.replicas`.
    pub replicas: i32,
    /// `status.readyReplicas`.
    pub ready_replicas: i32,
    /// `status.updateRevision`: the template that new pods are made from.
    pub update_revision: Option<String>,
    /// The size that new volumes are made with.
    pub volume_size: Option<String>,
}

impl Child {
    /// Keeps what is needed of an object.
    #[must_use]
    pub fn of(kind: KindId, metadata: ObjectMeta, object: &Value) -> Option<Self> {
        let name = metadata.name.as_deref()?;
        let key = kind.key(metadata.namespace.as_deref().unwrap_or_default(), name);
        let annotation = |key: &str| metadata.annotations.as_ref()?.get(key).cloned();
        let detail = match key.kind.as_str() {
            "Service" => Detail::Service {
                pod: text(object, &format!("/spec/selector/{}", LABEL_POD_NAME.replace('/', "~1"))),
                epoch: annotation(Annotation::Epoch.key()).and_then(|text| text.parse().ok()),
            },
            "StatefulSet" => Detail::StatefulSet(SetStatus {
                generation: metadata.generation.unwrap_or(0),
                observed_generation: integer(object, "/status/observedGeneration"),
                spec_generation: annotation(Annotation::Generation.key())
                    .and_then(|text| text.parse().ok()),
                spec_replicas: u32::try_from(integer(object, "/spec/replicas")).ok(),
                replicas: small(integer(object, "/status/replicas")),
                ready_replicas: small(integer(object, "/status/readyReplicas")),
                update_revision: text(object, "/status/updateRevision"),
                volume_size: text(
                    object,
                    "/spec/volumeClaimTemplates/0/spec/resources/requests/storage",
                ),
            }),
            _ => Detail::None,
        };
        let applied = annotation(Annotation::Applied.key());
        let prune = annotation("argocd.argoproj.io/sync-options").unwrap_or_default();
        let kept_by_git = prune.split(',').any(|option| option.trim() == "Prune=false")
            || annotation("kustomize.toolkit.fluxcd.io/prune").as_deref() == Some("disabled");
        let label = metadata.labels.as_ref().and_then(|labels| labels.get(LABEL_CLUSTER)).cloned();
        let owner = owner(&metadata);
        let fields = metadata.managed_fields.unwrap_or_default();
        Some(Self {
            key,
            uid: metadata.uid?,
            resource_version: metadata.resource_version?,
            owner,
            label,
            applied,
            deleting: metadata.deletion_timestamp.is_some(),
            kept_by_git,
            fields: fields.into_iter().map(ManagedFields::of).collect(),
            detail,
        })
    }

    /// The cluster that it is looked up under: its owner, else its label.
    #[must_use]
    pub fn cluster(&self) -> Option<&str> {
        let owner = self.owner.as_ref().filter(|owner| owner.kind == api::KIND);
        owner.map(|owner| owner.name.as_str()).or(self.label.as_deref())
    }
}

impl ManagedFields {
    fn of(entry: ManagedFieldsEntry) -> Self {
        let fields = entry.fields_v1.map(|fields| fields.0.to_string()).unwrap_or_default();
        Self {
            manager: entry.manager.unwrap_or_default(),
            applies: entry.operation.as_deref() == Some("Apply"),
            subresource: entry.subresource.unwrap_or_default(),
            time: entry.time.map(|time| time.0),
            fields: fields.into(),
        }
    }

    /// The fields as a tree; empty when nothing is known.
    #[must_use]
    pub fn tree(&self) -> Value {
        serde_json::from_str(&self.fields).unwrap_or(Value::Null)
    }
}

/// The controller; else the cluster among the owners.
fn owner(metadata: &ObjectMeta) -> Option<Owner> {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    let controller = owners.iter().find(|owner| owner.controller == Some(true));
    let owner = controller.or_else(|| owners.iter().find(|owner| owner.kind == api::KIND))?;
    Some(Owner { kind: owner.kind.clone(), name: owner.name.clone(), uid: owner.uid.clone() })
}

pub(super) fn text(object: &Value, pointer: &str) -> Option<String> {
    object.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

fn integer(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

//! What is kept of a `ValkeyCluster`.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Map, Value};

use crate::api::{ValkeyCluster, ValkeyClusterSpec, ValkeyClusterStatus};
use crate::operator::annotation::Annotation;
use crate::operator::facts::ClusterKey;
use crate::operator::schema;

/// A spec that this version cannot read.
#[derive(Debug, Clone, PartialEq)]
pub struct Unreadable {
    /// Why.
    pub text: String,
    /// What was written.
    pub fields: Map<String, Value>,
}

/// A `ValkeyCluster` as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterObject {
    /// Which.
    pub key: ClusterKey,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.resourceVersion`.
    pub resource_version: String,
    /// `metadata.generation`.
    pub generation: i64,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// It is being deleted.
    pub deleting: bool,
    /// What people wrote, if it can be read: an older schema may have let in anything.
    pub spec: Result<ValkeyClusterSpec, Unreadable>,
    /// Fields of it that this version does not know, by path.
    pub unknown_fields: Vec<String>,
    /// What was reported.
    pub status: ValkeyClusterStatus,
    /// There is a `status.election`, and this version cannot read it.
    pub record_unreadable: bool,
    annotations: BTreeMap<String, String>,
}

impl ClusterObject {
    /// Keeps what is needed of a cluster. Nothing of one that cannot be read spoils another.
    #[must_use]
    pub fn of(metadata: &ObjectMeta, object: &Value) -> Option<Self> {
        let key =
            ClusterKey { namespace: metadata.namespace.clone()?, name: metadata.name.clone()? };
        let spec = object.get("spec").filter(|spec| !spec.is_null());
        let unknown_fields = spec.map(schema::unknown).unwrap_or_default();
        let spec = match spec {
            None => Ok(ValkeyClusterSpec::default()),
            Some(spec) => serde_json::from_value(spec.clone()).map_err(|error| Unreadable {
                text: error.to_string(),
                fields: spec.as_object().cloned().unwrap_or_default(),
            }),
        };
        let status: Option<ValkeyClusterStatus> =
            object.get("status").cloned().and_then(|status| {
                // A status that cannot be read is written anew.
                serde_json::from_value(status).ok()
            });
        let has_record = object.pointer("/status/election").is_some_and(|it| !it.is_null());
        let is_read = status.as_ref().is_some_and(|status| status.election.is_some());
        let mut annotations = metadata.annotations.clone().unwrap_or_default();
        annotations.retain(|key, _| key.starts_with(crate::cluster::RESERVED_PREFIX));
        Some(Self {
            key,
            uid: metadata.uid.clone()?,
            resource_version: metadata.resource_version.clone()?,
            generation: metadata.generation.unwrap_or(0),
            created: metadata.creation_timestamp.as_ref().map(|time| time.0),
            deleting: metadata.deletion_timestamp.is_some(),
            spec,
            unknown_fields,
            status: status.unwrap_or_default(),
            record_unreadable: has_record && !is_read,
            annotations,
        })
    }

    /// What people say to the operator by an annotation.
    #[must_use]
    pub fn annotation(&self, annotation: Annotation) -> Option<&str> {
        self.annotations.get(annotation.key()).map(String::as_str)
    }

    /// Whether people have stopped every change.
    #[must_use]
    pub fn paused(&self) -> bool {
        self.annotation(Annotation::Reconcile) == Some("paused")
    }

    /// The cluster as validation takes it.
    ///
    /// # Errors
    ///
    /// Why the spec cannot be read.
    pub fn to_validate(&self) -> Result<ValkeyCluster, String> {
        let spec = self.spec.clone().map_err(|unreadable| unreadable.text)?;
        let mut cluster = ValkeyCluster::new(&self.key.name, spec);
        cluster.metadata.namespace = Some(self.key.namespace.clone());
        Ok(cluster)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_older_schema_let_in_is_a_fault_of_this_cluster_alone() {
        let metadata = ObjectMeta {
            name: Some("shop".to_owned()),
            namespace: Some("ns".to_owned()),
            uid: Some("u".to_owned()),
            resource_version: Some("1".to_owned()),
            ..ObjectMeta::default()
        };
        let read = |object: &Value| ClusterObject::of(&metadata, object).unwrap();
        assert!(read(&json!({})).spec.is_ok());
        assert!(read(&json!({ "spec": { "replicas": "three" } })).spec.is_err());
        assert!(read(&json!({ "spec": {}, "status": "broken" })).spec.is_ok());
    }
}

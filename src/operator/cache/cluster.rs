//! What is kept of a `ValkeyCluster`.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::api::{ValkeyCluster, ValkeyClusterSpec, ValkeyClusterStatus};
use crate::operator::annotation::Annotation;
use crate::operator::facts::ClusterKey;

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
    /// What people wrote; a text where an older schema let in what this one cannot read.
    pub spec: Result<ValkeyClusterSpec, String>,
    /// What was reported.
    pub status: ValkeyClusterStatus,
    annotations: BTreeMap<String, String>,
}

impl ClusterObject {
    /// Keeps what is needed of a cluster. Nothing of one that cannot be read spoils another.
    #[must_use]
    pub fn of(metadata: &ObjectMeta, object: &Value) -> Option<Self> {
        let key =
            ClusterKey { namespace: metadata.namespace.clone()?, name: metadata.name.clone()? };
        let spec = object.get("spec").filter(|spec| !spec.is_null());
        let spec = match spec {
            None => Ok(ValkeyClusterSpec::default()),
            Some(spec) => serde_json::from_value(spec.clone()).map_err(|error| error.to_string()),
        };
        let status = object.get("status").cloned().and_then(|status| {
            // A status that cannot be read is written anew.
            serde_json::from_value(status).ok()
        });
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
            status: status.unwrap_or_default(),
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
        let spec = self.spec.clone()?;
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

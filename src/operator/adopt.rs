//! From a rendered manifest to the object that is applied, and whether it may be: pure.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::api;
use crate::manifest::Manifest;
use crate::manifest::ManifestError;
use crate::manifest::ObjectKey;

use super::annotation::Annotation;
use super::cache::{Child, ClusterObject, ManagedFields};
use super::facts::ClusterKey;
use super::manager::Manager;

/// How many bytes of a hash are kept: enough to tell what was applied from what was not.
const HASH_BYTES: usize = 16;

/// A manifest as it is applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    /// Which object.
    pub key: ObjectKey,
    /// The whole of it, the owner and the hash included.
    pub object: Value,
    /// The hash of it.
    pub hash: String,
}

/// Whose an object is that has the name of one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ownership {
    /// This very cluster's.
    Ours,
    /// Nobody's, and made by Gungnir: its cluster was deleted without it, or made anew.
    Orphan,
    /// Of a cluster of this name that is gone: it is being collected.
    Leftover,
    /// Made from what Gungnir rendered, and applied by this field manager: Git has it.
    InGit(String),
    /// Somebody else's, and whose.
    Foreign(String),
}

/// Gives a manifest its owner and its hash; a set that becomes smaller, the size that it has now.
///
/// # Errors
///
/// [`ManifestError::Rendered`] when a template wrote something that is not YAML.
pub fn adopt(
    manifest: &Manifest,
    cluster: &ClusterObject,
    size: Option<u32>,
) -> Result<Adopted, ManifestError> {
    let mut object = manifest.object()?;
    let ClusterKey { namespace, name } = &cluster.key;
    let owner = json!({
        "apiVersion": format!("{}/{}", api::GROUP, api::VERSION),
        "kind": api::KIND,
        "name": name,
        "uid": cluster.uid,
        "controller": true,
        "blockOwnerDeletion": true,
    });
    let metadata = entry(&mut object, "metadata");
    metadata["namespace"] = json!(namespace);
    metadata["ownerReferences"] = json!([owner]);
    if manifest.key().kind == "StatefulSet" {
        // Tells a change that people asked for from one that Gungnir brought: only the first is
        // rolled out without being asked.
        let generation = cluster.generation.to_string();
        annotations(&mut object)[Annotation::Generation.key()] = json!(generation);
        if let Some(replicas) = size {
            entry(&mut object, "spec")["replicas"] = json!(replicas);
        }
    }
    let hash = hash(&object);
    annotations(&mut object)[Annotation::Applied.key()] = json!(hash);
    Ok(Adopted { key: manifest.key().clone(), object, hash })
}

/// Whose a child is, seen from a cluster.
#[must_use]
pub fn ownership(child: &Child, cluster: &ClusterObject) -> Ownership {
    let ours = |fields: &ManagedFields| fields.manager == Manager::Set.name() && fields.applies;
    match &child.owner {
        Some(owner) if owner.uid == cluster.uid => Ownership::Ours,
        Some(owner) if owner.kind == api::KIND && owner.name == cluster.key.name => {
            Ownership::Leftover
        }
        Some(owner) => Ownership::Foreign(format!("{} `{}`", owner.kind, owner.name)),
        None if child.label.as_deref() != Some(&cluster.key.name) => {
            Ownership::Foreign(format!("field manager `{}`", applier(child)))
        }
        None if child.fields.iter().any(ours) || child.kept_by_git => Ownership::Orphan,
        None => Ownership::InGit(applier(child).to_owned()),
    }
}

/// Who applies an object, as far as that can be told.
fn applier(child: &Child) -> &str {
    let others = || child.fields.iter().filter(|fields| Manager::of(&fields.manager).is_none());
    let applies = others().find(|fields| fields.applies);
    applies.or_else(|| others().next()).map_or("unknown", |fields| &fields.manager)
}

fn annotations(object: &mut Value) -> &mut Value {
    entry(entry(object, "metadata"), "annotations")
}

/// The map under a key, made where there is none.
fn entry<'v>(object: &'v mut Value, key: &str) -> &'v mut Value {
    if !object[key].is_object() {
        object[key] = Value::Object(Map::new());
    }
    &mut object[key]
}

fn hash(object: &Value) -> String {
    let digest = Sha256::digest(object.to_string().as_bytes());
    digest.iter().take(HASH_BYTES).fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

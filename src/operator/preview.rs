//! What the operator would do to a cluster now, by dry runs on the server's side.
//!
//! ```text
//! render → adopt → for each object: as it is, and as an apply would leave it ─▶ two sets to compare
//! ```
//!
//! The server itself says what would be, so defaults, admission and fields of other writers are as
//! they would be. Nothing is changed.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use kube::core::Status;
use serde_json::{Map, Value, json};

use crate::api::Management;
use crate::cluster::ValidatedCluster;
use crate::manifest::{Comparison, Manifest, ManifestError, ManifestSet, ObjectKey, Side};
use crate::render::{RenderError, render};

use super::adopt::{Adopted, Ownership, adopt, ownership};
use super::annotation::Annotation;
use super::apply::managers;
use super::cache::{Child, ClusterObject, KindId, Part};
use super::converged::{taken, writer};
use super::error::RequestError;
use super::facts::ClusterKey;
use super::inquiry::Inquiry;
use super::manager::Manager;

/// What only a server writes into metadata.
const SERVER_SET: [&str; 6] =
    ["creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid"];

/// What an API server says to a change of what a `StatefulSet` keeps for life.
const SET_IS_FIXED: &str = "updates to statefulset spec for fields other than";

/// Why nothing can be said.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// Gungnir's own fault.
    #[error("cannot render")]
    Render {
        /// What the renderer says.
        source: RenderError,
    },
    /// An object cannot be read or written, or is there twice.
    #[error("cannot compare")]
    Manifest {
        /// What is wrong.
        source: ManifestError,
    },
    /// A request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The namespace is not there.
    #[error("there is no namespace `{0}`")]
    NoNamespace(String),
}

impl From<ManifestError> for PreviewError {
    fn from(source: ManifestError) -> Self {
        Self::Manifest { source }
    }
}

/// Something about an object that no comparison shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remark {
    /// It is somebody else's and stays as it is.
    Foreign {
        /// Which.
        key: ObjectKey,
        /// Whose.
        whose: String,
    },
    /// Git has it, and would delete it when it leaves Git.
    InGit {
        /// Which.
        key: ObjectKey,
        /// Who applies it.
        manager: String,
    },
    /// It is being deleted, or of an earlier cluster of this name.
    Leaving {
        /// Which.
        key: ObjectKey,
    },
    /// Others own fields of it, and it is not taken from them.
    Conflict {
        /// Which.
        key: ObjectKey,
        /// Who, and which fields.
        managers: Vec<String>,
    },
    /// The API server would refuse it.
    Refused {
        /// Which.
        key: ObjectKey,
        /// Why.
        why: String,
    },
    /// Nobody serves its kind.
    NotServed {
        /// Which.
        key: ObjectKey,
    },
    /// Whether objects of this kind would be deleted cannot be seen.
    Unseen {
        /// The kind.
        kind: String,
    },
}

impl Remark {
    /// Whether the cluster is not what its spec says because of it.
    #[must_use]
    pub fn differs(&self) -> bool {
        match self {
            Self::Foreign { .. }
            | Self::InGit { .. }
            | Self::Leaving { .. }
            | Self::Conflict { .. }
            | Self::Refused { .. } => true,
            Self::NotServed { .. } | Self::Unseen { .. } => false,
        }
    }
}

impl std::fmt::Display for Remark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Foreign { key, whose } => write!(
                f,
                "{key} belongs to {whose} and stays as it is: rename the cluster, or delete that \
                 object"
            ),
            Self::InGit { key, manager } => write!(
                f,
                "{key} is applied by field manager `{manager}` and stays as it is until it says \
                 that leaving Git does not delete it"
            ),
            Self::Leaving { key } => write!(f, "{key} is being deleted, and is made anew then"),
            Self::Conflict { key, managers } => {
                write!(f, "{key} is not adopted: it has fields of {}", managers.join(", "))
            }
            Self::Refused { key, why } => write!(f, "{key} would be refused as it is: {why}"),
            Self::NotServed { key } => {
                write!(f, "{key} is not made: the API server does not serve {}", key.kind)
            }
            Self::Unseen { kind } => write!(
                f,
                "whether a {kind} would be deleted is not known: you may not list that kind"
            ),
        }
    }
}

/// Who has which field of an object now.
#[derive(Debug, Clone)]
struct Holders {
    child: Child,
    live: Value,
    /// Whose fields are the set's own.
    manager: String,
    /// The spec is the one that was applied: what differs was changed by hand.
    drifted: bool,
}

/// What would be done.
#[derive(Debug, Clone, Default)]
pub struct Preview {
    /// The objects as they are.
    pub live: ManifestSet,
    /// The objects as they would be.
    pub applied: ManifestSet,
    /// What else there is to say.
    pub remarks: Vec<Remark>,
    holders: BTreeMap<String, Holders>,
}

impl Preview {
    /// Adds what would be done to another cluster.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Duplicate`] when both have an object of one name.
    pub fn join(&mut self, other: Self) -> Result<(), ManifestError> {
        let Self { live, applied, remarks, holders } = other;
        for (all, more) in [(&mut self.live, live), (&mut self.applied, applied)] {
            for manifest in more.iter() {
                all.insert(manifest.clone())?;
            }
        }
        self.remarks.extend(remarks);
        self.holders.extend(holders);
        Ok(())
    }

    /// Says beside each value that differs who has set it, where that was somebody else.
    pub fn attribute(&self, comparison: &mut Comparison) {
        for object in &mut comparison.objects {
            let Some(holders) = self.holders.get(&object.key.to_string()) else { continue };
            for field in object.fields.iter_mut().filter(|field| field.new.is_some()) {
                if field.path.is_root() {
                    continue;
                }
                let Some(note) = holders.note(&field.path.pointer(Side::From), field.old.is_some())
                else {
                    continue;
                };
                let colon = if field.note.is_empty() { "" } else { "; " };
                field.note.push_str(colon);
                field.note.push_str(&note);
            }
        }
    }

    fn insert(&mut self, outcome: Outcome) -> Result<(), ManifestError> {
        let Outcome { live, applied, remark, holders } = outcome;
        if let Some(holders) = holders {
            self.holders.insert(holders.child.key.to_string(), holders);
        }
        live.map_or(Ok(()), |live| self.live.insert(live))?;
        applied.map_or(Ok(()), |applied| self.applied.insert(applied))?;
        self.remarks.extend(remark);
        Ok(())
    }
}

impl Holders {
    fn note(&self, pointer: &str, is_there: bool) -> Option<String> {
        if !is_there {
            return self.drifted.then(|| "was removed by hand".to_owned());
        }
        let (manager, time) = writer(&self.live, &self.child, pointer, &self.manager)?;
        let at = time.map(|time: Timestamp| format!(" at {time}")).unwrap_or_default();
        Some(format!("set by `{manager}`{at}"))
    }
}

/// What was found out about one object.
#[derive(Default)]
struct Outcome {
    live: Option<Manifest>,
    applied: Option<Manifest>,
    remark: Option<Remark>,
    holders: Option<Holders>,
}

/// Finds out what would be done to a cluster; `cluster` is it as it is, if it is there.
///
/// Objects are adopted as the operator adopts them, unless people apply them themselves
/// (`management: GitOps`) or there is no cluster yet.
///
/// # Errors
///
/// [`PreviewError`].
pub async fn preview(
    inquiry: &Inquiry,
    key: &ClusterKey,
    sound: &ValidatedCluster,
    cluster: Option<&ClusterObject>,
) -> Result<Preview, PreviewError> {
    let set = render(sound).map_err(|source| PreviewError::Render { source })?;
    let owner = cluster.filter(|_| sound.management == Management::Operator);
    let mut preview = Preview::default();
    let mut there = BTreeMap::new();
    if let Some(owner) = owner {
        there = labelled(inquiry, key, &set, &mut preview.remarks).await?;
        for (child, live) in there.values() {
            let gone = set.find(&child.key).is_none() && !child.deleting;
            if gone && ownership(child, owner) == Ownership::Ours {
                preview.live.insert(bare(live.clone(), false)?)?;
            }
        }
    }
    let looks = set.iter().map(|manifest| look(inquiry, key, manifest, owner, &there));
    for outcome in join_all(looks).await {
        preview.insert(outcome?)?;
    }
    Ok(preview)
}

type There = BTreeMap<String, (Child, Value)>;

/// What has the cluster's label, of every kind that a set may hold.
async fn labelled(
    inquiry: &Inquiry,
    key: &ClusterKey,
    set: &ManifestSet,
    remarks: &mut Vec<Remark>,
) -> Result<There, RequestError> {
    let kinds: Vec<KindId> = KindId::all().filter(|kind| kind.row().part == Part::Child).collect();
    let lists = join_all(kinds.iter().map(|kind| inquiry.list_of(*kind, key))).await;
    let mut there = BTreeMap::new();
    for (kind, list) in kinds.into_iter().zip(lists) {
        let objects = match list {
            Ok(objects) => objects,
            Err(error) => match error.status() {
                // A kind that nobody serves.
                Some(status) if status.code == 404 => continue,
                Some(status) if status.code == 403 => {
                    let name = &kind.row().resource.kind;
                    // Objects that are wanted are read by their names.
                    if !set.iter().any(|manifest| manifest.key().kind == *name) {
                        remarks.push(Remark::Unseen { kind: name.clone() });
                    }
                    continue;
                }
                _ => return Err(error),
            },
        };
        for object in &objects {
            if let Some((child, live)) = read(kind, object) {
                there.insert(child.key.to_string(), (child, live));
            }
        }
    }
    Ok(there)
}

fn read(kind: KindId, object: &DynamicObject) -> Option<(Child, Value)> {
    let child = Child::of(kind, object.metadata.clone(), &object.data)?;
    Some((child, whole(kind, object)))
}

/// An object with its kind, which lists leave out.
fn whole(kind: KindId, object: &DynamicObject) -> Value {
    let resource = &kind.row().resource;
    let mut whole = json!({ "apiVersion": resource.api_version, "kind": resource.kind });
    whole["metadata"] = json!(object.metadata);
    for (name, value) in object.data.as_object().into_iter().flatten() {
        if !matches!(name.as_str(), "apiVersion" | "kind" | "metadata") {
            whole[name] = value.clone();
        }
    }
    whole
}

/// An object without what only a server writes, and without the hash of what was applied where that
/// only says again that something differs.
fn bare(mut object: Value, hash: bool) -> Result<Manifest, ManifestError> {
    if let Some(object) = object.as_object_mut() {
        object.shift_remove("status");
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            for field in SERVER_SET {
                metadata.shift_remove(field);
            }
            if !hash
                && let Some(annotations) =
                    metadata.get_mut("annotations").and_then(Value::as_object_mut)
            {
                for annotation in [Annotation::Applied, Annotation::Generation] {
                    annotations.shift_remove(annotation.key());
                }
                if annotations.is_empty() {
                    metadata.shift_remove("annotations");
                }
            }
        }
    }
    Manifest::from_object(object)
}

async fn look(
    inquiry: &Inquiry,
    cluster: &ClusterKey,
    manifest: &Manifest,
    owner: Option<&ClusterObject>,
    there: &There,
) -> Result<Outcome, PreviewError> {
    let mut key = manifest.key().clone();
    key.namespace = Some(cluster.namespace.clone());
    let not_served =
        || Outcome { remark: Some(Remark::NotServed { key: key.clone() }), ..Outcome::default() };
    let Some(kind) = KindId::of(&key) else { return Ok(not_served()) };
    let adopted = match owner {
        Some(owner) => adopt(manifest, owner, None)?,
        None => unowned(manifest, cluster)?,
    };
    let found = if let Some(found) = there.get(&key.to_string()) {
        Some(found.clone())
    } else {
        let found = inquiry.get(kind, &cluster.namespace, &key.name).await?;
        found.and_then(|object| read(kind, &object))
    };
    let Some((child, live)) = found else {
        return match inquiry.apply_dry(kind, Manager::Set.name(), &adopted.object, false).await {
            Ok(_) => create(&adopted, None),
            Err(error) => match error.status().map(|status| (status.code, status)) {
                Some((404, status)) if of_namespace(status) => {
                    Err(PreviewError::NoNamespace(cluster.namespace.clone()))
                }
                Some((404, _)) => Ok(not_served()),
                Some((400 | 409 | 422, status)) => create(&adopted, Some(status.message.clone())),
                _ => Err(error.into()),
            },
        };
    };
    let live_alone = |remark| -> Result<Outcome, PreviewError> {
        let same = Some(bare(live.clone(), false)?);
        Ok(Outcome { live: same.clone(), applied: same, remark: Some(remark), holders: None })
    };
    let mut force = true;
    if let Some(owner) = owner {
        match ownership(&child, owner) {
            Ownership::Foreign(whose) => return live_alone(Remark::Foreign { key, whose }),
            Ownership::InGit(manager) => return live_alone(Remark::InGit { key, manager }),
            Ownership::Leftover => return live_alone(Remark::Leaving { key }),
            Ownership::Ours | Ownership::Orphan if child.deleting => {
                return live_alone(Remark::Leaving { key });
            }
            // Fields of whoever keeps it now are not taken.
            Ownership::Orphan => force = false,
            Ownership::Ours => {}
        }
    }
    let manager = match owner {
        Some(_) => Manager::Set.name(),
        None => applier(&child),
    }
    .to_owned();
    let mut remark = None;
    let applied = match inquiry.apply_dry(kind, &manager, &adopted.object, force).await {
        Ok(object) => whole(kind, &object),
        Err(error) => match error.status() {
            Some(status) if status.is_invalid() => {
                // Its volumes grow without it, and it is made anew around its pods.
                if !status.message.contains(SET_IS_FIXED) {
                    remark = Some(Remark::Refused { key, why: status.message.clone() });
                }
                overlaid(&live, &adopted.object)
            }
            Some(status) if !managers(status).is_empty() => {
                let managers = managers(status);
                return live_alone(Remark::Conflict { key, managers });
            }
            _ => return Err(error.into()),
        },
    };
    let lost = taken(&adopted.object, &child).unwrap_or_default();
    let touched = lost.iter().any(|taken| taken.path.contains(Annotation::Applied.key()));
    let drifted = owner.is_some() && child.applied.as_deref() == Some(&adopted.hash);
    Ok(Outcome {
        live: Some(bare(live.clone(), touched)?),
        applied: Some(bare(applied, touched)?),
        remark,
        holders: Some(Holders { child, live, manager, drifted }),
    })
}

/// What would be made, as it is rendered.
fn create(adopted: &Adopted, refused: Option<String>) -> Result<Outcome, PreviewError> {
    let mut object = adopted.object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("ownerReferences");
    }
    let remark = refused.map(|why| Remark::Refused { key: adopted.key.clone(), why });
    Ok(Outcome { applied: Some(bare(object, false)?), remark, ..Outcome::default() })
}

/// As people apply it themselves.
fn unowned(manifest: &Manifest, cluster: &ClusterKey) -> Result<Adopted, ManifestError> {
    let mut object = manifest.object()?;
    object["metadata"]["namespace"] = json!(cluster.namespace);
    Ok(Adopted { key: manifest.key().clone(), object, hash: String::new() })
}

/// By which name people apply an object: the one that applied the most of it.
fn applier(child: &Child) -> &str {
    let people = |manager: &str| Manager::of(manager).is_none_or(|known| known == Manager::Set);
    let applies = child.fields.iter().filter(|fields| {
        fields.applies && fields.subresource.is_empty() && people(&fields.manager)
    });
    let most = applies.max_by_key(|fields| fields.fields.len());
    most.map_or(Manager::Set.name(), |fields| &fields.manager)
}

fn of_namespace(status: &Status) -> bool {
    status.details.as_ref().is_some_and(|details| details.kind == "namespaces")
}

/// What an apply would leave if no field were immutable, nearly: what is rendered over what is
/// there, lists item by item.
fn overlaid(live: &Value, rendered: &Value) -> Value {
    match (live, rendered) {
        (Value::Object(live), Value::Object(rendered)) => {
            let mut fields: Map<String, Value> = live.clone();
            for (name, value) in rendered {
                let over = live.get(name).map_or(value.clone(), |live| overlaid(live, value));
                fields.insert(name.clone(), over);
            }
            Value::Object(fields)
        }
        (Value::Array(live), Value::Array(rendered)) => {
            let items = rendered.iter().enumerate().map(|(index, item)| {
                let twin = match name_of(item) {
                    Some(name) => live.iter().find(|live| name_of(live) == Some(name)),
                    None => live.get(index).filter(|_| live.len() == rendered.len()),
                };
                twin.map_or_else(|| item.clone(), |live| overlaid(live, item))
            });
            Value::Array(items.collect())
        }
        _ => rendered.clone(),
    }
}

/// The name of an item of a list.
fn name_of(item: &Value) -> Option<&str> {
    item.get("name").or_else(|| item.pointer("/metadata/name"))?.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rendered_goes_over_what_is_there() {
        let live = json!({
            "spec": {
                "replicas": 3, "defaulted": true,
                "containers": [{ "name": "a", "image": "x", "pull": "Always" }, { "name": "b" }],
                "claims": [{ "metadata": { "name": "data" }, "spec": { "size": "1Gi", "mode": "F" } }],
                "args": ["one", "two"],
            },
        });
        let rendered = json!({
            "spec": {
                "replicas": 5,
                "containers": [{ "name": "b" }, { "name": "a", "image": "y" }],
                "claims": [{ "metadata": { "name": "data" }, "spec": { "size": "2Gi" } }],
                "args": ["one"],
            },
        });
        assert_eq!(
            overlaid(&live, &rendered),
            json!({
                "spec": {
                    "replicas": 5, "defaulted": true,
                    "containers": [
                        { "name": "b" }, { "name": "a", "image": "y", "pull": "Always" },
                    ],
                    "claims": [
                        { "metadata": { "name": "data" }, "spec": { "size": "2Gi", "mode": "F" } },
                    ],
                    "args": ["one"],
                },
            })
        );
    }

    #[test]
    fn what_only_a_server_writes_is_left_out() {
        let object = json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": "a", "uid": "u", "resourceVersion": "1", "managedFields": [],
                "annotations": { "valkey.verilean.io/applied": "hash" },
            },
            "status": {},
        });
        let shown = |hash| bare(object.clone(), hash).unwrap().object().unwrap();
        let plain = json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "a" },
        });
        assert_eq!(shown(false), plain);
        assert_eq!(
            shown(true).pointer("/metadata/annotations/valkey.verilean.io~1applied"),
            Some(&json!("hash"))
        );
    }

    #[test]
    fn only_what_is_told_without_harm_is_no_difference() {
        let key = || ObjectKey::new("v1", "Service", Some("ns"), "a");
        let remarks = [
            (Remark::Foreign { key: key(), whose: "Deployment `x`".to_owned() }, true),
            (Remark::Refused { key: key(), why: "no".to_owned() }, true),
            (Remark::NotServed { key: key() }, false),
            (Remark::Unseen { kind: "Service".to_owned() }, false),
        ];
        for (remark, differs) in remarks {
            assert_eq!(remark.differs(), differs, "{remark}");
        }
    }
}

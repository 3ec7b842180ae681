//! What the operator would do to a cluster now, by dry runs on the server's side.
//!
//! ```text
//! render → adopt → for each object: as it is, and as an apply would leave it ─▶ two sets to compare
//! ```
//!
//! The server itself says what would be, so defaults, admission and fields of other writers are as
//! they would be. Nothing is changed.

mod object;
mod remark;

use std::collections::BTreeMap;

use futures_util::future::join_all;
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use kube::core::Status;
use serde_json::{Value, json};

use crate::api::Management;
use crate::cluster::ValidatedCluster;
use crate::manifest::{Comparison, Manifest, ManifestError, ManifestSet, Side};
use crate::operator::adopt::{Adopted, Ownership, adopt, ownership};
use crate::operator::annotation::Annotation;
use crate::operator::apply::managers;
use crate::operator::cache::{Child, ClusterObject, KindId, Part};
use crate::operator::converged::{taken, writer};
use crate::operator::error::RequestError;
use crate::operator::facts::ClusterKey;
use crate::operator::inquiry::Inquiry;
use crate::operator::manager::Manager;
use crate::render::{RenderError, render};

pub use remark::Remark;

use object::{bare, overlaid, whole};

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

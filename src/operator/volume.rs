//! Growth of volumes: each claim is asked to grow, then the `StatefulSet` is made anew around its
//! pods, since what it says of new volumes cannot be changed.

use std::rc::Rc;

use kube::api::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tracing::info;

use crate::cluster::{Quantity, ValidatedCluster};

use super::cache::{ClusterObject, Detail, KindId, Part, View, VolumeClaim};
use super::error::RequestError;
use super::facts::ClusterKey;
use super::manager::Manager;
use super::reason::Reason;
use super::reconcile::Context;
use super::report::Report;

/// What to do about the volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeStep {
    /// They are as they should be, or there are none.
    Nothing,
    /// They are to be smaller than they are.
    Shrink {
        /// What they are.
        from: String,
    },
    /// These claims have to grow.
    Grow(Vec<Rc<VolumeClaim>>),
    /// The `StatefulSet` of this uid makes new volumes of another size.
    Recreate {
        /// `metadata.uid`.
        uid: String,
    },
}

/// Decides it.
#[must_use]
pub fn next_step(view: &View, sound: &ValidatedCluster) -> VolumeStep {
    let Some(volume) = &sound.storage.volume else { return VolumeStep::Nothing };
    let set = view.children.values().find_map(|child| match &child.detail {
        Detail::StatefulSet(status) if !child.deleting => {
            status.volume_size.as_ref().map(|size| (child, size))
        }
        Detail::StatefulSet(_) | Detail::None | Detail::Service { .. } => None,
    });
    let Some((child, size)) = set else { return VolumeStep::Nothing };
    let (Some(wanted), Some(made)) = (bytes(&volume.size), bytes(size)) else {
        return VolumeStep::Nothing;
    };
    if wanted < made {
        return VolumeStep::Shrink { from: size.clone() };
    }
    let small = |claim: &&Rc<VolumeClaim>| {
        let requested = claim.requested.as_deref().and_then(bytes);
        !claim.deleting && requested.is_some_and(|requested| requested < wanted)
    };
    let small: Vec<Rc<VolumeClaim>> = view.claims.values().filter(small).cloned().collect();
    if !small.is_empty() {
        VolumeStep::Grow(small)
    } else if wanted > made {
        VolumeStep::Recreate { uid: child.uid.clone() }
    } else {
        VolumeStep::Nothing
    }
}

fn bytes(size: &str) -> Option<u64> {
    size.parse::<Quantity>().ok()?.as_bytes()
}

/// Does it. Whether the `StatefulSet` may be applied: it would be refused while it says another
/// size than what exists.
///
/// # Errors
///
/// [`RequestError`].
pub async fn grow(
    context: &Context,
    cluster: &ClusterObject,
    sound: &ValidatedCluster,
    step: VolumeStep,
    report: &mut Report,
) -> Result<bool, RequestError> {
    let wanted = sound.storage.volume.as_ref().map_or("", |volume| volume.size.as_str());
    match step {
        VolumeStep::Nothing => Ok(true),
        VolumeStep::Shrink { from } => {
            let text = format!(
                "persistence.storageSize: volumes of {from} cannot shrink to {wanted}, and nothing else \
                 of the StatefulSet is changed until the size is taken back; for smaller ones make a \
                 new cluster and copy the data"
            );
            report.find(Reason::VolumesCannotShrink, text);
            Ok(false)
        }
        VolumeStep::Grow(claims) => {
            for claim in claims {
                if let Some(class) = fixed_class(context, &claim).await? {
                    let text = format!(
                        "persistence.storageSize: StorageClass `{class}` does not let volumes grow \
                         to {wanted}, and nothing else of the StatefulSet is changed until they may: \
                         set its allowVolumeExpansion, or take the size back"
                    );
                    report.find(Reason::VolumesCannotGrow, text);
                    return Ok(false);
                }
                ask(context, cluster, &claim, wanted).await?;
            }
            report.rolling = Some(format!("volumes grow to {wanted}"));
            Ok(false)
        }
        VolumeStep::Recreate { uid } => {
            let name = &sound.names.cluster;
            let place = ClusterKey { namespace: cluster.key.namespace.clone(), name: name.clone() };
            let set = |kind: &KindId| kind.row().resource.kind == "StatefulSet";
            if let Some(kind) = KindId::all().find(set) {
                context.requests.orphan(kind, &place, &uid).await?;
                info!("its StatefulSet is made anew around its pods");
            }
            report.rolling = Some("the StatefulSet is made anew around its pods".to_owned());
            Ok(false)
        }
    }
}

/// The StorageClass of a claim, if its volumes cannot grow.
async fn fixed_class(
    context: &Context,
    claim: &VolumeClaim,
) -> Result<Option<String>, RequestError> {
    // A claim without a class: only the API server can tell, and does.
    let Some(class) = &claim.class else { return Ok(None) };
    let kind = GroupVersionKind::gvk("storage.k8s.io", "v1", "StorageClass");
    let read = context.requests.read_cluster_scoped(&ApiResource::from_gvk(&kind), class).await?;
    let grows = read.is_some_and(|class| class.data["allowVolumeExpansion"] == Value::Bool(true));
    Ok((!grows).then(|| class.clone()))
}

async fn ask(
    context: &Context,
    cluster: &ClusterObject,
    claim: &VolumeClaim,
    wanted: &str,
) -> Result<(), RequestError> {
    let Some(kind) = KindId::all().find(|kind| kind.row().part == Part::Claim) else {
        return Ok(());
    };
    let object = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": claim.name,
            "namespace": cluster.key.namespace,
            // Another claim of this name has another volume.
            "uid": claim.uid,
        },
        "spec": { "resources": { "requests": { "storage": wanted } } },
    });
    // By force: what it asked for so far, the StatefulSet's controller wrote for us.
    context.requests.apply(Manager::Set, kind, &object, true).await?;
    info!(claim = %claim.name, size = wanted, "a volume is asked to grow");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_compare_by_value() {
        assert_eq!(bytes("1Gi"), bytes("1024Mi"));
        assert!(bytes("1G") < bytes("1Gi"));
        assert_eq!(bytes("large"), None);
    }
}

//! Performs a plan: server-side apply with our own field manager, deletion by uid.

use kube::core::Status;
use tokio::time::Instant;
use tracing::info;

use crate::manifest::ObjectKey;

use super::adopt::{Adopted, Ownership, ownership};
use super::cache::{Child, ClusterObject, KindId};
use super::converged::{Taken, taken};
use super::error::{ReconcileError, RequestError, Retry};
use super::events::Spot;
use super::facts::ClusterKey;
use super::manager::Manager;
use super::memory::Memory;
use super::plan::{Blocked, Plan, Step, Why};
use super::reason::Reason;
use super::reconcile::Context;
use super::report::Report;
use super::requests::CREATE_ONLY;

use std::cell::RefCell;

/// Does what a plan says, in its order. What fails is noted, and the rest is done all the same.
pub async fn perform(
    context: &Context,
    cluster: &ClusterObject,
    plan: Plan,
    memory: &RefCell<Memory>,
    report: &mut Report,
) {
    for blocked in plan.blocked {
        note_blocked(context, blocked, report);
    }
    for step in plan.steps {
        if !context.cache.stays(cluster) {
            // The garbage collector takes what there is.
            return;
        }
        let done = match step {
            Step::Apply(adopted, why) => {
                apply(context, cluster, &adopted, why, memory, report).await
            }
            Step::Delete { key, uid } => delete(context, &key, &uid).await,
        };
        if let Err(error) = done {
            let lost = matches!(error, RequestError::NotLeading { .. });
            note_error(error, report);
            if lost {
                return;
            }
        }
    }
}

async fn apply(
    context: &Context,
    cluster: &ClusterObject,
    adopted: &Adopted,
    why: Why,
    memory: &RefCell<Memory>,
    report: &mut Report,
) -> Result<(), RequestError> {
    let Some(kind) = KindId::of(&adopted.key) else { return Ok(()) };
    let shown = short(&adopted.key);
    match why {
        Why::Create => {
            if let Some(blocked) = create(context, cluster, kind, adopted, memory).await? {
                note_blocked(context, blocked, report);
            }
        }
        Why::Change => {
            send(context, kind, adopted, true).await?;
            info!(object = %shown, "changed");
        }
        // Fields of whoever keeps it now are not taken.
        Why::Adopt => {
            send(context, kind, adopted, false).await?;
            info!(object = %shown, "adopted");
        }
        Why::Repair(taken) => repair(context, cluster, kind, adopted, &taken, memory).await?,
    }
    Ok(())
}

/// Takes fields back, and tells from whom.
async fn repair(
    context: &Context,
    cluster: &ClusterObject,
    kind: KindId,
    adopted: &Adopted,
    taken: &[Taken],
    memory: &RefCell<Memory>,
) -> Result<(), RequestError> {
    send(context, kind, adopted, true).await?;
    memory.borrow_mut().repairs.note(&adopted.key, taken, Instant::now());
    let text = format!("{}: {}; repaired", short(&adopted.key), words(taken));
    memory.borrow_mut().drifted = Some((context.clock.now(), text.clone()));
    let fields: Vec<&str> = taken.iter().map(|taken| taken.path.as_str()).collect();
    let spot = Spot { child: adopted.key.clone(), fields: fields.join(",") };
    context.events.tell(cluster, true, "Drifted", &text, Some(spot)).await;
    Ok(())
}

/// Applies an object that the watches do not have, and only if it does not exist.
async fn create(
    context: &Context,
    cluster: &ClusterObject,
    kind: KindId,
    adopted: &Adopted,
    memory: &RefCell<Memory>,
) -> Result<Option<Blocked>, RequestError> {
    let mut object = adopted.object.clone();
    object["metadata"]["resourceVersion"] = CREATE_ONLY.into();
    let conflict = match context.requests.apply(Manager::Set, kind, &object, false).await {
        Ok(answer) => {
            context.cache.put_answer(kind, answer.metadata, &answer.data);
            info!(object = %short(&adopted.key), "created");
            return Ok(None);
        }
        Err(error) if error.status().is_some_and(Status::is_conflict) => error,
        Err(error) => return Err(error),
    };
    // It is there, and out of the watches' sight: somebody else's, or one whose label is gone.
    let place =
        ClusterKey { namespace: cluster.key.namespace.clone(), name: adopted.key.name.clone() };
    let Some(metadata) = context.requests.metadata(kind, &place).await? else {
        return Err(conflict);
    };
    let key = adopted.key.clone();
    let Some(child) = Child::of(kind, metadata, &serde_json::Value::Null) else {
        return Err(conflict);
    };
    match ownership(&child, cluster) {
        Ownership::Foreign(whose) => Ok(Some(Blocked::Foreign { key, whose })),
        Ownership::InGit(manager) => Ok(Some(Blocked::InGit { key, manager })),
        Ownership::Leftover => Ok(Some(Blocked::Leaving { key })),
        Ownership::Ours | Ownership::Orphan if child.deleting => Ok(Some(Blocked::Leaving { key })),
        Ownership::Ours => {
            let taken = taken(&adopted.object, &child).unwrap_or_default();
            if taken.is_empty() {
                // The watches are about to bring it.
                return send(context, kind, adopted, true).await.map(|()| None);
            }
            repair(context, cluster, kind, adopted, &taken, memory).await.map(|()| None)
        }
        Ownership::Orphan => send(context, kind, adopted, false).await.map(|()| None),
    }
}

async fn send(
    context: &Context,
    kind: KindId,
    adopted: &Adopted,
    force: bool,
) -> Result<(), RequestError> {
    let answer = context.requests.apply(Manager::Set, kind, &adopted.object, force).await?;
    context.cache.put_answer(kind, answer.metadata, &answer.data);
    Ok(())
}

async fn delete(context: &Context, key: &ObjectKey, uid: &str) -> Result<(), RequestError> {
    let Some(kind) = KindId::of(key) else { return Ok(()) };
    let namespace = key.namespace.clone().unwrap_or_default();
    let place = ClusterKey { namespace, name: key.name.clone() };
    context.requests.delete(kind, &place, uid).await?;
    info!(object = %short(key), "deleted: it is no longer of the set");
    Ok(())
}

fn note_blocked(context: &Context, blocked: Blocked, report: &mut Report) {
    match blocked {
        Blocked::Foreign { key, whose } => {
            let text = format!(
                "{} belongs to {whose}: rename the cluster, or delete that object",
                short(&key)
            );
            report.find(Reason::NameTaken, text);
            report.again(Retry::Backoff);
        }
        Blocked::InGit { key, manager } => {
            let text = format!(
                "{} is applied by field manager `{manager}`: give it the annotation \
                 `argocd.argoproj.io/sync-options: Prune=false` or \
                 `kustomize.toolkit.fluxcd.io/prune: disabled`, so that leaving Git does not \
                 delete it",
                short(&key)
            );
            report.find(Reason::StillInGit, text);
            report.again(Retry::Backoff);
        }
        // The watches tell when it is gone, if they see it; if not, it is looked for.
        Blocked::Leaving { key } => {
            report.failing.get_or_insert(format!("{} is being deleted", short(&key)));
            report.again(Retry::Backoff);
        }
        Blocked::NotServed { key } => {
            let text = format!("the API server does not serve {}: install its CRD", key.kind);
            report.find(Reason::KindNotServed, text);
            context.cache.want_kinds();
            report.again(Retry::Backoff);
        }
        Blocked::Contested { key, taken, until } => {
            let text = format!("{}: {}; left alone for a while", short(&key), words(&taken));
            report.find(Reason::RepairedTooOften, text);
            report.wake_at(until);
        }
    }
}

/// What the API server refuses for good becomes a condition; the rest is a failure to try again.
fn note_error(error: RequestError, report: &mut Report) {
    let status = error.status();
    let conflict = status.is_some_and(|status| !managers(status).is_empty());
    if let Some(status) = status
        && conflict
    {
        let text = format!("{}: fields of {}", error, managers(status).join(", "));
        report.find(Reason::OwnedByOthers, text);
        report.again(Retry::Backoff);
        return;
    }
    if let Some(status) = status.filter(|status| status.is_invalid()) {
        let text = format!("{error}: {}", status.message);
        report.find(Reason::Refused, text);
        report.again(Retry::Backoff);
        return;
    }
    report.fail(&ReconcileError::Request(error));
}

/// The managers whose fields an apply would have taken.
pub fn managers(status: &Status) -> Vec<String> {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let conflicts = causes.filter(|cause| cause.reason == "FieldManagerConflict");
    let mut named: Vec<String> = conflicts
        .map(|cause| {
            let manager = cause.message.split('"').nth(1).unwrap_or(&cause.message);
            format!("`{manager}` ({})", cause.field.trim_start_matches('.'))
        })
        .collect();
    named.dedup();
    named
}

/// Which fields are whose.
fn words(taken: &[Taken]) -> String {
    const SHOWN: usize = 4;
    let mut words: Vec<String> = taken
        .iter()
        .take(SHOWN)
        .map(|Taken { path, by, at }| {
            let by = match by {
                Some(manager) => format!("`{path}` was set by `{manager}`"),
                None => format!("`{path}` was removed"),
            };
            at.map_or(by.clone(), |at| format!("{by} at {at}"))
        })
        .collect();
    if taken.len() > SHOWN {
        words.push(format!("and {} more", taken.len() - SHOWN));
    }
    words.join(", ")
}

fn short(key: &ObjectKey) -> String {
    format!("{} `{}`", key.kind, key.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_conflict_names_its_managers_and_fields() {
        let status: Status = serde_json::from_value(json!({
            "code": 409, "reason": "Conflict", "message": "Apply failed",
            "details": { "causes": [
                {
                    "reason": "FieldManagerConflict", "field": ".spec.type",
                    "message": "conflict with \"argocd-controller\" using v1",
                },
                { "reason": "Other", "message": "x", "field": "" },
            ] },
        }))
        .unwrap();
        assert_eq!(managers(&status), ["`argocd-controller` (spec.type)"]);
    }

    #[test]
    fn drift_is_told_in_words_with_who_and_when() {
        let taken = |path: &str, by: Option<&str>| Taken {
            path: path.to_owned(),
            by: by.map(str::to_owned),
            at: Some("2026-01-01T12:00:00Z".parse().unwrap()),
        };
        let two = [taken("spec.replicas", Some("kubectl-edit")), taken("spec.type", None)];
        assert_eq!(
            words(&two),
            "`spec.replicas` was set by `kubectl-edit` at 2026-01-01T12:00:00Z, \
             `spec.type` was removed at 2026-01-01T12:00:00Z"
        );
        assert!(words(&vec![taken("a", None); 6]).ends_with(", and 2 more"));
    }
}

//! Performs a roll's next step, and says what it waits for.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use crate::cluster::ValidatedCluster;

use super::cache::{ClusterObject, KindId, Part, View};
use super::condition::ConditionType;
use super::error::ReconcileError;
use super::facts::ClusterKey;
use super::memory::Memory;
use super::reconcile::Context;
use super::report::Report;
use super::roll::{RollStep, heir, is_changing, is_pending, look_again, master_is_to_go};
use super::roll::{next_step, pods, restart_at, runs_old_template};

/// How long a restart of a later time is not looked at.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How long the last pod that was restarted is in service before the master is handed over:
/// kube-proxy takes changes in once a second, and the one of the master's Service must not be the
/// second.
const QUIET_BEFORE_HANDOVER: Duration = Duration::from_millis(1500);

/// Restarts the next pod that has to be, or asks for a handover first.
///
/// # Errors
///
/// [`ReconcileError`].
pub async fn proceed(
    context: &Context,
    cluster: &ClusterObject,
    view: &View,
    sound: &ValidatedCluster,
    memory: &RefCell<Memory>,
    report: &mut Report,
) -> Result<(), ReconcileError> {
    let pending = is_pending(cluster);
    if pending && runs_old_template(view) {
        let text = "Gungnir itself has changed the pods' template: they take it over when the spec \
                    changes, or when the annotation `valkey.verilean.io/restart` says a time";
        report.find(ConditionType::RestartPending, "TemplateChanged", text);
    }
    if master_is_to_go(view, sound) {
        memory.borrow_mut().heir = heir(view, sound);
        return Ok(());
    }
    let now = context.clock.now();
    if let Some(at) = restart_at(cluster).filter(|at| *at > now) {
        let wait = Duration::try_from(at.duration_since(now)).unwrap_or_default();
        report.wake_at(Instant::now() + wait.min(LONGEST_WAIT));
    }
    let step = match pods(cluster, view, sound, pending, now) {
        None => RollStep::Done,
        Some(pods) => next_step(&pods, is_changing(cluster)),
    };
    match &step {
        RollStep::HandOver(to) => name_heir(to, &mut memory.borrow_mut(), report),
        // One that was begun is not taken back while it goes on.
        RollStep::Wait(_) if is_changing(cluster) => {}
        RollStep::Done | RollStep::Wait(_) | RollStep::Delete(_) => {
            let mut memory = memory.borrow_mut();
            (memory.heir, memory.heir_ready) = (None, None);
        }
    }
    match step {
        RollStep::Done => {}
        RollStep::Wait(why) => report.rolling = Some(format!("a restart waits: {why}")),
        RollStep::HandOver(to) => {
            report.rolling = Some(format!("a restart waits until {to} is master"));
        }
        RollStep::Delete(pods) => {
            for (name, uid) in pods {
                delete(context, cluster, &name, &uid).await?;
            }
            report.rolling = Some("pods are restarted in order".to_owned());
            report.wake_at(look_again(Instant::now()));
        }
    }
    Ok(())
}

/// Has a pod take over, when nothing else has moved for a moment.
fn name_heir(pod: &str, memory: &mut Memory, report: &mut Report) {
    let now = Instant::now();
    let since = match &memory.heir_ready {
        Some((ready, since)) if ready == pod => *since,
        _ => now,
    };
    memory.heir_ready = Some((pod.to_owned(), since));
    let due = since + QUIET_BEFORE_HANDOVER;
    if memory.heir.is_some() || due <= now {
        memory.heir = Some(pod.to_owned());
    } else {
        report.wake_at(due);
    }
}

async fn delete(
    context: &Context,
    cluster: &ClusterObject,
    name: &str,
    uid: &str,
) -> Result<(), ReconcileError> {
    let Some(kind) = KindId::all().find(|kind| kind.row().part == Part::Pod) else {
        return Ok(());
    };
    let place = ClusterKey { namespace: cluster.key.namespace.clone(), name: name.to_owned() };
    context.requests.delete(kind, &place, uid).await?;
    let text = format!("{name} is restarted with the newest template");
    context.events.tell(cluster, false, "Restarting", &text, None).await;
    Ok(())
}

//! Performs a roll's next step, and says what it waits for.

use std::cell::RefCell;
use std::time::Duration;

use tokio::time::Instant;

use crate::cluster::ValidatedCluster;
use crate::sentinel::Phase;

use super::cache::{ClusterObject, KindId, Part, View};
use super::election::{ElectionView, NodeView};
use super::error::ReconcileError;
use super::facts::ClusterKey;
use super::memory::Memory;
use super::reason::Reason;
use super::reconcile::Context;
use super::report::Report;
use super::roll::{RollPod, RollStep, heir, is_changing, is_pending, look_again, master_is_to_go};
use super::roll::{next_step, pods, restart_at, runs_old_template};

/// How long a restart of a later time is not looked at.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// How soon it is looked again whether every server was heard.
const HEARD_AGAIN: Duration = Duration::from_millis(250);

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
        report.find(Reason::TemplateChanged, text);
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
    let pods = pods(cluster, view, sound, pending, now).unwrap_or_default();
    let step = next_step(&pods, is_changing(cluster));
    if !matches!(step, RollStep::Delete(_)) {
        memory.borrow_mut().next_restart = None;
    }
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
        RollStep::Delete(next) => {
            let election = context.elections.view(&cluster.key).unwrap_or_default();
            let mut wait = overtaken(&pods, &next, &election);
            if wait.is_none() {
                let silent = not_heard(&pods, &next, &election.nodes, &mut memory.borrow_mut());
                wait = silent.map(|silent| format!("{silent} has to answer first"));
            }
            if let Some(why) = wait {
                report.rolling = Some(format!("a restart waits: {why}"));
                report.wake_at(Instant::now() + HEARD_AGAIN);
                return Ok(());
            }
            for (name, uid) in next {
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

/// Why what was decided on what the watches have brought is not so any more: the election is ahead of
/// them.
fn overtaken(
    pods: &[RollPod],
    next: &[(String, String)],
    election: &ElectionView,
) -> Option<String> {
    if matches!(election.phase, Some(Phase::Failover | Phase::Switchover)) {
        return Some("a change of master is under way".to_owned());
    }
    let master = election.master.as_ref()?;
    let known = pods.iter().any(|pod| pod.master && pod.name == *master);
    let goes = next.iter().any(|(name, _)| name == master);
    (goes && !known).then(|| format!("{master} has become master"))
}

/// A pod that serves, is to go on serving, and has not been heard since it was decided to take
/// others down. A server that hangs stays ready for a while: taking a second one down then would
/// leave too few to elect from.
fn not_heard<'p>(
    pods: &'p [RollPod],
    next: &[(String, String)],
    nodes: &[NodeView],
    memory: &mut Memory,
) -> Option<&'p str> {
    let uid = next.first().map_or("", |(_, uid)| uid);
    let since = match &memory.next_restart {
        Some((before, since)) if before == uid => *since,
        _ => Instant::now(),
    };
    memory.next_restart = Some((uid.to_owned(), since));
    // Who hears nobody cannot tell by this.
    if nodes.iter().all(|node| node.heard.is_none()) {
        return None;
    }
    let serving = |pod: &&RollPod| pod.sound && next.iter().all(|(name, _)| *name != pod.name);
    let heard = |pod: &RollPod| {
        let node = nodes.iter().find(|node| node.pod == pod.name);
        node.is_some_and(|node| node.heard.is_some_and(|heard| heard >= since))
    };
    let silent = pods.iter().filter(serving).find(|pod| !heard(pod))?;
    Some(&silent.name)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_has_just_become_master_is_no_replica_any_more() {
        let pod = |name: &str, master: bool| RollPod {
            name: name.to_owned(),
            master,
            ..RollPod::default()
        };
        let pods = [pod("shop-0", true), pod("shop-1", false)];
        let why = |goes: &str, master: &str, phase| {
            let (master, phase) = (Some(master.to_owned()), Some(phase));
            let election = ElectionView { master, phase, ..ElectionView::default() };
            overtaken(&pods, &[(goes.to_owned(), "u".to_owned())], &election)
        };
        assert_eq!(why("shop-1", "shop-0", Phase::Stable), None);
        assert_eq!(why("shop-1", "shop-1", Phase::Stable).unwrap(), "shop-1 has become master");
        assert!(why("shop-1", "shop-0", Phase::Switchover).is_some());
        // The only one that there is.
        assert_eq!(why("shop-0", "shop-0", Phase::Stable), None);
        assert_eq!(overtaken(&pods, &[], &ElectionView::default()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pod_goes_when_every_other_has_been_heard_since_that_was_decided() {
        let decided = Instant::now();
        let pod = |ordinal: u32| RollPod {
            name: format!("shop-{ordinal}"),
            uid: format!("u{ordinal}"),
            sound: true,
            ..RollPod::default()
        };
        let pods: Vec<RollPod> = (0..3).map(pod).collect();
        let next = [("shop-2".to_owned(), "u2".to_owned())];
        let mut memory = Memory::default();
        let mut silent = |heard: [Option<u64>; 3]| {
            let node = |(ordinal, at): (usize, Option<u64>)| NodeView {
                pod: format!("shop-{ordinal}"),
                down: false,
                heard: at.map(|at| decided + Duration::from_secs(at)),
                behind_bytes: None,
            };
            let nodes: Vec<NodeView> = heard.into_iter().enumerate().map(node).collect();
            not_heard(&pods, &next, &nodes, &mut memory).map(str::to_owned)
        };
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(silent([Some(1), Some(1), Some(1)]).as_deref(), Some("shop-0"));
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(silent([Some(3), Some(1), Some(1)]).as_deref(), Some("shop-1"));
        assert_eq!(silent([Some(3), None, Some(3)]).as_deref(), Some("shop-1"));
        // The one that goes is not asked.
        assert_eq!(silent([Some(3), Some(2), None]), None);
        // Nobody at all is heard: nothing can be told by that.
        assert_eq!(silent([None, None, None]), None);
    }
}

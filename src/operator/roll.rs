//! Restarts pods in order: replicas first, one at a time, the master handed over and then last.
//!
//! The `StatefulSet` has the strategy `OnDelete`, so a new template reaches a pod only when it is
//! deleted here. Nothing is remembered: which pod comes next follows from what there is.

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use crate::api::{Election, ElectionPhase};
use crate::cluster::{ValidatedCluster, ordinal_of};

use super::annotation::Annotation;
use super::cache::{ClusterObject, Detail, SetStatus, View};
use super::condition::ConditionType;

/// A pod, as far as a roll depends on it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that hold or not, each by itself")]
pub struct RollPod {
    /// Its name.
    pub name: String,
    /// Its uid; empty when there is no such pod.
    pub uid: String,
    /// It is ready, and recorded as a member where there is a record.
    pub sound: bool,
    /// A server runs in it, or did a moment ago.
    pub runs: bool,
    /// It is being deleted.
    pub deleting: bool,
    /// It has to be restarted.
    pub outdated: bool,
    /// It is the master.
    pub master: bool,
    /// The claim of its volume is being deleted: the volume goes when the pod does.
    pub volume_goes: bool,
}

/// What a roll does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RollStep {
    /// Every pod is as it should be.
    Done,
    /// Something has to happen first, in words.
    Wait(String),
    /// Delete these pods: name and uid.
    Delete(Vec<(String, String)>),
    /// Ask the election to hand over to this pod.
    HandOver(String),
}

/// Decides it. The pods are those that there are to be, in order of their ordinals.
#[must_use]
pub fn next_step(pods: &[RollPod], changing: bool) -> RollStep {
    let step = in_order(pods, changing);
    if let RollStep::Delete(next) = &step
        && let Some(pod) = last_copy(pods, next)
    {
        return RollStep::Wait(format!(
            "the volume of {pod} is being deleted and goes with the pod, and no other pod is known to \
             hold its data; one more replica takes a copy, or delete the pod yourself"
        ));
    }
    step
}

/// A pod among those whose data would go with it: only a master that stays is known to hold all that
/// it holds.
fn last_copy<'p>(pods: &'p [RollPod], next: &[(String, String)]) -> Option<&'p str> {
    let goes = |pod: &RollPod| next.iter().any(|(name, _)| *name == pod.name);
    if pods.iter().any(|pod| pod.master && pod.sound && !goes(pod)) {
        return None;
    }
    let pod = pods.iter().find(|pod| goes(pod) && pod.volume_goes)?;
    Some(&pod.name)
}

fn in_order(pods: &[RollPod], changing: bool) -> RollStep {
    let outdated: Vec<&RollPod> =
        pods.iter().filter(|pod| pod.outdated && !pod.uid.is_empty()).collect();
    if outdated.is_empty() {
        return RollStep::Done;
    }
    if let Some(pod) = pods.iter().find(|pod| pod.deleting) {
        return RollStep::Wait(format!("{} is being deleted", pod.name));
    }
    let delete = |pod: &RollPod| (pod.name.clone(), pod.uid.clone());
    // Nobody serves and nobody runs: there is nothing to protect, and none may come up without
    // the others.
    if pods.iter().all(|pod| !pod.sound && !pod.runs) {
        return RollStep::Delete(outdated.into_iter().map(delete).collect());
    }
    let waited_for = |pod: &&RollPod| !pod.sound && (!pod.outdated || pod.uid.is_empty());
    if let Some(pod) = pods.iter().find(waited_for) {
        return RollStep::Wait(format!("{} is not ready yet", pod.name));
    }
    if changing {
        return RollStep::Wait("a change of master is under way".to_owned());
    }
    // One that serves nobody is no loss, and its new template may be its cure.
    let broken = outdated.iter().rev().find(|pod| !pod.sound && !pod.master);
    let replica = broken.or_else(|| outdated.iter().rev().find(|pod| !pod.master));
    let Some(master) = pods.iter().find(|pod| pod.master) else {
        return match broken {
            Some(pod) => RollStep::Delete(vec![delete(pod)]),
            None if pods.len() == 1 => RollStep::Delete(outdated.into_iter().map(delete).collect()),
            None => RollStep::Wait("no pod is known to be master".to_owned()),
        };
    };
    if let Some(pod) = replica {
        return RollStep::Delete(vec![delete(pod)]);
    }
    match pods.iter().find(|pod| !pod.master && pod.sound) {
        Some(heir) => RollStep::HandOver(heir.name.clone()),
        None if pods.len() == 1 => RollStep::Delete(vec![delete(master)]),
        None => RollStep::Wait("no replica can take over from the master".to_owned()),
    }
}

/// The pods of a cluster as a roll sees them; `None` while the `StatefulSet` does not say which
/// template is the newest.
#[must_use]
pub fn pods(
    cluster: &ClusterObject,
    view: &View,
    sound: &ValidatedCluster,
    pending: bool,
    now: Timestamp,
) -> Option<Vec<RollPod>> {
    let set = set_status(view)?;
    if set.observed_generation < set.generation {
        return None;
    }
    let master = master(view, sound);
    let election = cluster.status.election.as_ref();
    // A time to come would find every new pod too old.
    let restart = restart_at(cluster).filter(|at| *at <= now);
    let pods = (0..sound.replicas).map(|ordinal| {
        let name = sound.names.pod(ordinal);
        let Some(pod) = view.pods.get(&name) else {
            return RollPod { name, ..RollPod::default() };
        };
        let old_template = pod.revision.is_some() && pod.revision != set.update_revision;
        let old = restart.is_some_and(|at| pod.created.is_some_and(|created| created < at));
        let master = master.as_deref() == Some(&name);
        RollPod {
            uid: pod.uid.clone(),
            sound: pod.ready && !pod.deleting && (master || is_member(election, &pod.uid)),
            // The kubelet is about to start one that has just ended.
            runs: pod.container_id.is_some() || (pod.has_run() && pod.block.is_none()),
            deleting: pod.deleting,
            outdated: (old_template && !pending) || old,
            master,
            volume_goes: view.claim_of(&name).is_some_and(|claim| claim.deleting),
            name,
        }
    });
    Some(pods.collect())
}

/// When people ask for a restart of all pods that are older.
#[must_use]
pub fn restart_at(cluster: &ClusterObject) -> Option<Timestamp> {
    cluster.annotation(Annotation::Restart)?.parse().ok()
}

/// Whether a template that only Gungnir changed waits for people.
#[must_use]
pub fn is_pending(cluster: &ClusterObject) -> bool {
    cluster.status.conditions.iter().any(|condition| {
        condition.type_ == ConditionType::RestartPending.name()
            && condition.status == "True"
            && condition.observed_generation == Some(cluster.generation)
    })
}

/// Whether the `StatefulSet` was rendered from the spec of this generation.
#[must_use]
pub fn is_of_generation(view: &View, generation: i64) -> bool {
    set_status(view).is_some_and(|set| set.spec_generation == Some(generation))
}

/// Whether any pod runs with an older template.
#[must_use]
pub fn runs_old_template(view: &View) -> bool {
    let Some(set) = set_status(view) else { return false };
    let old = |revision: &Option<String>| revision.is_some() && *revision != set.update_revision;
    set.observed_generation < set.generation || view.pods.values().any(|pod| old(&pod.revision))
}

/// Whether a change of master is under way.
#[must_use]
pub fn is_changing(cluster: &ClusterObject) -> bool {
    let phase = cluster.status.election.as_ref().map(|election| election.phase);
    matches!(phase, Some(ElectionPhase::Failover | ElectionPhase::Switchover))
}

/// Whether the master is on a pod that the set is about to lose.
#[must_use]
pub fn master_is_to_go(view: &View, sound: &ValidatedCluster) -> bool {
    let Some(master) = master(view, sound) else { return false };
    let ordinal = ordinal_of(&sound.names.cluster, &master);
    view.pods.contains_key(&master) && ordinal.is_some_and(|ordinal| ordinal >= sound.replicas)
}

/// Who takes over then: the first of the pods that stay.
#[must_use]
pub fn heir(view: &View, sound: &ValidatedCluster) -> Option<String> {
    let names = (0..sound.replicas).map(|ordinal| sound.names.pod(ordinal));
    let ready = |name: &String| view.pods.get(name).is_some_and(|pod| pod.ready && !pod.deleting);
    names.into_iter().find(ready)
}

fn is_member(election: Option<&Election>, uid: &str) -> bool {
    // Without a record nobody counts members.
    election
        .filter(|election| election.master.is_some())
        .is_none_or(|election| election.in_sync.iter().any(|member| member.uid == uid))
}

fn master(view: &View, sound: &ValidatedCluster) -> Option<String> {
    let client = |child: &&std::rc::Rc<super::cache::Child>| {
        child.key.kind == "Service" && child.key.name == sound.names.client
    };
    match &view.children.values().find(client)?.detail {
        Detail::Service { pod, .. } => pod.clone(),
        Detail::None | Detail::StatefulSet(_) => None,
    }
}

/// What the caches have of the `StatefulSet`.
#[must_use]
pub fn set_status(view: &View) -> Option<&SetStatus> {
    view.children.values().find_map(|child| match &child.detail {
        Detail::StatefulSet(status) => Some(status),
        Detail::None | Detail::Service { .. } => None,
    })
}

/// How long a pod that was deleted may be unseen before it is looked at again.
#[must_use]
pub fn look_again(now: Instant) -> Instant {
    now + std::time::Duration::from_secs(30)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pods by a letter each: `n` new and sound, `o` outdated and sound, `x` outdated and broken,
    /// `y` new and not sound, `s` outdated and never started, `d` being deleted, `-` missing; an
    /// upper-case letter is the master, and `!` after it says that its volume goes with it.
    fn set(letters: &str) -> Vec<RollPod> {
        let mut pods: Vec<RollPod> = Vec::new();
        for letter in letters.chars() {
            if let ('!', Some(pod)) = (letter, pods.last_mut()) {
                pod.volume_goes = true;
                continue;
            }
            let ordinal = pods.len();
            let state = letter.to_ascii_lowercase();
            let there = state != '-';
            pods.push(RollPod {
                name: format!("shop-{ordinal}"),
                uid: if there { format!("u{ordinal}") } else { String::new() },
                sound: matches!(state, 'n' | 'o'),
                runs: matches!(state, 'n' | 'o' | 'x' | 'y'),
                deleting: state == 'd',
                outdated: matches!(state, 'o' | 'x' | 's'),
                master: letter.is_ascii_uppercase(),
                volume_goes: false,
            });
        }
        pods
    }

    #[test]
    fn replicas_first_one_at_a_time_the_master_handed_over_and_last() {
        for (letters, expected) in [
            ("Nnn", "done"),
            ("Ooo", "delete shop-2"),
            ("Ood", "wait: shop-2 is being deleted"),
            ("Oo-", "wait: shop-2 is not ready yet"),
            ("Ooy", "wait: shop-2 is not ready yet"),
            ("Oon", "delete shop-1"),
            ("Onn", "hand over to shop-1"),
            ("oNn", "delete shop-0"),
            ("nNn", "done"),
            ("noO", "delete shop-1"),
            ("nnO", "hand over to shop-0"),
            ("O", "delete shop-0"),
            ("o", "delete shop-0"),
            ("ooo", "wait: no pod is known to be master"),
            // A broken one first, for its new template may be its cure.
            ("Oxo", "delete shop-1"),
            ("oxo", "delete shop-1"),
            // A new template that does not come up ends with one pod.
            ("Oyo", "wait: shop-1 is not ready yet"),
            // Nothing ever started: all at once.
            ("sss", "delete shop-0 shop-1 shop-2"),
            ("ss-", "delete shop-0 shop-1"),
            ("Oss", "delete shop-2"),
        ] {
            assert_eq!(words(&next_step(&set(letters), false)), expected, "{letters}");
        }
    }

    #[test]
    fn a_volume_that_goes_with_its_pod_goes_while_a_master_has_all_that_it_has() {
        for (letters, expected) in [
            ("Ooo!", "delete shop-2"),
            ("O!on", "delete shop-1"),
            ("O!nn", "hand over to shop-1"),
            ("o!Nn", "delete shop-0"),
            ("Oxo", "delete shop-1"),
            ("Ox!o", "delete shop-1"),
            // It may hold what was acknowledged last.
            ("ox!o", "wait: the volume of shop-1 is being deleted"),
            ("O!", "wait: the volume of shop-0 is being deleted"),
            ("o!", "wait: the volume of shop-0 is being deleted"),
            ("N!", "done"),
            ("ss!s", "wait: the volume of shop-1 is being deleted"),
            ("Ss!s", "wait: the volume of shop-1 is being deleted"),
            // One more replica has taken a copy.
            ("O!n", "hand over to shop-1"),
        ] {
            let step = words(&next_step(&set(letters), false));
            assert!(step.starts_with(expected), "{letters}: {step}");
        }
    }

    fn words(step: &RollStep) -> String {
        match step {
            RollStep::Done => "done".to_owned(),
            RollStep::Wait(why) => format!("wait: {why}"),
            RollStep::HandOver(to) => format!("hand over to {to}"),
            RollStep::Delete(pods) => {
                pods.iter().fold("delete".to_owned(), |text, (name, _)| format!("{text} {name}"))
            }
        }
    }

    #[test]
    fn nothing_is_deleted_while_the_master_changes() {
        let waits = RollStep::Wait("a change of master is under way".to_owned());
        for letters in ["Ooo", "Oon", "Onn", "O"] {
            assert_eq!(next_step(&set(letters), true), waits, "{letters}");
        }
        assert_eq!(next_step(&set("Nnn"), true), RollStep::Done);
    }
}

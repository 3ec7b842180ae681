//! What pods and volumes carry of the election: the role for Services and people, the epoch for a
//! life after this one. All of it follows from the record; nothing is decided by it.

use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod};
use kube::{Api, Client};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::debug;

use crate::operator::{Annotation, ClusterFacts};
use crate::sentinel::{NodeId, Phase, Record};

use super::calls;
use super::record::pod_name;
use super::targets::remembered;

/// The label that tells what a pod is.
const ROLE_LABEL: &str = "valkey.verilean.io/role";
/// The first wait after a failure, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));

/// How long roles wait after the record: kube-proxy takes changes in once a second, and the one that
/// sends clients to the new master must not be the second.
const ROLES_AFTER: Duration = Duration::from_millis(300);

/// What a pod is, as its label says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleLabel {
    Master,
    Replica,
    Fenced,
}

impl RoleLabel {
    const fn text(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "replica",
            Self::Fenced => "fenced",
        }
    }
}

/// What is to be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Roles, of pods by name with their uid.
    pub roles: BTreeMap<String, (String, &'static str)>,
    /// Epochs, of volumes by name; whether that is the master's, which has to be written.
    pub epochs: BTreeMap<String, (String, bool)>,
}

/// What of the record pods and volumes do not carry yet.
pub(super) fn wanted(facts: &ClusterFacts, record: Option<&Record>) -> Wanted {
    let mut wanted = Wanted::default();
    // While nobody leads for certain, everybody is what it was.
    let Some(record) = record.filter(|record| record.phase == Phase::Stable) else { return wanted };
    let Some(master) = record.master else { return wanted };
    for (index, pod) in facts.pods.iter().enumerate() {
        let leads = master.node == NodeId::at(index);
        let fenced = facts.fence.as_deref() == Some(&pod.name);
        let role = match (leads, fenced) {
            (true, _) => RoleLabel::Master,
            (false, true) => RoleLabel::Fenced,
            (false, false) => RoleLabel::Replica,
        };
        if let Some(uid) = &pod.uid
            && pod.role.as_deref() != Some(role.text())
        {
            wanted
                .roles
                .insert(pod_name(&facts.key.name, NodeId::at(index)), (uid.clone(), role.text()));
        }
        let Some(volume) = &pod.volume else { continue };
        let epoch = format!("{}/{}", record.epoch, if leads { "master" } else { "replica" });
        // A record that somebody put back is older than what the volumes know: they tell who led last.
        let knows = volume.epoch.as_deref().and_then(remembered);
        let is_later = knows.is_some_and(|(known, _)| known > record.epoch);
        if !is_later && volume.epoch.as_deref() != Some(&epoch) {
            wanted.epochs.insert(volume.name.clone(), (epoch, leads));
        }
    }
    wanted
}

/// Writes what is wanted, for ever. A master's volume is written until it is; the others' once an
/// epoch.
pub(super) async fn write_all(
    client: &Client,
    namespace: &str,
    mut wanted: watch::Receiver<Wanted>,
) {
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let volumes: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
    let mut written = Wanted::default();
    let mut wait = BACKOFF.0;
    let mut due: Option<Instant> = None;
    loop {
        let now = wanted.borrow_and_update().clone();
        let mut failed = false;
        let is_written = |written: &Wanted, name| written.roles.get(name) == now.roles.get(name);
        let all_written = now.roles.keys().all(|name| is_written(&written, name));
        due = (!all_written).then(|| due.unwrap_or(Instant::now() + ROLES_AFTER));
        let is_due = due.is_none_or(|due| due <= Instant::now());
        for (name, (uid, role)) in now.roles.iter().filter(|_| is_due) {
            if is_written(&written, name) {
                continue;
            }
            let body = json!({
                "apiVersion": "v1",
                "kind": "Pod",
                "metadata": {
                    "name": name,
                    "namespace": namespace,
                    "uid": uid,
                    "labels": { ROLE_LABEL: role },
                },
            });
            match calls::apply(&pods, name, &body).await {
                Ok(_) => drop(written.roles.insert(name.clone(), (uid.clone(), *role))),
                Err(error) => {
                    debug!(pod = %name, %error, "the role is not written");
                    // Another pod by now: the caches will say so.
                    failed |=
                        !matches!(error, calls::CallError::Invalid(_) | calls::CallError::Missing);
                }
            }
        }
        for (name, epoch) in &now.epochs {
            if written.epochs.get(name) == Some(epoch) {
                continue;
            }
            let body =
                json!({ "metadata": { "annotations": { Annotation::Epoch.key(): epoch.0 } } });
            let outcome = calls::merge(&volumes, name, &body).await;
            if let Err(error) = &outcome {
                debug!(volume = %name, %error, "the epoch is not written");
                failed |= epoch.1;
            }
            if outcome.is_ok() || !epoch.1 {
                written.epochs.insert(name.clone(), epoch.clone());
            }
        }
        // What is no longer wanted has arrived, or is wanted otherwise; it may be wanted again.
        written.roles.retain(|name, _| now.roles.contains_key(name));
        written.epochs.retain(|name, _| now.epochs.contains_key(name));
        if let Some(due) = due.filter(|_| !is_due) {
            tokio::select! {
                () = sleep_until(due) => {}
                Ok(()) = wanted.changed() => {}
            }
        } else if failed {
            tokio::select! {
                () = sleep(wait) => wait = (wait * 2).min(BACKOFF.1),
                Ok(()) = wanted.changed() => {}
            }
        } else {
            wait = BACKOFF.0;
            if wanted.changed().await.is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::facts;
    use super::*;
    use crate::operator::VolumeFacts;
    use crate::sentinel::{Home, Id, Member};

    fn record(phase: Phase) -> Record {
        Record {
            phase,
            master: Some(Member { node: NodeId(1), run_id: Id([1; 20]), home: Home(1) }),
            ..Record::without_master(1, 7)
        }
    }

    #[test]
    fn only_what_is_not_so_is_written() {
        let mut facts = facts(3);
        facts.pods[0].role = Some("master".into());
        facts.pods[1].role = Some("replica".into());
        facts.pods[2].role = Some("replica".into());
        facts.fence = Some("shop-2".into());
        let volume = |epoch: &str| {
            let (name, epoch) = ("data-0".to_owned(), Some(epoch.to_owned()));
            Some(VolumeFacts { name, uid: "v".into(), epoch, older_than_cluster: false })
        };
        facts.pods[0].volume = volume("6/master");
        let roles = |wanted: &Wanted| -> Vec<(String, &str)> {
            wanted.roles.iter().map(|(name, (_, role))| (name.clone(), *role)).collect()
        };
        let found = wanted(&facts, Some(&record(Phase::Stable)));
        assert_eq!(
            roles(&found),
            [
                ("shop-0".to_owned(), "replica"),
                ("shop-1".to_owned(), "master"),
                ("shop-2".to_owned(), "fenced")
            ]
        );
        assert_eq!(found.epochs["data-0"], ("7/replica".to_owned(), false));
        for (known, why) in [("7/replica", "it is so"), ("8/master", "the record was put back")] {
            facts.pods[0].volume = volume(known);
            assert!(wanted(&facts, Some(&record(Phase::Stable))).epochs.is_empty(), "{why}");
        }
        for other in [Some(record(Phase::Failover)), None] {
            assert_eq!(wanted(&facts, other.as_ref()), Wanted::default());
        }
    }
}

//! A handover of a cluster, asked for by its annotation.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use tokio::time::{Instant, sleep};

use crate::api::ElectionPhase;
use crate::cli::console::Console;
use crate::cli::exit::Failure;
use crate::cli::explain::leader;
use crate::cli::live::{Live, failure};
use crate::operator::{ClusterObject, PodSeen};

/// How often it is looked at meanwhile.
const PERIOD: Duration = Duration::from_millis(200);

/// Asks for a handover and waits for its end: the pod that is master then.
pub(super) async fn hand_over(
    live: &Live,
    name: &str,
    to: Option<&str>,
    limit: Duration,
    console: &Console,
) -> Result<String, Failure> {
    let cluster = live.cluster(&live.key(name)).await?;
    let key = cluster.key.clone();
    if cluster.paused() {
        return Err(refused("it is paused; `valkey.verilean.io/reconcile` says so"));
    }
    let pods = live.inquiry.pods(&key).await.map_err(|error| failure(&error))?;
    let pod = target(&cluster, to, &pods)?;
    if is_master(&cluster, &pod) && points_at(live, &cluster, &pod).await? {
        return Ok(pod);
    }
    let value = format!("{pod}/{}", nonce());
    let end = Instant::now() + limit;
    live.inquiry.ask_for_switchover(&key, &value).await.map_err(|error| failure(&error))?;
    loop {
        let cluster = live.cluster(&key).await?;
        if is_master(&cluster, &pod) && points_at(live, &cluster, &pod).await? {
            withdraw(live, &cluster, &value, console).await;
            return Ok(pod);
        }
        if Instant::now() < end {
            sleep(PERIOD).await;
            continue;
        }
        let election = cluster.status.election.as_ref();
        let begun = election.is_some_and(|election| {
            election.phase == ElectionPhase::Switchover && election.target.as_ref() == Some(&pod)
        });
        let why = match leader(live, &cluster).await {
            Ok(explanation) => explanation.hold.unwrap_or_else(|| "it takes longer".to_owned()),
            Err(why) => why,
        };
        let what = if begun {
            "the handover has begun, and goes on".to_owned()
        } else {
            withdraw(live, &cluster, &value, console).await;
            "nothing was begun, and nothing is asked for any more".to_owned()
        };
        return Err(refused(format!(
            "`{pod}` is not master after {} s: {why}; {what}",
            limit.as_secs()
        )));
    }
}

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::Io(anyhow!("{why}"))
}

/// The annotation has served. Whoever leads remembers that as long as it stays.
async fn withdraw(live: &Live, cluster: &ClusterObject, value: &str, console: &Console) {
    if let Err(error) = live.inquiry.withdraw_switchover(&cluster.key, value).await {
        let why = crate::cli::live::told(&error);
        console.note(format_args!("note: the annotation `switchover-to` stays: {why}"));
    }
}

/// Whether the record says that a pod leads.
fn is_master(cluster: &ClusterObject, pod: &str) -> bool {
    cluster.status.election.as_ref().is_some_and(|election| {
        election.phase == ElectionPhase::Stable
            && election.master.as_ref().is_some_and(|master| master.pod == pod)
    })
}

/// Whether clients are sent there.
async fn points_at(live: &Live, cluster: &ClusterObject, pod: &str) -> Result<bool, Failure> {
    let pointer = live.inquiry.pointer(&cluster.key).await.map_err(|error| failure(&error))?;
    Ok(pointer.as_deref() == Some(pod))
}

/// The pod to become master: the one that is named, or the first member that is ready.
fn target(cluster: &ClusterObject, to: Option<&str>, pods: &[PodSeen]) -> Result<String, Failure> {
    let name = &cluster.key.name;
    if let Some(to) = to {
        let ordinal = to.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('-'));
        let ordinal = ordinal.and_then(|ordinal| ordinal.parse::<u8>().ok());
        return match ordinal.filter(|ordinal| format!("{name}-{ordinal}") == to) {
            Some(_) if pods.iter().any(|pod| pod.name == to) => Ok(to.to_owned()),
            _ => {
                let there: Vec<&str> = pods.iter().map(|pod| pod.name.as_str()).collect();
                let there = match &there[..] {
                    [] => "it has none".to_owned(),
                    some => format!("there are {}", some.join(", ")),
                };
                Err(Failure::usage(format_args!("`{to}` is no pod of {}: {there}", cluster.key)))
            }
        };
    }
    let Some(election) = &cluster.status.election else {
        return Err(refused(format!(
            "nobody has elected a master of {} yet: is the operator there?",
            cluster.key
        )));
    };
    let master = election.master.as_ref().map(|master| master.pod.as_str());
    let ready = |pod: &str| pods.iter().any(|it| it.name == pod && it.ready && !it.deleting);
    let members = election.in_sync.iter().map(|member| member.pod.as_str());
    let best = members.filter(|pod| Some(*pod) != master).find(|pod| ready(pod));
    best.map(str::to_owned).ok_or_else(|| {
        refused(format!("no replica of {} is in sync and ready to take over", cluster.key))
    })
}

/// Tells one request from the next of the same pod.
fn nonce() -> u128 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cluster(status: &serde_json::Value) -> ClusterObject {
        let metadata = serde_json::from_value(json!({
            "name": "shop", "namespace": "demo", "uid": "u", "resourceVersion": "1",
        }))
        .unwrap();
        ClusterObject::of(&metadata, &json!({ "spec": {}, "status": status })).unwrap()
    }

    fn elected() -> serde_json::Value {
        let member = |pod: &str| json!({ "pod": pod, "uid": "u", "runId": "r" });
        json!({ "election": {
            "term": 1, "epoch": 1, "phase": "Stable", "w": 1, "baseOffset": 0,
            "master": { "pod": "shop-0", "uid": "u" },
            "inSync": [member("shop-1"), member("shop-2")],
        } })
    }

    fn pods(ready: [bool; 3]) -> Vec<PodSeen> {
        let pod = |(index, ready)| PodSeen {
            name: format!("shop-{index}"),
            role: None,
            ready,
            deleting: false,
            node: None,
            age: Duration::ZERO,
        };
        ready.into_iter().enumerate().map(pod).collect()
    }

    #[test]
    fn the_target_is_the_pod_that_is_named_or_the_first_member_that_is_ready() {
        let elected = cluster(&elected());
        let all = pods([true; 3]);
        let chosen = |to, pods: &[PodSeen]| target(&elected, to, pods).ok();
        assert_eq!(chosen(Some("shop-2"), &all).as_deref(), Some("shop-2"));
        assert_eq!(chosen(None, &all).as_deref(), Some("shop-1"));
        assert_eq!(chosen(None, &pods([true, false, true])).as_deref(), Some("shop-2"));
        assert_eq!(chosen(None, &pods([true, false, false])), None);
        for wrong in ["shop-3", "shop-01", "other-1", "shop", ""] {
            assert_eq!(chosen(Some(wrong), &all), None, "{wrong}");
        }
        assert!(target(&cluster(&json!({})), None, &all).is_err(), "nothing is recorded");
    }

    #[test]
    fn a_handover_has_ended_when_the_record_is_stable() {
        let mut status = elected();
        assert!(is_master(&cluster(&status), "shop-0"));
        assert!(!is_master(&cluster(&status), "shop-1"));
        status["election"]["phase"] = json!("Switchover");
        assert!(!is_master(&cluster(&status), "shop-0"));
    }
}

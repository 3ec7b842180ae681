//! What is reported of a cluster: a projection of what is and what was found, pure.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};

use crate::api::{GROUP, KIND, VERSION, ValkeyClusterStatus};
use crate::cluster::{LABEL_CLUSTER, Names, ValidatedCluster};

use super::cache::{ClusterObject, Detail, View};
use super::condition::{ConditionType, Finding, condition};
use super::election::ElectionView;
use super::reason::Reason;
use super::remnant::remnant;
use super::report::Report;
use super::standing::last_failover;
use crate::sentinel::Phase;

/// The status of a cluster, but for the election's part.
#[must_use]
pub fn status(
    cluster: &ClusterObject,
    view: &View,
    election: Option<&ElectionView>,
    sound: Option<&ValidatedCluster>,
    report: &Report,
    now: Timestamp,
) -> ValkeyClusterStatus {
    let names = Names::of(&cluster.key.name);
    let counts = Counts {
        wanted: sound.map_or(0, |sound| count(sound.replicas as usize)),
        there: count(view.pods.len()),
        ready: count(view.pods.values().filter(|pod| pod.ready && !pod.deleting).count()),
    };
    let client = view
        .children
        .values()
        .find(|child| child.key.kind == "Service" && child.key.name == names.client);
    let master = client.and_then(|client| match &client.detail {
        Detail::Service { pod, .. } => pod.clone(),
        Detail::None | Detail::StatefulSet(_) => None,
    });
    let summary = summary(&counts, master.as_deref(), election, report);
    let conditions = conditions(cluster, &summary, &report.findings, now);
    ValkeyClusterStatus {
        phase: Some(summary.phase.to_owned()),
        master,
        ready_replicas: Some(counts.ready),
        replicas: Some(counts.there),
        observed_generation: Some(cluster.generation),
        selector: Some(format!("{LABEL_CLUSTER}={}", cluster.key.name)),
        conditions,
        last_failover: last_failover(election, cluster.status.last_failover.as_ref(), now),
        election: None,
    }
}

/// The object that reports it; `None` when all of it is reported already.
#[must_use]
pub fn object(cluster: &ClusterObject, status: &ValkeyClusterStatus) -> Option<Value> {
    let mut reported = ValkeyClusterStatus { election: None, ..cluster.status.clone() };
    // Conditions of others are theirs.
    reported.conditions.retain(|condition| ConditionType::is_one(&condition.type_));
    if reported == *status {
        return None;
    }
    Some(json!({
        "apiVersion": format!("{GROUP}/{VERSION}"),
        "kind": KIND,
        "metadata": {
            "name": cluster.key.name,
            "namespace": cluster.key.namespace,
            // Another cluster of this name has a status of its own.
            "uid": cluster.uid,
        },
        "status": status,
    }))
}

/// What stands in a status beside what was applied, as the merge patch that takes it away: what
/// somebody wrote by hand. The record has a keeper of its own, and conditions of others are theirs.
#[must_use]
pub fn leftover(applied: &Value, found: &Value) -> Option<Value> {
    let type_of = |condition: &Value| condition["type"].as_str().unwrap_or_default().to_owned();
    let all = |status: &Value| status["conditions"].as_array().cloned().unwrap_or_default();
    let told: BTreeSet<String> = all(applied).iter().map(type_of).collect();
    let stays = |condition: &Value| {
        let kind = type_of(condition);
        told.contains(&kind) || !ConditionType::is_one(&kind)
    };
    let (kept, invented): (Vec<Value>, Vec<Value>) = all(found).into_iter().partition(stays);
    let mut found = found.clone();
    for other in ["election", "conditions"] {
        found.as_object_mut()?.remove(other);
    }
    let rest = remnant(applied, &found);
    if invented.is_empty() {
        return rest;
    }
    // A merge patch has a list as a whole.
    let mut rest = rest.unwrap_or_else(|| json!({}));
    rest["conditions"] = Value::Array(kept);
    Some(rest)
}

struct Counts {
    wanted: i32,
    there: i32,
    ready: i32,
}

struct Summary {
    phase: &'static str,
    ready: bool,
    progressing: bool,
    reason: Reason,
    message: String,
}

fn summary(
    counts: &Counts,
    master: Option<&str>,
    election: Option<&ElectionView>,
    report: &Report,
) -> Summary {
    let findings = &report.findings;
    let (failing, rolling) = (report.failing.as_deref(), report.rolling.as_deref());
    let Counts { wanted, there, ready } = counts;
    let has = |kind| findings.iter().any(|finding| finding.kind() == kind);
    let complete = ready >= wanted && there == wanted && *wanted > 0;
    let hold = election.and_then(|election| election.hold.as_deref());
    // Clients go where they went, and nobody would be put in the place of who is there.
    let unrecorded = hold.is_some()
        && election.is_some_and(|election| matches!(election.phase, Some(Phase::Adopt)));
    let healthy = complete && master.is_some() && !unrecorded;
    let pods = format!("{ready} of {wanted} pods are ready");
    let under_way = election.and_then(|election| match election.phase? {
        Phase::Failover => Some(Reason::Failover),
        Phase::Switchover => Some(Reason::Switchover),
        Phase::Adopt | Phase::Stable => None,
    });
    let (phase, reason, mut message) = if has(ConditionType::Invalid) {
        ("Invalid", Reason::Invalid, "the spec is at fault".to_owned())
    } else if has(ConditionType::Paused) {
        ("Paused", Reason::Paused, format!("nothing is changed; {pods}"))
    } else if let Some(failing) = failing {
        ("Failing", Reason::Failing, failing.to_owned())
    } else if let Some(reason) = under_way {
        (reason.name(), reason, format!("the master is being replaced; {pods}"))
    } else if let Some(rolling) = rolling {
        ("Restarting", Reason::Restarting, format!("{pods}; {rolling}"))
    } else if let (true, Some(master)) = (healthy, master) {
        ("Running", Reason::Running, format!("{pods}; {master} is master"))
    } else if *there == 0 {
        ("Creating", Reason::Creating, "no pod has been made yet".to_owned())
    } else if complete {
        let none = if master.is_some() { "no master is recorded" } else { "none is master yet" };
        ("Electing", Reason::NoMaster, format!("{pods}; {none}"))
    } else {
        ("Progressing", Reason::PodsNotReady, pods)
    };
    if let Some(hold) = hold.filter(|_| phase != "Running") {
        message = format!("{message}; {hold}");
    }
    let stalled = findings.iter().any(|finding| finding.kind().stalls());
    Summary {
        phase,
        ready: healthy
            && under_way.is_none()
            && !stalled
            && failing.is_none()
            && rolling.is_none()
            && !has(ConditionType::Invalid),
        progressing: !stalled
            && !has(ConditionType::Paused)
            && (!healthy || failing.is_some() || rolling.is_some()),
        reason,
        message,
    }
}

fn conditions(
    cluster: &ClusterObject,
    summary: &Summary,
    findings: &[Finding],
    now: Timestamp,
) -> Vec<Condition> {
    let old = &cluster.status.conditions;
    let write = |kind, finding: &Finding, holds| {
        condition(old, kind, finding, holds, cluster.generation, now)
    };
    let whole = Finding { reason: summary.reason, message: summary.message.clone() };
    let mut conditions = vec![
        write(ConditionType::Ready, &whole, summary.ready),
        write(ConditionType::Progressing, &whole, summary.progressing),
    ];
    let worst = findings.iter().find(|finding| finding.kind().degrades());
    let as_expected =
        Finding { reason: Reason::AsExpected, message: "nothing is amiss".to_owned() };
    let degraded = worst.unwrap_or(&as_expected);
    conditions.push(write(ConditionType::Degraded, degraded, worst.is_some()));
    if let Some(stall) = findings.iter().find(|finding| finding.kind().stalls()) {
        conditions.push(write(ConditionType::Stalled, stall, true));
    }
    let mut kinds: Vec<ConditionType> = findings.iter().map(Finding::kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let of_kind: Vec<&Finding> =
            findings.iter().filter(|finding| finding.kind() == kind).collect();
        let messages: Vec<&str> = of_kind.iter().map(|finding| finding.message.as_str()).collect();
        if let Some(first) = of_kind.first() {
            let joined = Finding { message: messages.join("; "), reason: first.reason };
            conditions.push(write(kind, &joined, true));
        }
    }
    conditions
}

fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_wrote_into_a_status_is_taken_away_and_nothing_else() {
        let told = |kind: &str| json!({ "type": kind, "status": "True" });
        let applied = json!({ "phase": "Running", "conditions": [told("Ready")] });
        let mut found = applied.clone();
        found["election"] = json!({ "epoch": 7 });
        found["conditions"] = json!([told("Ready"), told("Audited")]);
        assert_eq!(leftover(&applied, &found), None);
        found["master"] = json!("shop-7");
        assert_eq!(leftover(&applied, &found), Some(json!({ "master": null })));
        found["conditions"] = json!([told("Ready"), told("Stalled"), told("Audited")]);
        let kept = json!([told("Ready"), told("Audited")]);
        let expected = json!({ "master": null, "conditions": kept });
        assert_eq!(leftover(&applied, &found), Some(expected));
    }

    #[test]
    fn two_masters_and_no_record_are_not_well_however_ready_all_pods_are() {
        let counts = Counts { wanted: 3, there: 3, ready: 3 };
        let shown = |phase, hold: Option<&str>| {
            let hold = hold.map(str::to_owned);
            let election = ElectionView { phase: Some(phase), hold, ..ElectionView::default() };
            summary(&counts, Some("shop-2"), Some(&election), &Report::default())
        };
        let well = shown(Phase::Stable, Some("`shop-1` does not follow closely enough"));
        assert_eq!((well.phase, well.ready), ("Running", true));
        let lost = shown(Phase::Adopt, Some("`shop-0` and `shop-2` both are masters"));
        assert_eq!((lost.phase, lost.ready, lost.progressing), ("Electing", false, true));
        let told =
            "3 of 3 pods are ready; no master is recorded; `shop-0` and `shop-2` both are masters";
        assert_eq!(lost.message, told);
    }
}

//! What an election shows becomes conditions and the last failover: pure.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use crate::api::LastFailover;

use super::election::{Change, ElectionView, Problem};
use super::facts::ClusterKey;
use super::reason::Reason;
use super::report::Report;

/// How long a new master's replicas take to attach to it, and longer: until then that it takes no
/// writes is no news.
const ATTACHED_AFTER: Duration = Duration::from_secs(5);

/// Notes what an election finds amiss.
pub fn note(cluster: &ClusterKey, view: &ElectionView, now: Instant, report: &mut Report) {
    match &view.problem {
        Some(Problem::ManagedElsewhere(elsewhere)) => {
            let text = elsewhere.message(cluster);
            report.find(Reason::ForeignLease, text);
        }
        Some(Problem::RecordUnreadable(why)) => report.find(
            Reason::RecordUnreadable,
            format!("{why}; remove `status.election`, and the master that runs is adopted"),
        ),
        Some(Problem::TlsUnusable(why)) => {
            report.find(Reason::TlsUnusable, why.clone());
        }
        None => {}
    }
    if let Some(pod) = &view.data_loss_possible {
        let text = format!("{pod} may lack acknowledged writes: too few who hold them were seen");
        report.find(Reason::NoQuorum, text);
    }
    if let Some((pod, name, error)) = view.settings_refused.first() {
        let others = match view.settings_refused.len() - 1 {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let text = format!("{pod} refuses `{name}`: {error}{others}; correct spec.config");
        report.find(Reason::ConfigRefused, text);
    }
    if let Some(due) = view.writes_refused.map(|since| since + ATTACHED_AFTER) {
        if now < due {
            report.wake_at(due);
        } else {
            let text =
                "fewer replicas are online than must hold a write; the master waits for them";
            report.find(Reason::TooFewReplicas, text);
        }
    }
}

/// The last change of master: the one that was seen, or the one that was reported.
#[must_use]
pub fn last_failover(
    view: Option<&ElectionView>,
    reported: Option<&LastFailover>,
    now: Timestamp,
) -> Option<LastFailover> {
    let Some(Change { from: Some(from), to, reason, epoch: _ }) =
        view.and_then(|view| view.changed.as_ref())
    else {
        return reported.cloned();
    };
    let is_told = |told: &&LastFailover| {
        (told.from.as_ref(), &told.to, told.reason.as_str()) == (Some(from), to, *reason)
    };
    if let Some(told) = reported.filter(is_told) {
        return Some(told.clone());
    }
    // The API has whole seconds.
    let at = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Some(LastFailover {
        from: Some(from.clone()),
        to: to.clone(),
        reason: (*reason).to_owned(),
        at: Some(Time(at)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::condition::Finding;
    use crate::operator::{ConditionType, Elsewhere, OtherOperator};

    fn view(from: Option<&str>, to: &str) -> ElectionView {
        let from = from.map(str::to_owned);
        let changed = Change { from, to: to.to_owned(), reason: "Failover", epoch: 2 };
        ElectionView { changed: Some(changed), ..ElectionView::default() }
    }

    #[test]
    fn a_failover_is_reported_once_with_its_time() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(last_failover(None, None, at(1)), None);
        assert_eq!(last_failover(Some(&view(None, "a-0")), None, at(1)), None, "the first master");
        let first = last_failover(Some(&view(Some("a-0"), "a-1")), None, at(5)).unwrap();
        assert_eq!((first.to.as_str(), first.at.clone()), ("a-1", Some(Time(at(5)))));
        let again = last_failover(Some(&view(Some("a-0"), "a-1")), Some(&first), at(9));
        assert_eq!(again.as_ref(), Some(&first));
        let back = last_failover(Some(&view(Some("a-1"), "a-0")), Some(&first), at(9)).unwrap();
        assert_eq!((back.to.as_str(), back.at), ("a-0", Some(Time(at(9)))));
        assert_eq!(
            last_failover(None, Some(&first), at(9)),
            Some(first),
            "another process reports"
        );
    }

    #[test]
    fn what_is_amiss_becomes_conditions() {
        let cluster = ClusterKey { namespace: "ns".to_owned(), name: "a".to_owned() };
        let mut report = Report::default();
        let now = Instant::now();
        note(&cluster, &ElectionView::default(), now, &mut report);
        assert_eq!(report.findings, []);
        let amiss = ElectionView {
            data_loss_possible: Some("a-1".to_owned()),
            writes_refused: Some(now),
            settings_refused: vec![("a-0".to_owned(), "maxclients".to_owned(), "ERR".to_owned())],
            problem: Elsewhere::of("other/lease", OtherOperator::Live)
                .map(Problem::ManagedElsewhere),
            ..ElectionView::default()
        };
        note(&cluster, &amiss, now, &mut report);
        assert_eq!(report.findings.len(), 3, "replicas are given time to attach");
        assert_eq!(report.wake_at, Some(now + ATTACHED_AFTER));
        let mut report = Report::default();
        note(&cluster, &amiss, now + ATTACHED_AFTER, &mut report);
        let kinds: Vec<ConditionType> = report.findings.iter().map(Finding::kind).collect();
        assert_eq!(
            kinds,
            [
                ConditionType::ManagedElsewhere,
                ConditionType::DataLossPossible,
                ConditionType::ConfigRefused,
                ConditionType::WritesRefused
            ]
        );
    }
}

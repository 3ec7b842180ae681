//! The election record as it stands in a cluster's status, and back.
//!
//! People can edit a status. What does not hold together there elects nobody and is not
//! overwritten: it is an error that is shown.

use crate::api;
use crate::cluster::ordinal_of;
use crate::sentinel::{Home, Id, Member, NodeId, Phase, Record};

/// Why a status is not to be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A number below zero, or too large.
    #[error("status.election.{field} is {value}")]
    Number {
        /// Which.
        field: &'static str,
        /// What it is.
        value: i64,
    },
    /// A pod that can be none of the cluster's.
    #[error("status.election.{field} names `{value}`, which is no pod of this cluster")]
    Pod {
        /// Where.
        field: &'static str,
        /// What is there.
        value: String,
    },
    /// A uid that is none.
    #[error("status.election.{field} has `{value}` for a pod's uid")]
    Uid {
        /// Where.
        field: &'static str,
        /// What is there.
        value: String,
    },
    /// An id that is none.
    #[error("status.election.{field} has `{value}`, which is not forty hexadecimal digits")]
    Id {
        /// Where.
        field: &'static str,
        /// What is there.
        value: String,
    },
    /// A pod that stands among the members twice.
    #[error("status.election.inSync names `{0}` twice")]
    Twice(String),
    /// Something that this phase needs.
    #[error("status.election is {phase:?} without {missing}")]
    Incomplete {
        /// The phase.
        phase: Phase,
        /// What is not there.
        missing: &'static str,
    },
}

/// What the status says beside what the rules know.
#[derive(Debug, Clone, Default)]
pub(super) struct Beside {
    /// `containerID` of the master's run.
    pub container_id: Option<String>,
    /// Who decides: the lease as `namespace/name`.
    pub operator: Option<String>,
    /// The members of the master before.
    pub previous_in_sync: Vec<api::Member>,
    /// What was asked for and done.
    pub served: Vec<String>,
}

/// The name of a node's pod.
pub(super) fn pod_name(cluster: &str, node: NodeId) -> String {
    format!("{cluster}-{}", node.0)
}

/// The node whose pod has that name.
pub(super) fn node_of(cluster: &str, pod: &str) -> Option<NodeId> {
    u8::try_from(ordinal_of(cluster, pod)?).ok().map(NodeId)
}

/// A pod's uid as the incarnation of its node.
pub(super) fn home_of(uid: &str) -> Option<Home> {
    let parts: Vec<&str> = uid.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    let digits = parts.concat();
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    (lengths == [8, 4, 4, 4, 12] && hexadecimal)
        .then(|| u128::from_str_radix(&digits, 16).ok().map(Home))?
}

/// The incarnation of a node as a pod's uid.
pub(super) fn uid_of(home: Home) -> String {
    let digits = format!("{:032x}", home.0);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// A record as it is written.
pub(super) fn to_status(cluster: &str, record: &Record, beside: Beside) -> api::Election {
    // Without `..`: what a record gains is kept here too, or this does not compile.
    let Record {
        term,
        epoch,
        phase,
        target,
        master,
        history,
        previous_history,
        base_offset,
        in_sync,
        w,
    } = record;
    let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let member = |Member { node, run_id, home }: &Member| api::Member {
        pod: pod_name(cluster, *node),
        uid: uid_of(*home),
        run_id: run_id.to_string(),
    };
    api::Election {
        term: number(*term),
        epoch: number(*epoch),
        phase: match phase {
            Phase::Adopt => api::ElectionPhase::Adopt,
            Phase::Stable => api::ElectionPhase::Stable,
            Phase::Failover => api::ElectionPhase::Failover,
            Phase::Switchover => api::ElectionPhase::Switchover,
        },
        target: target.map(|node| pod_name(cluster, node)),
        master: master.map(|master| api::MasterRef {
            pod: pod_name(cluster, master.node),
            uid: uid_of(master.home),
            container_id: beside.container_id,
        }),
        run_id: master.map(|master| master.run_id.to_string()),
        repl_id: history.map(|id| id.to_string()),
        previous_repl_id: previous_history.map(|id| id.to_string()),
        in_sync: in_sync.iter().map(member).collect(),
        previous_in_sync: beside.previous_in_sync,
        w: i32::from(*w),
        base_offset: number(*base_offset),
        served: beside.served,
        operator: beside.operator,
    }
}

/// A record as it was read.
pub(super) fn from_status(cluster: &str, status: &api::Election) -> Result<Record, RecordError> {
    let phase = match status.phase {
        api::ElectionPhase::Adopt => Phase::Adopt,
        api::ElectionPhase::Stable => Phase::Stable,
        api::ElectionPhase::Failover => Phase::Failover,
        api::ElectionPhase::Switchover => Phase::Switchover,
    };
    let master = match (&status.master, &status.run_id) {
        (None, None) => None,
        (Some(master), Some(run_id)) => Some(Member {
            node: pod(cluster, "master", &master.pod)?,
            run_id: id("runId", run_id)?,
            home: uid("master", &master.uid)?,
        }),
        (Some(_), None) => return Err(RecordError::Incomplete { phase, missing: "runId" }),
        (None, Some(_)) => return Err(RecordError::Incomplete { phase, missing: "master" }),
    };
    let mut in_sync = Vec::new();
    for member in &status.in_sync {
        in_sync.push(Member {
            node: pod(cluster, "inSync", &member.pod)?,
            run_id: id("inSync", &member.run_id)?,
            home: uid("inSync", &member.uid)?,
        });
    }
    // Another order is the same set.
    in_sync.sort_unstable();
    if let Some(pair) = in_sync.windows(2).find(|pair| pair[0].node == pair[1].node) {
        return Err(RecordError::Twice(pod_name(cluster, pair[0].node)));
    }
    let target = match &status.target {
        Some(name) => Some(pod(cluster, "target", name)?),
        None => None,
    };
    let w = u8::try_from(status.w);
    let record = Record {
        term: number("term", status.term)?,
        epoch: number("epoch", status.epoch)?,
        phase,
        target,
        master,
        history: status.repl_id.as_deref().map(|text| id("replId", text)).transpose()?,
        previous_history: status
            .previous_repl_id
            .as_deref()
            .map(|text| id("previousReplId", text))
            .transpose()?,
        base_offset: number("baseOffset", status.base_offset)?,
        in_sync,
        w: w.map_err(|_| RecordError::Number { field: "w", value: status.w.into() })?,
    };
    let missing = match phase {
        Phase::Adopt => None,
        _ if record.master.is_none() => Some("master"),
        _ if record.history.is_none() => Some("replId"),
        Phase::Failover | Phase::Switchover if record.target.is_none() => Some("target"),
        _ => None,
    };
    missing.map_or(Ok(record), |missing| Err(RecordError::Incomplete { phase, missing }))
}

fn pod(cluster: &str, field: &'static str, name: &str) -> Result<NodeId, RecordError> {
    node_of(cluster, name).ok_or_else(|| RecordError::Pod { field, value: name.to_owned() })
}

fn uid(field: &'static str, text: &str) -> Result<Home, RecordError> {
    home_of(text).ok_or_else(|| RecordError::Uid { field, value: text.to_owned() })
}

fn id(field: &'static str, text: &str) -> Result<Id, RecordError> {
    text.parse().map_err(|_| RecordError::Id { field, value: text.to_owned() })
}

fn number(field: &'static str, value: i64) -> Result<u64, RecordError> {
    u64::try_from(value).map_err(|_| RecordError::Number { field, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UID: &str = "0ab97cd1-8d71-4b52-ae5b-2e5b6a3a0a11";

    fn record() -> Record {
        let home = home_of(UID).unwrap();
        let member = |node, run| Member { node: NodeId(node), run_id: Id([run; 20]), home };
        Record {
            term: 7,
            epoch: 42,
            phase: Phase::Failover,
            target: Some(NodeId(1)),
            master: Some(member(0, 1)),
            history: Some(Id([0xaa; 20])),
            previous_history: Some(Id([0xbb; 20])),
            base_offset: 9_007_199_254_740_993,
            in_sync: vec![member(1, 2), member(2, 3)],
            w: 1,
        }
    }

    fn status() -> api::Election {
        let previous = api::Member { pod: "shop-2".into(), ..api::Member::default() };
        to_status(
            "shop",
            &record(),
            Beside {
                container_id: Some("containerd://c".into()),
                operator: Some("system/lease".into()),
                previous_in_sync: vec![previous],
                served: vec!["switchover-to=shop-1".into()],
            },
        )
    }

    #[test]
    fn what_is_written_is_read() {
        let written = status();
        assert_eq!(from_status("shop", &written), Ok(record()));
        let master = written.master.unwrap();
        assert_eq!((master.pod.as_str(), master.uid.as_str()), ("shop-0", UID));
        assert_eq!(master.container_id.as_deref(), Some("containerd://c"));
        assert_eq!(written.operator.as_deref(), Some("system/lease"));
        assert_eq!(written.in_sync[0].pod, "shop-1");
        assert_eq!(written.previous_in_sync.len(), 1);
        assert_eq!(written.served, ["switchover-to=shop-1"]);
    }

    #[test]
    fn whatever_people_write_is_a_sentence() {
        type Edit = fn(&mut api::Election);
        let edits: [(Edit, &str); 12] = [
            (|it| it.term = -1, "status.election.term is -1"),
            (|it| it.w = 300, "status.election.w is 300"),
            (
                |it| it.target = Some("other-1".into()),
                "status.election.target names `other-1`, which is no pod of this cluster",
            ),
            (
                |it| it.target = Some("shop-9".into()),
                "status.election.target names `shop-9`, which is no pod of this cluster",
            ),
            (
                |it| it.target = Some("shop-01".into()),
                "status.election.target names `shop-01`, which is no pod of this cluster",
            ),
            (
                |it| it.in_sync[0].uid = "é".repeat(18),
                "status.election.inSync has `éééééééééééééééééé` for a pod's uid",
            ),
            (
                |it| it.run_id = Some("x".into()),
                "status.election.runId has `x`, which is not forty hexadecimal digits",
            ),
            (
                |it| it.in_sync[1].pod = "shop-1".into(),
                "status.election.inSync names `shop-1` twice",
            ),
            (|it| it.run_id = None, "status.election is Failover without runId"),
            (|it| it.master = None, "status.election is Failover without master"),
            (|it| it.target = None, "status.election is Failover without target"),
            (|it| it.repl_id = None, "status.election is Failover without replId"),
        ];
        for (edit, sentence) in edits {
            let mut status = status();
            edit(&mut status);
            assert_eq!(from_status("shop", &status).unwrap_err().to_string(), sentence);
        }
    }

    #[test]
    fn a_uid_is_a_home_and_back() {
        assert_eq!(uid_of(home_of(UID).unwrap()), UID);
        assert_eq!(uid_of(Home(1)), "00000000-0000-0000-0000-000000000001");
        for wrong in ["", "0ab97cd18d714b52ae5b2e5b6a3a0a11", "é", "------"] {
            assert_eq!(home_of(wrong), None, "{wrong}");
        }
    }
}

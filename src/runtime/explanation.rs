//! What a sentinel sees, what it would do, and why not yet, as plain data.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::event_log::EventLog;
use super::mirror::SettingsMirror;
use super::names::SetNames;
use super::words;
use crate::sentinel::{
    Action, Clock, Local, Millis, Node, NodeId, Observation, Report, Role, Settings, Upstream, step,
};

/// What an explanation is made of.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The set.
    pub names: &'a SetNames,
    /// What is seen.
    pub seen: &'a Observation,
    /// The memory after the last step.
    pub local: &'a Local,
    /// What happened.
    pub events: &'a EventLog,
    /// The nodes that were seen to start as anything but a replica of nowhere.
    pub ungated: &'a BTreeSet<NodeId>,
    /// Now.
    pub now_ms: Millis,
}

/// What a sentinel sees, what it would do, and why not yet. Nodes are addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The set.
    pub name: String,
    /// `Adopt`, `Stable`, `Failover` or `Switchover`; `None` without a record.
    pub phase: Option<String>,
    /// Which sentinel wrote the record; only grows.
    pub term: u64,
    /// Which change of master this is.
    pub epoch: u64,
    /// The recorded master.
    pub master: Option<String>,
    /// Who is to become master.
    pub target: Option<String>,
    /// Where clients are sent.
    pub endpoint: Option<String>,
    /// How many members hold each acknowledged write.
    pub w: u8,
    /// The replicas that may hold an acknowledged write.
    pub members: Vec<String>,
    /// Every node.
    pub nodes: Vec<NodeExplained>,
    /// What would be done now.
    pub next: Vec<String>,
    /// Why nothing is done about what is not as it should be.
    pub hold: Option<String>,
    /// The settings in force.
    #[serde(with = "SettingsMirror")]
    pub settings: Settings,
    /// What people should know.
    pub warnings: Vec<String>,
    /// The last things that happened, the oldest first.
    pub events: Vec<EventExplained>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeExplained {
    /// Its address.
    pub address: String,
    /// `master` or `replica`; `None` while it says nothing.
    pub role: Option<String>,
    /// Whom it follows.
    pub upstream: Option<String>,
    /// Its replication offset.
    pub offset: Option<u64>,
    /// How far it is behind the recorded master, in bytes, where both have one history.
    pub behind_bytes: Option<u64>,
    /// How it is, each thing in a few words.
    pub state: Vec<String>,
    /// Whether it starts as a replica of nowhere.
    pub gate: Gate,
}

/// Whether a server starts as a replica of nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gate {
    /// It did when it was seen to start.
    #[serde(rename = "seen")]
    Seen,
    /// No start of it was seen.
    #[serde(rename = "not seen")]
    NotSeen,
    /// It was seen to start otherwise.
    #[serde(rename = "not gated")]
    NotGated,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventExplained {
    /// How long ago, the last time, in milliseconds.
    pub ago_ms: Millis,
    /// How often in a row.
    pub times: u64,
    /// What.
    pub text: String,
}

impl Gate {
    /// The state in words.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::NotSeen => "not seen",
            Self::NotGated => "not gated",
        }
    }
}

/// Explains a set: facts in, sentences out.
#[must_use]
pub fn explain(facts: Facts<'_>) -> Explanation {
    let Facts { names, seen, local, events, ungated: _, now_ms } = facts;
    // What would be decided now, without deciding it.
    let (next, actions) = step(local, seen, now_ms);
    let name = |node| names.address(node);
    let record = seen.record.as_ref();
    let done = |action: &&Action| !matches!(action, Action::Tell(_) | Action::Answer { .. });
    Explanation {
        name: names.name().to_owned(),
        phase: record.map(|record| format!("{:?}", record.phase)),
        term: record.map_or(0, |record| record.term),
        epoch: record.map_or(0, |record| record.epoch),
        master: record.and_then(|record| record.master).map(|master| name(master.node)),
        target: record.and_then(|record| record.target).map(name),
        endpoint: seen.service.map(|pointer| name(pointer.node)),
        w: record.map_or(0, |record| record.w),
        members: record
            .map(|record| record.in_sync.iter().map(|member| name(member.node)).collect())
            .unwrap_or_default(),
        nodes: (0..seen.nodes.len()).map(|node| explain_node(facts, NodeId::at(node))).collect(),
        next: actions
            .iter()
            .filter(done)
            .filter_map(|action| words::action(action, names))
            .collect(),
        hold: next.hold.map(|hold| hold.describe(&name)),
        settings: seen.settings.clone(),
        warnings: warnings(facts),
        events: events
            .entries()
            .map(|entry| EventExplained {
                ago_ms: now_ms.saturating_sub(entry.at_ms),
                times: entry.times,
                text: entry.text.clone(),
            })
            .collect(),
    }
}

fn explain_node(facts: Facts<'_>, id: NodeId) -> NodeExplained {
    let Facts { names, seen, .. } = facts;
    let node = &seen.nodes[id.index()];
    let report = node.report.as_ref();
    let role = report.map(|report| if report.is_master() { "master" } else { "replica" });
    let upstream = report.and_then(|report| match report.role {
        Role::Master => None,
        Role::Replica(link) => Some(match link.upstream {
            Upstream::Nowhere => "nowhere".to_owned(),
            Upstream::Node(master) => names.address(master),
            Upstream::Stranger => "a stranger".to_owned(),
        }),
    });
    NodeExplained {
        address: names.address(id),
        role: role.map(str::to_owned),
        upstream,
        offset: report.map(|report| report.offset),
        behind_bytes: report.and_then(|report| behind_bytes(seen, id, report)),
        state: state(facts, id, node),
        gate: if facts.ungated.contains(&id) {
            Gate::NotGated
        } else if node.gated {
            Gate::Seen
        } else {
            Gate::NotSeen
        },
    }
}

fn behind_bytes(seen: &Observation, id: NodeId, report: &Report) -> Option<u64> {
    let master = seen.record.as_ref()?.master?;
    if master.node == id {
        return None;
    }
    let leads = seen.nodes.get(master.node.index())?.report.as_ref()?;
    let position = report.position_on(leads.history)?;
    Some(leads.offset.saturating_sub(position))
}

/// How a node is; the first word is the one that matters.
fn state(facts: Facts<'_>, id: NodeId, node: &Node) -> Vec<String> {
    let Facts { seen, local, now_ms, .. } = facts;
    let mut words = Vec::new();
    let silence_ms =
        node.asked_ms.map(|asked| now_ms.saturating_sub(asked.max(local.trusted_since_ms)));
    let silent_ms = silence_ms.filter(|silence_ms| *silence_ms > seen.settings.ping_interval_ms);
    if node.ended.is_some() && node.report.is_none() {
        words.push("dead".to_owned());
    }
    if local.nodes.get(id.index()).is_some_and(|Clock { down, .. }| *down) {
        words.push("SDOWN".to_owned());
    }
    if let Some(silent_ms) = silent_ms {
        words.push(format!("silent for {silent_ms} ms"));
    }
    if let Some(trouble) = node.trouble {
        words.push(trouble.describe().to_owned());
    }
    if words.is_empty() {
        words.push(if node.report.is_some() { "up" } else { "not heard yet" }.to_owned());
    }
    let Some(report) = &node.report else { return words };
    if report.is_frozen() {
        words.push("frozen".to_owned());
    }
    if report.loading {
        words.push("loading".to_owned());
    }
    if let Role::Replica(link) = report.role
        && !report.is_frozen()
    {
        if link.syncing {
            words.push("in a full sync".to_owned());
        } else if !link.up {
            words.push("link down".to_owned());
        }
    }
    if node.paused_until_ms.is_some_and(|until_ms| until_ms > now_ms) {
        words.push("clients held".to_owned());
    }
    words
}

fn warnings(facts: Facts<'_>) -> Vec<String> {
    let Facts { names, seen, ungated, .. } = facts;
    let Settings { min_replicas_to_write: wanted, down_after_ms, .. } = seen.settings;
    let mut warnings = Vec::new();
    if wanted == 0 {
        warnings.push(
            "W is 0: no replica has to hold a write before it is acknowledged, so a master that \
             dies may take acknowledged writes with it; set --min-replicas-to-write 1"
                .to_owned(),
        );
    }
    let window_ms = seen.settings.writer_window_ms();
    if wanted > 0 && down_after_ms < window_ms {
        warnings.push(format!(
            "down-after is {down_after_ms} ms, and a master that is cut off takes writes for up \
             to {window_ms} ms: two masters may take writes at once"
        ));
    }
    if let Some(record) = &seen.record
        && record.w < wanted
    {
        warnings.push(format!(
            "w is {} and {wanted} is asked for: not as many replicas hold each acknowledged write",
            record.w
        ));
    }
    if !seen.settings.auto_failover {
        warnings.push("automatic failover is switched off".to_owned());
    }
    let nodes = |wanted: &dyn Fn(NodeId) -> bool| {
        let ids = (0..seen.nodes.len()).map(NodeId::at).filter(|id| wanted(*id));
        ids.map(|id| format!("`{}`", names.address(id))).collect::<Vec<_>>().join(", ")
    };
    let cure = "start it with `--replicaof 127.0.0.1 1`, or one that restarts empty as master \
                wipes its replicas";
    let without = nodes(&|id| ungated.contains(&id));
    if !without.is_empty() {
        warnings.push(format!("{without} did not start as a replica of nowhere; {cure}"));
    }
    let unseen = nodes(&|id| !ungated.contains(&id) && !seen.nodes[id.index()].gated);
    if !unseen.is_empty() {
        warnings.push(format!("{unseen} was not seen to start as a replica of nowhere; {cure}"));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::mirror::tests::observation;
    use super::super::toy::Toy;
    use super::*;
    use crate::sentinel::Trouble;

    fn names() -> SetNames {
        SetNames::new("demo", ["a:1", "b:1", "c:1"].map(String::from))
    }

    fn explained(toy: &Toy, change: impl FnOnce(&mut Observation)) -> Explanation {
        let mut seen = toy.seen();
        change(&mut seen);
        let facts = Facts {
            names: &names(),
            seen: &seen,
            local: &toy.local,
            events: &EventLog::default(),
            ungated: &BTreeSet::from([NodeId(2)]),
            now_ms: toy.now_ms,
        };
        explain(facts)
    }

    #[test]
    fn a_set_in_peace() {
        let mut toy = Toy::new();
        toy.settle();
        toy.servers[1].offset = 93;
        let found = explained(&toy, |seen| seen.nodes[0].gated = true);
        assert_eq!(found.name, "demo");
        assert_eq!(found.phase.as_deref(), Some("Stable"));
        assert_eq!((found.term, found.epoch, found.w), (1, 1, 1));
        assert_eq!(found.master.as_deref(), Some("a:1"));
        assert_eq!(found.endpoint.as_deref(), Some("a:1"));
        assert_eq!(found.members, ["b:1", "c:1"]);
        assert_eq!((found.hold, found.next), (None, vec![]));
        let [a, b, c] = &found.nodes[..] else { panic!("{:?}", found.nodes) };
        assert_eq!((a.role.as_deref(), a.upstream.as_deref()), (Some("master"), None));
        assert_eq!((a.offset, a.behind_bytes, a.gate), (Some(100), None, Gate::Seen));
        assert_eq!((b.role.as_deref(), b.upstream.as_deref()), (Some("replica"), Some("a:1")));
        assert_eq!((b.offset, b.behind_bytes, b.gate), (Some(93), Some(7), Gate::NotSeen));
        assert_eq!((c.behind_bytes, c.gate), (Some(0), Gate::NotGated));
        assert!(found.nodes.iter().all(|node| node.state == ["up"]));
        assert_eq!(
            found.warnings,
            [
                "`c:1` did not start as a replica of nowhere; start it with `--replicaof \
                 127.0.0.1 1`, or one that restarts empty as master wipes its replicas",
                "`b:1` was not seen to start as a replica of nowhere; start it with `--replicaof \
                 127.0.0.1 1`, or one that restarts empty as master wipes its replicas",
            ]
        );
    }

    #[test]
    fn what_is_about_to_be_done_and_why_not_yet() {
        let mut toy = Toy::new();
        toy.settle();
        toy.now_ms += 1000;
        toy.kill(0);
        let found = explained(&toy, |_| {});
        assert_eq!(
            found.next,
            ["records epoch 2, term 1: failover from `a:1` to `b:1`; members `b:1`, `c:1`; w 1"]
        );
        assert_eq!(found.hold, None);
        // Silence alone is not enough yet.
        let found = explained(&toy, |seen| {
            seen.nodes[0].ended = None;
            seen.nodes[0].asked_ms = Some(toy.now_ms - 500);
        });
        assert_eq!(found.next, Vec::<String>::new());
        assert_eq!(found.hold.as_deref(), Some("`a:1` does not answer, but not for long"));
        assert_eq!(found.nodes[0].state, ["silent for 500 ms"]);
    }

    #[test]
    fn each_state_has_its_words() {
        let mut toy = Toy::new();
        toy.settle();
        let state = |change: &dyn Fn(&mut Node)| {
            explained(&toy, |seen| change(&mut seen.nodes[1])).nodes.swap_remove(1).state
        };
        let link = |change: fn(&mut crate::sentinel::Link)| {
            move |node: &mut Node| match &mut node.report.as_mut().unwrap().role {
                Role::Replica(link) => change(link),
                Role::Master => panic!("a replica"),
            }
        };
        assert_eq!(state(&|node| node.report = None), ["not heard yet"]);
        assert_eq!(state(&|node| node.report.as_mut().unwrap().loading = true), ["up", "loading"]);
        assert_eq!(state(&|node| node.trouble = Some(Trouble::Busy)), ["a script runs"]);
        assert_eq!(state(&|node| node.paused_until_ms = Some(1 << 40)), ["up", "clients held"]);
        assert_eq!(state(&link(|it| it.upstream = Upstream::Nowhere)), ["up", "frozen"]);
        assert_eq!(state(&link(|it| it.up = false)), ["up", "link down"]);
        assert_eq!(state(&link(|it| it.syncing = true)), ["up", "in a full sync"]);

        toy.kill(1);
        for _ in 0..500 {
            toy.step();
        }
        let found = explained(&toy, |_| {}).nodes.swap_remove(1);
        assert_eq!(found.state[..2], ["dead", "SDOWN"]);
        assert!(found.state[2].starts_with("silent for 5"), "{:?}", found.state);
        assert_eq!((found.role, found.offset), (None, None));
    }

    #[test]
    fn each_warning_has_its_cause() {
        let mut toy = Toy::new();
        toy.settle();
        let first = |change: &dyn Fn(&mut Observation)| {
            explained(&toy, |seen| change(seen)).warnings.swap_remove(0)
        };
        assert!(
            first(&|seen| seen.settings.min_replicas_to_write = 0)
                .starts_with("W is 0: no replica")
        );
        assert_eq!(
            first(&|seen| seen.settings.down_after_ms = 1000),
            "down-after is 1000 ms, and a master that is cut off takes writes for up to 3000 ms: \
             two masters may take writes at once"
        );
        assert_eq!(
            first(&|seen| seen.settings.min_replicas_to_write = 2),
            "w is 1 and 2 is asked for: not as many replicas hold each acknowledged write"
        );
        assert_eq!(
            first(&|seen| seen.settings.auto_failover = false),
            "automatic failover is switched off"
        );
    }

    proptest! {
        /// It answers whatever is seen, and its JSON says all of it.
        #[test]
        fn any_set_is_explained(seen in observation(), now_ms in 0..1_u64 << 48) {
            let nodes = (0..seen.nodes.len()).map(|node| format!("n{node}:1"));
            let mut events = EventLog::default();
            events.push(now_ms, "something");
            let facts = Facts {
                names: &SetNames::new("demo", nodes),
                seen: &seen,
                local: &Local::default(),
                events: &events,
                ungated: &BTreeSet::new(),
                now_ms,
            };
            let found = explain(facts);
            let text = serde_json::to_string(&found).unwrap();
            prop_assert_eq!(serde_json::from_str::<Explanation>(&text).unwrap(), found);
        }
    }
}

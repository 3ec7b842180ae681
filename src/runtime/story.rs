//! What happens to a set, told once each, in Valkey Sentinel's words where it has one.

use std::fmt;

use super::hold_news::HoldNews;
use super::names::SetNames;
use super::words;
use crate::sentinel::{
    Action, Event, Hold, Id, Local, NodeId, Observation, Phase, Pointer, Record,
};

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// In one word: `+switch-master`; `hold` for why nothing is done.
    pub reason: &'static str,
    /// The rest of it.
    pub text: String,
    /// Whether people should worry.
    pub warning: bool,
    /// A node that was seen to start as it should (`true`), or as anything but a replica of
    /// nowhere.
    pub gate: Option<(NodeId, bool)>,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason != HOLD {
            write!(f, "{} ", self.reason)?;
        }
        f.write_str(&self.text)
    }
}

/// The word for why nothing is done.
const HOLD: &str = "hold";

/// The story of one set: what was told last.
#[derive(Debug)]
pub struct Story {
    names: SetNames,
    record: Option<Record>,
    pointer: Option<Pointer>,
    holds: HoldNews,
    /// The run of each node that was seen last.
    runs: Vec<Option<Id>>,
}

impl Story {
    /// A story that has not begun.
    #[must_use]
    pub fn new(names: SetNames) -> Self {
        Self { names, record: None, pointer: None, holds: HoldNews::default(), runs: Vec::new() }
    }

    /// What has happened since the last step.
    pub fn tell(&mut self, seen: &Observation, local: &Local, actions: &[Action]) -> Vec<Told> {
        let mut told = Vec::new();
        for action in actions {
            // Who was never there has not gone.
            let absent = |node: &NodeId| {
                let node = seen.nodes.get(node.index());
                node.is_some_and(|node| node.blank && node.last_run.is_none())
            };
            match action {
                Action::Tell(Event::Down(node) | Event::Up(node)) if absent(node) => {}
                Action::Tell(event) => told.push(self.event(*event)),
                _ => {}
            }
        }
        self.watch_gates(seen, &mut told);
        if seen.record != self.record
            && let Some(record) = &seen.record
        {
            told.push(self.record_changed(record));
            self.record = Some(record.clone());
        }
        if seen.service != self.pointer {
            if let Some(pointer) = seen.service {
                let new = self.name(pointer.node);
                match self.pointer.map(|it| self.name(it.node)) {
                    Some(old) if old == new => {}
                    Some(old) => told.push(say("+switch-master", format!("{old} {new}"))),
                    None => told.push(say("clients", format!("go to {new}"))),
                }
            }
            self.pointer = seen.service;
        }
        told.extend(self.holds.of(actions, local.hold).and_then(|hold| self.held(hold)));
        told
    }

    fn name(&self, node: NodeId) -> String {
        self.names.address(node)
    }

    fn event(&self, event: Event) -> Told {
        let text = words::event(event, &self.names);
        let (reason, warning) = match event {
            Event::Down(_) => ("+sdown", true),
            Event::Up(_) => ("-sdown", false),
            Event::Stalled { .. } => ("+tilt", true),
            Event::DivergedWritesDiscarded { .. } => ("DivergedWritesDiscarded", true),
            Event::DataLossPossible(_) => ("DataLossPossible", true),
        };
        let text = text.strip_prefix(reason).unwrap_or(&text).trim_start_matches([':', ' ']);
        Told { warning, ..say(reason, text.to_owned()) }
    }

    fn held(&self, hold: Hold) -> Option<Told> {
        let warning = match hold {
            Hold::Freezing | Hold::Listening => return None,
            Hold::Superseded(_)
            | Hold::SameServer(..)
            | Hold::SeveralMasters(..)
            | Hold::NoQuorum { .. } => true,
            _ => false,
        };
        let text = hold.describe(&|node| self.name(node));
        Some(Told { warning, ..say(HOLD, text) })
    }

    /// A server that restarts as anything but a replica of nowhere is told of, once a restart.
    fn watch_gates(&mut self, seen: &Observation, told: &mut Vec<Told>) {
        self.runs.resize(seen.nodes.len(), None);
        for (index, node) in seen.nodes.iter().enumerate() {
            let (before, now) = (self.runs[index], node.last_run);
            self.runs[index] = now.or(before);
            if before.is_none() || now.is_none() || before == now {
                continue;
            }
            let id = NodeId::at(index);
            let name = self.name(id);
            told.push(if node.gated {
                Told { gate: Some((id, true)), ..say("+reboot", name) }
            } else {
                let text = format!(
                    "{name} starts without `replicaof 127.0.0.1 1`: restarted without its data as \
                     master it would wipe its replicas"
                );
                Told { warning: true, gate: Some((id, false)), ..say("+reboot", text) }
            });
        }
    }

    fn record_changed(&self, record: &Record) -> Told {
        let target = record.target.map(|node| self.name(node)).unwrap_or_default();
        let master = record.master.map(|it| self.name(it.node)).unwrap_or_default();
        let before = self.record.as_ref();
        let (term, epoch) = (record.term, record.epoch);
        match record.phase {
            Phase::Failover if before.is_none_or(|it| it.phase != Phase::Failover) => {
                let text = format!("{master} epoch {epoch}; candidate {target}");
                Told { warning: true, ..say("+try-failover", text) }
            }
            Phase::Failover => say("+selected-slave", format!("{target} epoch {epoch}")),
            Phase::Switchover => say("+handover", format!("{master} to {target} epoch {epoch}")),
            Phase::Adopt if before.is_none() => say("+new-term", format!("{term}")),
            Phase::Adopt if before.is_some_and(|it| it.term == term) && record.target.is_some() => {
                say("+selected-slave", format!("{target} epoch {epoch}; nobody leads"))
            }
            Phase::Adopt => say("+new-term", format!("{term}; looks for the master")),
            Phase::Stable => match before.and_then(|it| it.master) {
                _ if before.is_some_and(|it| it.term != term) => {
                    say("+new-term", format!("{term}; goes on with {master}"))
                }
                Some(old) if Some(old) == record.master => {
                    if before.is_some_and(|it| it.phase != Phase::Stable) {
                        say("-failover-abort", format!("{master} leads on, epoch {epoch}"))
                    } else {
                        self.members_changed(record)
                    }
                }
                Some(_) => say("+promoted-slave", format!("{master} epoch {epoch}")),
                None => say("+monitor", format!("{master} epoch {epoch}")),
            },
        }
    }

    fn members_changed(&self, record: &Record) -> Told {
        let members: Vec<String> =
            record.in_sync.iter().map(|member| self.name(member.node)).collect();
        say("members", format!("{}; {} must hold a write", members.join(" "), record.w))
    }
}

fn say(reason: &'static str, text: String) -> Told {
    Told { reason, text, warning: false, gate: None }
}

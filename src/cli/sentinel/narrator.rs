//! Tells of each step: the log, Sentinel's clients, the trace, and whoever asks for an explanation.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::Arc;

use tracing::{info, warn};

use crate::discovery::{Announcer, Directory, Publisher};
use crate::runtime::{
    Clock, EventLog, Explanation, Facts, HoldNews, Observer, Recorder, SetNames, explain, words,
};
use crate::sentinel::{
    Action, Hold, Id, Local, Millis, NodeId, Observation, Phase, Pointer, Record,
};
use crate::valkey::Address;

/// The teller of one set.
pub(super) struct Narrator {
    announcer: Announcer,
    publisher: Publisher,
    recorder: Option<Recorder>,
    record: Option<Record>,
    pointer: Option<Pointer>,
    holds: HoldNews,
    /// The run of each node that was seen last.
    runs: Vec<Option<Id>>,
    shown: Shown,
}

/// What was seen last, for whoever asks.
#[derive(Clone)]
pub(super) struct Shown(Rc<RefCell<Inner>>);

struct Inner {
    names: SetNames,
    warnings: Vec<String>,
    clock: Clock,
    last: Option<(Observation, Local)>,
    events: EventLog,
    ungated: BTreeSet<NodeId>,
}

impl Shown {
    /// What is seen, what would be done, and why not yet.
    pub(super) fn explanation(&self) -> Option<Explanation> {
        let inner = self.0.borrow();
        let (seen, local) = inner.last.as_ref()?;
        let mut explanation = explain(Facts {
            names: &inner.names,
            seen,
            local,
            events: &inner.events,
            ungated: &inner.ungated,
            now_ms: inner.clock.now_ms(),
        });
        let known: BTreeSet<String> = explanation.warnings.iter().cloned().collect();
        let more = inner.warnings.iter().filter(|it| !known.contains(*it)).cloned();
        explanation.warnings.extend(more);
        Some(explanation)
    }

    /// The present master.
    pub(super) fn master(&self) -> Option<String> {
        let inner = self.0.borrow();
        let (seen, _) = inner.last.as_ref()?;
        let master = seen.record.as_ref()?.master?;
        Some(inner.names.address(master.node))
    }
}

impl Narrator {
    pub(super) fn new(
        names: SetNames,
        addresses: &[Address],
        publisher: Publisher,
        recorder: Option<Recorder>,
        warnings: Vec<String>,
        clock: Clock,
    ) -> Self {
        let announcer = Announcer::new(names.name(), addresses);
        let inner = Inner {
            names,
            warnings,
            clock,
            last: None,
            events: EventLog::default(),
            ungated: BTreeSet::new(),
        };
        Self {
            announcer,
            publisher,
            recorder,
            record: None,
            pointer: None,
            holds: HoldNews::default(),
            runs: vec![None; addresses.len()],
            shown: Shown(Rc::new(RefCell::new(inner))),
        }
    }

    pub(super) fn shown(&self) -> Shown {
        self.shown.clone()
    }

    fn name(&self, node: NodeId) -> String {
        self.shown.0.borrow().names.address(node)
    }

    fn set(&self) -> String {
        self.shown.0.borrow().names.name().to_owned()
    }

    fn say(&self, now_ms: Millis, text: String) {
        info!(set = %self.set(), "{text}");
        self.shown.0.borrow_mut().events.push(now_ms, text);
    }

    /// A server that restarts as anything but a replica of nowhere is told of, once a restart.
    fn watch_gates(&mut self, seen: &Observation, now_ms: Millis) {
        for (index, node) in seen.nodes.iter().enumerate() {
            let (before, now) = (self.runs[index], node.last_run);
            self.runs[index] = now.or(before);
            let restarted = before.is_some() && now.is_some() && before != now;
            let id = NodeId::at(index);
            if restarted && !node.gated {
                let name = self.name(id);
                warn!(
                    set = %self.set(),
                    "`{name}` starts without `replicaof 127.0.0.1 1`: restarted without its data \
                     as master it would wipe its replicas"
                );
                self.shown.0.borrow_mut().ungated.insert(id);
                self.shown.0.borrow_mut().events.push(now_ms, format!("+reboot {name}: no gate"));
            } else if node.gated {
                self.shown.0.borrow_mut().ungated.remove(&id);
            }
        }
    }

    fn record_changed(&self, record: &Record, now_ms: Millis) {
        let target = record.target.map(|node| self.name(node)).unwrap_or_default();
        let master = record.master.map(|it| self.name(it.node)).unwrap_or_default();
        let before = self.record.as_ref();
        let (term, epoch) = (record.term, record.epoch);
        let text = match record.phase {
            Phase::Failover if before.is_none_or(|it| it.phase != Phase::Failover) => {
                format!("+try-failover {master} epoch {epoch}; candidate {target}")
            }
            Phase::Failover => format!("+selected-slave {target} epoch {epoch}"),
            Phase::Switchover => format!("+handover {master} to {target} epoch {epoch}"),
            Phase::Adopt if before.is_none() => format!("+new-term {term}"),
            Phase::Adopt => format!("+new-term {term}; looks for the master"),
            Phase::Stable => match before.and_then(|it| it.master) {
                _ if before.is_some_and(|it| it.term != term) => {
                    format!("+new-term {term}; goes on with {master}")
                }
                Some(old) if Some(old) == record.master => {
                    if before.is_some_and(|it| it.phase != Phase::Stable) {
                        format!("-failover-abort {master} leads on, epoch {epoch}")
                    } else {
                        self.members_changed(record)
                    }
                }
                Some(_) => format!("+promoted-slave {master} epoch {epoch}"),
                None => format!("+monitor {master} epoch {epoch}"),
            },
        };
        self.say(now_ms, text);
    }

    fn members_changed(&self, record: &Record) -> String {
        let members: Vec<String> =
            record.in_sync.iter().map(|member| self.name(member.node)).collect();
        format!("members {}; {} must hold a write", members.join(" "), record.w)
    }
}

impl Observer for Narrator {
    fn stepped(&mut self, seen: &Observation, local: &Local, actions: &[Action], now_ms: Millis) {
        if let Some(recorder) = &mut self.recorder {
            recorder.step(now_ms, seen, actions, local.hold);
        }
        for action in actions {
            if let Action::Tell(event) = action {
                let text = words::event(*event, &self.shown.0.borrow().names);
                self.say(now_ms, text);
            }
        }
        self.watch_gates(seen, now_ms);
        if seen.record != self.record
            && let Some(record) = &seen.record
        {
            self.record_changed(record, now_ms);
            self.record = Some(record.clone());
        }
        if seen.service != self.pointer {
            if let Some(pointer) = seen.service {
                let new = self.name(pointer.node);
                match self.pointer.map(|it| self.name(it.node)) {
                    Some(old) if old == new => {}
                    Some(old) => self.say(now_ms, format!("+switch-master {old} {new}")),
                    None => self.say(now_ms, format!("clients go to {new}")),
                }
            }
            self.pointer = seen.service;
        }
        if let Some(hold) = self.holds.of(actions, local.hold) {
            let text = hold.describe(&|node| self.name(node));
            match hold {
                Hold::Freezing | Hold::Listening => {}
                Hold::Superseded(_) | Hold::SeveralMasters(..) | Hold::NoQuorum { .. } => {
                    warn!(set = %self.set(), "{text}");
                    self.shown.0.borrow_mut().events.push(now_ms, text);
                }
                _ => self.say(now_ms, text),
            }
        }
        if let Some((set, events)) = self.announcer.tell(seen, local, now_ms) {
            let sets = BTreeMap::from([(self.set(), Arc::new(set))]);
            self.publisher.publish(Arc::new(Directory { sets }), &events);
        }
        self.shown.0.borrow_mut().last = Some((seen.clone(), local.clone()));
    }
}

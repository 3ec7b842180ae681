//! Tells of each step: the log, Sentinel's clients, the trace, and whoever asks for an explanation.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use tracing::{info, warn};

use crate::discovery::{Announcer, Directory, Publisher};
use crate::runtime::{Clock, Explanation, Observer, TraceWriter};
use crate::sentinel::{
    Action, Event, Hold, Local, Millis, NodeId, Observation, Phase, Pointer, Record,
};
use crate::valkey::Address;

/// How many of the last events an explanation shows.
const MAX_EVENTS_KEPT: usize = 64;

/// The teller of one set.
pub(super) struct Narrator {
    set: String,
    names: Vec<String>,
    announcer: Announcer,
    publisher: Publisher,
    recorder: Option<TraceWriter>,
    record: Option<Record>,
    pointer: Option<Pointer>,
    hold: Option<Hold>,
    shown: Shown,
}

/// What was seen last, for whoever asks.
#[derive(Clone)]
pub(super) struct Shown(Rc<RefCell<Inner>>);

struct Inner {
    set: String,
    names: Vec<String>,
    warnings: Vec<String>,
    clock: Clock,
    last: Option<(Observation, Local)>,
    events: VecDeque<(Millis, String)>,
}

impl Shown {
    /// What is seen, what would be done, and why not yet.
    pub(super) fn explanation(&self) -> Option<Explanation> {
        let inner = self.0.borrow();
        let (seen, local) = inner.last.as_ref()?;
        let now_ms = inner.clock.now_ms();
        let mut explanation = Explanation::new(&inner.set, seen, local, &inner.names, now_ms);
        explanation.warnings.extend(inner.warnings.iter().cloned());
        for (at_ms, text) in &inner.events {
            explanation.event(now_ms.saturating_sub(*at_ms), text);
        }
        Some(explanation)
    }

    /// The present master.
    pub(super) fn master(&self) -> Option<String> {
        let inner = self.0.borrow();
        let (seen, _) = inner.last.as_ref()?;
        let master = seen.record.as_ref()?.master?;
        inner.names.get(master.node.index()).cloned()
    }
}

impl Narrator {
    pub(super) fn new(
        set: String,
        addresses: Vec<Address>,
        publisher: Publisher,
        recorder: Option<TraceWriter>,
        warnings: Vec<String>,
        clock: Clock,
    ) -> Self {
        let names: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let inner = Inner {
            set: set.clone(),
            names: names.clone(),
            warnings,
            clock,
            last: None,
            events: VecDeque::new(),
        };
        Self {
            announcer: Announcer::new(set.clone(), &addresses),
            set,
            names,
            publisher,
            recorder,
            record: None,
            pointer: None,
            hold: None,
            shown: Shown(Rc::new(RefCell::new(inner))),
        }
    }

    pub(super) fn shown(&self) -> Shown {
        self.shown.clone()
    }

    /// Writes what is left of the trace.
    pub(super) fn finish(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.flush();
        }
    }

    fn name(&self, node: NodeId) -> String {
        self.names.get(node.index()).cloned().unwrap_or_default()
    }

    fn say(&self, now_ms: Millis, text: String) {
        info!(set = %self.set, "{text}");
        let mut inner = self.shown.0.borrow_mut();
        if inner.events.len() == MAX_EVENTS_KEPT {
            inner.events.pop_front();
        }
        inner.events.push_back((now_ms, text));
    }

    /// In Valkey Sentinel's words where it has one.
    fn event(&self, event: Event) -> String {
        match event {
            Event::Down(node) => format!("+sdown {}", self.name(node)),
            Event::Up(node) => format!("-sdown {}", self.name(node)),
            Event::Stalled { for_ms } => {
                format!("+tilt this process stood still for {for_ms} ms; every silence begins anew")
            }
            Event::DivergedWritesDiscarded { node, offset } => format!(
                "+convert-to-slave {}: what it alone wrote, up to offset {offset}, is discarded",
                self.name(node)
            ),
            Event::DataLossPossible(node) => {
                format!("acknowledged writes may be missing on {}", self.name(node))
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
            recorder.step(seen, local, actions, now_ms);
        }
        for action in actions {
            if let Action::Tell(event) = action {
                self.say(now_ms, self.event(*event));
            }
        }
        if seen.record != self.record
            && let Some(record) = &seen.record
        {
            self.record_changed(record, now_ms);
            self.record = Some(record.clone());
        }
        if seen.service != self.pointer {
            if let Some(pointer) = seen.service {
                let old = self.pointer.map(|it| self.name(it.node)).unwrap_or_default();
                let new = self.name(pointer.node);
                if old != new {
                    self.say(now_ms, format!("+switch-master {old} {new}"));
                }
            }
            self.pointer = seen.service;
        }
        if self.hold.map(kind) != local.hold.map(kind) {
            if let Some(hold) = local.hold {
                let text = hold.describe(&|node| self.name(node));
                match hold {
                    Hold::Writing | Hold::Freezing | Hold::Listening | Hold::Retrying(_) => {}
                    Hold::Superseded(_) | Hold::SeveralMasters(..) | Hold::NoQuorum { .. } => {
                        warn!(set = %self.set, "{text}");
                    }
                    _ => self.say(now_ms, text),
                }
            }
            self.hold = local.hold;
        }
        if let Some((set, events)) = self.announcer.tell(seen, local, now_ms) {
            let sets = BTreeMap::from([(self.set.clone(), Arc::new(set))]);
            self.publisher.publish(Arc::new(Directory { sets }), &events);
        }
        self.shown.0.borrow_mut().last = Some((seen.clone(), local.clone()));
    }
}

/// Reasons of one kind are told once, however their figures change.
fn kind(hold: Hold) -> std::mem::Discriminant<Hold> {
    std::mem::discriminant(&hold)
}

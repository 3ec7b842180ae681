//! Tells of each step: the log, Sentinel's clients, the trace, and whoever asks for an explanation.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use tracing::{info, warn};

use crate::discovery::{Announcer, Publisher};
use crate::runtime::{
    Clock, EventLog, Explanation, Facts, Observer, Recorder, SetNames, Story, explain,
};
use crate::sentinel::{Action, Local, Millis, NodeId, Observation};
use crate::valkey::Address;

/// The teller of one set.
pub(super) struct Narrator {
    announcer: Announcer,
    publisher: Publisher,
    recorder: Option<Recorder>,
    story: Story,
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
        let story = Story::new(names.clone());
        let inner = Inner {
            names,
            warnings,
            clock,
            last: None,
            events: EventLog::default(),
            ungated: BTreeSet::new(),
        };
        Self { announcer, publisher, recorder, story, shown: Shown(Rc::new(RefCell::new(inner))) }
    }

    pub(super) fn shown(&self) -> Shown {
        self.shown.clone()
    }

    fn set(&self) -> String {
        self.shown.0.borrow().names.name().to_owned()
    }
}

impl Observer for Narrator {
    fn stepped(&mut self, seen: &Observation, local: &Local, actions: &[Action], now_ms: Millis) {
        if let Some(recorder) = &mut self.recorder {
            recorder.step(now_ms, seen, actions, local.hold);
        }
        for told in self.story.tell(seen, local, actions) {
            if told.warning {
                warn!(set = %self.set(), "{told}");
            } else {
                info!(set = %self.set(), "{told}");
            }
            let mut shown = self.shown.0.borrow_mut();
            match told.gate {
                Some((node, true)) => drop(shown.ungated.remove(&node)),
                Some((node, false)) => drop(shown.ungated.insert(node)),
                None => {}
            }
            shown.events.push(now_ms, told.to_string());
        }
        if let Some((set, events)) = self.announcer.tell(seen, local, now_ms) {
            self.publisher.update(&self.set(), Some(set), &events);
        }
        self.shown.0.borrow_mut().last = Some((seen.clone(), local.clone()));
    }
}

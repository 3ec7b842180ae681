//! The last things that happened to a set, for `gungnir explain`.

use std::collections::VecDeque;

use super::names::SetNames;
use super::words;
use crate::sentinel::{Action, Command, Millis};

/// How many are kept.
const MAX_EVENTS: usize = 64;

/// Something that happened, as often in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub at_ms: Millis,
    pub text: String,
    pub times: u64,
}

/// The last 64 things that happened, the oldest first. What is repeated is kept once.
#[derive(Debug, Clone, Default)]
pub struct EventLog {
    entries: VecDeque<Entry>,
}

impl EventLog {
    /// Notes a sentence.
    pub fn push(&mut self, at_ms: Millis, text: impl Into<String>) {
        let text = text.into();
        if let Some(last) = self.entries.back_mut().filter(|last| last.text == text) {
            last.at_ms = at_ms;
            last.times += 1;
            return;
        }
        if self.entries.len() == MAX_EVENTS {
            self.entries.pop_front();
        }
        self.entries.push_back(Entry { at_ms, text, times: 1 });
    }

    /// Notes what a step decided, but for looks and wakes.
    pub fn note(&mut self, at_ms: Millis, actions: &[Action], names: &SetNames) {
        for action in actions {
            if matches!(action, Action::Send { command: Command::Look, .. }) {
                continue;
            }
            if let Some(text) = words::action(action, names) {
                self.push(at_ms, text);
            }
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentinel::{Event, Id, NodeId};

    #[test]
    fn the_oldest_goes_and_a_repetition_is_counted() {
        let mut log = EventLog::default();
        for at_ms in 0..100 {
            log.push(at_ms, format!("event {at_ms}"));
        }
        log.push(200, "event 99");
        let entries: Vec<&Entry> = log.entries().collect();
        assert_eq!(entries.len(), 64);
        assert_eq!(entries[0].text, "event 36");
        assert_eq!(entries[63], &Entry { at_ms: 200, text: "event 99".to_owned(), times: 2 });
    }

    #[test]
    fn looks_and_wakes_are_no_news() {
        let names = SetNames::new("demo", ["a:1".to_owned()]);
        let mut log = EventLog::default();
        let node = NodeId(0);
        let look = Action::Send { node, run_id: Id([1; 20]), command: Command::Look };
        log.note(5, &[look, Action::WakeAt(9), Action::Tell(Event::Up(node))], &names);
        let texts: Vec<&str> = log.entries().map(|entry| entry.text.as_str()).collect();
        assert_eq!(texts, ["-sdown `a:1`: it answers again"]);
    }
}

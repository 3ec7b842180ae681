//! A line on stderr for whom a render takes long.

use std::time::{Duration, Instant};

use super::console::Console;

/// How long nothing is said, and between two lines.
const QUIET: Duration = Duration::from_secs(1);

/// Tells a person at a terminal how far it is; says nothing to a pipe.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    console: &'a Console,
    next: Option<Instant>,
    done: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(console: &'a Console) -> Self {
        let next = console.is_watched().then(|| Instant::now() + QUIET);
        Self { console, next, done: 0 }
    }

    /// One more thing is done.
    pub(super) fn step(&mut self, what: &str) {
        self.done += 1;
        // The clock is asked only now and then: it costs more than a small step.
        if let Some(next) = self.next
            && self.done.is_multiple_of(64)
            && Instant::now() >= next
        {
            self.console.note(format_args!("{} {what} so far", self.done));
            self.next = Some(Instant::now() + QUIET);
        }
    }
}

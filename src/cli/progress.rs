//! A line on stderr for whom a command takes long.

use std::time::{Duration, Instant};

use super::console::Console;

/// How long nothing is said, and between two lines.
const QUIET: Duration = Duration::from_secs(1);

/// Tells a person at a terminal how far a command is; says nothing to a pipe.
///
/// There is one for a whole command: its clock starts when the command does.
#[derive(Debug)]
pub(super) struct Progress<'a> {
    console: &'a Console,
    next: Option<Instant>,
    /// What is being done, and how much of it is done.
    what: &'static str,
    done: usize,
}

impl<'a> Progress<'a> {
    pub(super) fn new(console: &'a Console) -> Self {
        let next = console.is_watched().then(|| Instant::now() + QUIET);
        Self { console, next, what: "", done: 0 }
    }

    /// One more thing is done; another `what` counts anew, but not its time.
    pub(super) fn step(&mut self, what: &'static str) {
        self.done = if self.what == what { self.done + 1 } else { 1 };
        self.what = what;
        if let Some(next) = self.next
            && Instant::now() >= next
        {
            self.console.note(format_args!("{what} so far: {}", self.done));
            self.next = Some(Instant::now() + QUIET);
        }
    }
}

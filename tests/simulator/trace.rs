//! What happened, line by line, with the virtual time: the same for the same seed.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

/// A trace. Clones write into the same.
#[derive(Debug, Clone)]
pub struct Trace {
    began: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Trace {
    /// An empty trace, whose time begins now.
    pub fn start() -> Self {
        Self { began: Instant::now(), lines: Arc::default() }
    }

    /// Writes a line. No secret, and nothing that differs between two runs of one seed.
    pub fn note(&self, what: fmt::Arguments<'_>) {
        let now = self.began.elapsed();
        let line = format!("{:>4}.{:06} {what}", now.as_secs(), now.subsec_micros());
        self.lines.lock().unwrap().push(line);
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

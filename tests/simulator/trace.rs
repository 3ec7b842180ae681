//! What happened, line by line, with the virtual time: the same for the same seed.

use std::fmt;
use std::sync::{Arc, Mutex};

use tokio::time::Instant;

/// A trace. Clones write into the same.
#[derive(Debug, Clone)]
pub struct Trace {
    began: Instant,
    /// `None` where nobody reads them: a seed that fails is told once more.
    lines: Option<Arc<Mutex<Vec<String>>>>,
}

impl Trace {
    /// An empty trace, whose time begins now.
    pub fn start() -> Self {
        Self { began: Instant::now(), lines: Some(Arc::default()) }
    }

    /// One that keeps nothing.
    pub fn silent() -> Self {
        Self { began: Instant::now(), lines: None }
    }

    /// Writes a line. No secret, and nothing that differs between two runs of one seed.
    pub fn note(&self, what: fmt::Arguments<'_>) {
        let Some(lines) = &self.lines else { return };
        let now = self.began.elapsed();
        let line = format!("{:>4}.{:06} {what}", now.as_secs(), now.subsec_micros());
        lines.lock().unwrap().push(line);
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.lines.as_ref().map(|lines| lines.lock().unwrap().clone()).unwrap_or_default()
    }
}

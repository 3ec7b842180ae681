//! What this thread logs, as `gungnir operator --log json` writes it.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::Dispatch;
use tracing::subscriber::{DefaultGuard, NoSubscriber, set_default};
use tracing_subscriber::EnvFilter;

/// Keeps lines of Gungnir of every level until it is dropped.
pub struct LogLines {
    written: Written,
    _kept: DefaultGuard,
    _beside: Dispatch,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogLines {
    pub fn keep() -> Self {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("gungnir=debug"))
            .with_writer(move || writer.clone());
        // Where there is one subscriber, what other threads do decides what is written.
        let beside = Dispatch::new(NoSubscriber::default());
        Self { written, _kept: set_default(lines.json().finish()), _beside: beside }
    }

    /// Lines of these rooms so far, each as the object that it is.
    pub fn of(&self, rooms: &[&str]) -> Vec<Value> {
        let bytes = self.written.0.lock().unwrap().clone();
        let text = String::from_utf8(bytes).unwrap();
        let read = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        let is_of = |line: &Value| {
            let target = line["target"].as_str().unwrap();
            rooms.iter().any(|room| target.starts_with(&format!("gungnir::{room}")))
        };
        text.lines().map(read).filter(is_of).collect()
    }
}

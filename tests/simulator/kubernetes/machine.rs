//! The machine under a node: whether it runs, and whether its kubelet reaches the API server.

use tokio::time::Instant;

/// A machine.
#[derive(Debug, Clone)]
pub struct Machine {
    /// It has power.
    pub up: bool,
    /// Its kubelet does not reach the API server.
    pub cut: bool,
    /// How often it was started.
    pub boots: u32,
    since: Option<Instant>,
}

impl Default for Machine {
    fn default() -> Self {
        Self { up: true, cut: false, boots: 1, since: None }
    }
}

impl Machine {
    /// Whether its kubelet is heard of.
    pub fn is_heard(&self) -> bool {
        self.up && !self.cut
    }

    /// Since when nothing is heard.
    pub fn silent_since(&self) -> Option<Instant> {
        self.since
    }

    pub fn set_up(&mut self, up: bool) {
        if up && !self.up {
            self.boots += 1;
        }
        self.up = up;
        self.note();
    }

    pub fn set_cut(&mut self, cut: bool) {
        self.cut = cut;
        self.note();
    }

    fn note(&mut self) {
        self.since = if self.is_heard() { None } else { self.since.or(Some(Instant::now())) };
    }
}

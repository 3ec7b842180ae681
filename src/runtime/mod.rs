//! Watches sets: the only loop that calls [`step`](crate::sentinel::step), and the hands that do
//! what it decides.
//!
//! ```text
//! Watcher (one a node) ─ sees ─▶ Board ─▶ step ─▶ actions ─┬─▶ Watcher: commands
//!                                  ▲                       ├─▶ Writer: record, Service
//!                                  └── Writer, wishes ─────┴─▶ Observer: events, discovery, trace
//! ```
//!
//! A set is one future: nothing in it is spawned, and when it is dropped all its connections are.
//! What it is watched for ([`SetTargets`]) may change meanwhile; connections to processes that stay
//! are kept.
//! Nodes are asked concurrently, so that a slow one delays no other; a node has one command under
//! way at most. Whether this process may still act is asked again right before a command is sent.
//!
//! What never happens here: a decision about who is master.

mod aliases;
mod ask;
mod board;
mod control;
mod crew;
mod disk;
mod endpoint_file;
mod event_log;
mod explanation;
mod fence;
mod file_store;
mod hex_id;
mod hold_news;
mod live_settings;
mod mirror;
mod names;
mod obey;
mod password_file;
mod perform;
mod report;
mod session;
mod set;
mod shut_out;
mod state_file;
mod store;
mod story;
mod stragglers;
mod target;
#[cfg(test)]
mod toy;
mod trace;
mod watcher;
pub mod words;
mod writer;

pub use aliases::Aliases;
pub use control::{ControlError, ControlReply, ControlRequest, ControlServer, ask, control_of};
pub use disk::beside;
pub use event_log::EventLog;
pub use explanation::{EventExplained, Explanation, Facts, Gate, NodeExplained, explain};
pub use fence::Fence;
pub use file_store::FileStore;
pub use hold_news::HoldNews;
pub use live_settings::{LiveSettings, SettingsNews};
pub use names::SetNames;
pub use password_file::{MAX_PASSWORD_BYTES, PasswordFile};
pub use set::{Asked, Look, Observer, SetSetup, Wished, look_once, watch_set};
pub use state_file::StateError;
pub use store::{Store, StoreError, Versioned};
pub use story::{Story, Told};
pub use target::{NodeSetup, NodeTarget, ProcessTarget, SetTargets};
pub use trace::{Decision, Difference, Recorder, Replay, ReplayError, Step, replay};
pub(crate) use watcher::changed;

use std::time::Duration;

use tokio::time::Instant;

use crate::sentinel::Millis;

/// Milliseconds since the start of watching; it never goes back, whatever the wall clock does.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Instant);

impl Clock {
    /// A clock that starts now. Its first instant is not 0, so that "a moment before" exists.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now() - Duration::from_secs(1))
    }

    /// The present instant.
    #[must_use]
    pub fn now_ms(&self) -> Millis {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// That instant on the runtime's clock.
    #[must_use]
    pub fn instant(&self, at_ms: Millis) -> Instant {
        self.0 + Duration::from_millis(at_ms)
    }
}

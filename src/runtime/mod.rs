//! Runs the sentinel: what [`sentinel::step`](crate::sentinel::step) decides is done here, and what
//! it looks at is gathered here.
//!
//! A [`Store`] keeps the election record; [`FileStore`] is the one on a disk. What never happens
//! here: a decision about who is master.

mod disk;
mod endpoint_file;
mod event_log;
mod explanation;
mod file_store;
mod hex_id;
mod mirror;
mod names;
mod state_file;
mod store;
#[cfg(test)]
mod toy;
mod trace;
pub mod words;

pub use event_log::EventLog;
pub use explanation::{EventExplained, Explanation, Facts, Gate, NodeExplained, explain};
pub use file_store::FileStore;
pub use names::SetNames;
pub use state_file::StateError;
pub use store::{Store, StoreError, Versioned};
pub use trace::{Decision, Difference, Recorder, Replay, ReplayError, Step, replay};

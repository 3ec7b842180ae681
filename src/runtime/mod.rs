//! Runs the sentinel: what [`sentinel::step`](crate::sentinel::step) decides is done here, and what
//! it looks at is gathered here.
//!
//! A [`Store`] keeps the election record; [`FileStore`] is the one on a disk. What never happens
//! here: a decision about who is master.

mod disk;
mod endpoint_file;
mod file_store;
mod hex_id;
mod names;
mod state_file;
mod store;

pub use file_store::FileStore;
pub use names::SetNames;
pub use state_file::StateError;
pub use store::{Store, StoreError, Versioned};

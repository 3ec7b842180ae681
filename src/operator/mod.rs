//! Runs clusters on Kubernetes: pushes the rendered set by server-side apply, and is its own
//! Sentinel.
//!
//! ```text
//! watches ─▶ Cache ─┬─▶ reconcile: observe → validate → render → adopt → apply → prune → status
//!                   └─▶ ClusterFacts ─▶ election: sentinel::step ─▶ Valkey, status.election, N-client
//! ```
//!
//! Both halves are level-based: what is to be done follows from what is, never from what was done.
//! They meet in two types only: [`ClusterFacts`] goes to the election, [`ElectionNews`] comes back
//! for conditions, events and metrics. Who may write which field is a table ([`Manager`]).
//!
//! What never happens here: a decision about who is master (that is
//! [`sentinel`](crate::sentinel)), or about what a manifest says (that is
//! [`render`](crate::render)).

mod annotation;
mod facts;
mod manager;
mod news;

pub use annotation::Annotation;
pub use facts::{
    Access, ClusterFacts, ClusterKey, PodFacts, ServiceFacts, Terminated, TlsFiles, VolumeFacts,
};
pub use manager::Manager;
pub use news::ElectionNews;

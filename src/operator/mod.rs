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

mod adopt;
mod annotation;
mod apply;
mod blocked;
mod cache;
mod condition;
mod converged;
mod drift;
pub mod election;
mod elections;
mod elsewhere;
mod error;
mod events;
mod facts;
mod facts_of;
mod health;
mod inquiry;
mod lease;
mod log_mark;
mod manager;
mod memory;
mod metrics;
mod news;
mod options;
mod outside;
mod passwords;
mod plan;
mod preview;
mod queue;
mod reason;
mod reconcile;
mod release;
mod remnant;
mod report;
mod requests;
mod restart;
mod roll;
mod run;
mod salvage;
mod schema;
mod secret;
mod shrink;
mod standing;
mod status;
mod terminating;
mod unchanged;
mod volume;

pub use annotation::Annotation;
pub use cache::{ClusterObject, Scope};
pub use condition::ConditionType;
pub use elections::{Elections, NoElections};
pub use elsewhere::Elsewhere;
pub use error::{OperatorError, RequestError, Retry, chain};
pub use facts::{
    Access, ClusterFacts, ClusterKey, PodFacts, ServiceFacts, Terminated, TlsFiles, VolumeFacts,
};
pub use inquiry::{Inquiry, InquiryError, PodSeen, explanation_of};
pub use lease::{Leadership, LeaseName, LeaseTimes, OtherOperator};
pub use manager::Manager;
pub use metrics::{ClusterLabels, Metrics};
pub use news::ElectionNews;
pub use options::Options;
pub use outside::{Outside, WallClock};
pub use preview::{Preview, PreviewError, Remark, preview};
pub use reconcile::validated;
pub use run::{run, run_on, run_with};

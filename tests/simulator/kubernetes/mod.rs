//! A simulated Kubernetes: an API server, its controllers, its kubelets; all in virtual time.
//!
//! ```text
//! operator ─▶ kube::Client ─▶ Link ─▶ api ◀─ controllers, kubelet ─▶ Containers (the world's)
//! ```
//!
//! What never happens here: what a container does, what the network between pods does, and any
//! randomness but `Chance`.

mod api;
mod conformance;
mod controllers;
mod handle;
mod kubelet;
mod life;
mod link;
mod machine;
mod object;
mod settings;
mod smoke;

#[path = "../../support/differences.rs"]
mod differences;
mod faults;

pub use api::delete::Deletion;
pub use api::store::{Mutation, Store, Verb};
pub use handle::Kubernetes;
pub use kubelet::{ContainerStart, Containers, Exit, Probe};
pub use link::{Lag, Link};

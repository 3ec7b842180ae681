//! A simulated Kubernetes: an API server, its controllers, its kubelets.

mod api;
mod handle;
mod link;
mod smoke;

pub use api::delete::Deletion;
pub use api::refusal::Refusal;
pub use api::store::{Hook, Key, Mutation, Store, Verb};
pub use handle::Kubernetes;
pub use link::{Lag, Link};

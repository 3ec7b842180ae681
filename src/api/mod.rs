//! The `valkey.verilean.io/v1` API: what people write, and what the operator reports.
//!
//! Data only. Every field says its unit and its default in its doc comment, which is also the
//! description in the CustomResourceDefinition. Defaults are *applied* in [`crate::cluster`], never
//! in the schema, so that an object in the API server holds what its author wrote and nothing else.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod access;
mod crd;
mod metrics;
mod network;
mod persistence;
mod pod;
mod replication;
mod spec;
mod status;
pub mod transition;

pub use access::{Auth, ClientAuth, IssuerRef, SecretKey, Tls};
pub use crd::{CRD_NAME, GROUP, KIND, KUBERNETES_TYPES, SCHEMA_LINES, VERSION, crd, schema_lines};
pub use metrics::{Metrics, Monitor, Rules};
pub use network::{
    DisruptionBudget, ExternalTrafficPolicy, NetworkPolicySpec, ServiceSpec, ServiceType,
};
pub use persistence::{Persistence, PersistenceMode, ReclaimPolicy};
pub use pod::{ContextOverride, ImagePullPolicy, ServiceAccountSpec};
pub use replication::{Durability, FailoverPolicy, ReplicaOrder, Replication, Sentinel};
pub use spec::{Management, RestoreFrom, ValkeyCluster, ValkeyClusterSpec};
pub use status::{Election, ElectionPhase, LastFailover, MasterRef, Member, ValkeyClusterStatus};

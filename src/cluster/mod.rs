//! A cluster that is known to be sound: [`ValidatedCluster`].
//!
//! [`validate`] takes what people wrote, fills in every default, makes every name, and finds
//! every fault at once. Whatever comes later (templates, the operator) takes its result and
//! decides nothing again. What never happens here: a file, a socket, a clock, an environment
//! variable, or a word about where the input came from.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod access;
pub mod directive;
mod duration;
mod fault;
pub mod field_path;
mod image;
mod label;
mod monitoring;
mod name;
mod network;
mod pod;
mod quantity;
mod replication;
mod resource;
mod roles;
mod server_config;
mod storage;
pub mod transition;
mod users;
mod validate;

pub use access::{
    CertificateRequest, KEY_OPERATOR_PASSWORD, KEY_PASSWORD, KEY_REPLICATION_PASSWORD, KeyRef,
    Passwords, Transport,
};
pub use fault::{Fault, Faults};
pub use field_path::{FieldPath, PathError, Segment};
pub use image::DEFAULT_IMAGE;
pub use monitoring::{Exporter, Scrape};
pub use name::{
    ANNOTATION_RESTART_HASH, LABEL_CLUSTER, LABEL_POD_NAME, LABEL_ROLE, Names, OPERATOR_LABEL,
    RESERVED_PREFIX, ordinal_of,
};
pub use network::ClientService;
pub use pod::{
    CONTAINER_EXPORTER, CONTAINER_VALKEY, PodSettings, ServiceAccount, VOLUME_CONFIG, VOLUME_DATA,
    VOLUME_TLS,
};
pub use quantity::{Quantity, QuantityError};
pub use replication::{FailoverRules, WriteQuorum};
pub use roles::Roles;
pub use server_config::{CONFIG_DIR, DATA_DIR, Line, Origin, ServerConfig, TLS_DIR};
pub use storage::{Storage, VolumeClaim};
pub use users::users_text;
pub use validate::{MAX_REPLICAS, ValidatedCluster, validate};

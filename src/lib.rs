//! Gungnir: Valkey on Kubernetes, run the GitOps way.
//!
//! A [`ValkeyCluster`](api::ValkeyCluster) of a few lines goes in; a pure function renders the
//! whole manifest set, the same bytes every time:
//!
//! ```text
//! people's YAML ─ input ─▶ ValkeyCluster ─ cluster::validate ─▶ ValidatedCluster
//!               ─ render ─▶ ManifestSet ─┬─ its text ─▶ stdout, files
//!                                        └─ manifest::compare ─▶ what a change will do
//! ```
//!
//! [`api`], [`cluster`], [`input`], [`manifest`] and [`render`] are pure: no clock, file, socket,
//! environment or log. [`cli`] is the only room that reads files and prints. [`discovery`] answers
//! the clients of Valkey Sentinel.

pub mod api;
pub mod cli;
pub mod cluster;
pub mod discovery;
pub mod input;
pub mod manifest;
pub mod render;

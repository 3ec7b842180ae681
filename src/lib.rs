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
//! [`sentinel`] decides who is master, as data; [`runtime`] does it, by [`valkey`]; [`discovery`]
//! answers the clients of Valkey Sentinel; [`operator`] runs all of it on Kubernetes.
//!
//! [`api`], [`cluster`], [`input`], [`manifest`], [`render`] and [`sentinel`] are pure: no clock,
//! file, socket, environment or log. [`cli`] is the only room that reads people's files and prints.

pub mod api;
pub mod cli;
pub mod cluster;
pub mod discovery;
pub mod input;
pub mod manifest;
pub mod operator;
pub mod render;
pub mod runtime;
pub mod sentinel;
pub mod valkey;

//! Gungnir: Valkey on Kubernetes, run the GitOps way.
pub mod api;
pub mod cluster;
pub mod manifest;
pub mod render;

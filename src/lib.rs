//! Gungnir: Valkey on Kubernetes, run the GitOps way.
pub mod api;

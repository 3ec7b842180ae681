//! Gungnir with the real tools of the people who use it: what they print, exit with and accept.
//!
//! | module | what it is about |
//! | --- | --- |
//! | `kustomize` | the function in a kustomization, and kustomizations of rendered files |
//! | `helm` | the chart |
//! | `argocd` | the plugin's definition, run as Argo CD's plugin server runs it |
//!
//! `tests/run tools` puts kustomize and Helm on PATH; without them every test here fails.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

mod tools {
    mod argocd;
    mod helm;
    mod kustomize;
    mod tool;
}

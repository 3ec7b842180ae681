//! Rung 8: the CustomResourceDefinition, its rules, every example and every golden on a real
//! API server.
//!
//! Run by `tests/cluster/with cargo test --test api_server`. There are no controllers and no
//! kubelets: what is proven here is what the API server itself decides (schemas, CEL rules,
//! admission, ownership of fields). Without a cluster every test fails; none is skipped.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod custom_resource;
mod external_diff;
mod kubectl;
mod manifests;
mod ownership;
mod rules;
mod server;
mod stored;

#[path = "../support/differences.rs"]
mod differences;
#[path = "../support/examples.rs"]
mod examples;
#[allow(dead_code, reason = "made for other tests, too")]
#[path = "../support/folder.rs"]
mod folder;
#[path = "../support/rule_cases.rs"]
mod rule_cases;
#[allow(dead_code, reason = "made for other tests, too")]
#[path = "../support/run.rs"]
mod run;

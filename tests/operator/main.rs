//! The operator on a real API server: what it makes, mends, leaves alone and says.
//!
//! Run by `tests/cluster/with cargo test --test operator`. Every test has a namespace and an operator
//! of its own, in this process, so that its requests can be counted and spoilt. There are no
//! controllers and no kubelets: pods are made by the tests where they need some, and owner
//! references are read where a garbage collector would act on them.
#![allow(clippy::expect_used, clippy::unwrap_used)]
#![allow(clippy::large_futures)] // each is one test

mod conditions;
mod conflict;
mod controllers;
mod create;
mod drift;
mod elsewhere;
mod faults;
mod fields;
mod git;
mod health;
mod lease;
mod life;
mod live;
mod logs;
mod neighbours;
mod one_namespace;
mod roll;
mod schema;
mod secrets;
mod tap;
mod told;
mod volume;
mod whole;
mod world;

#[path = "../support/account.rs"]
mod account;
#[path = "../support/differences.rs"]
mod differences;
#[path = "../support/examples.rs"]
mod examples;
#[allow(dead_code, reason = "made for other tests, too")]
#[path = "../support/folder.rs"]
mod folder;
#[path = "../support/log_lines.rs"]
mod log_lines;
#[allow(dead_code, reason = "made for other tests, too")]
#[path = "../support/run.rs"]
mod run;
#[allow(dead_code, reason = "made for other tests, too")]
#[path = "../api_server/server.rs"]
mod server;

//! The operator on a real API server: what it makes, mends, leaves alone and says.
//!
//! Run by `tests/cluster/with cargo test --test operator`. Every test has a namespace and an operator
//! of its own, in this process, so that its requests can be counted and spoilt. There are no
//! controllers and no kubelets: pods are made by the tests where they need some, and owner
//! references are read where a garbage collector would act on them.
#![allow(clippy::expect_used, clippy::unwrap_used)]
#![allow(clippy::large_futures)] // each is one test

mod account;
mod conflict;
mod controllers;
mod create;
mod drift;
mod elsewhere;
mod faults;
mod fields;
mod git;
mod lease;
mod life;
mod live;
mod roll;
mod schema;
mod logs;
mod neighbours;
mod one_namespace;
mod secrets;
mod tap;
mod volume;
mod whole;
mod world;

#[path = "../support/differences.rs"]
mod differences;
#[path = "../support/examples.rs"]
mod examples;
#[allow(dead_code, reason = "made for other tests, too")]
#[path = "../support/folder.rs"]
mod folder;
#[allow(dead_code, reason = "made for other tests, too")]
#[path = "../support/run.rs"]
#[path = "../support/log_lines.rs"]
mod log_lines;
mod run;
#[allow(dead_code, reason = "made for other tests, too")]
#[path = "../api_server/server.rs"]
mod server;

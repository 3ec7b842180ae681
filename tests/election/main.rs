//! The sentinel in the cluster: on a real API server, with real valkey-servers as pods.
//!
//! Run by `tests/cluster/with cargo test --test election`. There are no controllers and no
//! kubelets: each test makes the pods, runs a server for each on a loopback address of its own, and
//! reports to the API server what a kubelet would. Without a cluster every test fails; none is
//! skipped.
#![allow(clippy::expect_used, clippy::unwrap_used, dead_code)]

mod elsewhere;
mod failover;
mod fence;
mod first;
mod kill_points;
mod logs;
mod operator;
mod owners;
mod pod;
mod settings;
mod standby;
mod stragglers;
mod tap;
mod wait;
mod wishes;
mod world;
mod writer;

#[allow(unused_imports, reason = "made for another test, too")]
#[path = "../failover/harness/resp.rs"]
mod resp;

#[path = "../api_server/server.rs"]
mod server;

#[path = "../support/log_lines.rs"]
mod log_lines;

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/account.rs"]
mod account;

#[path = "../support/examples.rs"]
mod examples;

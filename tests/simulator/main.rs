//! The whole operator in a world that is made up: its reconciling and its electing half, unchanged,
//! against a simulated Kubernetes and simulated servers, in virtual time. One seed is one run.
//!
//! What never happens here: a thread, a socket, a file, or a clock that is not the runtime's.
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

mod chance;
mod clockwork;
mod happen;
mod incidents;
mod kubernetes;
mod network;
mod process;
mod property;
mod run;
mod schedule;
mod seeds;
mod servers;
mod story;
mod trace;
mod valkey;
mod way;
mod world;
mod writer;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

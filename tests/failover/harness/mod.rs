//! Real servers, a real controller, real faults, and what came of it.
//!
//! ```text
//! World (namespaces of its own)
//!   Network  places and the faults between them
//!   Set      nodes: valkey-servers, each in a place
//!   Controller  `gungnir sentinel`, or three valkey-sentinels
//!   Trial    writers, a prober and watchers around one fault ─▶ Report
//! ```
//!
//! Every wait has a deadline and says what it waited for. What never happens here: a sleep that
//! hopes, an address of the machine's own network, or a process that outlives its world.
#![allow(clippy::expect_used, dead_code)]

pub mod certificates;
pub mod client;
pub mod controller;
pub mod directory;
pub mod gungnir;
pub mod ledger;
pub mod network;
pub mod node;
pub mod prober;
pub mod process;
pub mod report;
pub mod resp;
pub mod sentinel_client;
pub mod sentinels;
pub mod set;
pub mod tap;
pub mod tracer;
pub mod trial;
pub mod wait;
pub mod watcher;
pub mod world;
pub mod writer;

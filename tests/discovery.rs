//! Rung 7: Sentinel's protocol, beside a real Sentinel.
//!
//! ```text
//!                ┌─▶ valkey-sentinel, watching a real master and two replicas ─▶ replies ─┐
//! one script ────┤                                                                       ├─▶ equal
//!                └─▶ our server, its directory filled from the same servers ──▶ replies ─┘
//! ```
//!
//! Where ours differs on purpose, one table says so, with the reason; a row that is not needed
//! fails. What never happens here: a sleep that hopes, or a test that passes because a server is
//! missing.

#![allow(clippy::expect_used, clippy::unwrap_used)]

mod support;

#[path = "discovery/compare.rs"]
mod compare;
#[path = "discovery/differences.rs"]
mod differences;
#[path = "discovery/events.rs"]
mod events;
#[path = "discovery/glob.rs"]
mod glob;
#[path = "discovery/ours.rs"]
mod ours;
#[path = "discovery/real.rs"]
mod real;
#[path = "discovery/script.rs"]
mod script;
#[path = "discovery/subscribers.rs"]
mod subscribers;
#[path = "discovery/tls.rs"]
mod tls;
#[path = "discovery/wire.rs"]
mod wire;

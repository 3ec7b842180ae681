//! Our client of a server against real servers of every supported version.
//!
//! ```text
//! valkey-server in a state ─ Connection ─▶ Info, RoleReply, ServerConfig, ErrorReply, Closed
//! ```
//!
//! Each state is brought about, never written down: loading, busy, a full disk, a dead process.
//! Each test runs on every version, under that version's name. What never happens here: a sleep
//! that hopes, or a test that passes because a server is missing.

#![allow(clippy::expect_used)]

mod support;

#[path = "valkey_client/access.rs"]
mod access;
#[path = "valkey_client/client.rs"]
mod client;
#[path = "valkey_client/closing.rs"]
mod closing;
#[path = "valkey_client/commands.rs"]
mod commands;
#[path = "valkey_client/replication.rs"]
mod replication;
#[path = "valkey_client/states.rs"]
mod states;
#[path = "valkey_client/tls.rs"]
mod tls;
#[path = "valkey_server/version.rs"]
mod version;

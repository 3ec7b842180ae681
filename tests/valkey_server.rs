//! Rung 7: what Gungnir renders, run by real servers of every supported version.
//!
//! ```text
//! examples/*.yaml ─ render ─▶ objects ─▶ a pod of the StatefulSet, as a container ─▶ asserted
//! ```
//!
//! Nothing is tried that is not rendered: command, environment, files, probes and hooks are read
//! from the objects. Each test runs on every version, under that version's name. What never
//! happens here: a sleep that hopes, or a test that passes because a server is missing.

#![allow(clippy::expect_used)]

mod support;

#[path = "valkey_server/boot_gate.rs"]
mod boot_gate;
#[path = "valkey_server/directives.rs"]
mod directives;
#[path = "valkey_server/examples.rs"]
mod examples;
#[path = "valkey_server/kubelet.rs"]
mod kubelet;
#[path = "valkey_server/passwords.rs"]
mod passwords;
#[path = "valkey_server/persistence.rs"]
mod persistence;
#[path = "valkey_server/pod.rs"]
mod pod;
#[path = "valkey_server/probes.rs"]
mod probes;
#[path = "valkey_server/rendered.rs"]
mod rendered;
#[path = "valkey_server/start.rs"]
mod start;
#[path = "valkey_server/static_roles.rs"]
mod static_roles;
#[path = "valkey_server/stop.rs"]
mod stop;
#[path = "valkey_server/takes.rs"]
mod takes;
#[path = "valkey_server/users.rs"]
mod users;
#[path = "valkey_server/values.rs"]
mod values;
#[path = "valkey_server/version.rs"]
mod version;

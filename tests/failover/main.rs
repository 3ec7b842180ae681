//! Rung 7: real valkey-servers under real faults, and who decides then who is master.
//!
//! Each test is a scenario in a [`harness::world`] of its own; it says what happens, waits until
//! the set is whole again, and holds the [`harness::report`] against what must not be lost. The
//! scenarios of `baseline` run three valkey-sentinels instead: they show that the harness sees a
//! loss and a second master where there is one.

// What a run found is printed by the test that started it.
#![allow(clippy::expect_used, clippy::print_stdout)]

#[path = "../support/mod.rs"]
mod support;

// Its macro is for the tests of rendered servers.
#[allow(unused_imports, unused_macros)]
#[path = "../valkey_server/version.rs"]
mod version;

mod baseline;
mod candidate;
mod clock;
mod crash;
mod disk;
mod handover;
mod hang;
mod harness;
mod kill_points;
mod options;
mod partition;
mod password;
mod refused;
mod restart;
mod scenario;
mod several;

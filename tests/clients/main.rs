//! Today's clients of Sentinel, unchanged, through a failover: with `valkey-sentinel`s and with
//! `gungnir sentinel`.
//!
//! ```text
//! six clients ── where is the master? ──▶ three valkey-sentinels, or one gungnir
//!      └──────── SET, one after another ──▶ master ─▶ two replicas      │ watches
//! ```
//!
//! Run by `tests/run clients`, which shows the tables that `tables` prints. What never happens
//! here: a client that is told where the master is, or helped to find it.
#![allow(clippy::expect_used, clippy::unwrap_used)]

mod client;
mod controller;
mod events;
mod measured;
mod process;
mod set;
mod table;

#[path = "../support/readme.rs"]
mod readme;
#[path = "../support/valkey.rs"]
#[allow(dead_code)]
mod valkey;

use controller::DOWN_AFTER_MS;
use controller::Kind;
use measured::Fault;
use measured::measured;

/// Every client writes to the new master in the end, whatever it did meanwhile.
#[track_caller]
fn every_client_moves(kind: Kind, fault: Fault) {
    let found = measured(kind, fault);
    let stuck: Vec<&String> = found.iter().filter_map(|client| client.stuck.as_ref()).collect();
    assert!(stuck.is_empty(), "{kind:?}, {fault:?}:\n{stuck:#?}");
}

#[test]
fn sentinel_every_client_moves_when_the_master_is_killed() {
    every_client_moves(Kind::Sentinel, Fault::Killed);
}

#[test]
fn sentinel_every_client_moves_when_the_master_is_handed_over() {
    every_client_moves(Kind::Sentinel, Fault::HandedOver);
}

#[test]
fn gungnir_every_client_moves_when_the_master_is_killed() {
    every_client_moves(Kind::Gungnir, Fault::Killed);
}

#[test]
fn gungnir_every_client_moves_when_the_master_is_handed_over() {
    every_client_moves(Kind::Gungnir, Fault::HandedOver);
}

#[test]
fn gungnir_loses_nothing_when_the_master_is_handed_over() {
    for client in measured(Kind::Gungnir, Fault::HandedOver) {
        assert_eq!(client.lost, 0, "{client:?}");
    }
}

/// A process that is gone for sure is not waited for.
#[test]
fn gungnir_lets_every_client_write_sooner_than_a_silent_master_would_be_given_up() {
    for client in measured(Kind::Gungnir, Fault::Killed) {
        assert!(client.gap_us < u64::from(DOWN_AFTER_MS) * 1000, "{client:?}");
    }
}

#[test]
fn tables_of_both() {
    for fault in [Fault::Killed, Fault::HandedOver] {
        let sentinel = measured(Kind::Sentinel, fault);
        let gungnir = measured(Kind::Gungnir, fault);
        table::print(fault, &sentinel, &gungnir);
    }
}

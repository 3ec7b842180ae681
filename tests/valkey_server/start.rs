//! The start script: one server a volume, and a clear word when it cannot start.

use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use crate::kubelet::Place;
use crate::pod::DEADLINE;
use crate::pod::Pod;
use crate::rendered::Example;
use crate::rendered::Rendered;
use crate::support::container::Volume;
use crate::support::valkey::Installed;
use crate::support::valkey::wait_until;
use crate::version::on_every_version;

const WAITS: &str = "gungnir: /data is in use by another server; waiting for it to end\n";

on_every_version!(
    a_second_server_waits_until_the_first_has_ended,
    a_second_server_starts_when_the_first_was_killed,
    a_server_that_waits_too_long_says_so_and_ends,
    a_server_that_waits_ends_when_it_is_told_to,
    a_faulty_file_ends_the_start_and_shows_no_password,
);

fn rendered() -> Rendered {
    Example::minimal(&json!({"replication": {"minReplicasToWrite": 0}})).render()
}

/// A first server with a key, and a second that waits for its volume.
fn two_servers(version: &Installed, place: &Place) -> (Pod, Pod) {
    let first = Pod::start(version, &rendered(), place);
    first.open_gate();
    assert_eq!(first.app(&["SET", "key", "value"]), "OK");
    let second = Pod::spawn(version, &rendered(), place);
    let waits = wait_until(DEADLINE, || second.container.log() == WAITS);
    assert!(waits, "{}", second.container.log());
    (first, second)
}

fn place_in(folder: &TempDir) -> Place {
    Place { data: Some(folder.path().join("data")), ..Place::default() }
}

fn a_second_server_waits_until_the_first_has_ended(version: &Installed) {
    let folder = TempDir::new().expect("a folder");
    let (mut first, mut second) = two_servers(version, &place_in(&folder));
    assert_eq!(first.app(&["GET", "key"]), "value");
    assert!(!second.is_alive(), "it answers beside the first");
    first.stop();
    second.wait_until_started();
    second.wait_for_info("loading", "0");
    assert_eq!(second.app(&["GET", "key"]), "value");
}

fn a_second_server_starts_when_the_first_was_killed(version: &Installed) {
    let folder = TempDir::new().expect("a folder");
    let (mut first, mut second) = two_servers(version, &place_in(&folder));
    first.container.signal("KILL");
    first.container.wait(DEADLINE);
    second.wait_until_started();
    second.wait_for_info("loading", "0");
    assert_eq!(second.app(&["GET", "key"]), "value");
}

fn a_server_that_waits_too_long_says_so_and_ends(version: &Installed) {
    let folder = TempDir::new().expect("a folder");
    let place = place_in(&folder);
    let first = Pod::start(version, &rendered(), &place);
    // Its seconds are short: a `sleep` that comes first in PATH returns at once.
    let sleep = ("sleep".to_owned(), b"#!/bin/sh\n".to_vec());
    let volumes = vec![("/usr/local/sbin".to_owned(), Volume::Files(vec![sleep], 0o755))];
    let mut second = Pod::spawn(version, &rendered(), &Place { volumes, ..place });
    let status = second.container.wait(DEADLINE);
    assert_eq!(status.code(), Some(1));
    let said = format!("{WAITS}gungnir: /data is still in use after 120 s\n");
    assert_eq!(second.container.log(), said);
    assert!(first.is_alive());
}

fn a_server_that_waits_ends_when_it_is_told_to(version: &Installed) {
    let folder = TempDir::new().expect("a folder");
    let (first, mut second) = two_servers(version, &place_in(&folder));
    second.container.signal("TERM");
    let status = second.container.wait(Duration::from_secs(10));
    assert_eq!(status.code(), Some(143), "{}", second.container.log());
    assert_eq!(first.app(&["GET", "key"]), "value");
}

fn a_faulty_file_ends_the_start_and_shows_no_password(version: &Installed) {
    let faulty = rendered().with_lines("valkey.conf", "no-such-directive 1");
    let mut pod = Pod::spawn(version, &faulty, &Place::default());
    let status = pod.container.wait(DEADLINE);
    assert_eq!(status.code(), Some(1));
    let log = pod.container.log();
    assert!(log.contains("no-such-directive"), "{log}");
    for name in ["VALKEYCLI_AUTH", "OPERATOR_PASSWORD", "REPLICATION_PASSWORD"] {
        let password = pod.variable(name).expect("a password");
        assert!(!log.contains(password), "{log}");
    }
}

//! The preStop hook: a master waits until it is none any more, anything else stops at once; and
//! the hook itself changes nothing.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use serde_json::json;
use tempfile::TempDir;

use crate::kubelet::Place;
use crate::pod::DEADLINE;
use crate::pod::Pod;
use crate::rendered::Example;
use crate::support::network::Network;
use crate::support::valkey::Installed;
use crate::support::valkey::wait_until;
use crate::version::on_every_version;
use crate::version::versions;

/// Longer than the hook may take.
const LIMIT_SECONDS: u32 = 40;
/// A hook that has nothing to wait for.
const AT_ONCE: Duration = Duration::from_secs(6);

on_every_version!(nothing_but_a_master_waits, a_master_waits_until_its_role_changes,);

fn pod(version: &Installed) -> Pod {
    let spec = json!({"replication": {"minReplicasToWrite": 0}});
    Pod::start(version, &Example::minimal(&spec).render(), &Place::default())
}

/// How long the hook took; it succeeds whatever it finds.
fn hook(pod: &Pod) -> Duration {
    let began = Instant::now();
    let output = pod.pre_stop(LIMIT_SECONDS).expect("there is a hook");
    assert!(output.status.success(), "{output:?}");
    began.elapsed()
}

fn nothing_but_a_master_waits(version: &Installed) {
    let gated = pod(version);
    let took = hook(&gated);
    assert!(took < AT_ONCE, "gated: {took:?}");
    assert_eq!(gated.info("role"), "slave");

    let network = Network::new(version);
    let rendered = Example::minimal(&json!({})).render();
    let place = |ordinal: u8| Place {
        ordinal: ordinal.into(),
        network: network.attach(ordinal + 1),
        ..Place::default()
    };
    let [master, replica] = [0, 1].map(|ordinal| Pod::start(version, &rendered, &place(ordinal)));
    master.open_gate();
    replica.take_over();
    assert_eq!(replica.term(&["REPLICAOF", &Network::address(1), "6379"]), "OK");
    replica.wait_for_info("master_link_status", "up");
    let took = hook(&replica);
    assert!(took < AT_ONCE, "replica: {took:?}");
    assert_eq!(replica.info("master_link_status"), "up");

    // A start script that waits for its volume is no server yet.
    let folder = TempDir::new().expect("a folder");
    let place = Place { data: Some(folder.path().join("data")), ..Place::default() };
    let _first = Pod::start(version, &rendered, &place);
    let second = Pod::spawn(version, &rendered, &place);
    let took = hook(&second);
    assert!(took < AT_ONCE, "no server: {took:?}");
}

fn a_master_waits_until_its_role_changes(version: &Installed) {
    let pod = pod(version);
    pod.open_gate();
    let asked = |pod: &Pod| {
        let statistics = pod.info("cmdstat_role");
        let calls = statistics.strip_prefix("calls=").and_then(|rest| rest.split(',').next());
        calls.and_then(|calls| calls.parse::<u32>().ok()).expect("a number of calls")
    };
    assert_eq!(pod.operator(&["ROLE"]).lines().next(), Some("master"));
    let before = asked(&pod);
    thread::scope(|scope| {
        let waiting = scope.spawn(|| hook(&pod));
        let waits = wait_until(DEADLINE, || asked(&pod) >= before + 5 || waiting.is_finished());
        assert!(waits && !waiting.is_finished(), "the hook of a master ended by itself");
        assert_eq!(pod.info("role"), "master");
        // As an operator that hands over does.
        assert_eq!(pod.term(&["REPLICAOF", "127.0.0.1", "1"]), "OK");
        let demoted = Instant::now();
        waiting.join().expect("the hook ends");
        assert!(demoted.elapsed() < AT_ONCE, "{:?} after its role changed", demoted.elapsed());
    });
    assert_eq!(pod.info("role"), "slave");
}

/// The script is the same for every version, and the wait is long.
#[test]
fn a_master_that_nobody_hands_over_waits_for_fifteen_seconds_and_stays_master() {
    let pod = pod(versions().last().expect("a version"));
    pod.open_gate();
    let took = hook(&pod);
    assert!((14..25).contains(&took.as_secs()), "{took:?}");
    assert_eq!(pod.info("role"), "master");
}

/// A busy master cannot say that it is one; there is still somebody to hand over to.
#[test]
fn a_server_that_cannot_say_what_it_is_waits_no_longer_than_a_master() {
    let pod = pod(versions().last().expect("a version"));
    pod.open_gate();
    pod.container.signal("STOP");
    let took = hook(&pod);
    pod.container.signal("CONT");
    assert!((14..25).contains(&took.as_secs()), "{took:?}");
    assert_eq!(pod.info("role"), "master");
}

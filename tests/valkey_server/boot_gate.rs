//! The boot gate: a server that starts is a replica of nowhere, takes no writes and is not ready,
//! until somebody with the operator's user says who it is.

use serde_json::json;
use tempfile::TempDir;

use crate::kubelet::Place;
use crate::pod::Pod;
use crate::rendered::Example;
use crate::support::network::Network;
use crate::support::valkey::Installed;
use crate::version::on_every_version;

on_every_version!(
    a_server_that_starts_is_alive_and_a_replica_of_nowhere,
    a_server_that_is_made_master_is_ready_and_takes_writes,
    a_restarted_master_is_gated_again_and_keeps_its_data,
    a_replica_is_ready_as_long_as_it_is_in_sync,
);

fn a_server_that_starts_is_alive_and_a_replica_of_nowhere(version: &Installed) {
    let pod = Pod::start(version, &Example::minimal(&json!({})).render(), &Place::default());
    assert_eq!(pod.info("role"), "slave");
    assert_eq!(pod.info("master_host"), "127.0.0.1");
    assert_eq!(pod.info("master_port"), "1");
    assert_eq!(pod.info("master_link_status"), "down");
    assert_eq!(pod.info("connected_slaves"), "0");
    let refused = pod.app(&["SET", "key", "value"]);
    assert!(refused.starts_with("READONLY"), "{refused}");
    assert!(pod.is_alive());
    assert!(!pod.is_ready());
    // Nobody but the operator's user may open the gate.
    for command in [&["REPLICAOF", "NO", "ONE"][..], &["FAILOVER"], &["CLUSTER", "FAILOVER"]] {
        assert!(!pod.app(command).contains("OK"), "{command:?}");
    }
    assert!(pod.operator(&["REPLICAOF", "NO", "ONE"]).starts_with("NOPERM"));
    assert_eq!(pod.info("role"), "slave");
}

fn a_server_that_is_made_master_is_ready_and_takes_writes(version: &Installed) {
    let spec = json!({"replication": {"minReplicasToWrite": 0}});
    let pod = Pod::start(version, &Example::minimal(&spec).render(), &Place::default());
    pod.open_gate();
    assert_eq!(pod.info("role"), "master");
    assert!(pod.is_ready());
    assert!(pod.is_alive());
    assert_eq!(pod.app(&["SET", "key", "value"]), "OK");
    assert_eq!(pod.app(&["GET", "key"]), "value");
}

fn a_restarted_master_is_gated_again_and_keeps_its_data(version: &Installed) {
    let folder = TempDir::new().expect("a folder");
    let place = Place { data: Some(folder.path().join("data")), ..Place::default() };
    let spec = json!({"replication": {"minReplicasToWrite": 0}});
    let rendered = Example::minimal(&spec).render();
    let mut pod = Pod::start(version, &rendered, &place);
    pod.open_gate();
    assert_eq!(pod.app(&["SET", "key", "value"]), "OK");
    pod.stop();

    let pod = Pod::start(version, &rendered, &place);
    pod.wait_for_info("loading", "0");
    assert_eq!(pod.info("role"), "slave");
    assert_eq!(pod.info("master_link_status"), "down");
    assert!(!pod.is_ready());
    assert!(pod.app(&["SET", "key", "other"]).starts_with("READONLY"));
    assert_eq!(pod.app(&["GET", "key"]), "value");
    // The user of a term is gone with the process: an operator takes over anew.
    assert!(pod.term(&["PING"]).contains("WRONGPASS"));
}

fn a_replica_is_ready_as_long_as_it_is_in_sync(version: &Installed) {
    let network = Network::new(version);
    let rendered = Example::minimal(&json!({"replicas": 2})).render();
    let place = |ordinal: u8| Place {
        ordinal: ordinal.into(),
        network: network.attach(ordinal + 1),
        ..Place::default()
    };
    let master = Pod::start(version, &rendered, &place(0));
    let replica = Pod::start(version, &rendered, &place(1));
    // Neither takes writes or is ready before somebody says who is who.
    assert!(!master.is_ready() && !replica.is_ready());
    master.open_gate();
    replica.take_over();
    assert_eq!(replica.term(&["REPLICAOF", &Network::address(1), "6379"]), "OK");
    replica.wait_for_info("master_link_status", "up");
    assert!(replica.is_ready());
    assert!(replica.app(&["SET", "key", "value"]).starts_with("READONLY"));

    // One copy is asked for by default, so this write is refused without a replica.
    master.wait_for_info("min_slaves_good_slaves", "1");
    assert_eq!(master.app(&["SET", "key", "value"]), "OK");
    replica.wait_for_key("key", "value");
    // Each pod announces its own address, and has a user of its own.
    let own = replica.config(&["replica-announce-ip", "masteruser"]);
    assert_eq!(own["replica-announce-ip"], Network::address(2));
    assert_eq!(own["masteruser"], "replication-1");
    let slave0 = master.info("slave0");
    assert!(slave0.starts_with(&format!("ip={},port=6379,", Network::address(2))), "{slave0}");

    drop(master);
    replica.wait_for_info("master_link_status", "down");
    assert!(!replica.is_ready());
    assert!(replica.is_alive());
    assert_eq!(replica.app(&["GET", "key"]), "value");
}

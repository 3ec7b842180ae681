//! Without an operator: the first pod is master, the others follow it by its name.

use gungnir::cluster::Roles;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::kubelet::Place;
use crate::pod::Pod;
use crate::rendered::Example;
use crate::support::network::Network;
use crate::support::valkey::Installed;
use crate::version::on_every_version;

on_every_version!(
    the_pods_find_their_roles_and_replicate,
    a_master_that_restarts_is_master_again_and_its_replicas_come_back,
);

fn variants() -> [Value; 4] {
    let secret = json!({"existingSecret": {"name": "own", "key": "word"}});
    let tls = json!({"enabled": true, "certSecretName": "own-tls", "clientAuth": "require"});
    [
        json!({"auth": {"enabled": false}}),
        json!({"auth": secret}),
        json!({"auth": {"enabled": false}, "tls": tls, "port": 7000}),
        json!({"auth": secret, "tls": tls}),
    ]
}

fn places(network: &Network, data: &TempDir) -> [Place; 3] {
    let names = [0, 1, 2].map(|ordinal| {
        (Network::address(ordinal + 1), format!("demo-{ordinal}.demo-headless.default.svc"))
    });
    // A name is known with and without its ends, as in a cluster's DNS.
    let hosts: Vec<(String, String)> = names
        .into_iter()
        .flat_map(|(address, name)| {
            let full = format!("{name}.cluster.local");
            let short = name.strip_suffix(".default.svc").unwrap_or_default().to_owned();
            [short, name, full].map(|name| (address.clone(), name))
        })
        .collect();
    [0, 1, 2].map(|ordinal: u8| Place {
        ordinal: ordinal.into(),
        network: network.attach(ordinal + 1),
        hosts: hosts.clone(),
        data: Some(data.path().join(ordinal.to_string())),
        ..Place::default()
    })
}

fn the_pods_find_their_roles_and_replicate(version: &Installed) {
    for spec in variants() {
        let (network, data) = (Network::new(version), TempDir::new().expect("a folder"));
        let rendered = Example::minimal(&spec).render_with(Roles::Static { master: 0 });
        let [master, first, second] =
            places(&network, &data).map(|place| Pod::start(version, &rendered, &place));
        assert_eq!(master.info("role"), "master", "{spec}");
        assert!(master.is_ready(), "{spec}");
        for replica in [&first, &second] {
            replica.wait_for_info("master_link_status", "up");
            assert!(replica.is_ready(), "{spec}");
        }
        master.wait_for_info("connected_slaves", "2");
        master.wait_for_info("min_slaves_good_slaves", "2");
        assert_eq!(master.app(&["SET", "key", "value"]), "OK", "{spec}");
        for replica in [&first, &second] {
            replica.wait_for_key("key", "value");
            assert!(replica.app(&["SET", "key", "other"]).starts_with("READONLY"), "{spec}");
            assert!(replica.pre_stop(5).is_none(), "a hook would wait for nobody");
        }
        // Nobody takes over here.
        let refused = master.operator(&["ACL", "SETUSER", "gungnir-t1", "on", "nopass", "+@all"]);
        assert!(refused.starts_with("NOPERM"), "{refused}");
    }
}

fn a_master_that_restarts_is_master_again_and_its_replicas_come_back(version: &Installed) {
    let (network, data) = (Network::new(version), TempDir::new().expect("a folder"));
    let spec = json!({"auth": {"existingSecret": {"name": "own"}}, "replicas": 2});
    let rendered = Example::minimal(&spec).render_with(Roles::Static { master: 0 });
    let [place, other, _] = places(&network, &data);
    let mut master = Pod::start(version, &rendered, &place);
    let replica = Pod::start(version, &rendered, &other);
    replica.wait_for_info("master_link_status", "up");
    master.wait_for_info("min_slaves_good_slaves", "1");
    assert_eq!(master.app(&["SET", "key", "value"]), "OK");
    master.stop();
    replica.wait_for_info("master_link_status", "down");
    assert!(!replica.is_ready());

    let master = Pod::start(version, &rendered, &place);
    replica.wait_for_info("master_link_status", "up");
    assert!(master.is_ready() && replica.is_ready());
    assert_eq!(master.app(&["GET", "key"]), "value");
    replica.wait_for_key("key", "value");
}

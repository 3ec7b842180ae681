//! The probes: an answer of any kind is life, silence is not, and only a server that serves is
//! ready.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::thread;
use std::time::Duration;

use gungnir::cluster::Roles;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::kubelet::Place;
use crate::pod::DEADLINE;
use crate::pod::Pod;
use crate::rendered::Example;
use crate::rendered::Rendered;
use crate::support::valkey::Installed;
use crate::support::valkey::certificate_files;
use crate::support::valkey::wait_until;
use crate::version::on_every_version;

on_every_version!(
    a_server_that_loads_is_alive_and_not_ready,
    a_busy_server_is_alive,
    a_server_that_cannot_write_its_disk_is_alive,
    a_server_of_which_the_password_is_another_is_alive,
    a_server_without_a_free_connection_is_alive,
    a_stopped_server_is_neither_alive_nor_ready,
    a_server_with_tls_is_alive_and_ready,
    a_server_whose_certificate_is_not_trusted_is_alive_and_not_ready,
);

/// A lone master, so that it can be ready without an operator.
fn lone_master(spec: &Value) -> Rendered {
    let example = Example::minimal(&json!({"replicas": 1, "auth": {"enabled": false}})).with(spec);
    example.render_with(Roles::Static { master: 0 })
}

/// The same with a user who may do everything.
fn with_term_user(rendered: Rendered) -> Rendered {
    rendered.with_lines("users.conf", "user gungnir-t1 on >the-password-of-a-term ~* &* +@all")
}

fn a_server_that_loads_is_alive_and_not_ready(version: &Installed) {
    let folder = TempDir::new().expect("a folder");
    let place = Place { data: Some(folder.path().join("data")), ..Place::default() };
    let rendered = lone_master(&json!({"persistence": {"mode": "rdb"}}));
    let mut pod = Pod::start(version, &rendered, &place);
    let fill = "for i = 1, 20000 do redis.call('SET', 'key' .. i, string.rep('x', 100)) end";
    assert_eq!(pod.app(&["EVAL", fill, "0"]), "");
    pod.stop();

    // 20,000 keys of 1 ms are 20 seconds; the server looks around after every KiB.
    let slow = "key-load-delay 1000\nloading-process-events-interval-bytes 1024";
    let rendered = with_term_user(rendered.with_lines("valkey.conf", slow));
    let pod = Pod::start(version, &rendered, &place);
    let (alive, ready) = (pod.is_alive(), pod.is_ready());
    assert_eq!(pod.info("loading"), "1", "it had loaded before it was asked");
    assert!(alive && !ready, "alive: {alive}, ready: {ready}");
    assert!(pod.app(&["GET", "key1"]).starts_with("LOADING"));
    assert_eq!(pod.term(&["CONFIG", "SET", "key-load-delay", "0"]), "OK");
    pod.wait_for_info("loading", "0");
    assert!(pod.is_ready() && pod.is_alive());
    assert_eq!(pod.app(&["DBSIZE"]), "20000");
}

fn a_busy_server_is_alive(version: &Installed) {
    let pod = Pod::start(version, &with_term_user(lone_master(&json!({}))), &Place::default());
    assert_eq!(pod.term(&["CONFIG", "SET", "busy-reply-threshold", "50"]), "OK");
    thread::scope(|scope| {
        let script = scope.spawn(|| pod.app(&["EVAL", "while true do end", "0"]));
        let busy = wait_until(DEADLINE, || pod.app(&["PING"]).starts_with("BUSY"));
        assert!(busy, "the script is not seen");
        assert!(pod.is_alive());
        assert_eq!(pod.app(&["SCRIPT", "KILL"]), "OK");
        assert!(script.join().expect("a script's answer").contains("killed"));
    });
    assert!(pod.is_ready());
}

fn a_server_that_cannot_write_its_disk_is_alive(version: &Installed) {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let place = Place { data: Some(data.clone()), ..Place::default() };
    let spec = json!({"persistence": {"mode": "rdb"}});
    let pod = Pod::start(version, &with_term_user(lone_master(&spec)), &place);
    set_mode(&data, 0o555);
    assert!(pod.term(&["BGSAVE"]).contains("started"));
    pod.wait_for_info("rdb_last_bgsave_status", "err");
    assert!(pod.app(&["SET", "key", "value"]).starts_with("MISCONF"));
    assert!(pod.app(&["PING"]).starts_with("MISCONF"));
    assert!(pod.is_alive());
    set_mode(&data, 0o2777);
    // A child that failed may not be followed by another at once.
    let saved = wait_until(DEADLINE, || pod.term(&["SAVE"]) == "OK");
    assert!(saved, "{}", pod.container.log());
    assert_eq!(pod.app(&["SET", "key", "value"]), "OK");
}

fn set_mode(folder: &Path, mode: u32) {
    fs::set_permissions(folder, fs::Permissions::from_mode(mode)).expect("a folder's mode");
}

fn a_server_of_which_the_password_is_another_is_alive(version: &Installed) {
    let pod = Pod::start(version, &Example::minimal(&json!({})).render(), &Place::default());
    pod.take_over();
    // As after a change of the Secret: the pod still has the old value in its environment.
    assert_eq!(pod.term(&["ACL", "SETUSER", "gungnir", "resetpass", ">another"]), "OK");
    assert!(pod.operator(&["PING"]).contains("WRONGPASS"));
    assert!(pod.is_alive());
    assert!(!pod.is_ready());
}

fn a_server_without_a_free_connection_is_alive(version: &Installed) {
    for auth in
        [json!({"enabled": false}), json!({"enabled": true, "existingSecret": {"name": "own"}})]
    {
        let rendered = with_term_user(lone_master(&json!({"auth": auth})));
        let pod = Pod::start(version, &rendered, &Place::default());
        thread::scope(|scope| {
            let held = scope.spawn(|| pod.app(&["BLPOP", "queue", "15"]));
            let seen = wait_until(DEADLINE, || pod.term(&["CLIENT", "LIST"]).contains("cmd=blpop"));
            assert!(seen, "the connection that is to be the only one is not there");
            assert_eq!(pod.term(&["CONFIG", "SET", "maxclients", "1"]), "OK");
            let full = pod.app(&["PING"]);
            assert!(full.contains("max number of clients"), "{full}");
            assert!(pod.is_alive(), "auth {auth}");
            pod.container.signal("KILL");
            drop(held);
        });
    }
}

fn a_stopped_server_is_neither_alive_nor_ready(version: &Installed) {
    let pod = Pod::start(version, &lone_master(&json!({})), &Place::default());
    assert!(pod.is_alive() && pod.is_ready());
    pod.container.signal("STOP");
    thread::scope(|scope| {
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            let pod = &pod;
            scope.spawn(move || {
                let output = pod.probe(probe);
                assert!(!output.status.success(), "{probe}");
                // 124 would be the kubelet's own limit: the script has to keep its time.
                assert_ne!(output.status.code(), Some(124), "{probe}");
            });
        }
    });
    pod.container.signal("CONT");
    assert!(wait_until(Duration::from_secs(5), || pod.is_alive()));
    assert!(pod.is_ready());
}

fn a_server_with_tls_is_alive_and_ready(version: &Installed) {
    for client_auth in ["off", "optional", "require"] {
        let tls = json!({"enabled": true, "certSecretName": "own-tls", "clientAuth": client_auth});
        let pod = Pod::start(version, &lone_master(&json!({"tls": tls})), &Place::default());
        assert!(pod.is_alive() && pod.is_ready(), "{client_auth}");
        let plain = pod.container.exec(5, &["valkey-cli", "PING"]);
        assert!(!plain.stdout.starts_with(b"PONG"), "it answers without TLS");
    }
}

/// As when the certificate has expired: nothing that a restart could cure.
fn a_server_whose_certificate_is_not_trusted_is_alive_and_not_ready(version: &Installed) {
    let (mut files, others) = (certificate_files(&[]), certificate_files(&[]));
    let authority = |file: &&(String, Vec<u8>)| file.0 == "ca.crt";
    files.retain(|file| !authority(&file));
    files.extend(others.iter().find(authority).cloned());
    let place = Place { tls: Some(files), ..Place::default() };
    let tls = json!({"enabled": true, "certSecretName": "own-tls", "clientAuth": "off"});
    let pod = Pod::start(version, &lone_master(&json!({"tls": tls})), &place);
    let failed = pod.app(&["PING"]);
    assert!(failed.contains("certificate verify failed"), "{failed}");
    assert!(pod.is_alive());
    assert!(!pod.is_ready());
}

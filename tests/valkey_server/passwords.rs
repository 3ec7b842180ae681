//! Passwords of any text: each works for applications, the operator and replicas, or is refused
//! with a clear message; none is shown.

use std::collections::BTreeMap;

use serde_json::json;

use crate::kubelet::Place;
use crate::pod::DEADLINE;
use crate::pod::Pod;
use crate::rendered::Example;
use crate::support::network::Network;
use crate::support::valkey::Installed;
use crate::version::on_every_version;

on_every_version!(
    any_text_is_a_password_of_applications_operator_and_replicas,
    an_empty_password_is_refused_with_the_reason,
);

/// All that a shell, `sed`, a Valkey configuration or a user's rule could take for its own.
const NASTY: [&str; 4] = [
    " blank \"quote\" 'single' \\back\\slash\\x41 `id` $(id) ${HOME} $HOME # ; & | > < ! * ? ~ ",
    "line\nbreak\r\n\ttab \u{1}control\u{7f} ünïcödé 🔑 \n",
    "%default% %operator% %replication% & \\& \\1 / # >x #0123 nopass resetpass -@all EOF\nEOF\n",
    "-n -e --user default \"",
];

fn any_text_is_a_password_of_applications_operator_and_replicas(version: &Installed) {
    // More than a pipe takes at once, so that the shell needs another way to hand it over.
    let long = "x'\"\\ ".repeat(600);
    for text in NASTY.into_iter().chain([long.as_str()]) {
        work(version, text);
    }
}

fn work(version: &Installed, text: &str) {
    // Different ones, so that none stands in for another by mistake.
    let secrets = [("password", "1"), ("operator-password", "2"), ("replication-password", "3")]
        .map(|(key, end)| (key.to_owned(), format!("{text}{end}")));
    let secrets = BTreeMap::from(secrets);
    let network = Network::new(version);
    let place = |ordinal: u8| Place {
        ordinal: ordinal.into(),
        network: network.attach(ordinal + 1),
        secrets: secrets.clone(),
        ..Place::default()
    };
    let rendered = Example::minimal(&json!({"replicas": 2})).render();
    let master = Pod::start(version, &rendered, &place(0));
    let replica = Pod::start(version, &rendered, &place(1));
    master.open_gate();
    replica.take_over();
    assert_eq!(replica.term(&["REPLICAOF", &Network::address(1), "6379"]), "OK");
    replica.wait_for_info("master_link_status", "up");
    assert!(replica.is_ready() && master.is_ready(), "{text:?}");

    let pong = master.container.exec(5, &["valkey-cli", "PING"]);
    assert_eq!(String::from_utf8_lossy(&pong.stdout), "PONG\n", "{text:?}");
    for (user, key, end) in [
        ("default", "password", "1"),
        ("gungnir", "operator-password", "2"),
        ("replication-1", "replication-password", "3"),
    ] {
        let given = master.user(user, &secrets[key], &["PING"]);
        assert_eq!(given, "PONG", "{user}: {text:?}");
        let given = master.user(user, &format!("{text}{end}x"), &["PING"]);
        assert!(given.contains("WRONGPASS"), "{user}: {text:?}: {given}");
    }
    for pod in [&master, &replica] {
        let arguments = pod.container.exec(5, &["/bin/sh", "-c", "cat /proc/[0-9]*/cmdline"]);
        for shown in [pod.container.log(), String::from_utf8_lossy(&arguments.stdout).into_owned()]
        {
            assert!(!shown.contains(text.trim()), "{shown}");
        }
    }
}

fn an_empty_password_is_refused_with_the_reason(version: &Installed) {
    let rendered = Example::minimal(&json!({})).render();
    for (key, whose) in [
        ("password", "applications"),
        ("operator-password", "the operator"),
        ("replication-password", "replicas"),
    ] {
        let secrets = BTreeMap::from([(key.to_owned(), String::new())]);
        let place = Place { secrets, ..Place::default() };
        let mut pod = Pod::spawn(version, &rendered, &place);
        let status = pod.container.wait(DEADLINE);
        assert_eq!(status.code(), Some(1), "{key}: {}", pod.container.log());
        assert_eq!(
            pod.container.log(),
            format!("gungnir: the Secret holds an empty password for {whose}\n")
        );
    }
}

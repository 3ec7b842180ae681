//! Every example's configuration, on a real server: it starts, answers, and says of itself what
//! the file says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use gungnir::cluster::Roles;
use serde_json::json;
use tempfile::TempDir;

use crate::directives::takes;
use crate::kubelet::Place;
use crate::pod::Pod;
use crate::rendered::Example;
use crate::rendered::Rendered;
use crate::rendered::examples;
use crate::support::valkey::Installed;
use crate::values::same_value;
use crate::version::on_every_version;
use crate::version::versions;

/// What a server may say of its host, which no configuration can help.
const OF_THE_HOST: [&str; 3] = ["overcommit_memory", "somaxconn", "Transparent Huge Pages"];
/// The user by which the tests look, where there is no operator whose user could make one.
const AUDITOR: &str = "user gungnir-t1 on >the-password-of-a-term ~* &* +@all";

on_every_version!(
    a_server_starts_and_says_what_the_file_says,
    a_server_with_a_static_master_starts_and_says_what_the_file_says,
    what_people_set_arrives_as_they_wrote_it,
);

fn a_server_starts_and_says_what_the_file_says(version: &Installed) {
    for example in with_and_without_tls() {
        let rendered = for_version(example.render(), version);
        check(version, &rendered, Pod::take_over);
    }
}

fn a_server_with_a_static_master_starts_and_says_what_the_file_says(version: &Installed) {
    for example in with_and_without_tls() {
        // Without an operator nobody makes a password: such a cluster has to name its Secret.
        let has_no_password = example.spec("/auth/enabled") == Some(&json!(false));
        let example = if has_no_password || example.spec("/auth/existingSecret").is_some() {
            example
        } else {
            example.with(&json!({"auth": {"existingSecret": {"name": "own"}}}))
        };
        let rendered = example.render_with(Roles::Static { master: 0 });
        let rendered = for_version(rendered, version).with_lines("users.conf", AUDITOR);
        check(version, &rendered, Pod::wait_until_ready);
    }
}

/// Values that need care on their way: quotes, several words, units, other names, any case.
fn what_people_set_arrives_as_they_wrote_it(version: &Installed) {
    let config = json!({
        "maxmemory": "100mb",
        "maxmemory-policy": "AllKeys-LRU",
        "save": "900 1 300 10",
        "client-output-buffer-limit": "normal 1k 2kb 3 replica 512mb 128mb 60",
        "notify-keyspace-events": "Exg",
        "proc-title-template": r#""{title} it's \\ \" # {port}""#,
        "syslog-ident": "'a # b'",
        "oom-score-adj-values": "0 100 200",
        "latency-tracking-info-percentiles": "50 99 99.9",
        "slowlog-log-slower-than": "-1",
        "MAXCLIENTS": "500",
        "slave-priority": "50",
        "hash-max-ziplist-entries": "64",
        "bio_cpulist": "0-1",
        "tcp-keepalive": "0",
        "lfu-log-factor": "  11 ",
    });
    check(version, &Example::minimal(&json!({"config": config})).render(), Pod::take_over);
}

/// Every example, and those with TLS without it as well.
fn with_and_without_tls() -> Vec<Example> {
    let mut all = examples();
    let with_tls: Vec<Example> = all.iter().filter(|one| one.has_tls()).cloned().collect();
    all.extend(with_tls.into_iter().map(|example| example.with(&json!({"tls": null}))));
    all
}

/// Without the directives of `spec.config` that this version does not have yet, or no more: an
/// example is written for the image that it names.
fn for_version(rendered: Rendered, version: &Installed) -> Rendered {
    let unknown: BTreeSet<String> = rendered
        .directives()
        .into_iter()
        .filter(|(name, _)| !takes(version, name))
        .map(|(name, _)| name.to_owned())
        .collect();
    for name in &unknown {
        let elsewhere = versions().iter().any(|other| takes(other, name));
        assert!(elsewhere, "{}: no version takes {name}", rendered.name);
    }
    rendered.with_directives(|name| !unknown.contains(name))
}

fn check(version: &Installed, rendered: &Rendered, prepare: impl Fn(&Pod)) {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let place = Place { data: Some(data.clone()), ..Place::default() };
    let mut pod = Pod::start(version, rendered, &place);
    prepare(&pod);
    assert_eq!(pod.app(&["PING"]), "PONG", "{}", rendered.name);

    says_what_the_file_says(rendered, &pod);
    takes_it_over_while_it_runs(rendered, &pod);
    let log = pod.container.log();
    warns_of_nothing(rendered, &log);
    hides_its_passwords(rendered, &pod, &data);

    pod.stop();
    hides(rendered, &pod, &pod.container.log(), "the log");
}

fn says_what_the_file_says(rendered: &Rendered, pod: &Pod) {
    let directives = rendered.directives();
    let names: Vec<&str> = directives.iter().map(|(name, _)| *name).collect();
    let answers = pod.config(&names);
    for (name, arguments) in directives {
        if name == "loadmodule" {
            continue;
        }
        let answer = answers.get(name).map(String::as_str);
        assert!(
            answer.is_some_and(|answer| same_value(name, arguments, answer)),
            "{}: `{name} {arguments}` gave {answer:?}",
            rendered.name
        );
    }
}

/// As the operator sets it, each directive by itself; nothing is otherwise afterwards.
fn takes_it_over_while_it_runs(rendered: &Rendered, pod: &Pod) {
    let names: Vec<&str> = rendered.live.iter().map(|(name, _)| name.as_str()).collect();
    let before = pod.config(&names);
    for (name, value) in &rendered.live {
        let answer = pod.term(&["CONFIG", "SET", name, value]);
        assert_eq!(answer.trim(), "OK", "{}: {name} {value}", rendered.name);
    }
    assert_eq!(pod.config(&names), before, "{}", rendered.name);
}

fn warns_of_nothing(rendered: &Rendered, log: &str) {
    for line in log.lines().filter(|line| !OF_THE_HOST.iter().any(|host| line.contains(host))) {
        let lower = line.to_ascii_lowercase();
        let warns = ["warning", "deprecated", "ignor", "unable to", "can't", "fatal"];
        assert!(!warns.iter().any(|word| lower.contains(word)), "{}: {line}", rendered.name);
    }
}

/// No password in the log, in an argument of any process, or in a file of the pod.
fn hides_its_passwords(rendered: &Rendered, pod: &Pod, data: &Path) {
    hides(rendered, pod, &pod.container.log(), "the log");
    let arguments = pod.container.exec(5, &["/bin/sh", "-c", "cat /proc/[0-9]*/cmdline"]);
    let arguments = String::from_utf8_lossy(&arguments.stdout).into_owned();
    assert!(arguments.contains("valkey-server") || arguments.contains("redis-server"));
    hides(rendered, pod, &arguments, "an argument");
    for object in ["alive.sh", "cli.sh", "ready.sh", "start.sh", "users.conf", "valkey.conf"] {
        // The auditor of these tests has a password of its own, which is not the pod's.
        hides(rendered, pod, rendered.file(object), object);
    }
    for entry in fs::read_dir(data).expect("the data folder") {
        let path = entry.expect("a file").path();
        if path.is_file() {
            let content = fs::read(&path).expect("a file of the data folder");
            let name = path.display().to_string();
            hides(rendered, pod, &String::from_utf8_lossy(&content), &name);
        }
    }
}

fn hides(rendered: &Rendered, pod: &Pod, text: &str, place: &str) {
    let names = ["VALKEYCLI_AUTH", "OPERATOR_PASSWORD", "REPLICATION_PASSWORD"];
    for password in names.into_iter().filter_map(|name| pod.variable(name)) {
        assert!(!text.contains(password), "{}: {place} holds a password", rendered.name);
    }
}

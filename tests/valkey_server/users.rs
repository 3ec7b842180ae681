//! What each user may do, and may not.

use std::thread;

use gungnir::cluster::Roles;
use gungnir::cluster::users_text;
use serde_json::Value;
use serde_json::json;

use crate::kubelet::Place;
use crate::pod::DEADLINE;
use crate::pod::Pod;
use crate::pod::TERM_PASSWORD;
use crate::rendered::Example;
use crate::support::network::Network;
use crate::support::valkey::Installed;
use crate::support::valkey::ServerSetup;
use crate::support::valkey::wait_until;
use crate::version::on_every_version;

on_every_version!(
    an_application_works_and_touches_nothing_of_the_servers,
    an_application_without_a_password_is_kept_off_the_same_commands,
    the_operators_user_looks_and_takes_over_and_nothing_else,
    a_term_that_ends_ends_its_connections,
    a_replicas_user_replicates_and_reads_nothing,
    nobody_gets_in_without_the_password,
    no_administrators_command_is_open_to_applications_unseen,
);

/// Each of these is refused to applications, whatever its arguments.
const DENIED: [&[&str]; 24] = [
    &["PSYNC", "?", "-1"],
    &["SYNC"],
    &["REPLCONF", "listening-port", "1"],
    &["REPLICAOF", "NO", "ONE"],
    &["SLAVEOF", "NO", "ONE"],
    &["FAILOVER"],
    &["SHUTDOWN", "NOSAVE"],
    &["ACL", "LIST"],
    &["ACL", "GETUSER", "gungnir"],
    &["ACL", "SETUSER", "me", "on", "nopass", "+@all"],
    &["ACL", "DELUSER", "gungnir"],
    &["ACL", "WHOAMI"],
    &["CONFIG", "GET", "*"],
    &["CONFIG", "GET", "masterauth"],
    &["CONFIG", "SET", "requirepass", ""],
    &["CONFIG", "SET", "min-replicas-to-write", "0"],
    &["CONFIG", "REWRITE"],
    &["CONFIG", "RESETSTAT"],
    &["MODULE", "LIST"],
    &["MODULE", "LOAD", "/tmp/x.so"],
    &["CLIENT", "PAUSE", "1"],
    &["DEBUG", "SLEEP", "0"],
    &["DEBUG", "JMAP"],
    &["DEBUG", "OBJECT", "key"],
];

/// Commands of every kind that applications use, and what each answers.
const ALLOWED: [(&[&str], &str); 22] = [
    (&["SET", "key", "1"], "OK"),
    (&["INCR", "key"], "2"),
    (&["GET", "key"], "2"),
    (&["EXPIRE", "key", "100"], "1"),
    (&["HSET", "hash", "field", "value"], "1"),
    (&["LPUSH", "list", "a", "b"], "2"),
    (&["SADD", "set", "a"], "1"),
    (&["ZADD", "zset", "1", "a"], "1"),
    (&["XADD", "stream", "1-1", "field", "value"], "1-1"),
    (&["PFADD", "hll", "a"], "1"),
    (&["SETBIT", "bits", "7", "1"], "0"),
    (&["EVAL", "return redis.call('GET', KEYS[1])", "1", "key"], "2"),
    (&["SCRIPT", "FLUSH"], "OK"),
    (&["FUNCTION", "LIST"], ""),
    (&["PUBLISH", "channel", "message"], "0"),
    (&["CLIENT", "SETNAME", "me"], "OK"),
    (&["SELECT", "1"], "OK"),
    (&["ROLE"], "master\n"),
    (&["WAIT", "0", "10"], "0"),
    (&["DBSIZE"], "8"),
    (&["SLOWLOG", "RESET"], "OK"),
    (&["FLUSHALL"], "OK"),
];

/// Commands of administrators that applications may give: they look, save what is there, or deal
/// with other clients. Those of `CLUSTER` only say that this is none. One that comes with a newer
/// version has to be judged before it is added here.
const OPEN: [&str; 25] = [
    "bgrewriteaof",
    "bgsave",
    "client|kill",
    "client|list",
    "client|no-evict",
    "client|unblock",
    "client|unpause",
    "commandlog|get",
    "commandlog|len",
    "commandlog|reset",
    "lastsave",
    "latency|doctor",
    "latency|graph",
    "latency|histogram",
    "latency|history",
    "latency|latest",
    "latency|reset",
    "monitor",
    "pfdebug",
    "pfselftest",
    "role",
    "save",
    "slowlog|get",
    "slowlog|len",
    "slowlog|reset",
];

/// What people may allow: then only the users' rules are in the way of some commands.
fn unprotected() -> Value {
    let names = ["enable-debug-command", "enable-module-command", "enable-protected-configs"];
    names.map(|name| (name, "yes")).into_iter().collect()
}

fn master(version: &Installed, spec: &Value) -> Pod {
    let alone = json!({"replication": {"minReplicasToWrite": 0}});
    let rendered = Example::minimal(&alone).with(spec).render();
    let pod = Pod::start(version, &rendered, &Place::default());
    pod.open_gate();
    pod
}

fn an_application_works_and_touches_nothing_of_the_servers(version: &Installed) {
    let pod = master(version, &json!({"config": unprotected()}));
    // As in `kubectl exec POD -- valkey-cli PING`: the environment alone has to do.
    let pong = pod.container.exec(5, &["valkey-cli", "PING"]);
    assert_eq!(String::from_utf8_lossy(&pong.stdout), "PONG\n");
    assert!(pong.stderr.is_empty(), "{}", String::from_utf8_lossy(&pong.stderr));
    works_and_is_kept_off(&pod);
}

fn an_application_without_a_password_is_kept_off_the_same_commands(version: &Installed) {
    let pod = master(version, &json!({"auth": {"enabled": false}, "config": unprotected()}));
    assert_eq!(pod.variable("VALKEYCLI_AUTH"), None);
    works_and_is_kept_off(&pod);
    // The operator still has its password.
    assert!(pod.user("gungnir", "wrong", &["ROLE"]).contains("WRONGPASS"));
    assert!(pod.user("replication-0", "wrong", &["PING"]).contains("WRONGPASS"));
}

fn works_and_is_kept_off(pod: &Pod) {
    for (command, answer) in ALLOWED {
        let given = pod.app(command);
        assert!(
            given == answer || given.starts_with(answer) && answer.ends_with('\n'),
            "{command:?}: {given}"
        );
    }
    for command in DENIED {
        let given = pod.app(command);
        assert!(given.contains("NOPERM"), "{command:?}: {given}");
        let quoted: Vec<String> = command.iter().map(|word| format!("'{word}'")).collect();
        let script = format!("return redis.call({})", quoted.join(", "));
        let given = pod.app(&["EVAL", &script, "0"]);
        // Some are refused to every script; the others for want of a permission.
        let refused =
            ["NOPERM", "ACL failure", "can't run this command", "not allowed from script"];
        assert!(refused.iter().any(|cause| given.contains(cause)), "EVAL {command:?}: {given}");
    }
    assert_eq!(pod.info("role"), "master");
}

fn the_operators_user_looks_and_takes_over_and_nothing_else(version: &Installed) {
    let pod = master(version, &json!({"config": {"slowlog-log-slower-than": "0"}}));
    assert!(pod.operator(&["INFO", "replication"]).contains("role:master"));
    assert!(pod.operator(&["ROLE"]).starts_with("master"));
    assert_eq!(pod.operator(&["PING"]), "PONG");
    assert_eq!(pod.operator(&["ACL", "WHOAMI"]), "gungnir");
    for command in [
        &["GET", "key"][..],
        &["SET", "key", "value"],
        &["KEYS", "*"],
        &["CONFIG", "GET", "*"],
        &["CONFIG", "SET", "hz", "10"],
        &["REPLICAOF", "NO", "ONE"],
        &["SHUTDOWN"],
        &["CLIENT", "LIST"],
        &["EVAL", "return 1", "0"],
        &["SUBSCRIBE", "channel"],
        &["FLUSHALL"],
        &["PSYNC", "?", "-1"],
        &["MONITOR"],
        &["SLOWLOG", "GET"],
    ] {
        let given = pod.operator(command);
        assert!(given.contains("NOPERM"), "{command:?}: {given}");
    }
    // What it gives the user of a term is not told to applications.
    pod.take_over();
    assert!(!pod.app(&["SLOWLOG", "GET", "100"]).contains(TERM_PASSWORD));
}

fn a_term_that_ends_ends_its_connections(version: &Installed) {
    let pod = master(version, &json!({}));
    thread::scope(|scope| {
        let blocked = scope.spawn(|| pod.term(&["BLPOP", "queue", "15"]));
        let seen = wait_until(DEADLINE, || pod.term(&["CLIENT", "LIST"]).contains("cmd=blpop"));
        assert!(seen, "the connection of the old term is not there");
        assert_eq!(pod.operator(&["ACL", "DELUSER", "gungnir-t1"]), "1");
        let ended = blocked.join().expect("the blocked client's end");
        assert!(ended.contains("closed") || ended.contains("reset"), "{ended}");
    });
    assert!(pod.term(&["PING"]).contains("WRONGPASS"));
}

fn a_replicas_user_replicates_and_reads_nothing(version: &Installed) {
    let pod = master(version, &json!({}));
    assert_eq!(pod.app(&["SET", "key", "value"]), "OK");
    let password = pod.variable("REPLICATION_PASSWORD").expect("a password of replicas").to_owned();
    for ordinal in 0..9 {
        let name = format!("replication-{ordinal}");
        assert_eq!(pod.user(&name, &password, &["PING"]), "PONG");
        assert_eq!(pod.user(&name, &password, &["REPLCONF", "capa", "eof"]), "OK");
        for command in
            [&["GET", "key"][..], &["INFO"], &["CONFIG", "GET", "*"], &["ACL", "LIST"], &["ROLE"]]
        {
            let given = pod.user(&name, &password, command);
            assert!(given.starts_with("NOPERM"), "{name} {command:?}: {given}");
        }
    }
    assert!(pod.user("replication-9", &password, &["PING"]).contains("WRONGPASS"));

    // One replica is shut out, the other is not.
    let network = Network::new(version);
    let place = |ordinal: u8| Place {
        ordinal: ordinal.into(),
        network: network.attach(ordinal + 1),
        ..Place::default()
    };
    let spec = json!({"replication": {"minReplicasToWrite": 0}});
    let rendered = Example::minimal(&spec).render();
    let [master, first, second] =
        [0, 1, 2].map(|ordinal| Pod::start(version, &rendered, &place(ordinal)));
    master.open_gate();
    assert_eq!(master.term(&["ACL", "SETUSER", "replication-2", "off"]), "OK");
    for replica in [&first, &second] {
        replica.take_over();
        assert_eq!(replica.term(&["REPLICAOF", &Network::address(1), "6379"]), "OK");
    }
    first.wait_for_info("master_link_status", "up");
    let shut_out = wait_until(DEADLINE, || second.container.log().contains("WRONGPASS"));
    assert!(shut_out, "{}", second.container.log());
    assert_eq!(second.info("master_link_status"), "down");
    assert_eq!(master.info("connected_slaves"), "1");
}

fn nobody_gets_in_without_the_password(version: &Installed) {
    for roles in [Roles::Elected, Roles::Static { master: 0 }] {
        let auth = json!({"auth": {"existingSecret": {"name": "own", "key": "word"}}});
        let rendered = Example::minimal(&auth).render_with(roles);
        let pod = Pod::start(version, &rendered, &Place::default());
        let bare = ["/usr/bin/env", "-i", "/usr/bin/valkey-cli"];
        for command in [&["PING"][..], &["INFO"], &["GET", "key"], &["ACL", "WHOAMI"]] {
            let output = pod.container.exec(5, &[&bare[..], command].concat());
            let given = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(given.starts_with("NOAUTH"), "{command:?}: {given}");
        }
        for user in ["default", "gungnir", "replication-0"] {
            for password in ["", "wrong", "none", "nopass", "%default%"] {
                let output =
                    pod.container.exec(5, &[&bare[..], &["AUTH", user, password]].concat());
                let given = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(given.starts_with("WRONGPASS"), "{user} {password:?}: {given}");
            }
        }
    }
}

fn no_administrators_command_is_open_to_applications_unseen(version: &Installed) {
    let users = ["%default%", "%operator%", "%replication%"]
        .iter()
        .fold(users_text(Roles::Elected), |text, credential| text.replace(credential, "nopass"));
    let server = version.start(&ServerSetup { conf: users, ..ServerSetup::default() });
    let client = redis::Client::open(format!("redis://gungnir:any@127.0.0.1:{}", server.port));
    let mut operator = client.and_then(|client| client.get_connection()).expect("a connection");
    let commands: Vec<String> =
        redis::cmd("ACL").arg("CAT").arg("admin").query(&mut operator).expect("a list of commands");
    assert!(commands.len() > 50, "{commands:?}");
    let open = commands.iter().filter(|command| {
        let words: Vec<&str> = command.split('|').collect();
        let mut dry_run = |arguments: usize| {
            let mut run = redis::cmd("ACL");
            run.arg("DRYRUN").arg("default").arg(&words).arg(vec!["1"; arguments]);
            run.query::<String>(&mut operator).ok()
        };
        // It fails as long as arguments are missing.
        let answer = (0..10).find_map(&mut dry_run);
        let answer = answer.unwrap_or_else(|| panic!("no number of arguments suits {command}"));
        assert!(answer == "OK" || answer.contains("no permissions"), "{command}: {answer}");
        answer == "OK"
    });
    let unseen: Vec<&String> = open
        .filter(|command| !OPEN.contains(&command.as_str()) && !command.starts_with("cluster|"))
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}

//! The scripts, one for each thing that Gungnir relies on.

use crate::compare;
use crate::stage::Signal;
use crate::transcript::Transcript;

macro_rules! scripts {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn is_the_same_on_real_servers() {
                super::compare(super::$name);
            }
        }
    )+};
}

scripts!(
    a_gate_and_a_promotion,
    replication,
    a_failover,
    a_failover_that_loses,
    a_killed_master,
    a_chain,
    snapshots,
    append_only_files,
    good_replicas,
    a_pause,
    users,
    a_users_link,
    errors,
    waits,
    a_stopped_server,
    ends,
    an_orderly_end,
    a_transaction,
    directives,
);

fn a_gate_and_a_promotion(script: &mut Transcript<'_>) {
    script.start(0, "");
    script.show(0);
    script.ask(0, "SET a 1");
    script.ask(0, "DBSIZE");
    script.ask(0, "REPLICAOF NO ONE");
    script.ask(0, "SET a 1");
    script.ask(0, "REPLICAOF NO ONE");
    script.show(0);
    script.ask(0, "REPLICAOF 127.0.0.1 1");
    script.show(0);
    script.ask(0, "REPLICAOF NO ONE");
    script.show(0);
}

fn replication(script: &mut Transcript<'_>) {
    script.set(3, "replica-priority 7\n");
    (0..3).for_each(|server| script.show(server));
    script.ask(0, "SET a 1");
    script.ask(0, "WAIT 2 1000");
    script.level(3);
    (0..3).for_each(|server| script.show(server));
    script.ask(0, "SET b 1");
    script.ask(0, "DEL a");
    script.level(3);
    script.ask(1, "GET b");
    script.ask(1, "SET b 2");
    script.ask(1, "WAIT 1 1");
    script.follow(1, 0);
    (0..3).for_each(|server| script.show(server));
}

/// Freezes both replicas and lets the first of them lead.
fn hand_over(script: &mut Transcript<'_>, lost: bool) {
    script.set(3, "");
    script.ask(0, "SET a 1");
    script.level(3);
    script.ask(1, "REPLICAOF 127.0.0.1 1");
    script.ask(2, "REPLICAOF 127.0.0.1 1");
    if lost {
        script.ask(0, "SET lost 1");
    }
    (0..3).for_each(|server| script.show(server));
    script.ask(1, "REPLICAOF NO ONE");
    script.show(1);
    script.ask(1, "SET b 1");
    script.follow(2, 1);
    script.until(2, "master_link_status", "up");
    script.follow(0, 1);
    script.until(0, "master_link_status", "up");
    script.pass(1500);
    (0..3).for_each(|server| script.show(server));
    script.ask(1, "SET c 1");
    script.pass(1500);
    (0..3).for_each(|server| script.show(server));
}

fn a_failover(script: &mut Transcript<'_>) {
    hand_over(script, false);
}

fn a_failover_that_loses(script: &mut Transcript<'_>) {
    hand_over(script, true);
}

fn a_killed_master(script: &mut Transcript<'_>) {
    script.set(2, "");
    script.ask(0, "SET a 1");
    script.level(2);
    script.signal(0, Signal::Kill);
    script.ask(0, "PING");
    script.ask(0, "PING");
    script.until(1, "master_link_status", "down");
    script.show(1);
    script.ask(1, "REPLICAOF NO ONE");
    script.start(0, "");
    script.show(0);
    script.follow(0, 1);
    script.until(0, "master_link_status", "up");
    script.pass(1500);
    script.show(0);
    script.show(1);
}

fn a_chain(script: &mut Transcript<'_>) {
    script.set(2, "");
    script.start(2, "");
    script.follow(2, 1);
    script.until(2, "master_link_status", "up");
    script.ask(0, "SET a 1");
    script.pass(2500);
    (0..3).for_each(|server| script.show(server));
    script.ask(1, "REPLICAOF NO ONE");
    script.pass(2500);
    (0..3).for_each(|server| script.show(server));
    // A replica without link feeds nobody.
    script.ask(1, "REPLICAOF 127.0.0.1 1");
    script.pass(1000);
    (1..3).for_each(|server| script.show(server));
    script.ask(2, "REPLICAOF 127.0.0.1 1");
    script.follow(2, 1);
    script.pass(2500);
    (1..3).for_each(|server| script.show(server));
}

fn snapshots(script: &mut Transcript<'_>) {
    let saves = "save 3600 1\n";
    script.set(2, saves);
    script.ask(0, "SET a 1");
    script.level(2);
    // What its first transfer left.
    script.signal(1, Signal::Kill);
    script.start(1, saves);
    script.show(1);
    script.follow(1, 0);
    script.until(1, "master_link_status", "up");
    script.show(1);
    // What an orderly end leaves.
    script.signal(1, Signal::Terminate);
    script.exit(1);
    script.start(1, saves);
    script.show(1);
    script.follow(1, 0);
    script.until(1, "master_link_status", "up");
    script.show(1);
    script.level(2);
    script.show(0);
    // The master: nothing, then everything.
    script.signal(0, Signal::Kill);
    script.start(0, saves);
    script.show(0);
    script.signal(1, Signal::Terminate);
    script.exit(1);
    script.start(1, saves);
    script.ask(1, "REPLICAOF NO ONE");
    script.show(1);
}

fn append_only_files(script: &mut Transcript<'_>) {
    let appends = "appendonly yes\n";
    script.start(0, appends);
    script.ask(0, "REPLICAOF NO ONE");
    script.ask(0, "SET a 1");
    script.show(0);
    script.start(1, appends);
    script.follow(1, 0);
    script.until(1, "master_link_status", "up");
    script.ask(0, "SET b 1");
    script.level(2);
    (0..2).for_each(|server| script.show(server));
    for server in 0..2 {
        script.signal(server, Signal::Kill);
        script.start(server, appends);
        script.show(server);
    }
    script.ask(1, "REPLICAOF NO ONE");
    script.ask(1, "SET c 1");
    script.signal(1, Signal::Terminate);
    script.exit(1);
    script.start(1, appends);
    script.show(1);
}

fn good_replicas(script: &mut Transcript<'_>) {
    script.start(0, "min-replicas-to-write 1\n");
    script.start(1, "");
    script.ask(0, "REPLICAOF NO ONE");
    script.show(0);
    script.ask(0, "SET a 1");
    script.ask(0, "GET a");
    script.follow(1, 0);
    script.until(1, "master_link_status", "up");
    script.until(0, "min_slaves_good_slaves", "1");
    script.ask(0, "SET a 1");
    script.signal(1, Signal::Stop);
    script.until(0, "min_slaves_good_slaves", "0");
    script.ask(0, "SET a 2");
    script.ask(0, "CONFIG SET min-replicas-to-write 0");
    script.ask(0, "SET a 2");
    script.show(0);
    script.ask(0, "CONFIG SET min-replicas-to-write 1 min-replicas-max-lag 2");
    script.ask(0, "SET a 3");
    script.signal(1, Signal::Continue);
    script.until(0, "min_slaves_good_slaves", "1");
    script.ask(0, "SET a 3");
    // Who leaves does not count from then on.
    script.ask(1, "REPLICAOF 127.0.0.1 1");
    script.until(0, "connected_slaves", "0");
    script.ask(0, "SET a 4");
}

fn a_pause(script: &mut Transcript<'_>) {
    script.set(2, "");
    script.ask(0, "CLIENT PAUSE 60000 WRITE");
    script.send(0, "writer", "SET a 1");
    script.answer(0, "writer");
    script.ask(0, "GET a");
    script.ask(0, "CLIENT PAUSE 10 WRITE");
    script.pass(500);
    script.ask(0, "GET a");
    script.ask(0, "CLIENT UNPAUSE");
    script.answer(0, "writer");
    script.ask(0, "CLIENT PAUSE 60000 WRITE");
    script.send(0, "writer", "SET a 2");
    script.pass(100);
    script.ask(0, "REPLICAOF 127.0.0.1 1");
    script.ask(0, "CLIENT UNPAUSE");
    script.answer(0, "writer");
    script.show(0);
}

const USERS: &str = "user default on nopass ~* &* +@all -config -acl -client|pause -replicaof\n\
    user gungnir on #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b \
    -@all +ping +info +role +acl\n\
    user replication-1 on #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b \
    -@all +psync +replconf +ping\n\
    masteruser replication-1\nmasterauth \"\\x73\\x65\\x63\\x72\\x65\\x74\"\n";
const TERM: &str = "ACL SETUSER gungnir-t1 reset on -@all +ping +info +role +config|get +config|set \
    +replicaof +client|setname +client|no-evict +client|pause +client|unpause +client|kill \
    +script|kill +function|kill +acl +dbsize >term";

fn users(script: &mut Transcript<'_>) {
    script.start(0, USERS);
    script.ask(0, "CONFIG GET port");
    script.ask(0, "CLIENT PAUSE 1");
    script.ask(0, "CLIENT KILL TYPE normal");
    script.ask(0, "AUTH x");
    script.ask_as(0, "operator", "AUTH gungnir wrong");
    script.ask_as(0, "operator", "AUTH nobody secret");
    script.ask_as(0, "operator", "AUTH gungnir secret");
    script.ask_as(0, "operator", "CONFIG GET port");
    script.ask_as(0, "operator", "GET a");
    script.ask_as(0, "operator", "CLIENT SETNAME gungnir");
    script.ask_as(0, "operator", "ACL USERS");
    script.ask_as(0, "operator", TERM);
    script.ask_as(0, "term", "AUTH gungnir-t1 term");
    script.ask_as(0, "term", "CLIENT SETNAME gungnir");
    script.ask_as(0, "term", "REPLICAOF NO ONE");
    script.ask_as(0, "term", "GET a");
    script.ask_as(0, "term", "DBSIZE");
    script.ask_as(0, "operator", "ACL SETUSER replication-1 off");
    script.ask_as(0, "operator", "AUTH replication-1 secret");
    script.ask_as(0, "operator", "ACL WHOAMI");
    script.ask_as(0, "operator", "ACL GETUSER nobody");
    script.ask_as(0, "operator", "ACL DELUSER gungnir-t1 gungnir-t0");
    script.answer(0, "term");
    script.ask_as(0, "term", "AUTH gungnir-t1 term");
    script.ask_as(0, "operator", "ACL SETUSER x on #abc");
    script.ask_as(0, "operator", "ACL DELUSER default");
    script.ask_as(0, "operator", "ACL SETUSER default off");
    script.ask_as(0, "late", "PING");
    script.ask_as(0, "late", "GET a");
    script.ask_as(0, "late", "NOSUCH a");
    script.ask_as(0, "late", "AUTH gungnir secret");
}

fn a_users_link(script: &mut Transcript<'_>) {
    for server in 0..2 {
        script.start(server, USERS);
        script.ask_as(server, "term", "AUTH gungnir secret");
        script.ask_as(server, "term", TERM);
        script.ask_as(server, "term", "AUTH gungnir-t1 term");
    }
    script.ask_as(0, "term", "REPLICAOF NO ONE");
    script.ask_as(1, "term", "CONFIG SET masterauth wrong");
    let port = follow_words(script);
    script.ask_as(1, "term", &port);
    script.pass(1500);
    script.show(1);
    script.ask_as(1, "term", "CONFIG SET masterauth secret");
    script.until(1, "master_link_status", "up");
    script.ask_as(0, "term", "ACL SETUSER replication-1 off");
    script.pass(500);
    script.show(1);
    script.ask_as(0, "term", "CLIENT KILL USER replication-1 SKIPME yes");
    script.until(1, "master_link_status", "down");
    script.pass(2500);
    (0..2).for_each(|server| script.show(server));
    script.ask_as(0, "term", "ACL SETUSER replication-1 on");
    script.until(1, "master_link_status", "up");
    script.show(1);
    script.ask_as(0, "term", "CLIENT KILL TYPE normal SKIPME yes");
    script.ask_as(0, "term", "CLIENT KILL TYPE replica ADDR 127.0.0.1:1");
    script.ask_as(0, "term", "CLIENT KILL TYPE pubsub SKIPME yes");
}

fn follow_words(script: &mut Transcript<'_>) -> String {
    format!("REPLICAOF 127.0.0.1 {}", script.port(0))
}

fn errors(script: &mut Transcript<'_>) {
    script.start(0, "");
    script.ask(0, "REPLICAOF NO ONE");
    for words in [
        "NOSUCH",
        "NOSUCH a b",
        "GET",
        "CONFIG",
        "CONFIG GET",
        "CONFIG NOSUCH",
        "CLIENT NOSUCH",
        "SCRIPT KILL",
        "FUNCTION KILL",
        "AUTH x",
        "AUTH x y",
        "EXEC",
        "DISCARD",
        "CLIENT KILL USER nobody",
        "CLIENT KILL TYPE nothing",
        "CLIENT PAUSE x WRITE",
        "CLIENT NO-EVICT ON",
        "PING hello",
        "REPLICAOF a b",
        "REPLICAOF 127.0.0.1 1",
        "REPLICAOF 127.0.0.1 1",
        "WAIT 0 0",
        "SELECT 0",
        "CONFIG SET nosuch 1",
        "CONFIG SET maxmemory abc",
        "CONFIG SET appendonly maybe",
        "CONFIG SET min-replicas-to-write -1",
        "CONFIG SET min-replicas-to-write abc",
        "CONFIG SET replicaof a",
        "ACL DELUSER nobody",
    ] {
        script.ask(0, words);
    }
}

fn waits(script: &mut Transcript<'_>) {
    script.set(2, "");
    script.ask(0, "WAIT 0 0");
    script.ask(0, "SET a 1");
    script.ask(0, "WAIT 1 0");
    script.ask(0, "WAIT 2 300");
    script.signal(1, Signal::Stop);
    script.ask(0, "SET a 2");
    script.ask(0, "WAIT 1 300");
    script.send(0, "usual", "WAIT 1 0");
    script.pass(100);
    script.ask_as(0, "other", "REPLICAOF 127.0.0.1 1");
    script.answer(0, "usual");
    script.answer(0, "usual");
    script.signal(1, Signal::Continue);
    script.pass(1500);
    (0..2).for_each(|server| script.show(server));
}

fn a_stopped_server(script: &mut Transcript<'_>) {
    script.set(2, "min-replicas-to-write 1\n");
    script.until(0, "min_slaves_good_slaves", "1");
    script.signal(0, Signal::Stop);
    script.ask_as(0, "writer", "SET a 1");
    script.leave(0, "writer");
    script.pass(1000);
    script.show(1);
    script.signal(0, Signal::Continue);
    script.pass(1000);
    script.show(0);
    script.ask(0, "GET a");
}

fn ends(script: &mut Transcript<'_>) {
    script.start(0, "");
    script.ask_as(0, "idle", "ECHO a");
    script.signal(0, Signal::Kill);
    script.answer(0, "idle");
    script.ask_as(0, "idle", "ECHO a");
    script.start(0, "");
    script.ask_as(0, "idle", "ECHO a");
    script.signal(0, Signal::Stop);
    script.send(0, "unread", "ECHO a");
    script.pass(200);
    script.signal(0, Signal::Kill);
    script.answer(0, "unread");
    script.answer(0, "idle");
    script.exit(0);
}

fn an_orderly_end(script: &mut Transcript<'_>) {
    script.set(2, "shutdown-timeout 2\n");
    script.signal(1, Signal::Stop);
    script.ask(0, "SET a 1");
    script.signal(0, Signal::Terminate);
    script.pass(300);
    script.show(0);
    script.ask(0, "SET a 2");
    script.exit(0);
    script.answer(0, "usual");
    script.signal(1, Signal::Continue);
    script.pass(1000);
    script.show(1);
    script.signal(1, Signal::Terminate);
    script.exit(1);
}

fn a_transaction(script: &mut Transcript<'_>) {
    script.set(2, "");
    for words in [
        "MULTI",
        "MULTI",
        "SET a 1",
        "EXEC",
        "MULTI",
        "SET a 1",
        "INCR a",
        "WAIT 1 0",
        "EXEC",
        "MULTI",
        "NOSUCH",
        "SET a 9",
        "EXEC",
        "MULTI",
        "SET b 1",
        "DISCARD",
        "GET a",
        "GET b",
        "MULTI",
        "ROLE",
        "REPLICAOF 127.0.0.1 1",
        "CLIENT KILL TYPE normal SKIPME yes",
        "EXEC",
        "MULTI",
        "SET a 1",
        "EXEC",
    ] {
        script.ask(0, words);
    }
}

fn directives(script: &mut Transcript<'_>) {
    script.start(0, "maxmemory 100mb\nclient-output-buffer-limit replica 1gb 0 1\n");
    script.ask(0, "CONFIG GET replicaof");
    script.ask(0, "REPLICAOF NO ONE");
    for words in [
        "CONFIG GET replicaof",
        "CONFIG GET min-replicas-to-write",
        "CONFIG GET min-slaves-to-write",
        "CONFIG GET repl-ping-replica-period",
        "CONFIG GET appendonly",
        "CONFIG GET save",
        "CONFIG GET cluster-enabled",
        "CONFIG GET busy-reply-threshold",
        "CONFIG GET timeout",
        "CONFIG GET replica-priority",
        "CONFIG GET replica-announce-ip",
        "CONFIG GET replica-announce-port",
        "CONFIG GET tls-replication",
        "CONFIG GET tls-port",
        "CONFIG GET requirepass",
        "CONFIG GET masterauth",
        "CONFIG GET maxmemory",
        "CONFIG GET maxmemory-policy",
        "CONFIG GET nosuch",
        "CONFIG SET maxmemory 1gb",
        "CONFIG GET maxmemory",
        "CONFIG SET maxmemory-policy allkeys-lru",
        "CONFIG GET maxmemory-policy",
        "CONFIG SET timeout 300",
        "CONFIG GET timeout",
        "CONFIG SET requirepass hunter2",
        "CONFIG GET requirepass",
    ] {
        script.ask(0, words);
    }
    script.ask_as(0, "late", "GET a");
    script.ask_as(0, "late", "AUTH wrong");
    script.ask_as(0, "late", "AUTH hunter2");
    script.ask_as(0, "late", "GET a");
}

//! Users, and who may replicate.

use crate::transcript::Transcript;

scripts!(users, a_users_link,);

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

//! Users, and what each may do.

use tokio::time::sleep;

use super::{LIMIT, World, say};

const USERS: &str = "user default on nopass ~* &* +@all -config -acl -client|pause -replicaof\n\
    user gungnir on #2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b \
    -@all +ping +info +role +acl\n\
    user replication-0 on nopass -@all +psync +replconf +ping\n\
    user replication-1 on nopass -@all +psync +replconf +ping\n\
    masteruser replication-1\nmasterauth \"\\x78\"\n";

#[tokio::test(start_paused = true)]
async fn a_user_does_what_it_may_and_nothing_else() {
    let world = World::gated(1, USERS);
    assert!(world.say(0, "CONFIG GET port").await.starts_with("NOPERM User default has no"));
    let mut client = world.client(0).await;
    assert!(say(&mut client, "AUTH gungnir wrong").await.starts_with("WRONGPASS"));
    assert_eq!(say(&mut client, "AUTH gungnir secret").await, "OK");
    assert!(say(&mut client, "REPLICAOF NO ONE").await.contains("'replicaof'"));
    let made = say(&mut client, "ACL SETUSER gungnir-t1 reset on -@all +replicaof +info >p").await;
    assert_eq!(made, "OK");
    let mut term = world.client(0).await;
    assert_eq!(say(&mut term, "AUTH gungnir-t1 p").await, "OK");
    assert_eq!(say(&mut term, "REPLICAOF NO ONE").await, "OK");
    assert_eq!(say(&mut client, "ACL DELUSER gungnir-t1").await, "1");
    assert_eq!(say(&mut term, "INFO").await, "UnexpectedEof");
    let users = say(&mut client, "ACL USERS").await;
    assert_eq!(users, "[default gungnir replication-0 replication-1]");
}

#[tokio::test(start_paused = true)]
async fn a_replica_whose_user_is_off_cannot_attach() {
    let mut world = World::gated(2, USERS);
    let mut operators = Vec::new();
    for number in [0, 1] {
        let mut client = world.client(number).await;
        say(&mut client, "AUTH gungnir secret").await;
        say(&mut client, "ACL SETUSER t on nopass +@all ~*").await;
        say(&mut client, "AUTH t x").await;
        operators.push(client);
    }
    let [master, replica] = &mut operators[..] else { panic!("two") };
    say(master, "REPLICAOF NO ONE").await;
    say(replica, "REPLICAOF 10.0.0.0 6379").await;
    world.settle().await;
    assert_eq!(world.field(1, "master_link_status").await, "up");
    say(master, "ACL SETUSER replication-1 off").await;
    assert!(say(master, "ACL GETUSER replication-1").await.starts_with("[flags [off nopass]"));
    assert_eq!(world.field(1, "master_link_status").await, "up");
    assert_eq!(say(master, "CLIENT KILL USER replication-1 SKIPME yes").await, "1");
    sleep(3 * LIMIT).await;
    assert_eq!(world.field(1, "master_link_status").await, "down");
    assert_eq!(world.field(0, "connected_slaves").await, "0");
    say(master, "ACL SETUSER replication-1 on").await;
    world.settle().await;
    assert_eq!(world.field(1, "master_link_status").await, "up");
    world.restart(1);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_runs_whole_or_not_at_all() {
    let world = World::led(1, "").await;
    let mut client = world.client(0).await;
    for (words, answer) in [
        ("MULTI", "OK"),
        ("SET a 1", "QUEUED"),
        ("INCR a", "QUEUED"),
        ("EXEC", "[OK 2]"),
        ("MULTI", "OK"),
        ("NOSUCH", "ERR unknown command 'NOSUCH', with args beginning with: "),
        ("SET a 9", "QUEUED"),
        ("EXEC", "EXECABORT Transaction discarded because of previous errors."),
        ("GET a", "2"),
        ("EXEC", "ERR EXEC without MULTI"),
    ] {
        assert_eq!(say(&mut client, words).await.trim_end(), answer.trim_end(), "{words}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_operators_own_client_reads_everything() {
    use gungnir::valkey::{Address, Command, Connection, Dial, Info, RoleReply, ServerConfig};

    let world = World::led(2, "min-replicas-to-write 1\n").await;
    let dial = Dial {
        address: Address::new("10.0.0.1", 6379).unwrap(),
        server_name: None,
        tls: None,
        credentials: None,
        connect_timeout: LIMIT,
        network: world.fleet.network(super::OWN),
    };
    let mut connection = Connection::open(&dial).await.unwrap();
    let commands = [Command::info_full(), Command::role(), Command::config_get_all()];
    let answers = connection.request(&commands, LIMIT).await.unwrap();
    let text = gungnir::valkey::bytes("INFO", answers[0].as_ref().unwrap()).unwrap();
    let info = Info::parse(text).unwrap();
    assert_eq!(info.tcp_port, 6379);
    assert!(matches!(
        RoleReply::parse(answers[1].as_ref().unwrap()).unwrap(),
        RoleReply::Replica { port: 6379, .. }
    ));
    let config = ServerConfig::parse(answers[2].as_ref().unwrap()).unwrap();
    assert_eq!(config.replicaof, Some(("10.0.0.0".to_owned(), 6379)));
    assert_eq!(config.min_replicas_max_lag_s, 2);
    world.fleet.kill(world.processes[1]);
    assert_eq!(connection.closed().await, gungnir::valkey::Closed::Fin);
}

//! What masters and replicas say of themselves.

use gungnir::valkey::Command;
use gungnir::valkey::Info;
use gungnir::valkey::Link;
use gungnir::valkey::LinkState;
use gungnir::valkey::Mode;
use gungnir::valkey::Replica;
use gungnir::valkey::Role;
use gungnir::valkey::RoleReply;
use gungnir::valkey::ServerConfig;

use crate::client::Client;
use crate::client::server;
use crate::support::valkey::Installed;
use crate::support::valkey::Server;
use crate::version::on_every_version;

on_every_version!(
    a_lone_master_is_read,
    a_replica_with_its_link_up_and_its_master_see_each_other,
    a_replica_of_nowhere_keeps_its_data_and_its_offset,
    a_promotion_begins_a_new_history_and_remembers_the_old_one,
    a_replica_in_mid_sync_shows,
    the_light_info_is_merged,
    the_settings_are_read,
    a_cluster_node_shows,
);

/// The replica's part of an INFO.
fn replica(info: &Info) -> &Replica {
    match &info.replication.role {
        Role::Replica(replica) => replica,
        Role::Master => panic!("a master: {info:#?}"),
    }
}

fn role(client: &mut Client) -> RoleReply {
    RoleReply::parse(&client.value(Command::role())).expect("a role")
}

fn follower_of(version: &Installed, master: &Server, conf: &str) -> Server {
    server(version, &format!("replicaof 127.0.0.1 {}\n{conf}", master.port))
}

fn fill(server: &Server, keys: u32) {
    let script = "for i = 1, ARGV[1] do redis.call('SET', 'key' .. i, string.rep('x', 100)) end";
    let output = server.cli(&["EVAL", script, "0", &keys.to_string()]);
    assert!(output.status.success(), "{output:?}");
}

fn a_lone_master_is_read(version: &Installed) {
    let server = server(version, "");
    fill(&server, 7);
    assert!(server.cli(&["-n", "3", "SET", "a", "1"]).status.success());
    let mut client = Client::open(&server);
    let info = client.info();
    assert_eq!(info.replication.role, Role::Master);
    assert_eq!(info.version, version.version);
    assert_eq!(info.is_valkey, !version.version.starts_with("7."));
    assert_eq!((info.mode, info.tcp_port), (Mode::Standalone, server.port));
    assert_eq!((info.process_id, info.keys), (server.process_id(), 8));
    assert!(!info.loading && !info.async_loading);
    assert!(info.rdb_last_bgsave_ok && info.aof_last_write_ok && info.aof_last_bgrewrite_ok);
    assert_eq!((info.replication.followers.len(), info.replication.connected_replicas), (0, 0));
    assert_eq!(info.replication.master_replid2, None);
    assert_eq!(info.replication.second_repl_offset, None);
    assert_eq!(role(&mut client), RoleReply::Master { offset: 0, replicas: Vec::new() });
    assert_eq!(client.value(Command::dbsize()), redis::Value::Int(7));
    // The same process on another connection.
    assert_eq!(Client::open(&server).info().run_id, info.run_id);
}

fn a_replica_with_its_link_up_and_its_master_see_each_other(version: &Installed) {
    let master = server(version, "min-replicas-to-write 1\nrepl-ping-replica-period 1");
    let follower = follower_of(version, &master, "replica-priority 7");
    let (mut client, mut follower_client) = (Client::open(&master), Client::open(&follower));
    follower_client.wait_for_info("the link", |info| replica(info).link == Link::Up);
    // Until then the master takes no write.
    client.wait_for_info("a good replica", |info| info.replication.good_replicas == Some(1));
    fill(&master, 100);
    let written = client.info().replication.master_repl_offset;
    assert!(written > 10_000, "{written}");
    let caught_up = |info: &Info| replica(info).offset >= written;
    let info = follower_client.wait_for_info("the offset", caught_up);
    let seen = replica(&info);
    assert_eq!((seen.host.as_str(), seen.port), ("127.0.0.1", master.port));
    assert!(seen.last_io_s.is_some_and(|seconds| seconds <= 2), "{seen:?}");
    assert!(seen.read_only && !seen.sync_in_progress && seen.read_offset >= seen.offset);
    assert_eq!(seen.priority, 7);

    let online = |info: &Info| {
        info.replication.followers.first().is_some_and(|f| f.online && f.offset >= written)
    };
    let info = client.wait_for_info("the acknowledgement", online);
    let [known] = &info.replication.followers[..] else { panic!("{info:#?}") };
    assert_eq!((known.host.as_str(), known.port), ("127.0.0.1", follower.port));
    assert!(known.lag_s <= 2, "{known:?}");
    assert_eq!(info.replication.connected_replicas, 1);
    assert_eq!(info.replication.good_replicas, Some(1));
    assert_eq!(info.replication.master_replid, follower_client.info().replication.master_replid);

    let RoleReply::Master { offset, replicas } = role(&mut client) else { panic!("no master") };
    assert_eq!((replicas[0].host.as_str(), replicas[0].port), ("127.0.0.1", follower.port));
    assert!(offset >= written && replicas[0].offset >= written);
    let RoleReply::Replica { port, link, offset, .. } = role(&mut follower_client) else {
        panic!("no replica")
    };
    assert_eq!((port, link), (master.port, LinkState::Connected));
    assert!(offset.is_some_and(|offset| offset >= written));
}

fn a_replica_of_nowhere_keeps_its_data_and_its_offset(version: &Installed) {
    // As it starts: it has never been linked, and has no history of anybody.
    let gated = server(version, "replicaof 127.0.0.1 1");
    let mut client = Client::open(&gated);
    let info = client.info();
    assert_eq!(replica(&info).link, Link::Down { for_s: None });
    assert_eq!((replica(&info).host.as_str(), replica(&info).port), ("127.0.0.1", 1));
    assert_eq!(replica(&info).last_io_s, None);
    let RoleReply::Replica { link, .. } = role(&mut client) else { panic!("no replica") };
    assert!(matches!(link, LinkState::Connect | LinkState::Connecting), "{link:?}");
    drop(gated);

    // As it is frozen.
    let master = server(version, "");
    fill(&master, 10);
    let follower = follower_of(version, &master, "");
    let mut client = Client::open(&follower);
    let before =
        client.wait_for_info("the link", |info| replica(info).link == Link::Up && info.keys == 10);
    assert_eq!(client.value(Command::replicaof_nowhere()), redis::Value::Okay);
    let after = client.info();
    assert!(matches!(replica(&after).link, Link::Down { for_s: Some(_) }), "{after:#?}");
    assert_eq!(after.keys, 10);
    assert!(after.replication.master_repl_offset >= before.replication.master_repl_offset);
    assert_eq!(after.replication.master_replid, before.replication.master_replid);
    assert_eq!(after.run_id, before.run_id);
    let write = follower.cli(&["SET", "a", "1"]);
    assert!(String::from_utf8_lossy(&write.stdout).contains("READONLY"), "{write:?}");
}

fn a_promotion_begins_a_new_history_and_remembers_the_old_one(version: &Installed) {
    let master = server(version, "");
    fill(&master, 10);
    let follower = follower_of(version, &master, "");
    let mut client = Client::open(&follower);
    let before =
        client.wait_for_info("the link", |info| replica(info).link == Link::Up && info.keys == 10);
    assert_eq!(client.value(Command::replicaof_no_one()), redis::Value::Okay);
    let after = client.info();
    assert_eq!(after.replication.role, Role::Master);
    assert_ne!(after.replication.master_replid, before.replication.master_replid);
    assert_eq!(after.replication.master_replid2, Some(before.replication.master_replid));
    let second = after.replication.second_repl_offset.expect("an offset");
    assert!(second > before.replication.master_repl_offset, "{second}");
    // The old master can follow without losing what both have.
    let mut old = Client::open(&master);
    assert_eq!(old.value(Command::replicaof("127.0.0.1", follower.port)), redis::Value::Okay);
    old.wait_for_info("the link back", |info| replica(info).link == Link::Up);
}

fn a_replica_in_mid_sync_shows(version: &Installed) {
    // Half a second for each of the first keys: the transfer cannot be over when it is looked at.
    let master = server(version, "rdb-key-save-delay 500000");
    fill(&master, 1000);
    let follower = follower_of(version, &master, "");
    let mut client = Client::open(&follower);
    let info = client.wait_for_info("the transfer", |info| replica(info).sync_in_progress);
    assert_eq!(replica(&info).link, Link::Down { for_s: None });
    let RoleReply::Replica { link, offset, .. } = role(&mut client) else { panic!("no replica") };
    assert_eq!((link, offset), (LinkState::Sync, None));
    let info = Client::open(&master).info();
    let [known] = &info.replication.followers[..] else { panic!("{info:#?}") };
    assert!(!known.online, "{known:?}");
}

fn the_light_info_is_merged(version: &Installed) {
    let master = server(version, "");
    let follower = follower_of(version, &master, "");
    let mut client = Client::open(&follower);
    let mut info = client.info();
    client.wait_for_info("the link", |info| replica(info).link == Link::Up);
    let light = client.text(Command::info_light());
    info.merge_light(&light).expect("the sections that change");
    assert_eq!(replica(&info).link, Link::Up);
    assert_eq!(info.run_id, client.info().run_id);
    // It costs three quarters of the full one at most.
    assert!(light.len() * 4 < client.text(Command::info_full()).len() * 3);
}

fn the_settings_are_read(version: &Installed) {
    let conf = "min-replicas-to-write 2\nmin-replicas-max-lag 3\nrepl-ping-replica-period 1\n\
                appendonly yes\nbusy-reply-threshold 400\nreplica-announce-ip 10.0.0.1\n\
                replica-announce-port 7000\nreplica-priority 9\ntimeout 30\n\
                replicaof 127.0.0.1 1\nrequirepass hunter2\nprimaryauth x";
    let conf = if version.version.starts_with("7.") || version.version.starts_with("8.") {
        conf.replace("primaryauth", "masterauth")
    } else {
        conf.to_owned()
    };
    let server = server(version, &conf);
    let mut dial = crate::client::dial(server.port);
    dial.credentials = Some(crate::client::credentials(None, "hunter2"));
    let mut client = Client::try_open(&dial).expect("a connection");
    let config = ServerConfig::parse(&client.value(Command::config_get_all())).expect("settings");
    assert_eq!(
        config,
        ServerConfig {
            min_replicas_to_write: 2,
            min_replicas_max_lag_s: 3,
            repl_ping_replica_period_s: 1,
            replicaof: Some(("127.0.0.1".to_owned(), 1)),
            appendonly: true,
            save: String::new(),
            cluster_enabled: false,
            busy_reply_threshold_ms: 400,
            timeout_s: 30,
            replica_priority: 9,
            replica_announce_ip: Some("10.0.0.1".to_owned()),
            replica_announce_port: Some(7000),
            tls_replication: false,
            port: server.port,
            tls_port: 0,
            requirepass_set: true,
        }
    );
    client.value(Command::config_set_min_replicas(1, 2));
    let config = ServerConfig::parse(&client.value(Command::config_get_all())).expect("settings");
    assert_eq!((config.min_replicas_to_write, config.min_replicas_max_lag_s), (1, 2));
}

fn a_cluster_node_shows(version: &Installed) {
    let server =
        server(version, "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-port 0");
    let mut client = Client::open(&server);
    assert_eq!(client.info().mode, Mode::Cluster);
    let config = ServerConfig::parse(&client.value(Command::config_get_all())).expect("settings");
    assert!(config.cluster_enabled);
}

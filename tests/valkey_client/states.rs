//! Servers that live and cannot do what they are asked.

use std::fs;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use gungnir::valkey::Command;
use gungnir::valkey::ErrorReply;
use gungnir::valkey::InfoError;
use gungnir::valkey::Lost;
use gungnir::valkey::OpenError;
use gungnir::valkey::RoleReply;
use gungnir::valkey::Stage;
use redis::Value;

use crate::client::Client;
use crate::client::DEADLINE;
use crate::client::LIMIT;
use crate::client::dial;
use crate::client::server;
use crate::support::valkey::Installed;
use crate::support::valkey::ServerSetup;
use crate::support::valkey::send_signal;
use crate::support::valkey::wait_until;
use crate::version::on_every_version;

on_every_version!(
    a_server_that_loads_answers_info,
    a_busy_script_can_be_killed_and_one_that_has_written_cannot,
    a_disk_that_cannot_be_written_shows,
    a_replica_without_link_may_refuse_to_serve,
    a_stopped_process_times_out_and_goes_on_where_it_was,
    a_sentinel_is_no_server,
);

fn a_server_that_loads_answers_info(version: &Installed) {
    let filled = server(version, "appendonly no");
    let fill = "for i = 1, 20000 do redis.call('SET', 'key' .. i, string.rep('x', 100)) end";
    assert!(filled.cli(&["EVAL", fill, "0"]).status.success());
    assert!(filled.cli(&["SAVE"]).status.success());
    let dump = fs::read(filled.folder().join("dump.rdb")).expect("a snapshot");
    drop(filled);

    // 20,000 keys of 1 ms are 20 seconds; the server looks around after every KiB.
    let conf = "key-load-delay 1000\nloading-process-events-interval-bytes 1024".to_owned();
    let files = vec![("dump.rdb".to_owned(), dump)];
    let loading = version.start(&ServerSetup { conf, files, ..ServerSetup::default() });
    let mut client = Client::open(&loading);
    let answers = client
        .request(&[Command::ping(), Command::info_full(), Command::role()], LIMIT)
        .expect("answers");
    assert_eq!(answers[0], Err(ErrorReply::Loading));
    assert!(answers[0].as_ref().is_err_and(ErrorReply::proves_alive));
    let info = client.info();
    assert!(info.loading && !info.async_loading);
    // It calls itself a master, and holds nothing yet.
    let role = RoleReply::parse(answers[2].as_ref().expect("a role")).expect("a role");
    assert_eq!(role, RoleReply::Master { offset: 0, replicas: Vec::new() });
    assert_eq!(client.error(Command::replicaof_nowhere()), ErrorReply::Loading);
    assert_eq!(client.error(Command::dbsize()), ErrorReply::Loading);
}

fn a_busy_script_can_be_killed_and_one_that_has_written_cannot(version: &Installed) {
    let server = server(version, "busy-reply-threshold 50");
    let mut client = Client::open(&server);
    assert_eq!(client.error(Command::script_kill()), ErrorReply::NotBusy);
    for (script, kill) in [
        ("while true do end", Ok(Value::Okay)),
        ("redis.call('SET', 'a', 1) while true do end", Err(ErrorReply::Unkillable)),
    ] {
        thread::scope(|scope| {
            let running = scope.spawn(|| server.cli(&["EVAL", script, "0"]));
            // Nothing is answered before the threshold, and `BUSY` after it.
            let began = Instant::now();
            while client.ask(Command::ping()) != Err(ErrorReply::Busy) {
                assert!(began.elapsed() < DEADLINE, "the script is not seen");
            }
            assert_eq!(client.error(Command::info_full()), ErrorReply::Busy);
            assert_eq!(client.error(Command::role()), ErrorReply::Busy);
            assert_eq!(client.error(Command::replicaof_nowhere()), ErrorReply::Busy);
            // A new connection is let in; its name is not taken, which does not matter.
            assert!(Client::try_open(&dial(server.port)).is_ok());
            assert_eq!(client.ask(Command::script_kill()), kill);
            if kill.is_err() {
                send_signal("KILL", server.process_id());
            }
            drop(running);
        });
    }
}

fn a_disk_that_cannot_be_written_shows(version: &Installed) {
    let setup = ServerSetup { conf: "save 3600 1000000".to_owned(), ..ServerSetup::default() };
    let server = version.start(&setup);
    // Tests may run as root, whom no mode of a folder stops; nobody renames a file over a folder.
    fs::create_dir_all(server.folder().join("dump.rdb/in-the-way")).expect("a folder");
    assert!(server.cli(&["BGSAVE"]).status.success());
    let mut client = Client::open(&server);
    client.wait_for_info("the failed save", |info| !info.rdb_last_bgsave_ok);
    assert_eq!(client.error(Command::ping()), ErrorReply::Misconf);
    assert!(matches!(client.value(Command::role()), Value::Array(_)));
}

fn a_replica_without_link_may_refuse_to_serve(version: &Installed) {
    let server = server(version, "replicaof 127.0.0.1 1\nreplica-serve-stale-data no");
    let mut client = Client::open(&server);
    assert_eq!(client.error(Command::ping()), ErrorReply::MasterDown);
    // It still says what it is, and obeys.
    assert_eq!(client.info().keys, 0);
    assert_eq!(client.value(Command::replicaof_no_one()), Value::Okay);
    assert_eq!(client.value(Command::ping()), Value::SimpleString("PONG".to_owned()));
}

fn a_stopped_process_times_out_and_goes_on_where_it_was(version: &Installed) {
    let server = server(version, "");
    let mut idle = Client::open(&server);
    let mut client = Client::open(&server);
    let run_id = client.info().run_id;
    send_signal("STOP", server.process_id());
    let short = Duration::from_millis(100);
    let began = Instant::now();
    assert_eq!(client.request(&[Command::ping()], short), Err(Lost::TimedOut));
    assert!(began.elapsed() < LIMIT);
    assert_eq!(client.request(&[Command::ping()], LIMIT), Err(Lost::TimedOut));
    // The kernel still takes connections for it: that is no sign of life.
    let mut hasty = dial(server.port);
    hasty.connect_timeout = short;
    let error = Client::try_open(&hasty).expect_err("no greeting");
    let address = hasty.address.clone();
    assert_eq!(error, OpenError::TimedOut { address, stage: Stage::Greeting, limit: short });
    assert!(!error.proves_alive());
    assert!(idle.stays_open(short));
    send_signal("CONT", server.process_id());
    assert_eq!(Client::open(&server).info().run_id, run_id);
    assert_eq!(idle.info().run_id, run_id);
}

fn a_sentinel_is_no_server(version: &Installed) {
    let folder = tempfile::TempDir::new().expect("a folder");
    let conf = folder.path().join("sentinel.conf");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("its address").port();
    drop(listener);
    let text = format!("port {port}\nbind 127.0.0.1\ndir {}\n", folder.path().display());
    fs::write(&conf, text).expect("a file");
    let mut sentinel = version
        .program("valkey-server")
        .arg(&conf)
        .arg("--sentinel")
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("a sentinel");
    let up = wait_until(DEADLINE, || Client::try_open(&dial(port)).is_ok());
    let outcome = Client::try_open(&dial(port)).map(|mut client| {
        let role = RoleReply::parse(&client.value(Command::role()));
        (role, gungnir::valkey::Info::parse(&client.text(Command::info_full())))
    });
    sentinel.kill().expect("it was there");
    sentinel.wait().expect("it is gone");
    assert!(up, "the sentinel does not answer");
    assert_eq!(outcome, Ok((Ok(RoleReply::Sentinel), Err(InfoError::Sentinel))));
}

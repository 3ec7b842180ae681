//! What commands do on a server.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use gungnir::valkey::Command;
use gungnir::valkey::ErrorReply;
use gungnir::valkey::Transaction;
use gungnir::valkey::TransactionError;
use redis::Value;

use crate::client::Client;
use crate::client::LIMIT;
use crate::client::credentials;
use crate::client::dial;
use crate::client::server;
use crate::support::valkey::Installed;
use crate::version::on_every_version;

on_every_version!(
    a_transaction_runs_as_one_or_not_at_all,
    a_pause_holds_writes_and_not_reads,
    applications_are_cut_off_and_we_are_not,
    an_unknown_command_is_named_without_its_arguments,
);

fn read(client: &mut Client, transaction: &Transaction) -> Result<Vec<Value>, TransactionError> {
    let answers = client.request(transaction.requests(), LIMIT).expect("answers");
    let answers = transaction.read(answers)?;
    Ok(answers.into_iter().map(|answer| answer.expect("a success")).collect())
}

fn a_transaction_runs_as_one_or_not_at_all(version: &Installed) {
    let conf = "user no-config on >a ~* &* +@all -config\nuser no-multi on >a ~* &* +@all -multi";
    let server = server(version, conf);
    let mut client = Client::open(&server);
    let handover = Transaction::new(vec![
        Command::role(),
        Command::replicaof_nowhere(),
        Command::client_kill_normal(),
        Command::client_kill_pubsub(),
        Command::client_unpause(),
        Command::role(),
    ]);
    let values = read(&mut client, &handover).expect("a transaction");
    let role = |value: &Value| gungnir::valkey::RoleReply::parse(value).expect("a role");
    assert!(matches!(role(&values[0]), gungnir::valkey::RoleReply::Master { .. }));
    assert!(matches!(role(&values[5]), gungnir::valkey::RoleReply::Replica { port: 1, .. }));

    // A refused command stops all of them.
    let back =
        Transaction::new(vec![Command::replicaof_no_one(), Command::config_set_min_replicas(3, 3)]);
    let mut limited = dial(server.port);
    limited.credentials = Some(credentials(Some("no-config"), "a"));
    let mut limited = Client::try_open(&limited).expect("a connection");
    let error = read(&mut limited, &back).expect_err("a refusal");
    let refused =
        matches!(&error, TransactionError::Refused { at: 1, error: ErrorReply::NoPerm { .. } });
    assert!(refused, "{error}");
    let still = role(&client.value(Command::role()));
    assert!(matches!(still, gungnir::valkey::RoleReply::Replica { .. }));

    // Without the right to `MULTI` they run one by one, and that is told.
    let mut single = dial(server.port);
    single.credentials = Some(credentials(Some("no-multi"), "a"));
    let mut single = Client::try_open(&single).expect("a connection");
    let TransactionError::NotAtomic { answers, .. } =
        read(&mut single, &back).expect_err("no transaction")
    else {
        panic!("it ran")
    };
    assert_eq!(answers, [Ok(Value::Okay), Ok(Value::Okay)]);
}

fn a_pause_holds_writes_and_not_reads(version: &Installed) {
    let server = server(version, "");
    let mut client = Client::open(&server);
    assert_eq!(client.value(Command::client_pause_write(20_000)), Value::Okay);
    let began = Instant::now();
    thread::scope(|scope| {
        let write = scope.spawn(|| {
            let output = server.cli(&["SET", "a", "1"]);
            (output.status.success(), began.elapsed())
        });
        let read = server.cli(&["GET", "a"]);
        assert!(read.status.success() && read.stdout == b"\n", "{read:?}");
        assert_eq!(client.value(Command::dbsize()), Value::Int(0));
        let hold = Duration::from_millis(300);
        thread::sleep(hold);
        let released = began.elapsed();
        assert_eq!(client.value(Command::client_unpause()), Value::Okay);
        let (written, took) = write.join().expect("a write");
        assert!(written && took >= released, "{took:?}");
    });
    assert_eq!(client.value(Command::dbsize()), Value::Int(1));
}

fn applications_are_cut_off_and_we_are_not(version: &Installed) {
    let server = server(version, "");
    let mut client = Client::open(&server);
    let mut application = Client::open(&server);
    assert_eq!(client.value(Command::client_kill_normal()), Value::Int(1));
    assert_eq!(application.closed(), gungnir::valkey::Closed::Fin);
    assert_eq!(client.value(Command::client_kill_pubsub()), Value::Int(0));
    assert_eq!(client.value(Command::client_kill_user("default")), Value::Int(0));
    let address = Command::client_kill_replica_address("127.0.0.1:1");
    assert_eq!(client.value(address), Value::Int(0));
    assert_eq!(client.error(Command::client_kill_user("nobody")), ErrorReply::NoSuchUser);
    assert_eq!(client.error(Command::function_kill()), ErrorReply::NotBusy);
}

fn an_unknown_command_is_named_without_its_arguments(version: &Installed) {
    let server = server(version, "rename-command AUTH \"\"");
    let mut locked = dial(server.port);
    locked.credentials = Some(credentials(Some("me"), "hunter2"));
    let error = Client::try_open(&locked).expect_err("no such command");
    let shown = format!("{error} {error:?}");
    assert!(shown.contains("UnknownCommand") && !shown.contains("hunter2"), "{shown}");
}

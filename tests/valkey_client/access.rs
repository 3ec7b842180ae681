//! Servers that do not let us in, or not everywhere.

use std::net::UdpSocket;

use gungnir::valkey::AclRule;
use gungnir::valkey::Address;
use gungnir::valkey::Closed;
use gungnir::valkey::Command;
use gungnir::valkey::ErrorReply;
use gungnir::valkey::OpenError;
use gungnir::valkey::Secret;
use gungnir::valkey::User;
use redis::Value;

use crate::client::Client;
use crate::client::credentials;
use crate::client::dial;
use crate::client::server;
use crate::support::valkey::Installed;
use crate::support::valkey::Server;
use crate::support::valkey::ServerSetup;
use crate::version::on_every_version;

on_every_version!(
    a_password_is_asked_for_and_checked,
    a_user_does_what_it_may_and_no_more,
    a_user_that_is_removed_loses_its_connections,
    a_server_without_a_free_connection_says_so,
    protected_mode_says_so,
    nobody_listens_there,
);

/// The error reply that an opening ends with.
fn refused(server: &Server, user: Option<&str>, password: Option<&str>) -> ErrorReply {
    let mut dial = dial(server.port);
    dial.credentials = password.map(|password| credentials(user, password));
    match Client::try_open(&dial).expect_err("a refusal") {
        error @ OpenError::Reply { .. } => {
            let shown = format!("{error} {error:?} {dial:?}");
            assert!(!shown.contains("hunter"), "{shown}");
            assert!(error.proves_alive());
            let OpenError::Reply { reply, .. } = error else { unreachable!() };
            reply
        }
        other => panic!("{other}"),
    }
}

fn a_password_is_asked_for_and_checked(version: &Installed) {
    let conf = "requirepass hunter2".to_owned();
    let password = Some("hunter2".to_owned());
    let locked = version.start(&ServerSetup { conf, password, ..ServerSetup::default() });
    assert_eq!(refused(&locked, None, None), ErrorReply::NoAuth);
    assert_eq!(refused(&locked, None, Some("hunter3")), ErrorReply::WrongPass);
    assert_eq!(refused(&locked, Some("nobody"), Some("hunter2")), ErrorReply::WrongPass);
    for user in [None, Some("default")] {
        let mut dial = dial(locked.port);
        dial.credentials = Some(credentials(user, "hunter2"));
        let mut client = Client::try_open(&dial).expect("a connection");
        assert_eq!(client.value(Command::ping()), Value::SimpleString("PONG".to_owned()));
    }

    let open = server(version, "");
    assert_eq!(refused(&open, None, Some("hunter2")), ErrorReply::NoPasswordSet);
    assert_eq!(refused(&open, Some("nobody"), Some("hunter2")), ErrorReply::WrongPass);
}

fn a_user_does_what_it_may_and_no_more(version: &Installed) {
    // As the operator's user of a pod: not even its own name may it set.
    let server = server(version, "user gungnir on >hunter2 -@all +ping +info +role +acl");
    let mut dial = dial(server.port);
    dial.credentials = Some(credentials(Some("gungnir"), "hunter2"));
    let mut client = Client::try_open(&dial).expect("a connection");
    assert_eq!(client.info().keys, 0);
    let ErrorReply::NoPerm { message } = client.error(Command::replicaof_nowhere()) else {
        panic!("it may")
    };
    assert!(message.contains("replicaof"), "{message}");
    assert!(matches!(client.error(Command::config_get_all()), ErrorReply::NoPerm { .. }));
}

fn a_user_that_is_removed_loses_its_connections(version: &Installed) {
    let server = server(version, "");
    let mut client = Client::open(&server);
    assert_eq!(User::parse(&client.value(Command::acl_getuser("gungnir-t7"))), Ok(None));
    let words = ["on", "resetpass", "-@all", "+ping"].map(|word| AclRule::Word(word.to_owned()));
    let mut rules = words.to_vec();
    rules.push(AclRule::Password(Secret::new("hunter2".to_owned())));
    assert_eq!(client.value(Command::acl_setuser("gungnir-t7", &rules)), Value::Okay);
    let names = User::names(&client.value(Command::acl_users())).expect("names");
    assert_eq!(names, ["default", "gungnir-t7"]);
    let user = User::parse(&client.value(Command::acl_getuser("gungnir-t7"))).expect("a user");
    let user = user.expect("the user that was made");
    assert_eq!((user.on, user.nopass, user.passwords), (true, false, 1));
    assert!(user.commands.contains("+ping"), "{user:?}");

    let mut dial = dial(server.port);
    dial.credentials = Some(credentials(Some("gungnir-t7"), "hunter2"));
    let mut theirs = Client::try_open(&dial).expect("a connection");
    assert_eq!(client.value(Command::acl_deluser(&["gungnir-t7", "other"])), Value::Int(1));
    assert_eq!(theirs.closed(), Closed::Fin);

    // What is wrong with a rule is told without the rule.
    let bad = [AclRule::PasswordHash(Secret::new("hunter2".to_owned()))];
    let error = client.error(Command::acl_setuser("x", &bad));
    assert!(matches!(&error, ErrorReply::Other { code, .. } if code == "ERR"), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
}

fn a_server_without_a_free_connection_says_so(version: &Installed) {
    let server = server(version, "");
    let mut kept = Client::open(&server);
    let set = Command::config_get(&["maxclients"]);
    assert!(matches!(kept.value(set), Value::Array(_)));
    assert!(server.cli(&["CONFIG", "SET", "maxclients", "1"]).status.success());
    assert_eq!(refused(&server, None, None), ErrorReply::MaxClients);
    // With a password, too: nothing that was sent has been looked at.
    assert_eq!(refused(&server, None, Some("hunter2")), ErrorReply::MaxClients);
    // Who is in stays in.
    assert_eq!(kept.value(Command::ping()), Value::SimpleString("PONG".to_owned()));
}

fn protected_mode_says_so(version: &Installed) {
    let address = own_address();
    let options = ["--bind", "127.0.0.1", &address, "--protected-mode", "yes"];
    let options = options.map(str::to_owned).to_vec();
    let server = version.start(&ServerSetup { options, ..ServerSetup::default() });
    let mut dial = dial(server.port);
    assert!(Client::try_open(&dial).is_ok());
    dial.address = Address::new(&address, server.port).expect("an address");
    let error = Client::try_open(&dial).expect_err("a refusal");
    assert!(matches!(&error, OpenError::Reply { reply: ErrorReply::Denied, .. }), "{error:?}");
    assert!(error.proves_alive());
}

/// An address of this machine that is not loopback: where it would send from. Nothing is sent.
fn own_address() -> String {
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    socket.connect("192.0.2.1:9").expect("this machine has a network beside loopback");
    socket.local_addr().expect("its address").ip().to_string()
}

fn nobody_listens_there(version: &Installed) {
    let server = server(version, "");
    let dial = dial(server.port);
    drop(server);
    let error = Client::try_open(&dial).expect_err("nobody");
    assert_eq!(error, OpenError::Refused { address: dial.address });
    assert!(!error.proves_alive());
}

//! Commands about the connection and the server itself.

use bytes::Bytes;

use super::client;
use super::command::{self, COMMANDS, Command};
use super::limits::MAX_WRONG_PASSWORDS;
use super::pubsub;
use super::reply::{Protocol, Reply};
use super::session::{Call, Session, Wanted};
use super::shared::{PROTOCOL_VERSION, Shared};

/// The only user there is.
const USER: &[u8] = b"default";

pub(super) fn ping(call: &mut Call<'_>) -> Reply {
    match call.arguments {
        [] if call.session.only_hears() => Reply::List(vec![Reply::word("pong"), Reply::word("")]),
        [text] if call.session.only_hears() => {
            Reply::List(vec![Reply::word("pong"), Reply::bytes(text)])
        }
        [] => Reply::simple("PONG"),
        [text] => Reply::bytes(text),
        _ => Reply::error("ERR wrong number of arguments for 'ping' command"),
    }
}

pub(super) fn auth(call: &mut Call<'_>) -> Reply {
    let (user, password) = match call.arguments {
        [_] if call.shared.config.password.is_none() => {
            return Reply::error(
                "ERR AUTH <password> called without any password configured for the default \
                 user. Are you sure your configuration is correct?",
            );
        }
        [password] => (USER, password),
        [user, password] => (&**user, password),
        _ => return Reply::error("ERR syntax error"),
    };
    match sign_in(call.session, call.shared, user, password) {
        Ok(()) => Reply::OK,
        Err(reply) => reply,
    }
}

/// Signs the client in, or counts its wrong password.
fn sign_in(
    session: &mut Session,
    shared: &Shared,
    user: &[u8],
    password: &[u8],
) -> Result<(), Reply> {
    let right = shared.config.password.as_ref().is_none_or(|secret| secret.is(password));
    if user == USER && right {
        session.authenticated = true;
        session.wrong_passwords = 0;
        return Ok(());
    }
    session.wrong_passwords += 1;
    if session.wrong_passwords >= MAX_WRONG_PASSWORDS {
        tracing::warn!(client = session.id, peer = %session.peer, "closed: wrong passwords");
        session.closing = true;
    }
    Err(Reply::error("WRONGPASS invalid username-password pair or user is disabled."))
}

pub(super) fn hello(call: &mut Call<'_>) -> Reply {
    let mut protocol = call.session.protocol;
    let mut rest = call.arguments;
    if let [version, after @ ..] = rest {
        protocol = match std::str::from_utf8(version).ok().and_then(|text| text.parse().ok()) {
            Some(2_i64) => Protocol::Resp2,
            Some(3) => Protocol::Resp3,
            Some(_) => return Reply::error("NOPROTO unsupported protocol version"),
            None => {
                return Reply::error("ERR Protocol version is not an integer or out of range");
            }
        };
        rest = after;
    }
    let (mut login, mut name) = (None, None);
    while let [option, after @ ..] = rest {
        rest = match (command::lower(option).as_str(), after) {
            ("auth", [user, password, after @ ..]) => {
                login = Some((user, password));
                after
            }
            ("setname", [given, after @ ..]) => {
                name = Some(given);
                after
            }
            _ => {
                let option = command::shown(option, 128);
                return Reply::error(format!("ERR Syntax error in HELLO option '{option}'"));
            }
        };
    }
    if let Some((user, password)) = login
        && let Err(reply) = sign_in(call.session, call.shared, user, password)
    {
        return reply;
    }
    if !call.session.authenticated {
        return Reply::error(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the \
             HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and \
             select the RESP protocol version at the same time",
        );
    }
    if let Some(name) = name
        && let Err(reply) = client::name(call.session, name)
    {
        return reply;
    }
    call.session.protocol = protocol;
    let id = i64::try_from(call.session.id).unwrap_or(i64::MAX);
    Reply::Map(vec![
        (Reply::word("server"), Reply::word("valkey")),
        (Reply::word("version"), Reply::word(PROTOCOL_VERSION)),
        (Reply::word("proto"), Reply::Integer(protocol.number())),
        (Reply::word("id"), Reply::Integer(id)),
        (Reply::word("mode"), Reply::word("sentinel")),
        (Reply::word("modules"), Reply::List(Vec::new())),
    ])
}

pub(super) fn quit(call: &mut Call<'_>) -> Reply {
    call.session.closing = true;
    Reply::OK
}

pub(super) fn reset(call: &mut Call<'_>) -> Reply {
    let session = &mut *call.session;
    pubsub::clear(session, call.shared);
    session.protocol = Protocol::Resp2;
    session.authenticated = call.shared.config.password.is_none();
    session.wanted = Wanted::All;
    session.name = None;
    Reply::simple("RESET")
}

pub(super) fn role(call: &mut Call<'_>) -> Reply {
    let directory = call.shared.feed.directory();
    let masters = directory.sets.iter().filter(|(_, set)| set.master.is_some());
    let names = masters.map(|(name, _)| Reply::text(name.as_str())).collect();
    Reply::List(vec![Reply::word("sentinel"), Reply::List(names)])
}

/// The commands that are no subcommands.
fn tops() -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(|command| !command.name.contains('|'))
}

pub(super) fn command(_: &mut Call<'_>) -> Reply {
    Reply::List(tops().map(described).collect())
}

pub(super) fn count(_: &mut Call<'_>) -> Reply {
    Reply::Integer(i64::try_from(tops().count()).unwrap_or(i64::MAX))
}

pub(super) fn list(_: &mut Call<'_>) -> Reply {
    Reply::List(COMMANDS.iter().map(|command| Reply::word(command.name)).collect())
}

pub(super) fn command_help(_: &mut Call<'_>) -> Reply {
    command::help("command")
}

pub(super) fn command_info(call: &mut Call<'_>) -> Reply {
    if call.arguments.is_empty() {
        return command(call);
    }
    let named = call.arguments.iter().map(|name| command::find(&command::lower(name)));
    Reply::List(named.map(|found| found.map_or(Reply::Null, described)).collect())
}

pub(super) fn docs(call: &mut Call<'_>) -> Reply {
    let pairs = |command: &'static Command| (Reply::word(command.name), documented(command));
    Reply::Map(if call.arguments.is_empty() {
        tops().map(pairs).collect()
    } else {
        let find = |name: &Bytes| command::find(&command::lower(name));
        call.arguments.iter().filter_map(find).map(pairs).collect()
    })
}

/// A command as `COMMAND INFO` tells it. None of them has keys.
fn described(command: &'static Command) -> Reply {
    let words = |words: &[&'static str]| words.iter().map(|word| Reply::simple(word)).collect();
    Reply::List(vec![
        Reply::word(command.name),
        Reply::Integer(command.arity),
        Reply::Set(words(command.flags)),
        Reply::Integer(0),
        Reply::Integer(0),
        Reply::Integer(0),
        Reply::Set(words(command.categories)),
        Reply::Set(Vec::new()),
        Reply::Set(Vec::new()),
        Reply::List(command::children(command.name).map(described).collect()),
    ])
}

fn documented(command: &'static Command) -> Reply {
    let group = match command.name.split('|').next() {
        Some("sentinel") => "sentinel",
        Some(name) if name.ends_with("subscribe") => "pubsub",
        Some("info" | "role" | "command") => "server",
        _ => "connection",
    };
    let mut fields = vec![
        (Reply::word("summary"), Reply::word(command.summary)),
        (Reply::word("since"), Reply::word("1.0.0")),
        (Reply::word("group"), Reply::word(group)),
    ];
    let children: Vec<_> = command::children(command.name)
        .map(|child| (Reply::word(child.name), documented(child)))
        .collect();
    if !children.is_empty() {
        fields.push((Reply::word("subcommands"), Reply::Map(children)));
    }
    Reply::Map(fields)
}

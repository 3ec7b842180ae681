//! Every command in one table: looked up, checked, run and told about by it.

use std::borrow::Cow;

use bytes::Bytes;

use super::reply::Reply;
use super::session::{Call, Session};
use super::shared::Shared;
use super::{about, client, info, pubsub, refusal, sentinel};

/// What the first bytes of a request with an unknown command show of it, each.
const MAX_SHOWN_BYTES: usize = 128;

/// One command, or one subcommand as `parent|child`.
pub(super) struct Command {
    pub(super) name: &'static str,
    /// How many words a request has, names included; below 0: at least so many.
    pub(super) arity: i64,
    /// What it takes, as the help shows it.
    pub(super) takes: &'static str,
    pub(super) summary: &'static str,
    pub(super) flags: &'static [&'static str],
    pub(super) categories: &'static [&'static str],
    /// When it is answered.
    when: When,
    run: Run,
}

/// When a command is answered.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    Always,
    /// Also before the client has signed in, but not where one of RESP2 has subscribed.
    SigningIn,
    /// Also where a client of RESP2 has subscribed, but not before it has signed in.
    Subscribed,
    Usual,
}

#[derive(Clone, Copy)]
enum Run {
    Call(fn(&mut Call<'_>) -> Reply),
    /// Its subcommands do.
    Parent,
}

const CONNECTION: &[&str] = &["noscript", "loading", "stale"];
const PUBSUB: &[&str] = &["pubsub", "noscript", "loading", "stale"];
const SIGN_IN: &[&str] = &["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"];
const STALE: &[&str] = &["loading", "stale"];
const ADMIN: &[&str] = &["admin"];
const OF_ADMIN: &[&str] = &["@admin", "@slow", "@dangerous"];
const OF_CONNECTION: &[&str] = &["@slow", "@connection"];
const OF_FAST_CONNECTION: &[&str] = &["@fast", "@connection"];
const OF_PUBSUB: &[&str] = &["@pubsub", "@slow"];

const fn row(
    name: &'static str,
    arity: i64,
    takes: &'static str,
    summary: &'static str,
    (flags, categories): (&'static [&'static str], &'static [&'static str]),
    when: When,
    run: Run,
) -> Command {
    Command { name, arity, takes, summary, flags, categories, when, run }
}

const fn of_sentinel(
    name: &'static str,
    arity: i64,
    takes: &'static str,
    summary: &'static str,
    run: fn(&mut Call<'_>) -> Reply,
) -> Command {
    row(name, arity, takes, summary, (ADMIN, OF_ADMIN), When::Usual, Run::Call(run))
}

const fn of_client(
    name: &'static str,
    arity: i64,
    takes: &'static str,
    summary: &'static str,
    run: fn(&mut Call<'_>) -> Reply,
) -> Command {
    row(name, arity, takes, summary, (CONNECTION, OF_CONNECTION), When::Usual, Run::Call(run))
}

const fn of_command(
    name: &'static str,
    arity: i64,
    takes: &'static str,
    summary: &'static str,
    run: fn(&mut Call<'_>) -> Reply,
) -> Command {
    row(name, arity, takes, summary, (STALE, OF_CONNECTION), When::Usual, Run::Call(run))
}

/// A parent stands before its children.
#[rustfmt::skip]
pub(super) const COMMANDS: &[Command] = &[
    row("ping", -1, "[message]", "Answers PONG, or the message.", (&["fast"], OF_FAST_CONNECTION), When::Subscribed, Run::Call(about::ping)),
    row("auth", -2, "[username] password", "Signs in.", (SIGN_IN, OF_FAST_CONNECTION), When::SigningIn, Run::Call(about::auth)),
    row("hello", -1, "[2|3 [AUTH username password] [SETNAME name]]", "Chooses the protocol, and signs in.", (SIGN_IN, OF_FAST_CONNECTION), When::SigningIn, Run::Call(about::hello)),
    row("quit", -1, "", "Ends the connection.", (SIGN_IN, OF_FAST_CONNECTION), When::Always, Run::Call(about::quit)),
    row("reset", 1, "", "Makes the connection as it was at first.", (SIGN_IN, OF_FAST_CONNECTION), When::Always, Run::Call(about::reset)),
    row("info", -1, "[section [section ...]]", "Tells about this process and the masters.", (STALE, &["@slow", "@dangerous"]), When::Usual, Run::Call(info::info)),
    row("role", 1, "", "Tells that this is a sentinel, and the names of the masters.", (&["noscript", "loading", "stale", "fast"], &["@admin", "@fast", "@dangerous"]), When::Usual, Run::Call(about::role)),
    row("subscribe", -2, "channel [channel ...]", "Subscribes to channels.", (PUBSUB, OF_PUBSUB), When::Subscribed, Run::Call(pubsub::subscribe)),
    row("unsubscribe", -1, "[channel [channel ...]]", "Ends subscriptions to channels, or all.", (PUBSUB, OF_PUBSUB), When::Subscribed, Run::Call(pubsub::unsubscribe)),
    row("psubscribe", -2, "pattern [pattern ...]", "Subscribes to patterns of channels.", (PUBSUB, OF_PUBSUB), When::Subscribed, Run::Call(pubsub::psubscribe)),
    row("punsubscribe", -1, "[pattern [pattern ...]]", "Ends subscriptions to patterns, or all.", (PUBSUB, OF_PUBSUB), When::Subscribed, Run::Call(pubsub::punsubscribe)),

    row("command", -1, "", "Tells about the commands.", (STALE, OF_CONNECTION), When::Usual, Run::Call(about::command)),
    of_command("command|count", 2, "", "Tells how many commands there are.", about::count),
    of_command("command|docs", -2, "[command [command ...]]", "Tells what commands are for.", about::docs),
    of_command("command|help", 2, "", "Tells the subcommands.", about::command_help),
    of_command("command|info", -2, "[command [command ...]]", "Tells about some commands.", about::command_info),
    of_command("command|list", 2, "", "Tells the names of the commands.", about::list),

    row("client", -2, "", "Concerns the connection.", (&[], &["@slow"]), When::Usual, Run::Parent),
    of_client("client|getname", 2, "", "Tells the connection's name.", client::getname),
    of_client("client|help", 2, "", "Tells the subcommands.", client::help),
    of_client("client|id", 2, "", "Tells the connection's id.", client::id),
    of_client("client|info", 2, "", "Tells about the connection.", client::info),
    of_client("client|no-evict", 3, "ON|OFF", "Does nothing: no connection is evicted for its memory alone.", client::no_evict),
    of_client("client|reply", 3, "ON|OFF|SKIP", "Says which replies are wanted.", client::reply),
    of_client("client|setinfo", 4, "LIB-NAME|LIB-VER value", "Tells the client's library.", client::setinfo),
    of_client("client|setname", 3, "name", "Names the connection.", client::setname),

    row("sentinel", -2, "", "Concerns the masters.", (ADMIN, OF_ADMIN), When::Usual, Run::Parent),
    of_sentinel("sentinel|ckquorum", 3, "name", "Tells whether a failover would be possible now.", sentinel::ckquorum),
    of_sentinel("sentinel|failover", -3, "name [COORDINATED]", "Asks for a planned handover.", sentinel::failover),
    of_sentinel("sentinel|get-master-addr-by-name", 3, "name", "Tells where the master is.", sentinel::address),
    of_sentinel("sentinel|get-primary-addr-by-name", 3, "name", "Tells where the master is.", sentinel::address),
    row("sentinel|help", 2, "", "Tells the subcommands.", (STALE, &["@slow"]), When::Usual, Run::Call(sentinel::help)),
    of_sentinel("sentinel|is-master-down-by-addr", 6, "ip port epoch run-id", "Tells whether that master is down.", sentinel::is_down),
    of_sentinel("sentinel|is-primary-down-by-addr", 6, "ip port epoch run-id", "Tells whether that master is down.", sentinel::is_down),
    of_sentinel("sentinel|master", 3, "name", "Tells about a master.", sentinel::master),
    of_sentinel("sentinel|masters", 2, "", "Tells about every master.", sentinel::masters),
    of_sentinel("sentinel|myid", 2, "", "Tells this sentinel's id.", sentinel::myid),
    of_sentinel("sentinel|pending-scripts", 2, "", "Tells nothing: there are no scripts.", sentinel::pending_scripts),
    of_sentinel("sentinel|primaries", 2, "", "Tells about every master.", sentinel::masters),
    of_sentinel("sentinel|primary", 3, "name", "Tells about a master.", sentinel::master),
    of_sentinel("sentinel|replicas", 3, "name", "Tells about a master's replicas.", sentinel::replicas),
    of_sentinel("sentinel|sentinels", 3, "name", "Tells about other sentinels: there are none.", sentinel::sentinels),
    of_sentinel("sentinel|slaves", 3, "name", "Tells about a master's replicas.", sentinel::replicas),
];

/// The command of that name, which has no `|` in it, or has one for a subcommand.
pub(super) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS.iter().find(|command| command.name == name)
}

/// The subcommands of a command.
pub(super) fn children(parent: &str) -> impl Iterator<Item = &'static Command> {
    COMMANDS.iter().filter(move |command| {
        command.name.split_once('|').is_some_and(|(before, _)| before == parent)
    })
}

/// The subcommands as `HELP` tells them.
pub(super) fn help(parent: &'static str) -> Reply {
    let title = parent.to_ascii_uppercase();
    let mut lines = vec![format!("{title} <subcommand> [<arg> [value] ...]. Subcommands are:")];
    for child in children(parent) {
        let name = child.name.split_once('|').map_or(child.name, |(_, name)| name);
        lines.push(format!("{} {}", name.to_ascii_uppercase(), child.takes).trim_end().to_owned());
        lines.push(format!("    {}", child.summary));
    }
    Reply::List(lines.into_iter().map(|line| Reply::Simple(line.into())).collect())
}

/// Runs one request, which has at least one word.
pub(super) fn run(session: &mut Session, shared: &Shared, request: &[Bytes]) -> Reply {
    let Some((first, rest)) = request.split_first() else { return Reply::Several(Vec::new()) };
    let name = lower(first);
    // Who speaks HTTP is told nothing: it is a browser that was misled to come here.
    if matches!(&*name, "post" | "host:") {
        tracing::warn!(client = session.id, peer = %session.peer, "closed: it speaks HTTP");
        session.hung_up = true;
        return Reply::Several(Vec::new());
    }
    let top = find(&name).filter(|command| !command.name.contains('|'));
    let signs_in = |when: When| matches!(when, When::Always | When::SigningIn);
    if !session.authenticated && !top.is_some_and(|command| signs_in(command.when)) {
        return Reply::error("NOAUTH Authentication required.");
    }
    if let Some(refused) = refusal::of(&name) {
        return Reply::error(refused);
    }
    let Some(top) = top else { return unknown(first, rest) };
    let command = match child(top, rest) {
        Ok(command) => command,
        Err(error) => return error,
    };
    let words = i64::try_from(request.len()).unwrap_or(i64::MAX);
    if words < command.arity.abs() || (command.arity > 0 && words != command.arity) {
        let name = command.name;
        return Reply::error(format!("ERR wrong number of arguments for '{name}' command"));
    }
    if matches!(command.when, When::Usual | When::SigningIn) && session.only_hears() {
        let name = command.name;
        return Reply::error(format!(
            "ERR Can't execute '{name}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / \
             RESET are allowed in this context"
        ));
    }
    let arguments =
        if command.name.contains('|') { rest.get(1..).unwrap_or_default() } else { rest };
    match command.run {
        Run::Call(run) => run(&mut Call { session, shared, arguments }),
        // Its arity asks for a subcommand, so that this is never reached with one.
        Run::Parent => unknown(first, rest),
    }
}

/// The subcommand that is asked for, or the command itself when it has none.
fn child(top: &'static Command, rest: &[Bytes]) -> Result<&'static Command, Reply> {
    let Some(second) = rest.first().filter(|_| children(top.name).next().is_some()) else {
        return Ok(top);
    };
    let full = format!("{}|{}", top.name, lower(second));
    if let Some(refused) = refusal::of(&full) {
        return Err(Reply::error(refused));
    }
    find(&full).ok_or_else(|| {
        Reply::error(format!(
            "ERR unknown subcommand '{}'. Try {} HELP.",
            shown(second, MAX_SHOWN_BYTES),
            top.name.to_ascii_uppercase()
        ))
    })
}

fn unknown(first: &[u8], rest: &[Bytes]) -> Reply {
    let mut arguments = String::new();
    for argument in rest {
        let room = MAX_SHOWN_BYTES.saturating_sub(arguments.len());
        if room == 0 {
            break;
        }
        arguments.extend(["'", &shown(argument, room), "' "]);
    }
    Reply::error(format!(
        "ERR unknown command '{}', with args beginning with: {arguments}",
        shown(first, MAX_SHOWN_BYTES)
    ))
}

/// The first bytes of what a client sent, as text.
pub(super) fn shown(bytes: &[u8], limit: usize) -> Cow<'_, str> {
    String::from_utf8_lossy(&bytes[..bytes.len().min(limit)])
}

/// A word of a request in lower case; what is no text has no meaning either.
pub(super) fn lower(word: &[u8]) -> String {
    shown(word, MAX_SHOWN_BYTES).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_table_is_sound() {
        let names: BTreeSet<&str> = COMMANDS.iter().map(|command| command.name).collect();
        assert_eq!(names.len(), COMMANDS.len(), "a name stands twice");
        for command in COMMANDS {
            if let Some((parent, _)) = command.name.split_once('|') {
                assert!(names.contains(parent), "{} has no parent", command.name);
                assert!(command.arity.abs() >= 2, "{} counts both names", command.name);
            }
            assert!(refusal::of(command.name).is_none(), "{} is done and refused", command.name);
        }
    }
}

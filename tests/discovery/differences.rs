//! Where our answers differ from Sentinel's on purpose, each with its reason.

use crate::wire::Value;

/// One difference.
pub struct Difference {
    /// The request, as the script has it.
    pub request: &'static str,
    /// The series it is about; none for all of them.
    pub series: &'static [&'static str],
    /// What must hold all the same of what the real one and ours say.
    pub holds: fn(&[Value], &[Value]) -> bool,
    /// Why.
    pub reason: &'static str,
}

const fn row(
    request: &'static str,
    holds: fn(&[Value], &[Value]) -> bool,
    reason: &'static str,
) -> Difference {
    Difference { request, series: &[], holds, reason }
}

const fn only(
    request: &'static str,
    series: &'static [&'static str],
    holds: fn(&[Value], &[Value]) -> bool,
    reason: &'static str,
) -> Difference {
    Difference { request, series, holds, reason }
}

const CONFIGURED_ELSEWHERE: &str = "which sets are watched, and how, is configured where it runs";
const FEWER_COMMANDS: &str = "it has fewer commands, and tells of those alone";
const NOT_FOR_CLIENTS: &str = "one client has no say over others";
const NO_KEYS: &str = "there are no keys";
const OWN_WORDS: &str = "help for people, in words of its own";

#[rustfmt::skip]
pub const DIFFERENCES: &[Difference] = &[
    row("SENTINEL RESET nope", refused, CONFIGURED_ELSEWHERE),
    row("SENTINEL REMOVE nope", refused, CONFIGURED_ELSEWHERE),
    row("SENTINEL MONITOR demo {host} {port} 1", refused, CONFIGURED_ELSEWHERE),
    row("SENTINEL SET demo quorum 1", refused, CONFIGURED_ELSEWHERE),
    row("SENTINEL CONFIG GET *", refused, CONFIGURED_ELSEWHERE),
    row("SENTINEL DEBUG", refused, CONFIGURED_ELSEWHERE),
    row("SENTINEL SIMULATE-FAILURE help", refused, "no failure is simulated on a running sentinel"),
    row("SENTINEL INFO-CACHE nope", refused, "the texts of INFO are not kept"),
    row("SENTINEL FLUSHCONFIG", refused, "there is no configuration to write"),
    row("ACL WHOAMI", refused, "there is one user, and its password is configured where it runs"),
    row("PUBLISH a b", refused, "only the sentinel itself publishes"),
    row("SENTINEL HELP", heads, OWN_WORDS),
    row("CLIENT HELP", heads, OWN_WORDS),
    row("COMMAND HELP", heads, OWN_WORDS),
    row("COMMAND COUNT", numbers, FEWER_COMMANDS),
    row("COMMAND LIST", list_within, FEWER_COMMANDS),
    row("COMMAND", shapes, FEWER_COMMANDS),
    row("COMMAND INFO ping", shapes, "no tips for clusters: there is none"),
    row("COMMAND DOCS ping", docs, "only what a person wants to know: no version, no cost"),
    row("COMMAND DOCS sentinel", docs, FEWER_COMMANDS),
    row("CLIENT INFO", client_info, "it does not count its buffers for clients"),
    row("CLIENT LIST", unknown, NOT_FOR_CLIENTS),
    row("CLIENT KILL 127.0.0.1:1", unknown, NOT_FOR_CLIENTS),
    row("CLIENT UNBLOCK 1", unknown, NOT_FOR_CLIENTS),
    row("CLIENT UNPAUSE", unknown, NOT_FOR_CLIENTS),
    row("CLIENT TRACKING OFF", unknown, NO_KEYS),
    row("CLIENT TRACKINGINFO", unknown, NO_KEYS),
    row("CLIENT GETREDIR", unknown, NO_KEYS),
    row("CLIENT CACHING yes", unknown, NO_KEYS),
    row("COMMAND GETKEYS get a", unknown, NO_KEYS),
    row("INFO", info, "only what it has: no keys, no CPU, no persistence"),
    row("INFO SERVER", info, "only what it has"),
    row("INFO default", info, "only what it has: no keys, no CPU, no persistence"),
    only("INFO sentinel", &["8.0", "8.1"], info, "a field that came with Valkey 9"),
    only("SENTINEL FAILOVER demo FOO", &["8.0", "8.1"], errors, "`COORDINATED` came with Valkey 9"),
    only("COMMAND INFO sentinel|masters", &["8.0", "8.1"], shapes, "no subcommands are a list since Valkey 9"),
    only("UNSUBSCRIBE", &["8.0"], unsubscribed, "Valkey 8.1 and 9 answer who has not subscribed"),
    only("PUNSUBSCRIBE", &["8.0"], unsubscribed, "Valkey 8.1 and 9 answer who has not subscribed"),
    only("UNSUBSCRIBE x y", &["8.0"], unsubscribed, "Valkey 8.1 and 9 answer who has not subscribed"),
    row("QUIT", quits, "clients say good-bye; Sentinel knows no QUIT and stays"),
    row("RESET", resets, "clients reuse connections; Sentinel names RESET as allowed and has none"),
    only("<*1\\r\\n$4\\r\\nPINGxx>", &["8.0", "8.1"], closes, "checked since Valkey 9"),
];

/// The same, for who has not signed in.
#[rustfmt::skip]
pub const GUARDED_DIFFERENCES: &[Difference] = &[
    only("FOO", &["8.0", "8.1"], errors, "who has not signed in is told no more, as since Valkey 9"),
    only("SENTINEL FOO", &["8.0", "8.1"], errors, "who has not signed in is told no more, as since Valkey 9"),
];

fn error(values: &[Value]) -> Option<&str> {
    match values {
        [Value::Error(text)] => Some(text),
        _ => None,
    }
}

/// Ours is an error that says what this is and what to do.
fn refused(_: &[Value], ours: &[Value]) -> bool {
    error(ours).is_some_and(|text| text.starts_with("ERR this is Gungnir; ") && text.contains(": "))
}

fn errors(real: &[Value], ours: &[Value]) -> bool {
    error(real).is_some() && error(ours).is_some()
}

fn unknown(_: &[Value], ours: &[Value]) -> bool {
    error(ours).is_some_and(|text| text.starts_with("ERR unknown subcommand "))
}

fn numbers(real: &[Value], ours: &[Value]) -> bool {
    matches!((real, ours), ([Value::Integer(real)], [Value::Integer(ours)]) if ours < real)
}

/// Both are lists of lines with the same title.
fn heads(real: &[Value], ours: &[Value]) -> bool {
    let title = |values: &[Value]| match values.first().map(Value::list).and_then(<[_]>::first) {
        Some(Value::Simple(text)) => text.split(' ').next().map(str::to_owned),
        _ => None,
    };
    title(real).is_some() && title(real) == title(ours)
}

/// Every command of ours is one of theirs, but for two.
fn list_within(real: &[Value], ours: &[Value]) -> bool {
    let real = real[0].list();
    let more = ours[0].list().iter().filter(|name| !real.contains(name));
    more.eq([&Value::Text("quit".into()), &Value::Text("reset".into())])
}

/// Every description has ten elements of the same kinds.
fn shapes(real: &[Value], ours: &[Value]) -> bool {
    let kinds = |values: &[Value]| -> Vec<Vec<std::mem::Discriminant<Value>>> {
        let commands = values[0].list().iter();
        let mut kinds: Vec<_> = commands
            // The last are lists or sets, by version.
            .map(|command| command.list().iter().enumerate())
            .map(|parts| parts.filter(|(at, _)| *at < 8))
            .map(|parts| parts.map(|(_, part)| std::mem::discriminant(part)).collect())
            .collect();
        kinds.sort_by_key(Vec::len);
        kinds.dedup();
        kinds
    };
    kinds(real) == kinds(ours) && ours[0].list().iter().all(|command| command.list().len() == 10)
}

/// Each command has the fields that the real one's have, by name, as far as there are any.
fn docs(real: &[Value], ours: &[Value]) -> bool {
    let keys = |value: &Value| -> Vec<Value> {
        match value {
            Value::Map(pairs) => pairs.iter().map(|(key, _)| key.clone()).collect(),
            Value::List(items) => items.iter().step_by(2).cloned().collect(),
            other => panic!("no docs: {other:?}"),
        }
    };
    let fields = |value: &Value| match value {
        Value::Map(pairs) => keys(&pairs[0].1),
        Value::List(items) => keys(&items[1]),
        other => panic!("no docs: {other:?}"),
    };
    let real_fields = fields(&real[0]);
    keys(&real[0]) == keys(&ours[0])
        && fields(&ours[0]).iter().all(|field| real_fields.contains(field))
}

fn text(values: &[Value]) -> &str {
    match values {
        [Value::Text(text) | Value::Verbatim(text)] => text,
        other => panic!("no text: {other:?}"),
    }
}

/// Each `name=value` of ours has its like there, and the kind is the same.
fn client_info(real: &[Value], ours: &[Value]) -> bool {
    let names = |values: &[Value]| -> Vec<String> {
        text(values).split(' ').map(|pair| pair.split('=').next().unwrap().to_owned()).collect()
    };
    let (real_names, our_names) = (names(real), names(ours));
    std::mem::discriminant(&real[0]) == std::mem::discriminant(&ours[0])
        && our_names.iter().all(|name| real_names.contains(name))
}

/// Each line of ours has its like there, in the same order, but for our own version and counter.
fn info(real: &[Value], ours: &[Value]) -> bool {
    const MORE: &[&str] =
        &["gungnir_version", "client_output_bytes", "sentinel_total_tilt", "valkey_version"];
    let names = |values: &[Value]| -> Vec<String> {
        text(values).lines().map(|line| line.split(':').next().unwrap().to_owned()).collect()
    };
    let real_names = names(real);
    let known = names(ours).into_iter().filter(|name| !MORE.contains(&name.as_str()));
    let places: Option<Vec<usize>> = known
        .filter(|name| !name.is_empty())
        .map(|name| real_names.iter().position(|real_name| *real_name == name))
        .collect();
    places.is_some_and(|places| places.is_sorted() && !places.is_empty())
}

fn unsubscribed(real: &[Value], ours: &[Value]) -> bool {
    error(real).is_some_and(|text| text.starts_with("NOSUB "))
        && ours.iter().all(|told| matches!(told, Value::List(_) | Value::Push(_)))
}

fn quits(_: &[Value], ours: &[Value]) -> bool {
    ours == [Value::Simple("OK".into()), Value::End]
}

fn resets(_: &[Value], ours: &[Value]) -> bool {
    ours == [Value::Simple("RESET".into())]
}

fn closes(_: &[Value], ours: &[Value]) -> bool {
    matches!(ours, [Value::Error(text), Value::End] if text.starts_with("ERR Protocol error: "))
}

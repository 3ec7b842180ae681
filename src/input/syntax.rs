//! What the YAML parser refused, in this program's words.

use serde_json::Value;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::{Error, Location, MessageFormatter, UserMessageFormatter};

use super::fault::Part;
use super::limits::{self, DocumentLimits};
use super::node::KeyFault;
use super::place::Place;

/// A fault of the text itself, which no path names. Its place counts from the
/// document's first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) place: Place,
    /// What of the line is underlined; one character if that is not known.
    pub(super) part: Option<Part>,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Notice {
    fn new(place: Place, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { place, part: None, message: message.into(), hint: Some(hint.into()) }
    }
}

/// `bytes` for people; the limits are whole MiB.
pub(super) fn byte_count(bytes: usize) -> String {
    format!("{} MiB", bytes >> 20)
}

/// A value's type with its article, as messages name it.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing (null)",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

pub(super) fn too_long(limits: &DocumentLimits) -> Notice {
    let limit = byte_count(limits.bytes);
    let message = format!("the document is longer than {limit}");
    Notice::new(Place::START, message, limits.document_cure)
}

pub(super) fn explain_key(fault: &KeyFault, first_line: u32) -> Notice {
    let notice = match fault {
        KeyFault::Repeated { key, first, again } => {
            let first = first.below(first_line);
            Notice::new(
                *again,
                format!("the key `{key}` is set twice; first at {first}"),
                "remove one of the two",
            )
        }
        KeyFault::NotAString { found: found @ "a mapping", at } => Notice::new(
            *at,
            format!("a key must be a string, found {found}"),
            "if this is a template (`{{ … }}`), render it first; else put the value in quotes",
        ),
        KeyFault::NotAString { found, at } => Notice::new(
            *at,
            format!("a key must be a string, found {found}"),
            "put the key in quotes",
        ),
    };
    Notice { part: Some(Part::Key), ..notice }
}

/// What the parser said, what it means, and what helps.
pub(super) fn explain(error: &Error, limits: &DocumentLimits) -> Notice {
    let place =
        error.location().filter(|at| *at != Location::UNKNOWN).map_or(Place::START, Place::from);
    let mut cause = error;
    while let Error::AliasError { error, .. } | Error::WithSnippet { error, .. } = cause {
        cause = error;
    }
    let (message, hint) = match cause {
        Error::Budget { breach, .. } => limit(breach, limits),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => alias_bomb(),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            ("an alias names the value it stands in".into(), Some("write the value out"))
        }
        Error::UnknownAnchor { .. } => (
            "an alias (`*name`) names no anchor (`&name`) above it in this document".into(),
            Some("put a string that starts with `*` in quotes"),
        ),
        Error::NonFiniteFloat { .. } => {
            ("infinity and not-a-number are no values in Kubernetes".into(), None)
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            ("`<<` takes a mapping or a list of mappings".into(), None)
        }
        Error::MultipleDocuments { .. } => {
            ("a second document starts here".into(), Some(SEPARATE_DOCUMENTS))
        }
        other => {
            // The parser counts flow nesting itself, before any budget does.
            let message = UserMessageFormatter.format_message(other).into_owned();
            let hint = HINTS.iter().find(|(part, _)| message.contains(part)).map(|(_, hint)| *hint);
            if message.contains("recursion limit exceeded") { too_deep() } else { (message, hint) }
        }
    };
    Notice { place, part: None, message, hint: hint.map(str::to_owned) }
}

fn alias_bomb() -> (String, Option<&'static str>) {
    (
        format!(
            "aliases (`*name`) repeat more than {} parts of the document",
            limits::MAX_ALIAS_EVENTS
        ),
        Some("write out what the aliases stand for"),
    )
}

const SEPARATE_DOCUMENTS: &str = "separate documents by a line of `---`";

fn too_deep() -> (String, Option<&'static str>) {
    (
        format!("mappings and lists are nested more than {} deep", limits::MAX_DEPTH),
        Some("nothing real nests so deep"),
    )
}

/// A part of the parser's message, and what mostly helps then.
const HINTS: &[(&str, &str)] = &[
    ("tabs disallowed", "indent with spaces"),
    ("mapping values are not allowed", "check the indentation; quote a value that has `: ` in it"),
    ("<document start>", SEPARATE_DOCUMENTS),
    ("unexpected character", "put the value in quotes"),
    ("unclosed quote", "close the quote"),
    ("unclosed bracket", "close the bracket"),
    ("unsupported tag", "remove the tag; quotes make a value a string"),
    ("<block end>", "check the indentation of this line and of those above"),
    ("illegal placement of ':'", "a `]` or `}` may be missing above"),
];

/// Which limit was passed.
fn limit(breach: &BudgetBreach, limits: &DocumentLimits) -> (String, Option<&'static str>) {
    let too_much = |limit: usize, what: &str| format!("the document has more than {limit} {what}");
    let smaller = Some(limits.document_cure);
    let scalars = byte_count(limits.scalar_bytes);
    match breach {
        BudgetBreach::Depth { .. } => too_deep(),
        BudgetBreach::Nodes { .. } | BudgetBreach::Events { .. } => {
            (too_much(limits.nodes, "values, aliases expanded"), smaller)
        }
        BudgetBreach::ScalarBytes { .. } => {
            (format!("the document has more than {scalars} of text, aliases expanded"), smaller)
        }
        BudgetBreach::Aliases { .. } => (too_much(limits::MAX_ALIASES, "aliases (`*name`)"), None),
        BudgetBreach::Anchors { .. } => (too_much(limits::MAX_ALIASES, "anchors (`&name`)"), None),
        BudgetBreach::MergeKeys { .. } => {
            (too_much(limits::MAX_ALIASES, "merge keys (`<<`)"), None)
        }
        BudgetBreach::RecordedAnchorEvents { .. } | BudgetBreach::RecordedAnchorBytes { .. } => {
            alias_bomb()
        }
        other => (format!("the document passes a limit: {other:?}"), smaller),
    }
}

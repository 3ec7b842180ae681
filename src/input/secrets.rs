//! Which parts of people's text are kept from view.
//!
//! Diagnostics end up in CI logs and pull-request comments. A line that is shown
//! there loses the values of its secret-looking keys; what a key is called is not
//! a secret. In doubt a value is hidden: the place is still named.

use std::ops::Range;

use serde_json::Value;

use crate::cluster::{FieldPath, Segment};

/// What a key contains that holds a secret; compared without case, `-`, `_` and `.`.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "requirepass",
    "masterauth",
    "primaryauth",
    "secret",
    "token",
    "credential",
    "apikey",
    "accesskey",
    "privatekey",
    "tlskey",
    "aclrule",
    "dockerconfig",
];

/// Keys that contain such a word and hold a name, a switch or a structure.
const HARMLESS: &[&str] = &["existingsecret", "imagepullsecrets", "automountserviceaccounttoken"];

/// How far up a block of text is followed to find the key it belongs to, in lines.
const MAX_LINES_UP: usize = 2_000;

/// Whether the value under `key` is kept from view.
pub(super) fn is_secret_key(key: &str) -> bool {
    // No real key is longer, and the limit keeps long garbage cheap.
    const MAX_KEY_BYTES: usize = 256;
    if key.len() > MAX_KEY_BYTES {
        return false;
    }
    let plain: String =
        key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let names_one = ["name", "names", "ref", "refs"].iter().any(|end| plain.ends_with(end));
    WORDS.iter().any(|word| plain.contains(word)) && !names_one && !HARMLESS.contains(&&*plain)
}

/// Whether the value at `path` is kept from view: its key says so, it is the value of
/// a variable whose name says so, or the data of a Secret.
pub(super) fn is_secret_path(path: &FieldPath, document: Option<&Value>) -> bool {
    let segments = path.segments();
    let by_key = segments.iter().any(|s| matches!(s, Segment::Key(key) if is_secret_key(key)));
    let by_name = || {
        let name = path.parent().and_then(|parent| parent.key("name").find(document?)?.as_str());
        matches!(segments.last(), Some(Segment::Key(key)) if key == "value")
            && name.is_some_and(is_secret_key)
    };
    let by_kind = || {
        let is_secret = document.and_then(|d| d.get("kind")).is_some_and(|kind| kind == "Secret");
        let data =
            |s: &Segment| matches!(s, Segment::Key(key) if key == "data" || key == "stringData");
        is_secret && segments.first().is_some_and(data)
    };
    by_key || by_name() || by_kind()
}

/// Whether `text`, perhaps too broken to read, looks like a Secret's.
pub(super) fn looks_like_secret(text: &str) -> bool {
    text.match_indices("kind").any(|(at, key)| {
        let value = text[at + key.len()..].trim_start_matches(['"', '\'', ':', ' ', '\t']);
        value
            .strip_prefix("Secret")
            .is_some_and(|tail| !tail.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_'))
    })
}

/// The byte ranges of `line` that are kept from view: the values of secret-looking
/// keys, or of all keys if `all`.
pub(super) fn hidden_ranges(line: &str, all: bool) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (colon, _) in line.match_indices(':') {
        if ranges.last().is_some_and(|range| colon < range.end) {
            continue;
        }
        let before = line[..colon].trim_end();
        let quoted = before.ends_with(['"', '\'']);
        let tail = &line[colon + 1..];
        if !(quoted || tail.is_empty() || tail.starts_with([' ', '\t'])) {
            continue;
        }
        let bare = before.trim_end_matches(['"', '\'']);
        let start = bare.rfind(['"', '\'', '{', '[', ',', ' ', '\t']).map_or(0, |at| at + 1);
        if !all && !is_secret_key(&bare[start..]) {
            continue;
        }
        let value = tail.trim_start();
        let from = line.len() - value.len();
        let in_flow = line[..colon].contains(['{', '[']);
        let to = from + value_length(value, in_flow);
        if to > from && !matches!(value, "true" | "false") {
            ranges.push(from..to);
        }
    }
    ranges
}

/// How many bytes of `text`, from its start, are the value there. Errs on the long side.
fn value_length(text: &str, in_flow: bool) -> usize {
    let quote = match text.chars().next() {
        Some(quote @ ('"' | '\'')) => quote,
        Some('{' | '[') => return text.trim_end().len(),
        _ if in_flow => return text.find([',', '}', ']']).unwrap_or(text.trim_end().len()),
        _ => return text.trim_end().len(),
    };
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            // `''` inside single quotes is one quote: the rest is hidden by going on.
            _ if c == quote && !text[at + 1..].starts_with(quote) => return at + 1,
            _ if c == quote => escaped = true,
            _ => {}
        }
    }
    text.trim_end().len()
}

/// Whether the last of `lines` is a part of a longer text under a secret-looking key,
/// or under any key if `all`.
pub(super) fn continues_secret<'l>(
    lines: impl DoubleEndedIterator<Item = &'l str>,
    all: bool,
) -> bool {
    let mut upwards = lines.rev().take(MAX_LINES_UP);
    let Some(last) = upwards.next() else { return false };
    let mut indent = indent_of(last);
    for line in upwards {
        if line.trim().is_empty() || (indent_of(line) >= indent && indent > 0) {
            continue;
        }
        let key =
            line.trim_start_matches([' ', '\t', '-', '{', ',']).split(':').next().unwrap_or("");
        if line.contains(':') && (all || is_secret_key(key)) {
            return indent_of(line) < indent_of(last);
        }
        indent = indent_of(line);
        if indent == 0 {
            break;
        }
    }
    false
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hide(line: &str, all: bool) -> String {
        let mut shown = line.to_owned();
        for range in hidden_ranges(line, all).into_iter().rev() {
            shown.replace_range(range, "…");
        }
        shown
    }

    #[test]
    fn keys_that_hold_secrets_are_known_from_keys_that_name_them() {
        for key in ["password", "DB_PASSWORD", "requirepass", "apiKey", "tls.key", "clientSecret"] {
            assert!(is_secret_key(key), "{key}");
        }
        for key in ["replicas", "secretName", "certSecretName", "existingSecret", "auth", "key"] {
            assert!(!is_secret_key(key), "{key}");
        }
    }

    #[test]
    fn values_of_secret_keys_are_cut_from_a_line() {
        for (line, shown) in [
            ("password: hunter2", "password: …"),
            ("  - masterauth: a, b # c", "  - masterauth: …"),
            (r#"{"password": "a\"b,c", "port": 1}"#, r#"{"password": …, "port": 1}"#),
            ("{password: x, port: 1}", "{password: …, port: 1}"),
            ("a: 1, token: 'it''s'", "a: 1, token: …"),
            ("password: [a, b]", "password: …"),
            (r#"{"token":"x"}"#, r#"{"token":…}"#),
            ("password: \"never closed, port: 1", "password: …"),
            ("password:", "password:"),
            ("replicas: 3", "replicas: 3"),
            ("secretName: x", "secretName: x"),
            ("url: http://password:x", "url: http://password:x"),
            ("passwordRequired: true", "passwordRequired: true"),
        ] {
            assert_eq!(hide(line, false), shown);
        }
        assert_eq!(hide("tls.crt: LS0t", true), "tls.crt: …");
    }

    #[test]
    fn paths_to_secrets_are_known() {
        let secret = json!({"kind": "Secret", "data": {"a": "x"}, "metadata": {"name": "n"}});
        let pod = json!({"env": [{"name": "DB_PASSWORD", "value": 5}, {"name": "A", "value": 5}]});
        for (path, document, expected) in [
            ("spec.password", &pod, true),
            ("spec.passwords[0].x", &pod, true),
            ("env[0].value", &pod, true),
            ("env[0].name", &pod, false),
            ("env[1].value", &pod, false),
            ("data.a", &secret, true),
            ("metadata.name", &secret, false),
            ("data.a", &pod, false),
        ] {
            let path = FieldPath::parse(path).unwrap();
            assert_eq!(is_secret_path(&path, Some(document)), expected, "{path}");
        }
    }

    #[test]
    fn a_secret_is_known_though_its_text_is_broken() {
        assert!(looks_like_secret("kind: Secret\nx: ["));
        assert!(looks_like_secret(r#"{"kind" : "Secret","#));
        assert!(!looks_like_secret("kind: SecretStore\n"));
        assert!(!looks_like_secret("kind: ConfigMap\nname: Secret\n"));
    }

    #[test]
    fn lines_of_a_longer_secret_text_are_known() {
        for (text, expected) in [
            ("password: |\n  a\n  b", true),
            ("password: |\n  a\n\n    b", true),
            ("spec:\n  tls.key: |\n    -----BEGIN\n    x", true),
            ("password: |\n  a\nreplicas: 3", false),
            ("password:\n  x: 1\nspec:\n  a: 1", false),
            ("a: 1\nb: 2", false),
        ] {
            assert_eq!(continues_secret(text.lines(), false), expected, "{text}");
        }
        assert!(continues_secret("data:\n  x: |\n    y".lines(), true));
    }
}

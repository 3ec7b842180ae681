//! Patterns of channels, as Valkey matches them.

/// Whether `text` matches `pattern`: `*` any bytes, `?` one, `[a-c]` and `[^a]` one of a class,
/// `\` takes the next byte as it is.
///
/// Takes at most their lengths multiplied: after a mismatch only the last `*` takes one byte more.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut pattern, mut text) = (pattern, text);
    // What to match after the last `*`, against what, when it takes one byte more.
    let mut retry: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', after @ ..] = pattern {
            if after.is_empty() {
                return true;
            }
            pattern = after;
            retry = Some((pattern, text));
            continue;
        }
        let advanced = match (pattern, text) {
            ([], []) => return true,
            ([], _) | (_, []) => None,
            (_, [byte, after @ ..]) => one(pattern, *byte).map(|pattern| (pattern, after)),
        };
        match (advanced, retry) {
            (Some(next), _) => (pattern, text) = next,
            (None, Some((again, [_, shorter @ ..]))) => {
                retry = Some((again, shorter));
                (pattern, text) = (again, shorter);
            }
            (None, _) => return false,
        }
    }
}

/// What is left of the pattern when its first element, no `*`, matches `byte`.
fn one(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    match pattern {
        [b'?', after @ ..] => Some(after),
        [b'[', after @ ..] => class(after, byte),
        [b'\\', literal, after @ ..] | [literal, after @ ..] => (*literal == byte).then_some(after),
        [] => None,
    }
}

/// What is left after a class that has `byte`; the class may lack its `]` at the pattern's end.
fn class(pattern: &[u8], byte: u8) -> Option<&[u8]> {
    let (negated, mut rest) = match pattern {
        [b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    let after = loop {
        rest = match rest {
            [] => break rest,
            [b'\\', literal, after @ ..] => {
                found |= *literal == byte;
                after
            }
            [b']', after @ ..] => break after,
            [from, b'-', to, after @ ..] => {
                found |= (*from.min(to)..=*from.max(to)).contains(&byte);
                after
            }
            [literal, after @ ..] => {
                found |= *literal == byte;
                after
            }
        };
    };
    (found != negated).then_some(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn patterns_match_as_a_server_matches_them() {
        for (pattern, text, expected) in [
            ("*", "+sdown", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("+s*", "+sdown", true),
            ("*s*", "+switch-master", true),
            ("*-master", "+switch-master", true),
            ("*-slave", "+switch-master", false),
            ("?sdown", "-sdown", true),
            ("?", "", false),
            ("[-+]sdown", "-sdown", true),
            // From `+` to `]`, and then letters: a class without an end.
            ("[+-]sdown", "-sdown", false),
            ("[+-]sdown", "-", true),
            ("[^+]sdown", "+sdown", false),
            ("[c-a]", "b", true),
            ("[a", "a", true),
            ("[a-", "-", true),
            (r"[\]]", "]", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
            ("\\", "\\", true),
            ("a**b", "ab", true),
            ("[]", "a", false),
            ("[^]", "a", true),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_time() {
        let pattern = "a*".repeat(2000) + "b";
        let began = Instant::now();
        assert!(!matches(pattern.as_bytes(), "a".repeat(1000).as_bytes()));
        assert!(began.elapsed() < Duration::from_secs(1));
    }
}

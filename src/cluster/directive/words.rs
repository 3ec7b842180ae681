//! The words of a line of `valkey.conf`: where Valkey splits it, and what quotes and escapes mean.

use std::str::Chars;

/// The arguments of a directive, one by one.
///
/// # Errors
///
/// Why Valkey could not read them, as the end of a sentence that begins with their place.
pub(super) fn split(arguments: &str) -> Result<Vec<String>, &'static str> {
    if arguments.trim().is_empty() {
        return Err("is empty; write `\"\"` with its quotes for an empty value");
    }
    if arguments.chars().any(char::is_control) {
        return Err("holds a line break or another control character: a directive is one line");
    }
    let mut words = Vec::new();
    let mut rest = arguments.trim_matches(' ').chars();
    while !rest.as_str().is_empty() {
        words.push(word(&mut rest)?);
        rest = rest.as_str().trim_start_matches(' ').chars();
    }
    Ok(words)
}

fn word(rest: &mut Chars<'_>) -> Result<String, &'static str> {
    let mut word = String::new();
    while let Some(c) = rest.next() {
        match c {
            ' ' => break,
            '"' | '\'' => {
                quoted(c, rest, &mut word)?;
                // Nothing but a blank may follow, so the word ends here.
                return if rest.as_str().is_empty() || rest.as_str().starts_with(' ') {
                    Ok(word)
                } else {
                    Err("has text right behind a closing quote")
                };
            }
            _ => word.push(c),
        }
    }
    Ok(word)
}

/// Reads what follows the opening `quote`, up to the closing one.
fn quoted(quote: char, rest: &mut Chars<'_>, word: &mut String) -> Result<(), &'static str> {
    while let Some(c) = rest.next() {
        match c {
            _ if c == quote => return Ok(()),
            '\\' if quote == '"' => word.extend(escaped(rest)),
            // Between single quotes nothing else can be escaped.
            '\\' if rest.as_str().starts_with('\'') => word.extend(rest.next()),
            _ => word.push(c),
        }
    }
    Err("has an open quote")
}

/// What follows a `\` between double quotes.
fn escaped(rest: &mut Chars<'_>) -> Option<char> {
    let digits = rest.as_str().strip_prefix('x').and_then(|digits| digits.get(..2));
    let code = digits
        .filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
        .and_then(|digits| u8::from_str_radix(digits, 16).ok());
    if let Some(code) = code {
        rest.nth(2);
        return Some(char::from(code));
    }
    Some(match rest.next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'a' => '\u{7}',
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_split_at_blanks_that_are_not_in_quotes() {
        for (line, words) in [
            ("allkeys-lru", &["allkeys-lru"][..]),
            ("  3600 1   300 100 ", &["3600", "1", "300", "100"]),
            ("\"3600 1\" 300", &["3600 1", "300"]),
            ("\"\"", &[""]),
            ("'' \"\"", &["", ""]),
            ("'it\\'s'", &["it's"]),
            (r"'a\b'", &[r"a\b"]),
            (r#""a\"b\\""#, &[r#"a"b\"#]),
            (r#""\x41\n\x4""#, &["A\nx4"]),
            (r"\x41", &[r"\x41"]),
            ("a\"b c\"", &["ab c"]),
            ("a # b", &["a", "#", "b"]),
        ] {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            assert_eq!(split(line), Ok(words), "{line}");
        }
    }

    #[test]
    fn what_valkey_could_not_read_is_refused() {
        for line in [
            "",
            "  ",
            "\"open",
            "'open\\'",
            r"'open\\'",
            r#""open\"#,
            r#""a"b"#,
            "'it''s'",
            "\"a\"\u{a0}b",
            "yes\nreplicaof no one",
            "a\rb",
            "a\tb",
            "a\u{0}b",
        ] {
            assert!(split(line).is_err(), "{line:?}");
        }
    }
}

//! Requests as people type them: words on a line, with quotes.

use bytes::Bytes;

/// The words of a line, or `None` when its quotes are not closed as they must be.
///
/// `"…"` knows `\n`, `\r`, `\t`, `\a`, `\b`, `\xHH` and `\` before any other byte; `'…'` knows
/// `\'`. A quote ends its word.
pub(super) fn words(line: &[u8]) -> Option<Vec<Bytes>> {
    let mut words = Vec::new();
    let mut rest = line.trim_ascii_start();
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        words.push(Bytes::from(word));
        rest = after.trim_ascii_start();
    }
    Some(words)
}

fn word(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match rest {
            [] => return Some((word, rest)),
            [byte, ..] if byte.is_ascii_whitespace() => return Some((word, rest)),
            [quote @ (b'"' | b'\''), after @ ..] => {
                let after = quoted(*quote, after, &mut word)?;
                let ends = after.first().is_none_or(u8::is_ascii_whitespace);
                return ends.then_some((word, after));
            }
            [byte, after @ ..] => {
                word.push(*byte);
                rest = after;
            }
        }
    }
}

/// Takes what is quoted, and returns what follows the closing quote.
fn quoted<'line>(quote: u8, mut rest: &'line [u8], word: &mut Vec<u8>) -> Option<&'line [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [byte, after @ ..] if *byte == quote => return Some(after),
            [b'\\', b'x', high, low, after @ ..] if quote == b'"' && hex(*high, *low).is_some() => {
                word.extend(hex(*high, *low));
                after
            }
            [b'\\', escaped, after @ ..] if quote == b'"' => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'a' => 7,
                    b'b' => 8,
                    other => *other,
                });
                after
            }
            [b'\\', b'\'', after @ ..] if quote == b'\'' => {
                word.push(b'\'');
                after
            }
            [byte, after @ ..] => {
                word.push(*byte);
                after
            }
        };
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_a_server_splits_them() {
        for (line, expected) in [
            ("", Some(vec![])),
            ("  \t ", Some(vec![])),
            ("PING", Some(vec!["PING"])),
            (" a  b ", Some(vec!["a", "b"])),
            (r#""a b" c"#, Some(vec!["a b", "c"])),
            (r#"'a "b' """#, Some(vec![r#"a "b"#, ""])),
            (r#""\x41\n\"\\""#, Some(vec!["A\n\"\\"])),
            (r#""\xZZ""#, Some(vec!["xZZ"])),
            (r"'it\'s' '\n'", Some(vec!["it's", r"\n"])),
            (r#"a"b" c"#, Some(vec!["ab", "c"])),
            (r#""a"b"#, None),
            (r#""a"#, None),
            (r#""a\"#, None),
            ("'a", None),
        ] {
            let expected = expected.map(|words| words.into_iter().map(Bytes::from).collect());
            assert_eq!(words(line.as_bytes()), expected, "{line}");
        }
    }
}

//! Structures to block YAML, and foreign YAML to structures.
//!
//! Both go through serde-saphyr: it quotes every string that a YAML 1.1 or 1.2 reader would take
//! for something else (`yes`, `12:30`, `0644`), and it bounds what aliases may unfold to.

use serde::Serialize;
use serde::Serializer;
use serde_json::Value;
use serde_saphyr::LitStr;
use serde_saphyr::options;
use serde_saphyr::ser_options;

use crate::manifest::error::ManifestError;

/// `value` as block YAML, each line that is not empty indented by `indent` spaces, ending in
/// exactly one line break. Text of several lines becomes a literal block where that is safe; lines are
/// never folded.
///
/// # Errors
///
/// [`ManifestError::Unwritable`] when the writer refuses the value.
pub fn block(value: &Value, indent: usize) -> Result<String, ManifestError> {
    let options = ser_options! { prefer_block_scalars: false, compact_list_indent: false };
    let text = serde_saphyr::to_string_with_options(&Block(value), options)
        .map_err(|source| ManifestError::Unwritable { source: Box::new(source) })?;
    if indent == 0 {
        return Ok(text);
    }
    let margin = " ".repeat(indent);
    let mut out = String::with_capacity(text.len() + text.len() / 8 * indent);
    for line in text.split_inclusive('\n') {
        if line != "\n" {
            out.push_str(&margin);
        }
        out.push_str(line);
    }
    Ok(out)
}

/// A value whose plain texts of several lines are written as literal blocks (`|`).
struct Block<'a>(&'a Value);

impl Serialize for Block<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if is_plain_lines(text) => LitStr(text).serialize(serializer),
            Value::Array(items) => serializer.collect_seq(items.iter().map(Block)),
            Value::Object(fields) => {
                serializer.collect_map(fields.iter().map(|(name, value)| (name, Block(value))))
            }
            scalar => scalar.serialize(serializer),
        }
    }
}

/// Whether every YAML reader takes `text` back from a literal block: several lines, the first one
/// at the margin, nothing that cannot be seen. (libyaml trips over white space up front.)
fn is_plain_lines(text: &str) -> bool {
    // Line breaks at the end would be taken for the space between two values.
    text.trim_end_matches('\n').contains('\n')
        && !text.ends_with("\n\n")
        && !text.starts_with(char::is_whitespace)
        && text.lines().all(|line| !line.starts_with('\t') && !line.ends_with([' ', '\t']))
        && (text.bytes().all(is_plain_byte)
            || text.chars().all(|c| c == '\n' || c == '\t' || is_printable(c)))
}

/// Most texts are ASCII, and bytes are looked at several at a time.
fn is_plain_byte(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\t' | b' '..=b'~')
}

/// Whether YAML shows `c` as it is (its `c-printable` without the breaks and marks).
fn is_printable(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// The one document in `text`, read the way `kubectl` reads it: `yes` is a boolean and `0644` is
/// octal. JSON is YAML, so it is read too.
///
/// # Errors
///
/// [`ManifestError::Malformed`] when `text` is not YAML, has several documents or a key twice, or
/// unfolds to more than the reader's limits allow.
pub fn read(text: &str) -> Result<Value, ManifestError> {
    let options = options! { legacy_octal_numbers: true };
    serde_saphyr::from_str_with_options(text, options)
        .map_err(|source| ManifestError::Malformed { source: Box::new(source) })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use proptest::prelude::*;
    use serde_json::Map;
    use serde_json::json;

    use super::*;

    /// Texts that some reader takes for a number, a boolean, nothing, a time or a structure.
    const TRAPS: &[&str] = &[
        "yes",
        "on",
        "off",
        "y",
        "12:30",
        "1:2:3",
        "1_000",
        "0644",
        "08",
        "0o17",
        "0x1f",
        "0b1",
        "~",
        "null",
        "1e3",
        ".5",
        "1.",
        "+1",
        ".inf",
        ".NaN",
        "2001-01-01",
        "<<",
        "=",
        "",
        " ",
        "- a",
        "-",
        "a: b",
        "a #b",
        "#x",
        "{{ x }}",
        "{a}",
        "[a]",
        "&a",
        "*a",
        "!t",
        "%d",
        "@a",
        "`b",
        "|",
        ">",
        "'q",
        "\"q",
        "? x",
        ": x",
        "key:",
        "---",
        "...",
        "\ttab",
        "end\t",
        "end ",
        "\nlead",
        "a\nb",
        "a\n",
        "a\n\n",
        "\n",
        "  a\n b",
        "a\n \nb",
        "a\r\nb",
        "a\rb",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "a\n---\nb",
        "a\n# b\n",
        "\\",
        "é",
        "\u{0}",
        "\u{7f}",
        "\u{1F600}",
    ];

    fn read_back(text: &str) -> [Value; 2] {
        [serde_yaml::from_str(text).unwrap(), read(text).unwrap()]
    }

    #[test]
    fn strings_that_look_like_something_else_come_back_as_strings() {
        let strings = json!({ "list": TRAPS, "map": TRAPS.iter().map(|trap| ((*trap).to_owned(), json!(trap))).collect::<Map<_, _>>() });
        let text = block(&strings, 0).unwrap();
        assert_eq!(read_back(&text), [strings.clone(), strings], "{text}");
    }

    #[test]
    fn strings_that_a_yaml_1_1_reader_takes_for_something_else_are_quoted() {
        for trap in ["yes", "on", "12:30", "1_000", "0644", "~", "null", "1e3", ""] {
            assert_eq!(block(&json!(trap), 0).unwrap(), format!("\"{trap}\"\n"));
        }
    }

    #[test]
    fn an_indented_block_fits_under_its_parent() {
        let value = json!({"run": "a\n\n  b\n", "list": [{"x": 1, "z": [2]}], "none": {}});
        assert_eq!(
            block(&value, 4).unwrap(),
            "    run: |\n      a\n\n        b\n    list:\n      - x: 1\n        z:\n          - 2\n    none: {}\n"
        );
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
        for level in 1..12 {
            let alias = vec![format!("*a{}", level - 1); 10].join(",");
            writeln!(bomb, "a{level}: &a{level} [{alias}]").unwrap();
        }
        assert!(matches!(read(&bomb), Err(ManifestError::Malformed { .. })));
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let text = prop_oneof![
            proptest::sample::select(TRAPS).prop_map(str::to_owned),
            proptest::collection::vec(proptest::sample::select(TRAPS), 2..4)
                .prop_map(|parts| parts.join("\n")),
            "\\PC{0,12}",
            "[ \\n\\t#:'\"|>a-]{0,12}",
            "a[ \\na]{0,12}",
        ];
        let leaf = prop_oneof![
            text.clone().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 32, 5, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                proptest::collection::vec((text.clone(), inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_structure_comes_back_from_both_readers_at_any_indent(
            value in any_value(),
            indent in 1_usize..9,
        ) {
            let flat = block(&value, 0).unwrap();
            prop_assert!(flat.ends_with('\n'));
            prop_assert_eq!(read_back(&flat), [value.clone(), value.clone()], "{}", flat);
            let nested = format!("{:1$}under:\n{2}", "", indent - 1, block(&value, indent).unwrap());
            let expected = json!({ "under": value });
            prop_assert_eq!(read_back(&nested), [expected.clone(), expected], "{}", nested);
        }
    }
}

//! Any bytes at all: documents or errors, never a panic, and nothing that harms a terminal.
#![allow(clippy::unwrap_used)]

use gungnir::input::{Report, Schema, Source};
use proptest::prelude::*;
use serde_json::json;

fn schema() -> Schema {
    let openapi = json!({"type": "object", "properties": {"spec": {"type": "object", "properties":
        {"replicas": {"type": "integer"}, "list": {"type": "array", "items": {"type": "string"}}}}}});
    Schema::compile(&openapi).unwrap()
}

/// Reads `bytes` as the command line does.
fn read(bytes: Vec<u8>) -> Report {
    let mut report = Report::new();
    match Source::new("input.yaml", bytes) {
        Err(diagnostic) => report.add([*diagnostic]),
        Ok(source) => {
            for document in source.documents() {
                let diagnostics =
                    document.map_or_else(|d| d, |d| d.diagnostics(schema().faults(&d)));
                report.add(diagnostics);
            }
        }
    }
    report
}

/// Texts that are nearly YAML: its marks, in any order.
fn yaml_like() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "a",
        "b: ",
        "- ",
        "\n",
        "\n  ",
        "\n    ",
        ": ",
        ":",
        "---\n",
        "...\n",
        "&x ",
        "*x",
        "<<: ",
        "[",
        "]",
        "{",
        "}",
        ",",
        "\"",
        "'",
        "|\n",
        ">-\n",
        "#",
        "!!str ",
        "!t ",
        "? ",
        "\t",
        "\r\n",
        "%YAML 1.2\n",
        "0644",
        "yes",
        "~",
        ".inf",
        "1e999",
        "é",
        "\u{202e}",
        "\u{feff}",
        "password: ",
        "\\x",
        "spec:\n  ",
        "replicas: ",
    ]);
    prop::collection::vec(parts, 0..60).prop_map(|parts| parts.concat())
}

/// The places of a report lie in the text, and its lines are fit to print.
fn check(bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let lines = bytes.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count() + 1;
    let report = read(bytes);
    for diagnostic in report.shown() {
        prop_assert!(usize::try_from(diagnostic.place.line).unwrap() <= lines, "{diagnostic}");
        let text = diagnostic.to_string();
        prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text:?}");
        prop_assert!(!diagnostic.to_github().contains('\n'));
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        check(bytes)?;
    }

    #[test]
    fn any_text_is_answered(text in "\\PC{0,300}") {
        check(text.into_bytes())?;
    }

    #[test]
    fn anything_like_yaml_is_answered(text in yaml_like()) {
        check(text.into_bytes())?;
    }
}

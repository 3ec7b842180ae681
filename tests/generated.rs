//! What is generated from the Rust types and kept in Git: the chart's CustomResourceDefinition is,
//! byte for byte, what `gungnir crd` prints, and `src/api/schema.jsonl` is its schema.
//!
//! After a wanted change: `UPDATE_GOLDEN=1 cargo test --test generated`, then read the diff.
#![allow(clippy::unwrap_used)] // in the helpers: a test that panics fails

mod support;

use std::fs;
use std::path::Path;
use std::process::Command;

use support::update::wants_update;

const BEFORE: &str = "{{- if .Values.crds.install }}\n";
const AFTER: &str = "{{- end }}\n";

#[test]
fn the_chart_holds_the_crd_that_is_printed() {
    let printed = Command::new(env!("CARGO_BIN_EXE_gungnir")).arg("crd").output().unwrap();
    assert!(printed.status.success(), "{printed:?}");
    let crd = String::from_utf8(printed.stdout).unwrap();
    assert!(!crd.contains("{{"), "Helm would take it for a template");
    let expected = format!("{BEFORE}{crd}{AFTER}");

    holds("charts/gungnir-operator/templates/crd-valkeycluster.yaml", &expected);
}

#[test]
fn the_schema_that_files_are_checked_against_is_that_of_the_types() {
    holds("src/api/schema.jsonl", &gungnir::api::schema_lines());
}

fn holds(path: &str, expected: &str) {
    let full = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if wants_update() {
        fs::write(&full, expected).unwrap();
    }
    let actual = fs::read_to_string(&full).unwrap_or_default();
    assert!(
        actual == expected,
        "{path} is not what the types say; UPDATE_GOLDEN=1 cargo test --test generated"
    );
}

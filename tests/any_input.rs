//! Any bytes at all: documents or errors, never a panic, and nothing that harms a terminal.
#![allow(clippy::unwrap_used)]

use std::sync::LazyLock;

use gungnir::api::{SCHEMA_LINES, ValkeyCluster};
use gungnir::cluster::{Roles, validate};
use gungnir::input::{Diagnostic, Document, Report, Schema, Source};
use proptest::prelude::*;
use serde::Deserialize;

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::compile_lines(SCHEMA_LINES).unwrap());

/// Reads `bytes` as the command line does.
fn read(bytes: Vec<u8>) -> Report {
    let mut report = Report::new();
    match Source::new("input.yaml", bytes) {
        Err(diagnostic) => report.add([*diagnostic]),
        Ok(source) => {
            for document in source.documents() {
                report.add(document.map_or_else(|diagnostics| diagnostics, |d| check_cluster(&d)));
            }
        }
    }
    report
}

/// What is wrong with a document as a cluster. What fits the schema fits the types.
fn check_cluster(document: &Document<'_>) -> Vec<Diagnostic> {
    let faults = SCHEMA.faults(document);
    if !faults.is_empty() {
        return document.diagnostics(faults);
    }
    let cluster = ValkeyCluster::deserialize(document.value()).unwrap();
    document.diagnostics(validate(cluster, Roles::Elected).err().unwrap_or_default())
}

/// A cluster up to its spec, and lines of fields that are nearly sound.
fn cluster_like() -> impl Strategy<Value = String> {
    let field = prop::sample::select(vec![
        "replicas",
        "port",
        "image",
        "config",
        "labels",
        "annotations",
        "nodeSelector",
        "resources",
        "persistence",
        "tls",
        "env",
        "affinity",
        "tolerations",
        "extraContainers",
        "terminationGracePeriodSeconds",
        "podDisruptionBudget",
        "securityContext",
        "replica",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec![
            "3",
            "-1",
            "99999999999999999999",
            "1e3",
            "~",
            "yes",
            "''",
            "[]",
            "{}",
            "[a]",
            "{a: b}",
            "{a: 'x y'}",
            "{maxmemory: 1gb, save: ''}",
            "{enabled: true}",
            "{limits: {memory: 1Gi}}",
            "{limits: {memory: x}}",
            "{storageSize: 1e99Gi}",
            "[{name: a, value: b}]",
            "[{name: a}, {name: a}]",
            "{maxUnavailable: 101%}",
            "&a {b: *a}",
            "docker.io/valkey/valkey:8.1",
        ])
        .prop_map(str::to_owned),
        "\\PC{0,20}",
    ];
    prop::collection::vec((field, value), 0..6).prop_map(|fields| {
        let head = "apiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\nmetadata: {name: a}\n";
        let lines = fields.iter().map(|(field, value)| format!("  {field}: {value}\n"));
        format!("{head}spec:\n{}", lines.collect::<String>())
    })
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
    fn anything_like_a_cluster_is_answered(text in cluster_like()) {
        check(text.into_bytes())?;
    }

    #[test]
    fn anything_like_yaml_is_answered(text in yaml_like()) {
        check(text.into_bytes())?;
    }
}

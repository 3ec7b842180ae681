//! Whatever bytes come in: documents or errors come out, soon and in little memory.
//!
//! Each input of the table is read, checked against a schema and reported. Then the program
//! itself reads each, and inputs full of clusters, and has no more memory than it may take. The
//! limits hold for the slow test build, so that they say something about the released one.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod support;

mod hostile_input {
    pub mod clusters;
    pub mod table;
}

use std::time::{Duration, Instant};

use gungnir::input::{Report, Schema, Source};
use hostile_input::clusters;
use hostile_input::table::{Row, bombs, garbage, heaps};
use serde_json::json;
use support::run::Run;

/// The most memory that the program has, the input's own text included.
const MAX_BYTES: usize = 64 << 20;

/// Far more than any input takes: an input that takes this long would take for ever.
const MAX_TIME: Duration = Duration::from_secs(20);

fn schema() -> Schema {
    let openapi = json!({"type": "object", "properties": {"spec": {"type": "object", "properties":
        {"replicas": {"type": "integer"}, "list": {"type": "array", "items": {"type": "string"}}}}}});
    Schema::compile(&openapi).unwrap()
}

/// Reads `bytes` as the command line does; how many documents, and what was reported.
fn read(bytes: Vec<u8>) -> (usize, Report) {
    let (mut count, mut report) = (0, Report::new());
    match Source::new("input.yaml", bytes) {
        Err(diagnostic) => report.add([*diagnostic]),
        Ok(source) => {
            let schema = schema();
            for document in source.documents() {
                match document {
                    Err(diagnostics) => report.add(diagnostics),
                    Ok(document) => {
                        count += 1;
                        report.add(document.diagnostics(schema.faults(&document)));
                    }
                }
            }
        }
    }
    (count, report)
}

fn table() -> impl Iterator<Item = Row> {
    bombs().into_iter().chain(heaps()).chain(garbage())
}

#[test]
fn hostile_inputs_are_answered_soon() {
    let show_figures = std::env::var_os("SHOW_FIGURES").is_some();
    for (name, make, documents, report_start) in table() {
        let bytes = make();
        let length = bytes.len();
        let began = Instant::now();
        let (count, report) = read(bytes);
        let time = began.elapsed();
        let shown = report.to_string();
        if show_figures {
            let line = shown.lines().next().unwrap_or_default();
            println!("{name:26} {length:9} B {time:>12.3?}  {line}");
        }
        let start: String = shown.chars().take(500).collect();
        assert_eq!(count, documents, "{name}: documents, with the report\n{start}");
        assert!(shown.starts_with(report_start), "{name}: report\n{start}");
        assert_eq!(shown.is_empty(), report_start.is_empty(), "{name}: report\n{start}");
        assert!(time < MAX_TIME, "{name}: {time:?}");
    }
}

/// Holds the program against an input that is at fault; one that wants more memory dies of it.
fn refused(name: &str, bytes: impl AsRef<[u8]>, start: &str) {
    const SCRIPT: &str = r#"ulimit -d "$1"; exec "$GUNGNIR" validate -"#;
    let began = Instant::now();
    let found = Run::shell(SCRIPT, [(MAX_BYTES >> 10).to_string()]).stdin(bytes).finish();
    let said: String = found.stderr.chars().take(500).collect();
    assert!(said.starts_with(start), "{name}: {}\n{said}", found.status);
    assert_eq!(found.status, 2, "{name}\n{said}");
    assert!(began.elapsed() < MAX_TIME, "{name}: {:?}", began.elapsed());
}

#[test]
fn the_program_needs_no_more_memory_for_hostile_inputs() {
    for (name, make, ..) in table() {
        refused(name, make(), "error: stdin:");
    }
}

#[test]
fn the_program_needs_no_more_memory_for_hostile_clusters() {
    for (name, make, start) in clusters::ROWS {
        refused(name, make(), start);
    }
}

//! `gungnir validate`: every fault, for people and for machines.

use serde_json::json;

use crate::support::folder::Folder;
use crate::support::run::Run;
use crate::support::stream::file;

const BAD: &str = "\
apiVersion: valkey.verilean.io/v1
kind: ValkeyCluster
metadata:
  name: cart
spec:
  replcas: 3
  config:
    requirepass: hunter2
";

fn folder() -> Folder {
    Folder::of([("bad.yaml", BAD), ("good.yaml", file("examples/minimal.yaml").as_str())])
}

#[test]
fn sound_files_are_counted() {
    Run::gungnir(["validate", "examples/minimal.yaml"])
        .stderr("1 cluster sound, 0 errors\n")
        .check();
    Run::gungnir(["validate", "examples/minimal.yaml", "examples/no-auth.yaml"])
        .stderr("2 clusters sound, 0 errors\n")
        .check();
    Run::gungnir(["validate", "-"])
        .stdin(file("examples/minimal.yaml"))
        .stderr("1 cluster sound, 0 errors\n")
        .check();
}

#[test]
fn every_fault_of_every_file_is_told_and_no_secret() {
    Run::gungnir(["validate", "."])
        .folder(folder().path())
        .stderr(
            "\
error: ./bad.yaml:6:3: spec.replcas: unknown field
  6 |   replcas: 3
    |   ^^^^^^^
  help: did you mean `replicas`?
error: ./bad.yaml:8:5: spec.config.requirepass: is set by Gungnir
  8 |     requirepass: …
    |     ^^^^^^^^^^^
  help: set spec.auth; users and passwords are Gungnir's
1 cluster sound, 2 errors
",
        )
        .status(2)
        .check();
}

#[test]
fn faults_as_json() {
    let fault = |line: u32, column: u32, path: &str, message: &str, hint: &str, text: &str| {
        json!({
            "severity": "error", "file": "./bad.yaml", "line": line, "column": column,
            "path": path, "message": message, "hint": hint, "text": text,
        })
    };
    let faults = json!([
        fault(6, 3, "spec.replcas", "unknown field", "did you mean `replicas`?", "  replcas: 3"),
        fault(
            8,
            5,
            "spec.config.requirepass",
            "is set by Gungnir",
            "set spec.auth; users and passwords are Gungnir's",
            "    requirepass: …",
        ),
    ]);
    Run::gungnir(["validate", ".", "-o", "json"])
        .folder(folder().path())
        .stdout(format!("{faults:#}\n"))
        .status(2)
        .check();
    Run::gungnir(["validate", "examples", "--output", "json"]).stdout("[]\n").check();
}

#[test]
fn faults_as_annotations_of_github() {
    Run::gungnir(["validate", ".", "-o", "github"])
        .folder(folder().path())
        .stdout(
            "\
::error file=./bad.yaml,line=6,col=3::spec.replcas: unknown field%0Adid you mean `replicas`?
::error file=./bad.yaml,line=8,col=5::spec.config.requirepass: is set by Gungnir%0Aset spec.auth; users and passwords are Gungnir's
",
        )
        .status(2)
        .check();
    Run::gungnir(["validate", "examples", "-o", "github"]).check();
}

#[test]
fn what_the_command_line_adds_is_checked_with_the_file() {
    Run::gungnir(["validate", "examples/no-auth.yaml", "--master", "1", "-n", "Legacy"])
        .stderr("1 cluster sound, 0 errors\n")
        .check();
    Run::gungnir(["validate", "examples/single.yaml", "-n", "Legacy"])
        .stderr(
            "\
error: examples/single.yaml:5:1: metadata.namespace: `Legacy` is not a namespace: a DNS label was expected
  5 | metadata:
    | ^^^^^^^^^
0 clusters sound, 1 error
",
        )
        .status(2)
        .check();
}

#[test]
fn the_examples_are_sound_and_the_bad_inputs_are_not() {
    let found = Run::gungnir(["validate", "golden/invalid"]).finish();
    assert_eq!((found.stdout.as_str(), found.status), ("", 2));
    // Of two documents one may be sound; a cluster that is told to be sound has no fault.
    let last = found.stderr.lines().last().unwrap();
    assert!(last.starts_with("2 clusters sound, "), "{last}");
}

#[test]
fn no_more_than_a_hundred_faults_of_one_file_are_shown() {
    let faults: Vec<String> = (0..150).map(|at| format!("  x{at}: 1\n")).collect();
    let text = format!(
        "apiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\nmetadata:\n  name: cart\n\
         spec:\n{}",
        faults.concat()
    );
    let found = Run::gungnir(["validate", "-"]).stdin(text).finish();
    assert_eq!((found.stdout.as_str(), found.status), ("", 2));
    assert_eq!(found.stderr.matches("unknown field").count(), 100);
    assert!(
        found.stderr.ends_with("… and 50 more in stdin\n0 clusters sound, 150 errors\n"),
        "{}",
        found.stderr
    );
}

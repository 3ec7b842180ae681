//! `gungnir switchover`: what is asked of a running sentinel, and what is made of its answer.

use crate::support::answers::{Answers, where_nobody_listens};
use crate::support::folder::Folder;
use crate::support::run::Run;

#[test]
fn the_new_master_is_printed() {
    let folder = Folder::new();
    let answers = Answers::start(&folder, "master.sock", r#"{"master":"10.0.0.2:6379"}"#);
    for arguments in [
        &["--endpoint-file", "master"][..],
        &["--control", "master.sock", "--to", "10.0.0.2:6379", "--timeout", "3"],
    ] {
        Run::gungnir(["switchover"].iter().chain(arguments))
            .folder(folder.path())
            .stdout("10.0.0.2:6379\n")
            .check();
    }
    assert_eq!(
        answers.asked(),
        [
            "{\"ask\":\"switchover\",\"to\":null}\n",
            "{\"ask\":\"switchover\",\"to\":\"10.0.0.2:6379\"}\n"
        ]
    );
}

#[test]
fn a_refusal_is_an_error_with_its_reason() {
    for (reply, stderr, status) in [
        (
            r#"{"refused":"`b:1` does not follow the master closely enough"}"#,
            "`b:1` does not follow the master closely enough",
            3,
        ),
        (
            r#"{"invalid":"`b:1` is none of the nodes: `a:1`"}"#,
            "`b:1` is none of the nodes: `a:1`",
            2,
        ),
    ] {
        let folder = Folder::new();
        let _answers = Answers::start(&folder, "control", reply);
        Run::gungnir(["switchover", "--control", "control", "--to", "b:1"])
            .folder(folder.path())
            .stderr(format!("error: {stderr}\n"))
            .status(status)
            .check();
    }
}

#[test]
fn an_answer_is_not_waited_for_for_ever() {
    let folder = Folder::new();
    // It takes connections, and says nothing.
    let _silent = std::os::unix::net::UnixListener::bind(folder.path().join("control")).unwrap();
    Run::gungnir(["switchover", "--control", "control", "--timeout", "1"])
        .folder(folder.path())
        .stderr("error: no answer from `control` within 1 s\n")
        .status(3)
        .check();
}

#[test]
fn where_no_sentinel_listens() {
    where_nobody_listens(&["switchover", "--control", "control"], "control");
    where_nobody_listens(&["switchover", "--endpoint-file", "master"], "master.sock");
}

#[test]
fn what_is_typed_wrong_is_no_wish() {
    let folder = Folder::new();
    let answers = Answers::start(&folder, "control", r#"{"master":"a:1"}"#);
    for (arguments, stderr) in [
        (&["--to", "b"][..], "error: `--to b`: `b` has no port; write `host:port`\n"),
        (
            &["--timeout", "0"],
            "error: invalid value '0' for '--timeout <SECONDS>': 0 is not in 1..=3600\n\n\
             For more information, try '--help'.\n",
        ),
    ] {
        Run::gungnir(["switchover", "--control", "control"].iter().chain(arguments))
            .folder(folder.path())
            .stderr(stderr)
            .status(2)
            .check();
    }
    let none = Run::gungnir(["switchover"]).folder(folder.path()).finish();
    assert_eq!((none.stdout.as_str(), none.status), ("", 2));
    assert!(none.stderr.contains("--control <FILE>|--endpoint-file <FILE>"), "{}", none.stderr);
    assert_eq!(answers.asked(), [""; 0]);
}

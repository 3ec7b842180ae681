//! `gungnir explain`: of a trace, its story; of a running sentinel, what it answers.

use std::fs;
use std::path::Path;

use gungnir::runtime::{Recorder, SetNames};
use gungnir::sentinel::{
    Action, Durability, Follower, Home, Id, Link, Local, Node, NodeId, Observation, Policy,
    ReplicaOrder, Report, Role, Settings, Upstream, step,
};

use crate::support::answers::{Answers, where_nobody_listens};
use crate::support::folder::Folder;
use crate::support::run::{Finished, Run};

const SEE_HELP: &str = "For more information, try '--help'.\n";

/// A master with two replicas, none of which has said anything yet.
fn unheard() -> Observation {
    Observation {
        settings: Settings {
            ping_interval_ms: 100,
            down_after_ms: 3000,
            failover_timeout_ms: 60_000,
            min_replicas_to_write: 1,
            min_replicas_max_lag_s: 1,
            replica_order: ReplicaOrder::DataFirst,
            policy: Policy::Consistency,
            durability: Durability::Required,
            may_appoint_first: false,
            auto_failover: true,
            shuts_out: false,
        },
        record: None,
        my_term: 0,
        leading: true,
        writing: false,
        nodes: vec![Node { asked_ms: Some(1000), ..Node::default() }; 3],
        service: None,
        request: None,
    }
}

fn report(node: u8) -> Report {
    let link = Link {
        upstream: Upstream::Node(NodeId(0)),
        up: true,
        down_since_s: None,
        last_io_s: Some(0),
        second_ms: 0,
        syncing: false,
    };
    let follower = |node| Follower { node: NodeId(node), online: true, offset: 100 };
    Report {
        asked_ms: 1010,
        run_id: Id([node + 1; 20]),
        home: Home::default(),
        role: if node == 0 { Role::Master } else { Role::Replica(link) },
        loading: false,
        priority: 100,
        history: Id([0xaa; 20]),
        previous_history: None,
        offset: 100,
        keys: 5,
        min_replicas_to_write: 1,
        followers: if node == 0 { vec![follower(1), follower(2)] } else { Vec::new() },
    }
}

/// Records how such a set is adopted.
fn record(path: &Path) {
    let names = SetNames::new("demo", ["a:1", "b:1", "c:1"].map(String::from));
    let mut recorder = Recorder::start(path, &names).unwrap();
    let mut local = Local::default();
    let mut seen = unheard();
    for now_ms in [1000, 1005, 1020, 2500, 2600, 2700] {
        if now_ms == 1020 {
            for (node, number) in seen.nodes.iter_mut().zip(0..) {
                (node.asked_ms, node.report) = (None, Some(report(number)));
            }
        }
        let (next, actions) = step(&local, &seen, now_ms);
        recorder.step(now_ms, &seen, &actions, next.hold);
        local = next;
        for action in actions {
            if let Action::Write(record) = action {
                seen.my_term = record.term;
                seen.record = Some(record);
            }
        }
    }
}

fn recorded() -> (Folder, String) {
    let folder = Folder::new();
    record(&folder.path().join("trace"));
    let trace = folder.read("trace");
    (folder, trace)
}

fn replay(folder: &Folder) -> Run {
    Run::gungnir(["explain", "--replay", "trace"]).folder(folder.path())
}

const BEGINS: &str = "line 1: a process begins to watch demo: a:1, b:1, c:1\n     \
                      0.000 s  not yet: waits until every node has answered or stayed silent\n";
const ADOPTS: &str = "     0.020 s  records epoch 0, term 1: the first master is to be found, or \
                      made of nobody yet; members none; w 0\n";

#[test]
fn a_trace_is_told_as_a_story() {
    let (folder, trace) = recorded();
    assert_eq!(trace.lines().count(), 7);
    let story = format!(
        "{BEGINS}{ADOPTS}     \
         1.500 s  records epoch 1, term 1: `a:1` leads; members `b:1`, `c:1`; w 0\n     \
         1.600 s  sends clients to `a:1` (epoch 1)\n     \
         1.700 s  sends clients to `a:1` (epoch 1)\n\
         6 steps, each decided as it was\n"
    );
    replay(&folder).stdout(&story).check();
    Run::gungnir(["explain", "--replay", "-"]).stdin(&trace).stdout(&story).check();
    // A process that goes on in the same file begins a chapter of its own.
    record(&folder.path().join("trace"));
    let found = replay(&folder).finish();
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    assert!(found.stdout.contains("\nline 8: a process begins to watch demo"), "{}", found.stdout);
    assert!(found.stdout.ends_with("12 steps, each decided as it was\n"), "{}", found.stdout);
}

#[test]
fn a_story_in_json_is_a_line_a_thing() {
    let (folder, _) = recorded();
    let Finished { stdout, stderr, status } =
        Run::gungnir(["explain", "-o", "json", "--replay", "trace"]).folder(folder.path()).finish();
    assert_eq!((stderr.as_str(), status), ("", 0));
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!(lines[0], r#"{"told":"process","line":1,"set":"demo","nodes":["a:1","b:1","c:1"]}"#);
    assert_eq!(
        lines[1],
        r#"{"told":"step","line":2,"at_ms":0,"decided":[],"hold":"waits until every node has answered or stayed silent"}"#
    );
    assert_eq!(lines.last(), Some(&r#"{"told":"end","steps":6,"cut":false}"#));
}

#[test]
fn a_trace_that_ends_in_a_line_is_told_up_to_there() {
    let (folder, trace) = recorded();
    folder.write("trace", &trace[..trace.len() - 9]);
    let found = replay(&folder).finish();
    assert_eq!(found.status, 0);
    assert!(found.stdout.ends_with("5 steps, each decided as it was\n"), "{}", found.stdout);
    assert_eq!(
        found.stderr,
        "note: the trace ends in the middle of a line: its process was killed then\n"
    );
}

#[test]
fn a_step_that_is_decided_otherwise_is_shown_from_both_sides() {
    let (folder, trace) = recorded();
    folder.write(
        "trace",
        &trace.replacen("PointService { node: NodeId(0)", "PointService { node: NodeId(2)", 1),
    );
    replay(&folder)
        .stdout(format!(
            "{BEGINS}{ADOPTS}     \
             1.500 s  records epoch 1, term 1: `a:1` leads; members `b:1`, `c:1`; w 0\n\
             line 6, at 1.600 s: this release decides otherwise\n\
             - recorded  PointService {{ node: NodeId(2), epoch: 1 }}\n\
             - recorded  WakeAt(2605)\n\
             + today     PointService {{ node: NodeId(0), epoch: 1 }}\n\
             + today     WakeAt(2605)\n"
        ))
        .status(1)
        .check();
    let json =
        Run::gungnir(["explain", "-o", "json", "--replay", "trace"]).folder(folder.path()).finish();
    assert_eq!((json.stderr.as_str(), json.status), ("", 1));
    let last = json.stdout.lines().last().unwrap();
    assert!(
        last.starts_with(r#"{"told":"difference","line":6,"at_ms":1600,"recorded":{"#),
        "{last}"
    );
}

#[test]
fn what_is_no_trace_is_refused() {
    let (folder, trace) = recorded();
    let newer = trace.replacen("{\"gungnir_trace\":1", "{\"gungnir_trace\":2", 1);
    let mut half: Vec<&str> = trace.lines().collect();
    half[2] = &half[2][..50];
    let half = half.join("\n");
    for (text, stdout, stderr) in [
        ("", "", "this is not a trace; `gungnir sentinel --record FILE` writes one"),
        (
            "kind: ValkeyCluster\n",
            "",
            "this is not a trace; `gungnir sentinel --record FILE` writes one",
        ),
        (
            newer.as_str(),
            "",
            "line 1: the trace is of version 2, and this gungnir knows version 1; replay it with \
             the release that wrote it, or a later one",
        ),
        (
            half.as_str(),
            BEGINS,
            "line 3, column 50: EOF while parsing a string; another release may have written it",
        ),
    ] {
        folder.write("trace", text);
        replay(&folder)
            .stdout(stdout)
            .stderr(format!("error: `trace`: {stderr}\n"))
            .status(2)
            .check();
    }
    fs::remove_file(folder.path().join("trace")).unwrap();
    replay(&folder)
        .stderr("error: cannot read `trace`: No such file or directory (os error 2)\n")
        .status(3)
        .check();
    folder.write("trace/file", "");
    replay(&folder)
        .stderr("error: cannot read `trace`: Is a directory (os error 21)\n")
        .status(3)
        .check();
}

#[test]
fn exactly_one_thing_is_explained() {
    Run::gungnir(["explain"])
        .stderr(format!(
            "error: the following required arguments were not provided:\n  <CLUSTER|--control \
             <FILE>|--endpoint-file <FILE>|--replay <FILE>>\n\nUsage: gungnir explain \
             <CLUSTER|--control <FILE>|--endpoint-file <FILE>|--replay <FILE>>\n\n{SEE_HELP}"
        ))
        .status(2)
        .check();
    for both in [&["--control", "a", "--replay", "b"][..], &["demo", "--control", "a"]] {
        let both = Run::gungnir(["explain"].iter().chain(both)).finish();
        assert_eq!(both.status, 2);
        assert!(both.stderr.contains("cannot be used with"), "{}", both.stderr);
    }
}

#[test]
fn where_no_sentinel_listens() {
    where_nobody_listens(&["explain", "--control", "control"], "control");
    where_nobody_listens(&["explain", "--endpoint-file", "master"], "master.sock");
}

const EXPLAINED: &str = r#"{"explained":{"name":"demo","phase":"Stable","term":1,"epoch":1,
"master":"a:1","target":null,"endpoint":"a:1","w":1,"members":["b:1"],"nodes":[
{"address":"a:1","role":"master","upstream":null,"offset":100,"behind_bytes":null,"state":["up"],
"gate":"seen"},{"address":"b:1","role":"replica","upstream":"a:1","offset":93,"behind_bytes":7,
"state":["up"],"gate":"not seen"}],"next":[],"hold":null,"settings":{"ping_interval_ms":100,
"down_after_ms":3000,"failover_timeout_ms":60000,"min_replicas_to_write":1,
"min_replicas_max_lag_s":1,"replica_order":"DataFirst","policy":"Consistency",
"durability":"Required","may_appoint_first":false,"auto_failover":true,"shuts_out":false},"warnings":["beware"],
"events":[{"ago_ms":1500,"times":2,"text":"+monitor a:1"}]}}"#;

#[test]
fn what_a_sentinel_answers_is_shown() {
    let reply = EXPLAINED.replace('\n', "");
    let folder = Folder::new();
    let answers = Answers::start(&folder, "master.sock", &reply);
    Run::gungnir(["explain", "--endpoint-file", "master"])
        .folder(folder.path())
        .stdout(
            "\
set               demo
phase             Stable
epoch             1, term 1
master            a:1
clients go to     a:1
members           b:1; 1 of them must hold a write (W)
settings          down after 3000 ms, asked every 100 ms, W 1, lag 1 s, failover timeout 60000 ms, \
             consistency, data first
next              nothing

NODE  ROLE     FOLLOWS  OFFSET  BEHIND  GATE      STATE
a:1   master   -        100     -       seen      up
b:1   replica  a:1      93      7 B     not seen  up

warning: beware

1.5 s ago  +monitor a:1 (2 times)
",
        )
        .check();
    let json = Run::gungnir(["explain", "-o", "json", "--control", "master.sock"])
        .folder(folder.path())
        .finish();
    assert_eq!((json.stderr.as_str(), json.status), ("", 0));
    let found: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    let sent: serde_json::Value = serde_json::from_str(&reply).unwrap();
    assert_eq!(found, sent["explained"]);
    assert_eq!(answers.asked(), ["{\"ask\":\"explain\"}\n"; 2]);
}

#[test]
fn what_is_no_answer_of_a_sentinel_is_said_so() {
    for (reply, stderr) in [
        (
            "+PONG",
            "what `control` answers is not understood; is it a `gungnir sentinel` of this \
             release?: expected value at line 1 column 1",
        ),
        (
            r#"{"refused":"it has only just started; ask again"}"#,
            "it has only just started; ask again",
        ),
        (r#"{"master":"a:1"}"#, "the sentinel answers another question than it was asked"),
    ] {
        let folder = Folder::new();
        let _answers = Answers::start(&folder, "control", reply);
        Run::gungnir(["explain", "--control", "control"])
            .folder(folder.path())
            .stderr(format!("error: {stderr}\n"))
            .status(3)
            .check();
    }
}

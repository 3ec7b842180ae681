//! A trace: one JSON line a step, with what was seen and what was decided. Since a decision depends
//! on nothing else, the line can be decided again at any time, on any machine.
//!
//! ```text
//! {"gungnir_trace":1,"name":…,"nodes":[…]}                       a process starts
//! {"now_ms":…,"seen":{…},"actions":["…"],"hold":"…"|null}        it takes a step
//! ```
//!
//! A process that starts on the trace of an earlier one goes on after it with a first line of its
//! own.

mod recorder;
mod replay;

use std::fmt::Debug;

use serde::{Deserialize, Serialize};

use super::mirror::{ObservationMirror, Shown};
use super::names::SetNames;
use crate::sentinel::{Action, Hold, Millis, Observation};

pub use recorder::Recorder;
pub use replay::{Difference, Replay, ReplayError, Step, replay};

/// The version that is written.
const VERSION: u64 = 1;
/// How a first line begins.
const HEAD: &[u8] = b"{\"gungnir_trace\":";
/// The longest line; nine nodes fill a few thousand bytes.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// The first line of a process.
#[derive(Serialize, Deserialize)]
struct Head {
    gungnir_trace: u64,
    name: String,
    nodes: Vec<String>,
}

/// A step, to be read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    now_ms: Millis,
    #[serde(with = "ObservationMirror")]
    seen: Observation,
    actions: Vec<String>,
    hold: Option<String>,
}

/// A step, to be written.
#[derive(Serialize)]
struct LineShown<'a> {
    now_ms: Millis,
    seen: Shown<'a, ObservationMirror>,
    actions: Vec<String>,
    hold: Option<String>,
}

/// What was decided, each part as its `Debug` text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done.
    pub actions: Vec<String>,
    /// Why nothing is.
    pub hold: Option<String>,
}

impl Decision {
    fn new(actions: &[Action], hold: Option<Hold>) -> Self {
        let text = |value: &dyn Debug| format!("{value:?}");
        Self {
            actions: actions.iter().map(|action| text(action)).collect(),
            hold: hold.map(|hold| text(&hold)),
        }
    }
}

/// The first line of a process, with its end.
fn head(names: &SetNames) -> Result<Vec<u8>, serde_json::Error> {
    let (name, nodes) = (names.name().to_owned(), names.nodes().to_vec());
    ended(serde_json::to_vec(&Head { gungnir_trace: VERSION, name, nodes }))
}

/// The line of a step, with its end.
fn line(
    now_ms: Millis,
    seen: &Observation,
    actions: &[Action],
    hold: Option<Hold>,
) -> Result<Vec<u8>, serde_json::Error> {
    let Decision { actions, hold } = Decision::new(actions, hold);
    ended(serde_json::to_vec(&LineShown { now_ms, seen: Shown(seen), actions, hold }))
}

fn ended(text: Result<Vec<u8>, serde_json::Error>) -> Result<Vec<u8>, serde_json::Error> {
    text.map(|mut text| {
        text.push(b'\n');
        text
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Cursor;
    use std::path::Path;

    use proptest::prelude::*;

    use super::super::mirror::tests::observation;
    use super::super::toy::{Taken, Toy};
    use super::*;
    use crate::sentinel::{Local, step};

    fn names() -> SetNames {
        SetNames::new("demo", ["a:1", "b:1", "c:1"].map(String::from))
    }

    /// An adoption and a failover.
    fn run() -> Vec<Taken> {
        let mut toy = Toy::new();
        let mut taken = toy.settle();
        toy.kill(0);
        taken.extend((0..50).map(|_| toy.step()));
        taken
    }

    fn record(path: &Path, steps: &[Taken]) {
        let mut recorder = Recorder::start(path, &names()).unwrap();
        for Taken { now_ms, seen, actions, hold } in steps {
            recorder.step(*now_ms, seen, actions, *hold);
        }
        assert!(recorder.is_recording());
    }

    /// How many steps a trace has, that all of them are decided alike, and whether it was cut.
    fn replayed(trace: &[u8]) -> Result<(usize, bool), ReplayError> {
        let mut replay = replay(Cursor::new(trace));
        let mut steps = 0;
        for step in &mut replay {
            let step = step?;
            assert_eq!(step.difference, None, "line {}", step.line);
            steps += 1;
        }
        Ok((steps, replay.is_cut()))
    }

    fn recorded(steps: &[Taken]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        record(&path, steps);
        fs::read(path).unwrap()
    }

    #[test]
    fn a_run_is_decided_again_step_by_step() {
        let steps = run();
        let trace = recorded(&steps);
        let ends = trace.split_inclusive(|byte| *byte == b'\n');
        assert_eq!(ends.count(), steps.len() + 1);
        assert!(trace.starts_with(b"{\"gungnir_trace\":1,\"name\":\"demo\",\"nodes\":[\"a:1\","));
        assert_eq!(replayed(&trace).unwrap(), (steps.len(), false));
        for (step, taken) in replay(Cursor::new(&trace)).zip(&steps) {
            let step = step.unwrap();
            assert_eq!(
                (step.now_ms, step.seen, step.hold),
                (taken.now_ms, taken.seen.clone(), taken.hold)
            );
            assert_eq!(step.actions, taken.actions);
        }
    }

    #[test]
    fn a_process_that_starts_again_goes_on_after_a_half_line() {
        let steps = run();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        record(&path, &steps[..7]);
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        record(&path, &steps);
        let trace = fs::read(&path).unwrap();
        assert_eq!(replayed(&trace).unwrap(), (6 + steps.len(), true));
        let firsts: Vec<u64> = replay(Cursor::new(&trace))
            .map(Result::unwrap)
            .filter(|step| step.first)
            .map(|step| step.line)
            .collect();
        assert_eq!(firsts, [2, 10]);
    }

    #[test]
    fn a_killed_process_costs_its_last_line_wherever_it_was_cut() {
        let steps = &run()[..3];
        let trace = recorded(steps);
        let ends = |end: &usize| trace[end - 1] == b'\n';
        let first_end = (1..trace.len()).find(ends).unwrap();
        for end in first_end..=trace.len() {
            // The first line is no step.
            let whole = trace[..end].split(|byte| *byte == b'\n').count() - 2;
            // A line may be whole without its end.
            let bare = end < trace.len() && trace[end] == b'\n';
            let cut = !ends(&end) && !bare;
            let expected = (whole + usize::from(bare), cut);
            assert_eq!(replayed(&trace[..end]).unwrap(), expected, "{end}");
        }
        assert_eq!(replayed(&trace).unwrap(), (3, false));
    }

    #[test]
    fn the_first_decision_that_differs_is_found() {
        let steps = run();
        let trace = String::from_utf8(recorded(&steps)).unwrap();
        let lines: Vec<&str> = trace.lines().collect();
        let at = lines.iter().position(|line| line.contains("Promote {")).unwrap();
        let edited = lines[at].replace("min_replicas_to_write: 1 }", "min_replicas_to_write: 2 }");
        assert_ne!(edited, lines[at]);
        let trace = trace.replace(lines[at], &edited);
        let steps: Vec<Step> = replay(Cursor::new(trace)).map(Result::unwrap).collect();
        assert_eq!(steps.len(), at);
        let last = steps.last().unwrap();
        assert_eq!(last.line, u64::try_from(at).unwrap() + 1);
        let Difference { recorded, today } = *last.difference.clone().unwrap();
        assert_eq!(recorded.hold, today.hold);
        let differing: Vec<_> =
            recorded.actions.iter().zip(&today.actions).filter(|(then, now)| then != now).collect();
        assert_eq!(differing.len(), 1);
        assert!(differing[0].0.contains("min_replicas_to_write: 2"), "{differing:?}");
    }

    #[test]
    fn what_is_no_trace_says_so_with_its_line() {
        let trace = String::from_utf8(recorded(&run()[..3])).unwrap();
        let refusal = |text: &str| {
            let fault = replay(Cursor::new(text)).find_map(Result::err).unwrap();
            fault.to_string()
        };
        let not = "this is not a trace; `gungnir sentinel --record FILE` writes one";
        for text in ["", "\n", "{}\n", "kind: ValkeyCluster\n", &"a".repeat(1 << 21)] {
            assert_eq!(refusal(text), not, "{text:.20}");
        }
        for (from, to, message) in [
            (
                "{\"gungnir_trace\":1",
                "{\"gungnir_trace\":2",
                "line 1: the trace is of version 2, and this gungnir knows version 1; replay it \
                 with the release that wrote it, or a later one",
            ),
            ("[\"a:1\",", "[\"a:1\",\"d:1\",", "line 2: 3 nodes are seen of 4"),
            ("\"now_ms\":1010", "\"now_ms\":999", "line 3: time goes back from 1000 to 999 ms"),
            ("{\"node\":1,\"online\"", "{\"node\":7,\"online\"", "line 2: node 7 is named of 3"),
            ("\"leading\":true,", "\"leading\":true,\"votes\":2,", "line 2, column "),
        ] {
            assert!(trace.contains(from), "{from}");
            let found = refusal(&trace.replacen(from, to, 1));
            assert!(found.starts_with(message), "{found}");
        }
        // A line that is cut in the middle of a trace is no killed process.
        let mut lines: Vec<&str> = trace.lines().collect();
        lines[1] = &lines[1][..50];
        assert!(refusal(&lines.join("\n")).starts_with("line 2, column 50: EOF while parsing"));
        let long = format!("{trace}{}\n", "a".repeat(1 << 20));
        assert_eq!(refusal(&long), "line 5: it is longer than 1048576 bytes");
    }

    #[test]
    fn a_full_disk_ends_the_recording_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        assert!(Recorder::start(&folder.path().join("no/trace"), &names()).is_err());
        assert!(Recorder::start(Path::new("/dev/full"), &names()).is_err());

        // A pipe that nobody reads any more.
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let reader = fs::File::options().read(true).write(true).open(&path).unwrap();
        let mut recorder = Recorder::start(&path, &names()).unwrap();
        let mut toy = Toy::new();
        let mut steps = 0;
        while recorder.is_recording() {
            let Taken { now_ms, seen, actions, hold } = toy.step();
            recorder.step(now_ms, &seen, &actions, hold);
            steps += 1;
            // A pipe holds 64 KiB, the queue a thousand lines.
            assert!(steps < 100_000);
        }
        drop(reader);
        drop(recorder);
    }

    proptest! {
        /// Whatever was seen, a trace of it is decided again as it was.
        #[test]
        fn any_step_is_decided_alike(seen in observation(), now_ms in 0..1_u64 << 48) {
            let nodes = (0..seen.nodes.len()).map(|node| format!("n{node}:1"));
            let names = SetNames::new("demo", nodes);
            let (local, actions) = step(&Local::default(), &seen, now_ms);
            let mut trace = head(&names).unwrap();
            trace.extend(line(now_ms, &seen, &actions, local.hold).unwrap());
            prop_assert_eq!(replayed(&trace).unwrap(), (1, false));
        }

        #[test]
        fn no_trace_is_too_wild(lines in prop::collection::vec(any::<Vec<u8>>(), 0..4)) {
            let mut trace = head(&names()).unwrap();
            for line in lines {
                trace.extend(line);
                trace.push(b'\n');
            }
            for step in replay(Cursor::new(trace)) {
                prop_assert!(step.is_err());
            }
        }
    }
}

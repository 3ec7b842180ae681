//! How long clients behind the Service wait when the master changes: every fault, many times.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::Audit;
use crate::cluster::Kind;
use crate::figures::seconds;
use crate::readme::update_figures;
use crate::set::{ValkeySet, World};
use crate::stages::{self, Stages};
use crate::trial::Trial;

/// How many runs of each row, if it is not the default.
const RUNS: &str = "GUNGNIR_GAP_RUNS";
/// The default.
const DEFAULT_RUNS: usize = 20;
/// Where results are kept, a line each; runs that are there already are not run again.
const RESULTS: &str = "GUNGNIR_GAP_RESULTS";
/// The mark of the table.
const MARK: &str = "gaps";
/// kube-proxy takes changes in once a second: before each fault it had none for so long.
const REST: Duration = Duration::from_secs(2);
/// That of the table of where the time goes.
const STAGES_MARK: &str = "stages";

/// What happens to the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Killed,
    Deleted,
    Stopped,
    Cut,
    HandsOver,
    Rolled,
    Created,
}

/// What happens, what the row is called, and what its median should be.
const ROWS: [(What, &str, Duration); 7] = [
    (What::Killed, "master process killed", Duration::from_secs(1)),
    (What::Deleted, "master pod deleted by force", Duration::from_millis(500)),
    (What::Stopped, "master stands still", Duration::from_secs(7)),
    (What::Cut, "master's node cut off", Duration::from_secs(8)),
    (What::HandsOver, "planned handover", Duration::from_secs(1)),
    (What::Rolled, "rolling change, longest gap", Duration::from_secs(1)),
    (What::Created, "created, until the first write", Duration::from_secs(8)),
];

/// One run of a row, in milliseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Run {
    gap_ms: u64,
    /// Until the Service was seen to lead elsewhere.
    moved_ms: u64,
    /// The most servers that took writes at once. It is 1 but where a node is back within the seconds
    /// in which its peers' kernels still send what servers said before.
    writers: usize,
    /// Where the time went; of one change of master alone.
    stages: Option<Stages>,
}

/// Every row in turn, until each has as many runs as are asked for.
pub fn measure(world: &World) {
    let runs = env::var(RUNS).ok().and_then(|text| text.parse().ok()).unwrap_or(DEFAULT_RUNS);
    let mut results = Results::open();
    let set = ValkeySet::usual(world, "gaps");
    for number in 1..=runs {
        for (what, name, _) in ROWS {
            if results.of(name).len() < number {
                let run = once(&set, what, number);
                println!("{number} {name}: gap {} ms, moved {} ms", run.gap_ms, run.moved_ms);
                results.add(name, run);
            }
        }
    }
    let gaps = table(&results);
    print!("{gaps}");
    update_figures(MARK, |_| gaps);
    let rows = ROWS.map(|(_, name, _)| {
        (name, results.of(name).into_iter().filter_map(|run| run.stages).collect::<Vec<_>>())
    });
    let stages = stages::table(&rows);
    print!("{stages}");
    update_figures(STAGES_MARK, |_| stages);
}

fn once(set: &ValkeySet<'_>, what: What, number: usize) -> Run {
    if what == What::Created {
        return created(set.world);
    }
    let (nodes, namespace) = (set.world.nodes(), set.namespace.as_str());
    let master = set.settle(3);
    let process = nodes.process(namespace, &master);
    let audit = Audit::start();
    let mut trial = Trial::start(set);
    thread::sleep(REST);
    let began = Instant::now();
    let undo = trial.fault(|| match what {
        What::Killed => {
            nodes.kill(process);
            None
        }
        What::Deleted => {
            set.cluster().delete_by_force(Kind::Pod, namespace, &master);
            None
        }
        What::Stopped => Some(nodes.stop(process)),
        What::Cut => Some(nodes.cut(set.node_of(&master))),
        What::HandsOver => {
            let target = (0..3).map(ValkeySet::pod).find(|pod| *pod != master);
            let target = target.expect("there are replicas");
            // The same pod once more is another wish.
            set.annotate("valkey.verilean.io/switchover-to", &format!("{target}/{number}"));
            None
        }
        What::Rolled => {
            let turn = number.to_string();
            set.apply(&json!({ "replicas": 3, "podLabels": { "example.com/turn": turn } }));
            None
        }
        What::Created => None,
    });
    set.moved(&master);
    let moved = began.elapsed();
    trial.write_on();
    drop(undo);
    let ended = trial.end(3);
    ended.figures.keep_what_was_acknowledged();
    let writers = ended.figures.writers;
    assert!(writers == 1 || what == What::Cut, "several took writes: {}", ended.figures);
    let stages = if what == What::Rolled { None } else { stages::of(set, audit.as_ref(), &ended) };
    Run { gap_ms: ms(ended.figures.gap), moved_ms: ms(moved), writers, stages }
}

/// From `kubectl apply` to a write that a replica has.
fn created(world: &World) -> Run {
    let set = ValkeySet::none(world, "gaps-new");
    let began = Instant::now();
    set.apply(&json!({ "replicas": 3 }));
    crate::wait::until("there is a master", crate::wait::DEADLINE, || {
        set.pointer().map(drop).ok_or_else(|| set.told())
    });
    let moved = began.elapsed();
    let trial = Trial::start(&set);
    let gap = began.elapsed();
    trial.finish(3).are_safe();
    Run { gap_ms: ms(gap), moved_ms: ms(moved), writers: 1, stages: None }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).expect("a run ends")
}

/// What was found so far.
struct Results {
    file: Option<PathBuf>,
    found: Vec<(String, Run)>,
}

impl Results {
    fn open() -> Self {
        let file = env::var_os(RESULTS).map(PathBuf::from);
        let text = file.as_ref().and_then(|file| fs::read_to_string(file).ok());
        let read = |line: &str| serde_json::from_str::<(String, Run)>(line).ok();
        Self { file, found: text.unwrap_or_default().lines().filter_map(read).collect() }
    }

    fn of(&self, name: &str) -> Vec<Run> {
        self.found.iter().filter(|(row, _)| row == name).map(|(_, run)| *run).collect()
    }

    fn add(&mut self, name: &str, run: Run) {
        if let Some(file) = &self.file {
            let file = OpenOptions::new().create(true).append(true).open(file);
            let line = json!([name, run]).to_string() + "\n";
            file.and_then(|mut file| file.write_all(line.as_bytes())).expect("a file of results");
        }
        self.found.push((name.to_owned(), run));
    }
}

fn table(results: &Results) -> String {
    let mut table =
        "| | runs | gap, median | shortest, longest | Service moved, median | two took writes | \
                     goal |\n| --- | --- | --- | --- | --- | --- | --- |\n"
            .to_owned();
    for (_, name, goal) in ROWS {
        let runs = results.of(name);
        let sorted = |of: fn(&Run) -> u64| {
            let mut times: Vec<u64> = runs.iter().map(of).collect();
            times.sort_unstable();
            times
        };
        let (gaps, moved) = (sorted(|run| run.gap_ms), sorted(|run| run.moved_ms));
        let shown = |times: &[u64], place: usize| {
            times
                .get(place)
                .map_or_else(|| "–".to_owned(), |ms| seconds(Duration::from_millis(*ms)))
        };
        let middle = runs.len() / 2;
        let _ = writeln!(
            table,
            "| {name} | {} | {} | {}, {} | {} | {} | ≤ {} |",
            runs.len(),
            shown(&gaps, middle),
            shown(&gaps, 0),
            shown(&gaps, runs.len().saturating_sub(1)),
            shown(&moved, middle),
            runs.iter().filter(|run| run.writers > 1).count(),
            seconds(goal),
        );
    }
    table
}

//! Real client libraries behind the Service, with their own settings and with recommended ones.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;

use crate::agent::now;
use crate::figures::seconds;
use crate::nodes::Fault;
use crate::readme::update_figures;
use crate::set::{ValkeySet, World};
use crate::wait::{DEADLINE, until};

const LIBRARIES: [&str; 2] = ["redis-py", "go-redis"];
const SETTINGS: [&str; 2] = ["default", "recommended"];
/// How long a server stands still.
const STANDSTILL: Duration = Duration::from_secs(30);
/// Clients end by themselves, if nobody ends them.
const LONGEST_RUN_S: &str = "300";
/// The mark of the table.
const MARK: &str = "libraries";

/// What happens to the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Killed,
    Stopped,
    HandsOver,
}

const ROWS: [(What, &str); 3] = [
    (What::Killed, "process killed"),
    (What::Stopped, "stands still for 30 s"),
    (What::HandsOver, "planned handover"),
];

/// What a client says of one write.
#[derive(Debug, Deserialize)]
struct Told {
    t_us: Option<u64>,
    n: Option<u64>,
    ok: Option<bool>,
}

/// A client that writes, in the network of a node.
struct Client {
    library: &'static str,
    settings: &'static str,
    child: Child,
    output: PathBuf,
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Client {
    fn told(&self) -> Vec<Told> {
        let text = fs::read_to_string(&self.output).expect("what a client says");
        // The last line may be half there.
        text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// When each confirmed write was confirmed, in µs, with its number.
    fn confirmed(&self) -> Vec<(u64, u64)> {
        let told = self.told().into_iter().filter(|told| told.ok == Some(true));
        told.filter_map(|told| Some((told.t_us?, told.n?))).collect()
    }

    fn writes_after(&self, since_us: u64) -> bool {
        self.confirmed().last().is_some_and(|(at, _)| *at > since_us)
    }
}

/// Each fault once, with all clients at the same time; a table of their gaps.
pub fn measure(world: &World) {
    let programs = install();
    let set = ValkeySet::usual(world, "libraries");
    let mut rows = Vec::new();
    for (what, name) in ROWS {
        let gaps = once(&set, &programs, what);
        println!("{name}: {gaps:?}");
        rows.push((name, gaps));
    }
    let table = table(&rows);
    print!("{table}");
    update_figures(MARK, |_| table);
}

/// Builds the clients, if that was not done yet; the program of each.
fn install() -> Vec<(&'static str, PathBuf)> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/install");
    let output = Command::new(script).args(LIBRARIES).stderr(Stdio::inherit()).output();
    let output = output.expect("tests/clients/install runs");
    assert!(output.status.success(), "the clients are not built");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let program = |library: &'static str| {
        let line = said.lines().find_map(|line| line.strip_prefix(library)?.strip_prefix(' '));
        (library, PathBuf::from(line.unwrap_or_else(|| panic!("no {library}: {said}"))))
    };
    LIBRARIES.map(program).into()
}

/// The longest gap of each client from a fault on.
fn once(set: &ValkeySet<'_>, programs: &[(&'static str, PathBuf)], what: What) -> Vec<Duration> {
    let nodes = set.world.nodes();
    let master = set.settle(3);
    let process = nodes.process(&set.namespace, &master);
    let of_master = set.node_of(&master);
    let other = nodes.numbers().into_iter().find(|number| *number != of_master);
    let netns = nodes.netns(other.expect("there is another node"));
    let folder = TempDir::new().expect("a temporary folder");
    // Each fault has keys of its own.
    let clear = set.ask(&master, &["FLUSHALL"]);
    assert_eq!(clear.error(), None, "{clear:?}");
    let mut clients = Vec::new();
    for (library, program) in programs {
        for settings in SETTINGS {
            let output = folder.path().join(format!("{library}-{settings}"));
            let child = Command::new("nsenter")
                .arg(format!("--net={netns}"))
                .arg(program)
                .args([&set.address().to_string(), "-", LONGEST_RUN_S])
                .env("SERVICE", settings)
                .env("SERVICE_PASSWORD", set.password())
                .stdout(File::create(&output).expect("a file"))
                .spawn();
            let child = child.unwrap_or_else(|error| panic!("nsenter: {error}"));
            clients.push(Client { library, settings, child, output });
        }
    }
    let write = |which: &dyn Fn(&Client) -> bool, since_us: u64| {
        let mut asked = clients.iter().filter(|client| which(client));
        let idle = asked.find(|client| !client.writes_after(since_us));
        idle.map_or(Ok(()), |it| Err(format!("{} ({}) does not", it.library, it.settings)))
    };
    let all = |_: &Client| true;
    let now_us = || now() / 1000;
    let began_us = now_us();
    until("every client writes", DEADLINE, || write(&all, began_us));
    let fault_us = now_us();
    let undo: Option<Fault> = match what {
        What::Killed => {
            nodes.kill(process);
            None
        }
        What::Stopped => Some(nodes.stop(process)),
        What::HandsOver => {
            let target = (0..3).map(ValkeySet::pod).find(|pod| *pod != master);
            let target = target.expect("there are replicas");
            set.annotate("valkey.verilean.io/switchover-to", &format!("{target}/{fault_us}"));
            None
        }
    };
    let next = set.moved(&master);
    let moved_us = now_us();
    let recommended = |client: &Client| client.settings == "recommended";
    until("who has timeouts writes again", DEADLINE, || write(&recommended, moved_us));
    if undo.is_some() {
        // Who has none waits for as long as the server stands still.
        let passed = Duration::from_micros(now_us().saturating_sub(fault_us));
        thread::sleep(STANDSTILL.saturating_sub(passed));
    }
    drop(undo);
    // One that connected once more before the Service had moved is sent away from the replica.
    until("every client writes again", DEADLINE, || write(&all, moved_us));
    let gaps = clients.iter().map(|client| {
        let times: Vec<u64> = client.confirmed().iter().map(|(at, _)| *at).collect();
        let pauses = times.windows(2).filter(|pair| pair[1] > fault_us);
        Duration::from_micros(pauses.map(|pair| pair[1] - pair[0]).max().unwrap_or(0))
    });
    let gaps = gaps.collect();
    for client in &mut clients {
        let _ = client.child.kill();
        let _ = client.child.wait();
    }
    set.settle(3);
    if what == What::HandsOver {
        // The library's own two clients write the same keys: what one was told holds for both.
        let keys = set.ask(&next, &["KEYS", "*"]).texts();
        let keys: BTreeSet<&str> = keys.iter().map(String::as_str).collect();
        for client in &clients {
            let key = |number: u64| format!("{}:{number}", client.library);
            let confirmed = client.confirmed();
            let lost = confirmed.iter().filter(|(_, n)| !keys.contains(key(*n).as_str())).count();
            assert_eq!(
                lost, 0,
                "{} ({}): a handover loses nothing",
                client.library, client.settings
            );
        }
    }
    gaps
}

fn table(rows: &[(&str, Vec<Duration>)]) -> String {
    let mut table = "| the master".to_owned();
    for library in LIBRARIES {
        for settings in SETTINGS {
            let _ = write!(table, " | {library}, {settings}");
        }
    }
    table.push_str(" |\n| ---");
    table.push_str(&" | ---".repeat(LIBRARIES.len() * SETTINGS.len()));
    table.push_str(" |\n");
    for (name, gaps) in rows {
        let gaps: Vec<String> = gaps.iter().copied().map(seconds).collect();
        let _ = writeln!(table, "| {name} | {} |", gaps.join(" | "));
    }
    table
}

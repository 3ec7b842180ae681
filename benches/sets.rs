//! What it costs to watch many sets: 1,000 sets of three nodes, asked once a second, by one
//! process. The servers are fake ones, in a process of their own, and answer as a healthy set does.
//!
//! `cargo bench --bench sets [-- SETS SECONDS]` prints one row of a Markdown table. It needs about
//! 13 file descriptors a set.
// Counts are far below 2^52.
#![allow(clippy::cast_precision_loss, clippy::print_stdout, clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use gungnir::runtime::{
    Clock, Fence, NodeSetup, Observer, SetSetup, SetTargets, Store, StoreError, Versioned,
    watch_set,
};
use gungnir::sentinel::{
    Action, Durability, Local, Millis, NodeId, Observation, Phase, Pointer, Policy, Record,
    ReplicaOrder, Settings,
};
use gungnir::valkey::{Address, Dial, Network, Secret};
use readme::update_figures;
use tokio::sync::mpsc;

#[path = "fake/mod.rs"]
mod fake;
#[path = "../tests/support/readme.rs"]
mod readme;

const NODES: usize = 3;
const FAKE: &str = "--fake-servers";

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|it| it != "--bench").collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if arguments.first().is_some_and(|it| it == FAKE) {
        runtime.block_on(serve(arguments[1].parse().unwrap()));
        return;
    }
    let number = |at: usize, default| arguments.get(at).map_or(default, |it| it.parse().unwrap());
    let (sets, seconds) = (number(0, 1000), number(1, 20));
    runtime.block_on(measure(sets, seconds as u64));
}

// --- the watching side

async fn measure(sets: usize, seconds: u64) {
    let mut servers = Command::new(env::current_exe().unwrap())
        .args([FAKE, &sets.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut ports = Vec::new();
    for line in BufReader::new(servers.stdout.take().unwrap()).lines() {
        match line.unwrap().parse::<u16>() {
            Ok(port) => ports.push(port),
            Err(_) => break,
        }
    }
    assert_eq!(ports.len(), sets * NODES);
    let clock = Clock::start();
    let counts = Rc::new(std::cell::Cell::new((0_u64, 0_usize)));
    let mut watched: FuturesUnordered<_> =
        ports.chunks(NODES).map(|ports| watch(ports.to_vec(), clock, Rc::clone(&counts))).collect();
    let began = Instant::now();
    let settled = async {
        // Until each set has a master and clients are sent there.
        while counts.get().1 < sets {
            assert!(
                began.elapsed() < Duration::from_secs(120),
                "{} of {sets} settled",
                counts.get().1
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let start_up = began.elapsed();
        tokio::time::sleep(Duration::from_secs(3)).await;
        let (steps, used, from) = (counts.get().0, processor_ticks(), Instant::now());
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        let elapsed = from.elapsed().as_secs_f64();
        let cores = (processor_ticks() - used) as f64 / 100.0 / elapsed;
        let steps = (counts.get().0 - steps) as f64 / elapsed;
        let resident_mib = memory_kib("VmRSS:") as f64 / 1024.0;
        let table = format!(
            "| sets | servers | cores used | resident | steps a second | all settled after | goal |\n\
             | --- | --- | --- | --- | --- | --- | --- |\n\
             | {sets} | {} | {cores:.3} | {resident_mib:.0} MiB | {steps:.0} | {:.1} s \
             | ≤ 0.25 cores, ≤ 150 MiB |\n",
            sets * NODES,
            start_up.as_secs_f64()
        );
        print!("{table}");
        update_figures("sets", |_| table);
    };
    tokio::select! {
        () = settled => {}
        _ = watched.next() => unreachable!("a set is watched for ever"),
    }
    servers.kill().unwrap();
    servers.wait().unwrap();
}

async fn watch(ports: Vec<u16>, clock: Clock, counts: Rc<std::cell::Cell<(u64, usize)>>) {
    let node = |port: &u16| {
        let address = Address::new("127.0.0.1", *port).unwrap();
        let connect_timeout = Duration::from_secs(20);
        let dial = Dial {
            address: address.clone(),
            server_name: None,
            tls: None,
            credentials: None,
            connect_timeout,
            network: Network::Tcp,
        };
        NodeSetup { address, dial, password_file: None, gated: true }
    };
    let nodes: Vec<NodeSetup> = ports.iter().map(node).collect();
    let settings = Settings {
        ping_interval_ms: 1000,
        down_after_ms: 60_000,
        failover_timeout_ms: 60_000,
        min_replicas_to_write: 1,
        min_replicas_max_lag_s: 2,
        replica_order: ReplicaOrder::DataFirst,
        policy: Policy::Consistency,
        durability: Durability::Required,
        may_appoint_first: false,
        auto_failover: true,
        shuts_out: false,
    };
    let setup = SetSetup {
        targets: SetTargets::fixed(settings, &nodes),
        fence: Some(Fence::new(Secret::new("benchmark".to_owned()))),
        may_act: Rc::new(|| true),
        clock,
        settings_told: Rc::new(|_| {}),
        pointer_lag: None,
        reclaims_after: None,
    };
    let (_wishes, asked) = mpsc::channel(1);
    watch_set(setup, Memory::default(), asked, &mut Counter { counts, settled: false }).await;
}

struct Counter {
    counts: Rc<std::cell::Cell<(u64, usize)>>,
    settled: bool,
}

impl Observer for Counter {
    fn stepped(&mut self, seen: &Observation, _: &Local, _: &[Action], _: Millis) {
        let (steps, mut settled) = self.counts.get();
        let stable = seen.record.as_ref().is_some_and(|it| it.phase == Phase::Stable && it.w == 1);
        if !self.settled && stable && seen.service.is_some() {
            self.settled = true;
            settled += 1;
        }
        self.counts.set((steps + 1, settled));
    }
}

#[derive(Default)]
struct Memory {
    record: Option<Record>,
    version: u64,
    pointer: Option<Pointer>,
}

impl Store for Memory {
    async fn read(&mut self) -> Result<Versioned, StoreError> {
        Ok(Versioned { record: self.record.clone(), version: self.version })
    }

    async fn write(&mut self, record: &Record, version: u64) -> Result<u64, StoreError> {
        if version != self.version {
            return Err(StoreError::Conflict);
        }
        self.record = Some(record.clone());
        self.version += 1;
        Ok(self.version)
    }

    async fn pointer(&mut self) -> Result<Option<Pointer>, StoreError> {
        Ok(self.pointer)
    }

    async fn remember_gated(&mut self, _: BTreeSet<NodeId>) -> Result<(), StoreError> {
        Ok(())
    }

    async fn point(&mut self, pointer: Pointer) -> Result<(), StoreError> {
        self.pointer = Some(pointer);
        Ok(())
    }
}

/// Processor time of this process so far, user and system, in hundredths of a second.
fn processor_ticks() -> u64 {
    let text = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = text[text.rfind(')').unwrap() + 2..].split(' ').collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn memory_kib(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// The fake servers, which say their ports.
async fn serve(sets: usize) {
    let anywhere = std::iter::repeat_n(([127, 0, 0, 1], 0).into(), sets * NODES);
    fake::serve(anywhere, NODES, fake::Begin::Healthy, &[], |bound| {
        let mut out = std::io::stdout().lock();
        for address in bound {
            writeln!(out, "{}", address.port()).unwrap();
        }
        writeln!(out, "ready").unwrap();
        out.flush().unwrap();
    })
    .await;
}

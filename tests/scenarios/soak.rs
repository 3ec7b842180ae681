//! Fault after fault, for as long as is asked: nothing is lost, and nothing grows.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::cluster::Kind;
use crate::figures::Figures;
use crate::install;
use crate::nodes::{Fault as Undo, Nodes};
use crate::set::{ValkeySet, World};
use crate::trial::Trial;
use crate::wait::{DEADLINE, until};

/// For how many minutes, if it is not the default.
const MINUTES: &str = "GUNGNIR_SOAK_MINUTES";
/// Which row of faults, if it is not the default.
const SEED: &str = "GUNGNIR_SOAK_SEED";
/// From one fault to the next.
const PERIOD: Duration = Duration::from_secs(20);
/// How long what stands still or is cut off does and is.
const SHORT: Duration = Duration::from_secs(8);
/// A process is weighed for the first time when it has run for so long.
const WARM: Duration = Duration::from_secs(60);
/// How much more an operator may hold at its end: allocators keep what they had at a peak.
const MOST_GROWTH_KIB: u64 = 16 * 1024;
/// How many more files, sockets and watches.
const MOST_MORE_FILES: u64 = 24;
/// How much an operator may write to its log for one fault.
const MOST_LOG_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Blow {
    KillMaster,
    KillReplica,
    DeleteMaster,
    DeleteReplica,
    StopMaster,
    StopReplica,
    CutMaster,
    HandOver,
    KillOperator,
    StopOperator,
}

const BLOWS: [Blow; 10] = [
    Blow::KillMaster,
    Blow::KillReplica,
    Blow::DeleteMaster,
    Blow::DeleteReplica,
    Blow::StopMaster,
    Blow::StopReplica,
    Blow::CutMaster,
    Blow::HandOver,
    Blow::KillOperator,
    Blow::StopOperator,
];

/// What a process holds.
#[derive(Debug, Clone, Copy)]
struct Weight {
    memory_kib: u64,
    files: u64,
    threads: u64,
}

/// A number from the environment.
fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Blows in a row that a seed decides, as `xorshift64` has it.
struct Dice(u64);

impl Dice {
    fn next(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("fewer than sides")
    }
}

/// A random fault every 20 s.
pub fn soak(world: &World) -> Figures {
    let (minutes, seed) = (number(MINUTES, 30), number(SEED, 1));
    println!("{minutes} minutes of the faults of seed {seed}");
    let set = ValkeySet::usual(world, "soak");
    let mut dice = Dice(seed.max(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut scales: BTreeMap<u32, (Instant, Option<Weight>)> = BTreeMap::new();
    let trial = Trial::start(&set);
    let (began, mut blows) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(60 * minutes) {
        let next = Instant::now() + PERIOD;
        let blow = BLOWS[dice.next(BLOWS.len())];
        let target = dice.next(2);
        println!("{:.0} s: {blow:?}", began.elapsed().as_secs_f64());
        strike(&set, blow, target);
        blows += 1;
        let settled = set.settle(3);
        trial.write_on();
        weigh(world, &mut scales);
        assert!(set.pointer() == Some(settled), "it is not at rest");
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    weigh(world, &mut scales);
    let figures = trial.finish(3);
    figures.are_safe();
    for pod in install::pods(&world.cluster) {
        let log = install::log(&pod);
        assert!(log.len() < MOST_LOG_BYTES * blows, "{pod} wrote {} bytes", log.len());
    }
    figures
}

fn strike(set: &ValkeySet<'_>, blow: Blow, target: usize) {
    let nodes = set.world.nodes();
    let master = set.pointer().expect("there is a master");
    let replicas = (0..3).map(ValkeySet::pod).filter(|pod| *pod != master);
    let replica = replicas.into_iter().nth(target).expect("there are two");
    let process = |pod: &str| nodes.process(&set.namespace, pod);
    let leader = || install::leader(set.cluster());
    let operator = |pod: &str| nodes.process(install::NAMESPACE, pod);
    let for_a_while = |undo: Undo| {
        thread::sleep(SHORT);
        undo.heal();
    };
    match blow {
        Blow::KillMaster => nodes.kill(process(&master)),
        Blow::KillReplica => nodes.kill(process(&replica)),
        Blow::DeleteMaster => set.cluster().delete_by_force(Kind::Pod, &set.namespace, &master),
        Blow::DeleteReplica => set.cluster().delete_by_force(Kind::Pod, &set.namespace, &replica),
        Blow::StopMaster => for_a_while(nodes.stop(process(&master))),
        Blow::StopReplica => for_a_while(nodes.stop(process(&replica))),
        Blow::CutMaster => for_a_while(nodes.cut(set.node_of(&master))),
        Blow::HandOver => {
            // The same pod again is another wish.
            let wish = format!("{replica}/{}", crate::agent::now());
            set.annotate("valkey.verilean.io/switchover-to", &wish);
            until("clients are sent to whom people want", DEADLINE, || set.is_led_by(&replica));
        }
        Blow::KillOperator => {
            let pod = leader();
            nodes.kill(operator(&pod));
            // A kubelet waits longer after each of many ends, up to five minutes; not with a new pod.
            set.cluster().delete_by_force(Kind::Pod, install::NAMESPACE, &pod);
        }
        Blow::StopOperator => for_a_while(nodes.stop(operator(&leader()))),
    }
}

/// Weighs every operator that has run for a while, and holds that against what it was at first.
fn weigh(world: &World, scales: &mut BTreeMap<u32, (Instant, Option<Weight>)>) {
    for pod in install::pods(&world.cluster) {
        let Ok(process) = Nodes::process_now(install::NAMESPACE, &pod) else { continue };
        let Some(now) = weight(process) else { continue };
        let (since, first) = scales.entry(process).or_insert((Instant::now(), None));
        match first {
            None if since.elapsed() >= WARM => *first = Some(now),
            None => {}
            Some(first) => {
                assert!(
                    now.memory_kib < first.memory_kib + MOST_GROWTH_KIB
                        && now.files < first.files + MOST_MORE_FILES
                        && now.threads <= first.threads,
                    "{pod} grows: {now:?}, at first {first:?}"
                );
            }
        }
    }
}

/// What a process holds; `None` once it has ended.
fn weight(process: u32) -> Option<Weight> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let files = fs::read_dir(format!("/proc/{process}/fd")).ok()?.count();
    Some(Weight {
        memory_kib: field("VmRSS:")?,
        files: u64::try_from(files).ok()?,
        threads: field("Threads:")?,
    })
}

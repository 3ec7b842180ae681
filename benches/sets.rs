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
use gungnir::valkey::{Address, Dial, Secret};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

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
        println!("| sets | nodes | cores used | resident | steps a second | all settled after |");
        println!("| --- | --- | --- | --- | --- | --- |");
        println!(
            "| {sets} | {} | {cores:.3} | {resident_mib:.0} MiB | {steps:.0} | {:.1} s |",
            sets * NODES,
            start_up.as_secs_f64()
        );
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

// --- the fake servers

async fn serve(sets: usize) {
    let mut listeners = Vec::new();
    for _ in 0..sets * NODES {
        listeners.push(TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let ports: Vec<u16> = listeners.iter().map(|it| it.local_addr().unwrap().port()).collect();
    let mut out = std::io::stdout().lock();
    for port in &ports {
        writeln!(out, "{port}").unwrap();
    }
    writeln!(out, "ready").unwrap();
    out.flush().unwrap();
    drop(out);
    let local = tokio::task::LocalSet::new();
    for (index, listener) in listeners.into_iter().enumerate() {
        let first = index - index % NODES;
        let ports: [u16; NODES] = ports[first..first + NODES].try_into().unwrap();
        local.spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::task::spawn_local(answer(stream, index, ports));
            }
        });
    }
    local.await;
}

/// Answers one connection as node `index` of a healthy set, until it ends.
async fn answer(mut stream: TcpStream, index: usize, ports: [u16; NODES]) {
    let place = index % NODES;
    let mut received = Vec::new();
    loop {
        let mut chunk = [0_u8; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(length) => received.extend_from_slice(&chunk[..length]),
        }
        let mut out = Vec::new();
        while let Some((words, length)) = request(&received) {
            received.drain(..length);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let reply = match words[..] {
                ["PING", ..] => "+PONG\r\n".to_owned(),
                ["INFO", "replication"] => bulk(&replication(place, ports)),
                ["INFO", ..] => bulk(&(server(index, ports[place]) + &replication(place, ports))),
                ["CONFIG", "GET", ..] => configuration(&words[2..]),
                ["ACL", "USERS"] => "*1\r\n$7\r\ndefault\r\n".to_owned(),
                _ => "+OK\r\n".to_owned(),
            };
            out.extend_from_slice(reply.as_bytes());
        }
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
}

/// The first complete request, and its length.
fn request(bytes: &[u8]) -> Option<(Vec<String>, usize)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut at = 0;
    let mut line = || {
        let end = text[at..].find("\r\n")? + at;
        let found = &text[at..end];
        at = end + 2;
        Some(found)
    };
    let count: usize = line()?.strip_prefix('*')?.parse().ok()?;
    let mut words = Vec::new();
    for _ in 0..count {
        line()?;
        words.push(line()?.to_owned());
    }
    Some((words, at))
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

fn server(index: usize, port: u16) -> String {
    format!(
        "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n\
         server_mode:standalone\r\nredis_mode:standalone\r\nprocess_id:1\r\nrun_id:{index:040x}\r\n\
         tcp_port:{port}\r\nuptime_in_seconds:100\r\nhz:10\r\n\
         # Persistence\r\nloading:0\r\nasync_loading:0\r\nrdb_last_bgsave_status:ok\r\n\
         aof_enabled:0\r\naof_last_bgrewrite_status:ok\r\naof_last_write_status:ok\r\n\
         # Keyspace\r\ndb0:keys=1,expires=0,avg_ttl=0\r\n"
    )
}

fn replication(place: usize, ports: [u16; NODES]) -> String {
    let history = format!("{:040x}", ports[0]);
    let end = format!(
        "master_failover_state:no-failover\r\nmaster_replid:{history}\r\n\
         master_replid2:{}\r\nmaster_repl_offset:1000\r\nsecond_repl_offset:-1\r\n\
         repl_backlog_active:1\r\nrepl_backlog_size:1048576\r\n",
        "0".repeat(40)
    );
    if place == 0 {
        let replica = |at: usize| {
            format!(
                "slave{}:ip=127.0.0.1,port={},state=online,offset=1000,lag=0\r\n",
                at - 1,
                ports[at]
            )
        };
        format!(
            "# Replication\r\nrole:master\r\nconnected_slaves:2\r\nmin_slaves_good_slaves:2\r\n{}{}{end}",
            replica(1),
            replica(2)
        )
    } else {
        format!(
            "# Replication\r\nrole:slave\r\nmaster_host:127.0.0.1\r\nmaster_port:{}\r\n\
             master_link_status:up\r\nmaster_last_io_seconds_ago:0\r\nmaster_sync_in_progress:0\r\n\
             slave_read_repl_offset:1000\r\nslave_repl_offset:1000\r\nslave_priority:100\r\n\
             slave_read_only:1\r\nreplica_announced:1\r\nconnected_slaves:0\r\n{end}",
            ports[0]
        )
    }
}

fn configuration(names: &[&str]) -> String {
    let value = |name: &str| match name {
        "min-replicas-to-write" | "repl-ping-replica-period" => "1",
        "min-replicas-max-lag" => "2",
        "replica-priority" => "100",
        "appendonly" | "cluster-enabled" | "tls-replication" => "no",
        "busy-reply-threshold" => "5000",
        "timeout" | "port" | "tls-port" | "replica-announce-port" => "0",
        _ => "",
    };
    let pairs: String = names.iter().map(|name| bulk(name) + &bulk(value(name))).collect();
    format!("*{}\r\n{pairs}", names.len() * 2)
}

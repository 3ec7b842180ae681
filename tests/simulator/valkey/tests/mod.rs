//! What the servers do, rule by rule, in virtual time.

mod access;
mod faults;
mod persistence;
mod replication;
mod small;
mod soak;

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use redis::Value;
use tokio::time::{sleep, timeout};

use crate::chance::Chance;
use crate::network::ProcessId;
use crate::trace::Trace;

use super::{Client, Fleet, Look, Pace, Volume, shown};

/// The host of the one who asks.
const OWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 200));
const LIMIT: Duration = Duration::from_secs(1);
/// As a pod's server starts, without users.
const GATED: &str = "replicaof 127.0.0.1 1\nmin-replicas-to-write 0\nmin-replicas-max-lag 2\n\
                     repl-ping-replica-period 1\nrepl-timeout 20\nrepl-diskless-sync-delay 0\n\
                     repl-backlog-ttl 0\nsave \"\"\nport 6379\n";

struct World {
    fleet: Fleet,
    trace: Trace,
    configuration: String,
    volumes: Vec<Volume>,
    processes: Vec<ProcessId>,
}

fn ip(number: usize) -> IpAddr {
    IpAddr::from([10, 0, 0, u8::try_from(number).unwrap()])
}

fn at(number: usize) -> SocketAddr {
    SocketAddr::new(ip(number), 6379)
}

impl World {
    /// So many servers behind the gate, with more lines of configuration.
    fn gated(servers: usize, more: &str) -> Self {
        let latency = (Duration::from_micros(100), Duration::from_micros(900));
        let trace = Trace::start();
        let fleet = Fleet::new(&Chance::new(7), &trace, latency, Pace::default());
        let configuration = format!("{GATED}{more}");
        let volumes: Vec<Volume> = (0..servers).map(|_| Volume::new()).collect();
        let start =
            |(number, volume): (usize, &Volume)| fleet.start(at(number), &configuration, volume);
        let processes = volumes.iter().enumerate().map(start).collect();
        Self { fleet, trace, configuration, volumes, processes }
    }

    /// The first leads, the others follow.
    async fn led(servers: usize, more: &str) -> Self {
        let mut world = Self::gated(servers, more);
        world.say(0, "REPLICAOF NO ONE").await;
        for number in 1..servers {
            world.follow(number, 0).await;
        }
        world.settle().await;
        world
    }

    async fn follow(&mut self, number: usize, master: usize) {
        assert_eq!(self.say(number, &format!("REPLICAOF {} 6379", ip(master))).await, "OK");
    }

    /// Time for what is under way.
    async fn settle(&self) {
        sleep(Duration::from_secs(3)).await;
    }

    async fn client(&self, number: usize) -> Client {
        let network = self.fleet.network(OWN);
        let connected = timeout(LIMIT, Client::connect(&network, at(number))).await;
        connected.expect("in time").expect("a connection")
    }

    /// One command on a connection of its own; what is answered, or `silence`.
    async fn say(&self, number: usize, words: &str) -> String {
        let mut client = self.client(number).await;
        say(&mut client, words).await
    }

    /// The value of a field of `INFO`.
    async fn field(&self, number: usize, name: &str) -> String {
        let info = self.say(number, "INFO").await;
        let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.unwrap_or("none").trim().to_owned()
    }

    fn look(&self, number: usize) -> Look {
        self.fleet.look(self.processes[number]).expect("a process")
    }

    fn restart(&mut self, number: usize) {
        let started = self.fleet.start(at(number), &self.configuration, &self.volumes[number]);
        self.processes[number] = started;
    }
}

async fn say(client: &mut Client, words: &str) -> String {
    let words: Vec<&str> = words.split(' ').collect();
    match timeout(LIMIT, client.ask(&words)).await {
        Ok(Ok(value)) => shown(&value),
        Ok(Err(error)) => format!("{:?}", error.kind()),
        Err(_) => "silence".to_owned(),
    }
}

fn number(value: &Value) -> i64 {
    match value {
        Value::Int(number) => *number,
        other => panic!("{other:?} is no number"),
    }
}

//! The stage of simulated servers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use crate::chance::Chance;
use crate::network::ProcessId;
use crate::stage::{Signal, Stage};
use crate::trace::Trace;
use crate::valkey::{Client, Exit, Fleet, Pace, Volume, shown};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const LIMIT: Duration = Duration::from_secs(30);

pub struct Simulated {
    // Dropped first: what ends a connection looks at the clock.
    clients: BTreeMap<(usize, String), Client>,
    processes: BTreeMap<usize, ProcessId>,
    volumes: BTreeMap<usize, Volume>,
    fleet: Fleet,
    runtime: Runtime,
}

impl Simulated {
    pub fn new() -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime");
        let guard = runtime.enter();
        let latency = (Duration::ZERO, Duration::ZERO);
        let fleet = Fleet::new(&Chance::new(1), &Trace::start(), latency, Pace::default());
        drop(guard);
        Self {
            clients: BTreeMap::new(),
            processes: BTreeMap::new(),
            volumes: BTreeMap::new(),
            fleet,
            runtime,
        }
    }
}

impl Drop for Simulated {
    fn drop(&mut self) {
        let _guard = self.runtime.enter();
        self.clients.clear();
    }
}

fn at(server: usize) -> SocketAddr {
    SocketAddr::new(HOST, 7000 + u16::try_from(server).unwrap())
}

impl Stage for Simulated {
    fn start(&mut self, server: usize, configuration: &str) {
        let _guard = self.runtime.enter();
        self.clients.retain(|(known, _), _| *known != server);
        let volume = self.volumes.entry(server).or_default();
        let process = self.fleet.start(at(server), configuration, volume);
        self.processes.insert(server, process);
        self.pass(Duration::from_millis(200));
    }

    fn signal(&mut self, server: usize, signal: Signal) {
        let process = self.processes[&server];
        let fleet = self.fleet.clone();
        self.runtime.block_on(async move {
            match signal {
                Signal::Kill => fleet.kill(process),
                Signal::Terminate => fleet.terminate(process),
                Signal::Stop => fleet.stop(process),
                Signal::Continue => fleet.resume(process),
            }
        });
    }

    fn exit(&mut self, server: usize) -> String {
        let ended = self.fleet.ended(self.processes[&server]);
        match self.runtime.block_on(async { timeout(LIMIT, ended).await }) {
            Ok(Exit::Code(code)) => format!("code {code}"),
            Ok(Exit::Signal(signal)) => format!("signal {signal}"),
            Err(_) => "none".to_owned(),
        }
    }

    fn send(&mut self, server: usize, client: &str, words: &[&str]) -> Result<(), String> {
        let key = (server, client.to_owned());
        let network = {
            let _guard = self.runtime.enter();
            self.fleet.network(HOST)
        };
        self.runtime.block_on(async {
            if !self.clients.contains_key(&key) {
                let connected = Client::connect(&network, at(server)).await;
                let connected = connected.map_err(|error| format!("{:?}", error.kind()))?;
                self.clients.insert(key.clone(), connected);
            }
            let client = self.clients.get_mut(&key).unwrap();
            client.send(words).await.map_err(|error| format!("{:?}", error.kind()))
        })
    }

    fn answer(&mut self, server: usize, client: &str, limit: Duration) -> String {
        let key = (server, client.to_owned());
        let Some(own) = self.clients.get_mut(&key) else { return "no connection".to_owned() };
        let answered = self.runtime.block_on(async { timeout(limit, own.answer()).await });
        match answered {
            Ok(Ok(value)) => shown(&value),
            Ok(Err(error)) => {
                self.leave(server, client);
                format!("{:?}", error.kind())
            }
            Err(_) => "silence".to_owned(),
        }
    }

    fn leave(&mut self, server: usize, client: &str) {
        let _guard = self.runtime.enter();
        self.clients.remove(&(server, client.to_owned()));
    }

    fn break_disk(&mut self, server: usize) {
        self.volumes[&server].set_full(true);
    }

    fn pass(&mut self, time: Duration) {
        self.runtime.block_on(async { sleep(time).await });
    }

    fn port(&mut self, server: usize) -> u16 {
        at(server).port()
    }
}

//! All servers, and the hand that does to them what a test decides.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gungnir::valkey::{Id, Network};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::chance::Chance;
use crate::network::{Event, Ground, ProcessId, Way, Wire};
use crate::trace::Trace;

use super::journal::Journal;
use super::look::Look;
use super::room::{Alarm, Exit, Message, Pace, Room, Timer};
use super::server::Server;
use super::standstill::Standstill;
use super::volume::Volume;

/// Every server of a world and the network between all hosts. Clones are the same.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    ground: Arc<Ground<Message, Timer>>,
    house: Mutex<House>,
    /// A process has ended.
    ended: Notify,
}

struct House {
    processes: BTreeMap<ProcessId, Process>,
    exits: BTreeMap<ProcessId, Exit>,
    chance: Chance,
    pace: Pace,
    epoch: Instant,
    trace: Trace,
    journal: Journal,
    standstills: Vec<Standstill>,
    started: u32,
}

struct Process {
    server: Server,
    /// Stopped by SIGSTOP: since when, and what it would have been told, in order.
    stopped: Option<(Instant, Vec<Event<Timer>>)>,
    /// It was sent SIGTERM meanwhile.
    is_to_end: bool,
}

impl fmt::Debug for Fleet {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Fleet")
    }
}

impl Fleet {
    /// No server yet, and a task that lets time pass for those that come. Packets between two hosts
    /// take a time between these bounds, where nothing else is said.
    pub fn new(chance: &Chance, trace: &Trace, latency: (Duration, Duration), pace: Pace) -> Self {
        let wire = Wire::new(chance.fork(), latency);
        let house = House {
            processes: BTreeMap::new(),
            exits: BTreeMap::new(),
            chance: chance.fork(),
            pace,
            epoch: Instant::now(),
            trace: trace.clone(),
            journal: Journal::default(),
            standstills: Vec::new(),
            started: 0,
        };
        let fleet = Self(Arc::new(Inner {
            ground: Arc::new(Ground::new(wire)),
            house: Mutex::new(house),
            ended: Notify::new(),
        }));
        let driven = fleet.clone();
        tokio::spawn(async move {
            loop {
                driven.0.ground.due().await;
                driven.run();
            }
        });
        fleet
    }

    /// By which somebody on a host connects.
    pub fn network(&self, from: IpAddr) -> Network {
        self.with(|_, wire| wire.add_host(from));
        Network::Other(Arc::new(Way { from, ground: Arc::clone(&self.0.ground) }))
    }

    /// A host is there, or is there again: with nothing running.
    pub fn add_host(&self, ip: IpAddr) {
        self.with(|_, wire| wire.add_host(ip));
    }

    /// A host loses its power, or a pod its network: nobody is told anything.
    pub fn remove_host(&self, ip: IpAddr) {
        self.with(|house, wire| {
            wire.remove_host(ip);
            house.end_where(Exit::Signal(9), |server| server.at.ip() == ip);
        });
        self.0.ended.notify_waiters();
    }

    /// Starts a server with a configuration's text on a host, which is there from now on.
    pub fn start(&self, at: SocketAddr, configuration: &str, volume: &Volume) -> ProcessId {
        self.with(|house, wire| {
            wire.add_host(at.ip());
            house.started += 1;
            let id = ProcessId(house.started);
            let mut room = Room {
                wire,
                chance: &house.chance,
                pace: &house.pace,
                epoch: house.epoch,
                trace: &house.trace,
                journal: &mut house.journal,
            };
            let server = Server::start(id, at, configuration, volume, &mut room);
            room.note(at, format_args!("starts"));
            house.processes.insert(id, Process { server, stopped: None, is_to_end: false });
            id
        })
    }

    /// SIGKILL: its kernel ends its connections and refuses new ones.
    pub fn kill(&self, process: ProcessId) {
        self.with(|house, wire| {
            if house.end_where(Exit::Signal(9), |server| server.id == process) {
                wire.end_process(process);
            }
        });
        self.0.ended.notify_waiters();
    }

    /// SIGTERM: it waits for its replicas, saves and ends; a stopped one once it goes on.
    pub fn terminate(&self, process: ProcessId) {
        self.with(|house, wire| match house.processes.get_mut(&process) {
            Some(it) if it.stopped.is_some() => it.is_to_end = true,
            _ => house.act(process, wire, Server::terminate),
        });
        self.0.ended.notify_waiters();
    }

    /// SIGSTOP: its kernel goes on.
    pub fn stop(&self, process: ProcessId) {
        self.with(|house, wire| {
            if let Some(it) = house.processes.get_mut(&process) {
                house.trace.note(format_args!("{} is stopped", it.server.at));
                it.stopped.get_or_insert_with(|| (wire.now(), Vec::new()));
            }
        });
    }

    /// SIGCONT.
    pub fn resume(&self, process: ProcessId) {
        self.with(|house, wire| {
            let Some(it) = house.processes.get_mut(&process) else { return };
            let Some((from, missed)) = it.stopped.take() else { return };
            house.standstills.push(Standstill {
                server: it.server.at.ip(),
                from,
                until: wire.now(),
                max_lag: Duration::from_secs(it.server.settings.min_replicas_max_lag_s),
            });
            let (ready, timers): (Vec<_>, Vec<_>) =
                missed.into_iter().partition(|event| matches!(event, Event::Ready(..)));
            // What is done once a second is done when so many of its turns are over as before.
            let (seconds, timers): (Vec<_>, Vec<_>) = timers
                .into_iter()
                .partition(|event| matches!(event, Event::Timer(Timer(_, Alarm::Cron))));
            if !seconds.is_empty() {
                let rest = house.chance.between(Duration::ZERO, Duration::from_secs(1));
                wire.set_timer(wire.now() + rest, Timer(process, Alarm::Cron));
            }
            for event in ready.into_iter().chain(timers) {
                house.deliver(event, wire);
            }
            if house.processes.get(&process).is_some_and(|it| it.is_to_end) {
                house.act(process, wire, Server::terminate);
            }
        });
        self.0.ended.notify_waiters();
    }

    /// From one host to the other, in this direction, nothing arrives any more, or again.
    pub fn cut(&self, from: IpAddr, to: IpAddr, is_cut: bool) {
        self.with(|_, wire| wire.change_path(from, to, |path| path.cut = is_cut));
    }

    /// A firewall refuses connections from one host to the other, or no longer.
    pub fn refuse(&self, from: IpAddr, to: IpAddr, refuses: bool) {
        self.with(|_, wire| wire.change_path(from, to, |path| path.refuses = refuses));
    }

    /// How long packets take from one host to the other.
    pub fn set_latency(&self, from: IpAddr, to: IpAddr, latency: (Duration, Duration)) {
        self.with(|_, wire| wire.change_path(from, to, |path| path.latency = Some(latency)));
    }

    /// How a process ended; `None` while it runs.
    pub fn exit(&self, process: ProcessId) -> Option<Exit> {
        self.0.house.lock().unwrap().exits.get(&process).copied()
    }

    /// Waits until a process has ended.
    pub async fn ended(&self, process: ProcessId) -> Exit {
        loop {
            let notified = self.0.ended.notified();
            if let Some(exit) = self.exit(process) {
                return exit;
            }
            notified.await;
        }
    }

    /// What a process is now; `None` once it has ended.
    pub fn look(&self, process: ProcessId) -> Option<Look> {
        self.run();
        self.0
            .house
            .lock()
            .unwrap()
            .processes
            .get(&process)
            .map(|it| Look::of(&it.server, it.stopped.is_some()))
    }

    /// In which history a client wrote a key first.
    pub fn history_of(&self, key: &str) -> Option<Id> {
        self.0.house.lock().unwrap().journal.history_of(key)
    }

    /// When processes stood still that go on by now.
    pub fn standstills(&self) -> Vec<Standstill> {
        self.0.house.lock().unwrap().standstills.clone()
    }

    /// The process that runs at an address.
    pub fn at(&self, at: SocketAddr) -> Option<ProcessId> {
        let house = self.0.house.lock().unwrap();
        let found = house.processes.values().find(|it| it.server.at == at);
        found.map(|it| it.server.id)
    }

    /// Everything that is due happens.
    fn run(&self) {
        let now = Instant::now();
        let any_ended = self.with(|house, wire| {
            let before = house.exits.len();
            while let Some(event) = wire.next(now) {
                house.deliver(event, wire);
            }
            house.exits.len() != before
        });
        if any_ended {
            self.0.ended.notify_waiters();
        }
    }

    fn with<R>(&self, act: impl FnOnce(&mut House, &mut Wire<Message, Timer>) -> R) -> R {
        let mut house = self.0.house.lock().unwrap();
        self.0.ground.with(|wire| act(&mut house, wire))
    }
}

impl House {
    fn deliver(&mut self, event: Event<Timer>, wire: &mut Wire<Message, Timer>) {
        let (Event::Ready(id, _) | Event::Timer(Timer(id, _))) = event;
        let Some(process) = self.processes.get_mut(&id) else { return };
        if let Some((_, missed)) = &mut process.stopped {
            let is_known = |known: &Event<Timer>| match (known, &event) {
                (Event::Ready(_, known), Event::Ready(_, end)) => known == end,
                (Event::Timer(known), Event::Timer(timer)) => known == timer,
                _ => false,
            };
            if !missed.iter().any(is_known) {
                missed.push(event);
            }
            return;
        }
        self.act(id, wire, |server, room| server.handle(&event, room));
    }

    fn act(
        &mut self,
        id: ProcessId,
        wire: &mut Wire<Message, Timer>,
        act: impl FnOnce(&mut Server, &mut Room<'_>),
    ) {
        let Some(process) = self.processes.get_mut(&id) else { return };
        let server = &mut process.server;
        let mut room = Room {
            wire,
            chance: &self.chance,
            pace: &self.pace,
            epoch: self.epoch,
            trace: &self.trace,
            journal: &mut self.journal,
        };
        act(server, &mut room);
        server.before_sleep(&mut room);
        if let Some(exit) = server.exit {
            room.note(server.at, format_args!("has ended: {exit:?}"));
            room.wire.end_process(id);
            self.processes.remove(&id);
            self.exits.insert(id, exit);
        }
    }

    /// Ends processes from outside; says whether there was one.
    fn end_where(&mut self, exit: Exit, is_meant: impl Fn(&Server) -> bool) -> bool {
        let meant = self.processes.iter().filter(|(_, process)| is_meant(&process.server));
        let meant: Vec<(ProcessId, SocketAddr)> =
            meant.map(|(id, process)| (*id, process.server.at)).collect();
        for (id, at) in &meant {
            self.trace.note(format_args!("{at} has ended: {exit:?}"));
            self.processes.remove(id);
            self.exits.insert(*id, exit);
        }
        !meant.is_empty()
    }
}

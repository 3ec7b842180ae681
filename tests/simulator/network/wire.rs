//! All hosts, paths and connections, and what is due when.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BinaryHeap};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use tokio::time::Instant;

use crate::chance::Chance;

use super::connection::{Connection, End, EndId, Ended, Frame, Owner, Packet, State};
use super::path::{Path, next_attempt};

/// The first port of a host's own that its connections leave from.
const FIRST_OWN_PORT: u16 = 32_768;

/// A process: one run of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId(pub u32);

/// What a process is told.
#[derive(Debug)]
pub enum Event<T> {
    /// One of its ends is new, has been connected or refused, has something to read, or has ended.
    Ready(ProcessId, EndId),
    Timer(T),
}

#[derive(Debug)]
pub(super) enum Due<M, T> {
    Arrival { to: EndId, order: u64, packet: Packet<M> },
    Retry(EndId),
    Timer(T),
}

/// What is due, by its time, and in the order in which it was said.
#[derive(Debug)]
struct Entry<M, T> {
    at: Instant,
    order: u64,
    due: Due<M, T>,
}

impl<M, T> Ord for Entry<M, T> {
    /// The earliest is the greatest: that is what a heap gives first.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl<M, T> PartialOrd for Entry<M, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<M, T> PartialEq for Entry<M, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<M, T> Eq for Entry<M, T> {}

#[derive(Debug, Default)]
pub(super) struct Host {
    pub listeners: BTreeMap<u16, ProcessId>,
    pub is_silent: bool,
    own_ports: u16,
}

/// The network. `M` is what servers say to each other, `T` what a timer is for.
#[derive(Debug)]
pub struct Wire<M, T> {
    pub(super) now: Instant,
    queue: BinaryHeap<Entry<M, T>>,
    orders: u64,
    pub(super) hosts: BTreeMap<IpAddr, Host>,
    pub(super) paths: BTreeMap<(IpAddr, IpAddr), Path>,
    pub(super) usual_latency: (Duration, Duration),
    pub(super) connections: BTreeMap<u64, Connection<M>>,
    connections_made: u64,
    pub(super) chance: Chance,
}

impl<M, T> Wire<M, T> {
    /// A network whose packets take a time between these bounds where nothing else is said.
    pub fn new(chance: Chance, usual_latency: (Duration, Duration)) -> Self {
        Self {
            now: Instant::now(),
            queue: BinaryHeap::new(),
            orders: 0,
            hosts: BTreeMap::new(),
            paths: BTreeMap::new(),
            usual_latency,
            connections: BTreeMap::new(),
            connections_made: 0,
            chance,
        }
    }

    /// The time of what happens now, to the microsecond.
    pub fn now(&self) -> Instant {
        self.now
    }

    /// Somebody outside acts: it is as late as the runtime says.
    pub fn catch_up(&mut self) {
        self.now = self.now.max(Instant::now());
    }

    /// When the next thing is due.
    pub fn next_at(&self) -> Option<Instant> {
        self.queue.peek().map(|entry| entry.at)
    }

    /// What a process is to be told next, of all that is due until a moment.
    pub fn next(&mut self, until: Instant) -> Option<Event<T>> {
        while self.next_at().is_some_and(|at| at <= until) {
            let entry = self.queue.pop()?;
            self.now = self.now.max(entry.at);
            let event = match entry.due {
                Due::Timer(timer) => Some(Event::Timer(timer)),
                Due::Retry(from) => {
                    self.retry(from);
                    None
                }
                Due::Arrival { to, order, packet } => self.arrive(to, order, packet),
            };
            if event.is_some() {
                return event;
            }
        }
        None
    }

    pub fn set_timer(&mut self, at: Instant, timer: T) {
        self.push(at, Due::Timer(timer));
    }

    pub(super) fn push(&mut self, at: Instant, due: Due<M, T>) {
        self.orders += 1;
        self.queue.push(Entry { at, order: self.orders, due });
    }

    /// A host is there, and whoever listened on one that had its address is not.
    pub fn add_host(&mut self, ip: IpAddr) {
        self.hosts.entry(ip).or_default().is_silent = false;
        self.heal_around(ip);
    }

    /// A host is gone with all that ran there, and tells nobody.
    pub fn remove_host(&mut self, ip: IpAddr) {
        let host = self.hosts.entry(ip).or_default();
        host.is_silent = true;
        host.listeners.clear();
        for connection in self.connections.values_mut() {
            for end in &mut connection.ends {
                if end.address.ip() == ip && end.state != State::Unborn {
                    end.forget();
                    end.held.clear();
                    if let Some(waker) = end.waker.take() {
                        waker.wake();
                    }
                }
            }
        }
        self.connections.retain(|_, connection| !connection.is_over());
    }

    /// Changes a path, and sends again what it held when it is cut no more.
    pub fn change_path(&mut self, from: IpAddr, to: IpAddr, change: impl FnOnce(&mut Path)) {
        change(self.paths.entry((from, to)).or_default());
        if !self.is_blocked(from, to) {
            self.retry_all(|one, other| one == from && other == to);
        }
    }

    fn heal_around(&mut self, ip: IpAddr) {
        self.retry_all(|from, to| from == ip || to == ip);
    }

    fn retry_all(&mut self, is_meant: impl Fn(IpAddr, IpAddr) -> bool) {
        let mut retries = Vec::new();
        for (id, connection) in &self.connections {
            for side in [0, 1] {
                let (end, other) = (&connection.ends[side], &connection.ends[1 - side]);
                if let (Some(since), Some(packet)) = (end.held_since, end.held.values().next())
                    && is_meant(end.address.ip(), other.address.ip())
                {
                    let at = next_attempt(since, packet.timeout(), self.now);
                    retries.push((at, EndId { connection: *id, side }));
                }
            }
        }
        for (at, end) in retries {
            self.push(at, Due::Retry(end));
        }
    }

    pub(super) fn is_blocked(&self, from: IpAddr, to: IpAddr) -> bool {
        let silent = |ip| self.hosts.get(&ip).is_none_or(|host: &Host| host.is_silent);
        silent(from) || silent(to) || self.paths.get(&(from, to)).is_some_and(|path| path.cut)
    }

    pub fn listen(&mut self, at: SocketAddr, process: ProcessId) {
        self.hosts.entry(at.ip()).or_default().listeners.insert(at.port(), process);
    }

    /// Begins to connect for a process, which is told what comes of it.
    pub fn connect_process(&mut self, from: IpAddr, to: SocketAddr, process: ProcessId) -> EndId {
        self.connect(from, to, Owner::Process(process))
    }

    /// Begins to connect.
    pub fn connect(&mut self, from: IpAddr, to: SocketAddr, owner: Owner) -> EndId {
        self.connections_made += 1;
        let connection = self.connections_made;
        let host = self.hosts.entry(from).or_default();
        let port = FIRST_OWN_PORT + host.own_ports % (u16::MAX - FIRST_OWN_PORT);
        host.own_ports = host.own_ports.wrapping_add(1);
        let own = End::new(SocketAddr::new(from, port), owner, State::Connecting);
        let other = End::new(to, Owner::Link, State::Unborn);
        self.connections.insert(connection, Connection { ends: [own, other] });
        let end = EndId { connection, side: 0 };
        self.transmit(end, Packet::Syn);
        end
    }

    pub fn send(&mut self, end: EndId, frame: Frame<M>) {
        if self.end(end).is_some_and(|it| it.state == State::Open) {
            self.transmit(end, Packet::Data(frame));
        }
    }

    /// Says that nothing more is written here.
    pub fn shut(&mut self, end: EndId) {
        if let Some(it) = self.end_mut(end)
            && it.state == State::Open
            && !std::mem::replace(&mut it.shut, true)
        {
            self.transmit(end, Packet::Fin);
        }
    }

    /// Closes an end: FIN, or RST where something was left unread.
    pub fn close(&mut self, end: EndId) {
        let Some(it) = self.end_mut(end) else { return };
        let (state, unread, was_shut) = (it.state, !it.inbox.is_empty(), it.shut);
        it.forget();
        match state {
            State::Open if unread => self.transmit(end, Packet::Reset),
            State::Open if !was_shut => self.transmit(end, Packet::Fin),
            State::Connecting => {
                if let Some(it) = self.end_mut(end) {
                    it.held.clear();
                }
            }
            _ => {}
        }
        self.tidy(end.connection);
    }

    /// A process is no more; its kernel closes what it had.
    pub fn end_process(&mut self, process: ProcessId) {
        for host in self.hosts.values_mut() {
            host.listeners.retain(|_, listener| *listener != process);
        }
        for end in self.ends_of(process) {
            self.close(end);
        }
    }

    /// The ends of a process, the oldest first.
    pub fn ends_of(&self, process: ProcessId) -> Vec<EndId> {
        let mut found = Vec::new();
        for (id, connection) in &self.connections {
            for side in [0, 1] {
                let end = &connection.ends[side];
                if end.owner == Owner::Process(process) && end.state != State::Gone {
                    found.push(EndId { connection: *id, side });
                }
            }
        }
        found
    }

    /// What has arrived at an end, one at a time.
    pub fn receive(&mut self, end: EndId) -> Option<Frame<M>> {
        self.end_mut(end)?.inbox.pop_front()
    }

    /// How the other side ended the connection of an end, once everything before was read.
    pub fn ended(&self, end: EndId) -> Option<Ended> {
        self.end(end).map_or(Some(Ended::Reset), |it| it.ended.filter(|_| it.inbox.is_empty()))
    }

    pub fn is_connecting(&self, end: EndId) -> bool {
        self.end(end).is_some_and(|it| it.state == State::Connecting && it.ended.is_none())
    }

    /// Where the other end is.
    pub fn peer(&self, end: EndId) -> Option<SocketAddr> {
        self.end(end.other()).map(|it| it.address)
    }

    pub(super) fn end(&self, end: EndId) -> Option<&End<M>> {
        self.connections.get(&end.connection).map(|it| &it.ends[end.side])
    }

    pub(super) fn end_mut(&mut self, end: EndId) -> Option<&mut End<M>> {
        self.connections.get_mut(&end.connection).map(|it| &mut it.ends[end.side])
    }

    fn tidy(&mut self, connection: u64) {
        if self.connections.get(&connection).is_some_and(Connection::is_over) {
            self.connections.remove(&connection);
        }
    }
}

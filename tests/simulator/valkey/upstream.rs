//! The replica's side of replication.

use std::net::{IpAddr, SocketAddr};

use gungnir::valkey::Id;

use crate::network::{EndId, Ended, Frame};

use super::downstream::Hello;
use super::persist::Loading;
use super::room::{Exit, Message, Room};
use super::server::Server;
use super::stream::{Data, Entry, What};

/// Whom a replica follows, and how far its link is.
#[derive(Debug)]
pub struct Upstream {
    pub host: String,
    pub port: u16,
    pub link: Link,
    /// When it last heard, in seconds of the day.
    pub last_io_s: u64,
    /// A snapshot that has arrived. Valkey 9 looks once a second whether one has.
    arrived: Option<Data>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// It has to connect.
    Connect,
    Connecting(EndId),
    Handshake(EndId),
    Transfer {
        end: EndId,
        history: Id,
        offset: u64,
    },
    Connected(EndId),
}

impl Upstream {
    /// From `host port`, as the directive has it.
    pub fn of(directive: &str) -> Option<Self> {
        let (host, port) = directive.split_once(' ')?;
        Some(Self::new(host, port.parse().ok()?))
    }

    pub fn new(host: &str, port: u16) -> Self {
        Self { host: host.to_owned(), port, link: Link::Connect, last_io_s: 0, arrived: None }
    }

    pub fn end(&self) -> Option<EndId> {
        match self.link {
            Link::Connect => None,
            Link::Connecting(end)
            | Link::Handshake(end)
            | Link::Transfer { end, .. }
            | Link::Connected(end) => Some(end),
        }
    }

    /// Whether it takes what comes from there; not between a snapshot and its being loaded.
    fn hears(&self, end: EndId) -> bool {
        self.end() == Some(end) && self.arrived.is_none()
    }

    pub fn is_up(&self) -> bool {
        matches!(self.link, Link::Connected(_))
    }

    pub fn is_in_transfer(&self) -> bool {
        matches!(self.link, Link::Transfer { .. })
    }
}

impl Server {
    /// `REPLICAOF host port`.
    pub fn follow(&mut self, host: &str, port: u16, room: &mut Room<'_>) {
        if self.is_master() {
            // It can go on from its own history, should the new master know that.
            self.can_go_on = true;
            self.unblock_waiting(room);
        }
        room.note(self.at, format_args!("is to follow {host}:{port}"));
        self.leave_upstream(room);
        self.upstream = Some(Upstream::new(host, port));
        self.connect_upstream(room);
    }

    /// `REPLICAOF NO ONE`.
    pub fn lead(&mut self, room: &mut Room<'_>) {
        if self.is_master() {
            return;
        }
        self.leave_upstream(room);
        self.upstream = None;
        self.can_go_on = false;
        let next = super::history::new_id(room.chance);
        self.history.shift(next);
        self.disconnect_followers(room);
        self.selected = false;
        self.down_since_s = None;
        room.note(self.at, format_args!("leads from {}", self.history.offset));
    }

    /// Ends the link on purpose.
    fn leave_upstream(&mut self, room: &mut Room<'_>) {
        let Some(upstream) = &self.upstream else { return };
        if upstream.is_up() {
            self.can_go_on = true;
            self.down_since_s = Some(room.unix_s());
        }
        if let Some(end) = upstream.end() {
            room.wire.close(end);
        }
    }

    pub fn connect_upstream(&mut self, room: &mut Room<'_>) {
        let now_s = room.unix_s();
        let Some(upstream) = &mut self.upstream else { return };
        // Nobody ever listens there.
        if upstream.port == 1 {
            return;
        }
        let Ok(ip) = upstream.host.parse::<IpAddr>() else { return };
        let own_ip = self.at.ip();
        let to = SocketAddr::new(if ip.is_loopback() { own_ip } else { ip }, upstream.port);
        upstream.link = Link::Connecting(room.wire.connect_process(own_ip, to, self.id));
        upstream.last_io_s = now_s;
    }

    /// The link is gone; it is made again, at once when it was up.
    fn lose_upstream(&mut self, room: &mut Room<'_>) {
        let Some(upstream) = &mut self.upstream else { return };
        let was_up = upstream.is_up();
        if let Some(end) = upstream.end() {
            room.wire.close(end);
        }
        upstream.link = Link::Connect;
        upstream.arrived = None;
        if was_up {
            self.can_go_on = true;
            self.down_since_s = Some(room.unix_s());
            self.connect_upstream(room);
        }
    }

    pub fn hear_upstream(&mut self, end: EndId, room: &mut Room<'_>) {
        if let Some(upstream) = &mut self.upstream
            && upstream.link == Link::Connecting(end)
        {
            if room.wire.is_connecting(end) {
                return;
            }
            if room.wire.ended(end) == Some(Ended::Refused) {
                self.lose_upstream(room);
                return;
            }
            upstream.link = Link::Handshake(end);
            let hello = self.hello();
            self.tell(end, Message::Hello(hello));
        }
        // While a snapshot is read, the rest waits in the kernel.
        while self.loading.is_none()
            && self.upstream.as_ref().is_some_and(|it| it.hears(end))
            && let Some(frame) = room.wire.receive(end)
        {
            if let Frame::Message(message) = frame {
                if let Some(upstream) = &mut self.upstream {
                    upstream.last_io_s = room.unix_s();
                }
                self.take_from_upstream(end, message, room);
            }
        }
        let hears = self.upstream.as_ref().is_some_and(|it| it.hears(end));
        if hears && self.loading.is_none() && room.wire.ended(end).is_some() {
            self.lose_upstream(room);
        }
    }

    fn hello(&self) -> Hello {
        let word = |name| Some(self.directives.get(name).to_owned()).filter(|it| !it.is_empty());
        let port = self.directives.number("replica-announce-port");
        Hello {
            user: word("primaryuser"),
            password: word("primaryauth"),
            ip: word("replica-announce-ip"),
            port: u16::try_from(port).ok().filter(|port| *port != 0).unwrap_or(self.at.port()),
        }
    }

    fn take_from_upstream(&mut self, end: EndId, message: Message, room: &mut Room<'_>) {
        match message {
            Message::Welcome => {
                let known = self.can_go_on.then_some((self.history.id, self.history.offset + 1));
                self.tell(end, Message::Psync(known));
            }
            Message::Continue { history } => {
                room.note(self.at, format_args!("goes on from {}", self.history.offset));
                self.go_on(end, history);
            }
            Message::Full { history, offset } => {
                self.can_go_on = false;
                self.set_link(Link::Transfer { end, history, offset });
            }
            Message::Snapshot(data) => {
                if let Some(upstream) = &mut self.upstream {
                    upstream.arrived = Some(data);
                }
            }
            Message::Stream(entry) => self.apply(end, &entry),
            Message::Refused(answer) => {
                room.note(self.at, format_args!("is refused as a replica: {answer}"));
                self.lose_upstream(room);
            }
            Message::Hello(_) | Message::Psync(_) | Message::Ack(_) => self.lose_upstream(room),
        }
    }

    /// Begins to read the snapshot that has arrived: the old data goes, and who followed with it.
    fn load_arrived(&mut self, room: &mut Room<'_>) {
        let Some(upstream) = &mut self.upstream else { return };
        let (Some(data), Link::Transfer { history, offset, .. }) =
            (upstream.arrived.take(), upstream.link)
        else {
            return;
        };
        if self.volume.with(|disk| disk.is_full) {
            self.lose_upstream(room);
            return;
        }
        self.disconnect_followers(room);
        self.history.backlog = None;
        self.load(Loading::Transfer { data, history, offset }, room);
    }

    fn set_link(&mut self, link: Link) {
        if let Some(upstream) = &mut self.upstream {
            upstream.link = link;
        }
    }

    /// The master goes on from where this one stands.
    fn go_on(&mut self, end: EndId, history: Id) {
        if history != self.history.id {
            self.history.shift(history);
            for follower in std::mem::take(&mut self.followers) {
                if let Some(session) = self.sessions.get_mut(&follower.end) {
                    session.closes = true;
                }
            }
        }
        self.history.begin_backlog();
        self.set_link(Link::Connected(end));
        self.down_since_s = None;
    }

    /// A snapshot is in place.
    pub fn attach(&mut self, history: Id, offset: u64, room: &mut Room<'_>) {
        let Some(end) = self.upstream.as_ref().and_then(Upstream::end) else { return };
        self.history.id = history;
        self.history.forget_earlier();
        self.history.offset = offset;
        self.history.begin_backlog();
        self.set_link(Link::Connected(end));
        self.down_since_s = None;
        room.note(self.at, format_args!("has a whole copy, to {offset}"));
        self.tell(end, Message::Ack(offset));
        self.hear_upstream(end, room);
    }

    fn apply(&mut self, end: EndId, entry: &Entry) {
        match &entry.what {
            What::GetAck => self.tell(end, Message::Ack(self.history.offset)),
            What::Write(write) => {
                if self.disk_fault().is_some() {
                    // Valkey would rather not run than differ from its master.
                    self.exit = Some(Exit::Signal(11));
                    return;
                }
                self.write(write);
            }
            What::Ping | What::Select | What::Bracket => {}
        }
        self.pass_on(entry);
    }

    pub fn upstream_cron(&mut self, room: &mut Room<'_>) {
        let Some(upstream) = &self.upstream else { return };
        let silent_s = room.unix_s().saturating_sub(upstream.last_io_s);
        match upstream.link {
            Link::Connect => self.connect_upstream(room),
            _ if upstream.arrived.is_some() => self.load_arrived(room),
            _ if silent_s > self.settings.repl_timeout_s => self.lose_upstream(room),
            Link::Connected(end) => self.tell(end, Message::Ack(self.history.offset)),
            Link::Connecting(_) | Link::Handshake(_) | Link::Transfer { .. } => {}
        }
    }
}

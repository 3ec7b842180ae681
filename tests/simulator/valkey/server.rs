//! One server's state, and what it does when it is told that something happened.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use gungnir::valkey::Id;
use tokio::time::Instant;

use crate::network::{EndId, Event, Frame, ProcessId};

use super::directives::Directives;
use super::downstream::Follower;
use super::history::{History, new_id};
use super::persist::{Loading, Saving};
use super::room::{Alarm, Exit, Message, Room, Timer};
use super::session::{Pause, Session};
use super::settings::Settings;
use super::stream::{Data, Entry, What, Write};
use super::upstream::Upstream;
use super::users::Users;
use super::volume::{Aof, Volume};

#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub struct Server {
    pub id: ProcessId,
    pub at: SocketAddr,
    pub run_id: Id,
    pub process_id: u32,
    pub started: Instant,
    pub volume: Volume,
    pub directives: Directives,
    pub settings: Settings,
    pub users: Users,
    pub data: Data,
    pub history: History,
    /// Whom it follows; nobody for a master.
    pub upstream: Option<Upstream>,
    /// Whether it could go on with a part of somebody's history from where its own stands.
    pub can_go_on: bool,
    /// Since when a link that was up is not, in seconds of the day.
    pub down_since_s: Option<u64>,
    pub followers: Vec<Follower>,
    /// How many replicas were near, at the last look.
    pub good_replicas: u64,
    pub sessions: BTreeMap<EndId, Session>,
    pub loading: Option<Loading>,
    pub saving: Saving,
    /// While its file is being written anew after a transfer, it is not appended to.
    pub rewriting: bool,
    /// Writes that the disk did not take.
    pub unwritten: Vec<Write>,
    pub pause: Option<Pause>,
    /// It was told to end, and waits for its replicas until then.
    pub ending: Option<Instant>,
    pub exit: Option<Exit>,
    /// Whether the stream has said which database it is about.
    pub selected: bool,
    pub wants_acks: bool,
    /// What a transaction has written so far; it goes out as one.
    pub transaction: Option<Vec<Entry>>,
    pub cron_runs: u64,
    /// How many times clients have waited.
    pub waits: u64,
    pub full_syncs: u64,
    pub partial_syncs: u64,
    pub refused_partial_syncs: u64,
    outbox: Vec<(EndId, Frame<Message>)>,
}

impl Server {
    /// A process that begins now.
    pub fn start(
        id: ProcessId,
        at: SocketAddr,
        text: &str,
        volume: &Volume,
        room: &mut Room<'_>,
    ) -> Self {
        let (mut directives, users_of_file) = Directives::read(text);
        let port = [("port".to_owned(), at.port().to_string())];
        directives.set(&port).expect("a port");
        let mut users = Users::new();
        let required = directives.get("requirepass").to_owned();
        if !required.is_empty() {
            users.set("default", &[format!(">{required}")]).expect("a password");
        }
        for words in users_of_file {
            let rules = [&["reset".to_owned()], &words[1..]].concat();
            users.set(&words[0], &rules).expect("a user of the configuration");
        }
        let now = room.wire.now();
        let mut server = Self {
            id,
            at,
            run_id: new_id(room.chance),
            process_id: u32::try_from(room.chance.below(30_000)).unwrap() + 2,
            started: now,
            volume: volume.clone(),
            settings: Settings::of(&directives),
            upstream: Upstream::of(directives.get("replicaof")),
            directives,
            users,
            data: Data::default(),
            history: History::new(room.chance),
            can_go_on: false,
            down_since_s: None,
            followers: Vec::new(),
            good_replicas: 0,
            sessions: BTreeMap::new(),
            loading: None,
            saving: Saving::at(room.unix_s()),
            rewriting: false,
            unwritten: Vec::new(),
            pause: None,
            ending: None,
            exit: None,
            selected: false,
            wants_acks: false,
            transaction: None,
            cron_runs: 0,
            waits: 0,
            full_syncs: 0,
            partial_syncs: 0,
            refused_partial_syncs: 0,
            outbox: Vec::new(),
        };
        room.wire.listen(at, id);
        let phase = room.chance.between(Duration::ZERO, Duration::from_millis(100));
        room.alarm(id, phase, Alarm::Cron);
        server.boot(room);
        server
    }

    pub fn is_master(&self) -> bool {
        self.upstream.is_none()
    }

    /// What a turn of the event loop does with one event.
    pub fn handle(&mut self, event: &Event<Timer>, room: &mut Room<'_>) {
        match event {
            Event::Ready(_, end) => self.ready(*end, room),
            Event::Timer(Timer(_, alarm)) => self.ring(*alarm, room),
        }
    }

    /// The end of a turn: the file first, then the answers.
    pub fn before_sleep(&mut self, room: &mut Room<'_>) {
        if std::mem::take(&mut self.wants_acks) && !self.is_paused_for_writes() {
            self.feed(&Entry::get_ack());
        }
        self.flush();
        let outbox = std::mem::take(&mut self.outbox);
        if self.exit.is_none() {
            for (end, frame) in outbox {
                room.wire.send(end, frame);
            }
        }
        let closing: Vec<EndId> = self
            .sessions
            .iter()
            .filter(|(_, session)| session.closes)
            .map(|(end, _)| *end)
            .collect();
        for end in closing {
            self.forget_session(end, room);
        }
    }

    pub fn post(&mut self, end: EndId, frame: Frame<Message>) {
        self.outbox.push((end, frame));
    }

    pub fn tell(&mut self, end: EndId, message: Message) {
        self.post(end, Frame::Message(message));
    }

    fn ready(&mut self, end: EndId, room: &mut Room<'_>) {
        if self.upstream.as_ref().and_then(Upstream::end) == Some(end) {
            self.hear_upstream(end, room);
            return;
        }
        let unnamed = self.users.unnamed();
        self.sessions.entry(end).or_insert_with(|| Session::new(unnamed));
        while let Some(frame) = room.wire.receive(end) {
            match frame {
                Frame::Bytes(bytes) => {
                    let Some(session) = self.sessions.get_mut(&end) else { return };
                    session.input.extend_from_slice(&bytes);
                    self.work(end, room);
                }
                Frame::Message(message) => self.hear_follower(end, message, room),
            }
        }
        if room.wire.ended(end).is_some() {
            self.forget_session(end, room);
        }
    }

    /// Closes a connection, of whatever kind, and forgets it.
    pub fn forget_session(&mut self, end: EndId, room: &mut Room<'_>) {
        room.wire.close(end);
        self.sessions.remove(&end);
        let before = self.followers.len();
        self.followers.retain(|follower| follower.end != end);
        if self.followers.len() != before {
            self.count_good_replicas(room);
        }
    }

    fn ring(&mut self, alarm: Alarm, room: &mut Room<'_>) {
        match alarm {
            Alarm::Cron => self.cron(room),
            Alarm::Loaded => self.loaded(room),
            Alarm::Snapshot => self.snapshot_written(room),
            Alarm::Sent => self.snapshot_sent(room),
            Alarm::Saved => self.saved(room),
            Alarm::Rewritten => self.rewritten(),
            Alarm::PauseEnd => self.end_pause(room),
            Alarm::WaitEnd(end, generation) => self.end_wait(end, generation, room),
            Alarm::Ending => self.look_whether_to_end(room),
        }
    }

    /// Once a second.
    fn cron(&mut self, room: &mut Room<'_>) {
        room.alarm(self.id, Duration::from_secs(1), Alarm::Cron);
        if self.loading.is_some() {
            return;
        }
        self.upstream_cron(room);
        self.downstream_cron(room);
        self.disk_cron(room);
        self.cron_runs += 1;
    }

    /// Makes an entry the next one of this master's history.
    pub fn feed(&mut self, entry: &Entry) {
        if !self.is_master() {
            return;
        }
        let is_write = matches!(entry.what, What::Write(_));
        if let Some(written) = self.transaction.as_mut().filter(|_| is_write) {
            written.push(entry.clone());
            return;
        }
        if self.history.backlog.is_none() && self.followers.is_empty() {
            // Offsets are counted all the same where a file tracks them.
            self.history.offset += u64::from(is_write && self.settings.appendonly);
            return;
        }
        if is_write && !std::mem::replace(&mut self.selected, true) {
            self.pass_on(&Entry::select());
        }
        self.pass_on(entry);
    }

    /// Puts an entry into the history and sends it to all who follow.
    pub fn pass_on(&mut self, entry: &Entry) {
        self.history.push(entry, self.settings.backlog_bytes);
        for at in 0..self.followers.len() {
            let follower = &mut self.followers[at];
            if follower.takes_stream() {
                let end = follower.end;
                self.tell(end, Message::Stream(entry.clone()));
            } else {
                follower.keep(entry);
            }
        }
    }

    /// A write changes the data and goes to the file.
    pub fn write(&mut self, write: &Write) {
        write.apply(std::sync::Arc::make_mut(&mut self.data));
        self.saving.changes += 1;
        if self.settings.appendonly && !self.rewriting {
            self.unwritten.push(write.clone());
        }
    }

    /// The append-only file as a server finds or makes it.
    pub fn with_aof<R>(&self, act: impl FnOnce(&mut Aof) -> R) -> R {
        self.volume.with(|disk| act(disk.aof.get_or_insert_default()))
    }
}

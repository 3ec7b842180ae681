//! The master's side of replication: who follows, how far, and what each is sent.

use crate::network::EndId;

use super::answers;
use super::room::{Alarm, Message, Room};
use super::server::Server;
use super::stream::{Data, Entry};
use super::upstream::Upstream;

/// What a replica says of itself.
#[derive(Debug, Clone)]
pub struct Hello {
    pub user: Option<String>,
    pub password: Option<String>,
    pub ip: Option<String>,
    pub port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// A snapshot has to begin.
    WaitStart,
    /// Its snapshot is being written.
    WaitEnd,
    Bulk,
    Online,
}

/// A replica as its master knows it.
#[derive(Debug)]
pub struct Follower {
    pub end: EndId,
    pub ip: String,
    pub port: u16,
    pub stage: Stage,
    pub acked: u64,
    /// When it last acknowledged, in seconds of the day.
    pub acked_at_s: u64,
    /// It is sent the stream once it has acknowledged.
    starts_on_ack: bool,
    pending: Vec<Entry>,
}

/// A snapshot for replicas that is being made.
#[derive(Debug)]
pub struct Making {
    pub data: Data,
    pub offset: u64,
}

impl Follower {
    pub fn takes_stream(&self) -> bool {
        self.stage == Stage::Online && !self.starts_on_ack
    }

    /// Keeps an entry until it takes the stream. What precedes its snapshot is in that.
    pub fn keep(&mut self, entry: &Entry) {
        if self.stage != Stage::WaitStart {
            self.pending.push(entry.clone());
        }
    }
}

impl Server {
    pub fn hear_follower(&mut self, end: EndId, message: Message, room: &mut Room<'_>) {
        match message {
            Message::Hello(hello) => self.greet(end, hello),
            Message::Psync(known) => self.psync(end, known, room),
            Message::Ack(offset) => self.acknowledge(end, offset, room),
            _ => {}
        }
    }

    fn refuse(&mut self, end: EndId, answer: impl Into<String>) {
        self.tell(end, Message::Refused(answer.into()));
    }

    fn greet(&mut self, end: EndId, hello: Hello) {
        if self.loading.is_some() {
            self.refuse(end, answers::LOADING);
            return;
        }
        let Some(session) = self.sessions.get_mut(&end) else { return };
        if let Some(password) = &hello.password {
            let name = hello.user.clone().unwrap_or_else(|| "default".to_owned());
            if !self.users.login(&name, password) {
                self.refuse(end, answers::WRONG_PASS);
                return;
            }
            session.user = Some(name);
        }
        session.hello = Some(hello);
        self.tell(end, Message::Welcome);
    }

    fn psync(
        &mut self,
        end: EndId,
        known: Option<(gungnir::valkey::Id, u64)>,
        room: &mut Room<'_>,
    ) {
        let Some(session) = self.sessions.get(&end) else { return };
        let Some(name) = session.user.clone() else {
            self.refuse(end, answers::NO_AUTH);
            return;
        };
        if !self.users.get(&name).is_some_and(|user| user.may("psync")) {
            self.refuse(end, answers::no_right(&name, "psync"));
            return;
        }
        if self.upstream.as_ref().is_some_and(|upstream| !upstream.is_up()) {
            self.refuse(end, answers::NO_MASTER_LINK);
            return;
        }
        let Some(hello) = session.hello.clone() else { return };
        let peer = room.wire.peer(end).map(|peer| peer.ip().to_string());
        let follower = Follower {
            end,
            ip: hello.ip.or(peer).unwrap_or_default(),
            port: hello.port,
            stage: Stage::WaitStart,
            acked: 0,
            acked_at_s: room.unix_s(),
            starts_on_ack: false,
            pending: Vec::new(),
        };
        self.followers.retain(|follower| follower.end != end);
        self.followers.push(follower);
        let lacks = known.and_then(|(history, from)| self.history.continuation(history, from));
        if let Some(lacks) = lacks {
            self.partial_syncs += 1;
            self.tell(end, Message::Continue { history: self.history.id });
            for entry in lacks {
                self.tell(end, Message::Stream(entry));
            }
            self.set_stage(end, Stage::Online);
            self.count_good_replicas(room);
            return;
        }
        self.full_syncs += 1;
        self.refused_partial_syncs += u64::from(known.is_some());
        if self.followers.len() == 1 && self.history.backlog.is_none() {
            // There is no past that anybody could go on from.
            self.history.id = super::history::new_id(room.chance);
            self.history.forget_earlier();
            self.history.begin_backlog();
        }
        if !self.settings.diskless || self.settings.diskless_delay_s == 0 {
            self.begin_snapshot(room);
        }
    }

    fn set_stage(&mut self, end: EndId, stage: Stage) {
        if let Some(follower) = self.followers.iter_mut().find(|it| it.end == end) {
            follower.stage = stage;
        }
    }

    /// Begins a snapshot for all that wait for one, unless another is being written.
    fn begin_snapshot(&mut self, room: &mut Room<'_>) {
        let waits = self.followers.iter().any(|follower| follower.stage == Stage::WaitStart);
        if !waits || self.saving.making.is_some() || self.saving.is_busy {
            return;
        }
        let (history, offset) = (self.history.id, self.history.offset);
        self.selected = false;
        self.saving.making = Some(Making { data: self.data.clone(), offset });
        let mut told = Vec::new();
        for follower in &mut self.followers {
            if follower.stage == Stage::WaitStart {
                follower.stage = Stage::WaitEnd;
                told.push(follower.end);
            }
        }
        for end in told {
            self.tell(end, Message::Full { history, offset });
        }
        let takes = room.draw(room.pace.snapshot);
        room.alarm(self.id, takes, Alarm::Snapshot);
    }

    pub fn snapshot_written(&mut self, room: &mut Room<'_>) {
        let Some(making) = &self.saving.making else { return };
        if !self.settings.diskless {
            let (data, offset) = (making.data.clone(), making.offset);
            if !self.put_snapshot(data, offset, room) {
                self.saving.making = None;
                let waiting = self.ends_at(Stage::WaitEnd);
                for end in waiting {
                    self.forget_session(end, room);
                }
                return;
            }
        }
        for end in self.ends_at(Stage::WaitEnd) {
            self.set_stage(end, Stage::Bulk);
        }
        let takes = room.draw(room.pace.transfer);
        room.alarm(self.id, takes, Alarm::Sent);
    }

    pub fn snapshot_sent(&mut self, room: &mut Room<'_>) {
        let Some(making) = self.saving.making.take() else { return };
        let now_s = room.unix_s();
        for end in self.ends_at(Stage::Bulk) {
            self.tell(end, Message::Snapshot(making.data.clone()));
            let diskless = self.settings.diskless;
            if let Some(follower) = self.followers.iter_mut().find(|it| it.end == end) {
                follower.stage = Stage::Online;
                follower.acked_at_s = now_s;
                follower.starts_on_ack = diskless;
            }
            if !diskless {
                self.send_pending(end);
            }
        }
        if !self.settings.keeps_sync_files() {
            self.volume.with(|disk| disk.rdb = None);
        }
        self.count_good_replicas(room);
        // Whoever came meanwhile is next.
        self.begin_snapshot(room);
    }

    fn ends_at(&self, stage: Stage) -> Vec<EndId> {
        self.followers.iter().filter(|it| it.stage == stage).map(|it| it.end).collect()
    }

    fn send_pending(&mut self, end: EndId) {
        let Some(follower) = self.followers.iter_mut().find(|it| it.end == end) else { return };
        follower.starts_on_ack = false;
        for entry in std::mem::take(&mut follower.pending) {
            self.tell(end, Message::Stream(entry));
        }
        if self.history.offset == 0 {
            // Nobody stays at the very beginning: Valkey 9 moves on from there at once.
            self.feed(&Entry::ping());
        }
    }

    fn acknowledge(&mut self, end: EndId, offset: u64, room: &mut Room<'_>) {
        let now_s = room.unix_s();
        let Some(follower) = self.followers.iter_mut().find(|it| it.end == end) else { return };
        follower.acked = follower.acked.max(offset);
        follower.acked_at_s = now_s;
        if follower.starts_on_ack {
            self.send_pending(end);
        }
        self.serve_waiting(room);
    }

    /// How many have acknowledged that much.
    pub fn acked_by(&self, offset: u64) -> usize {
        let has = |it: &&Follower| it.stage == Stage::Online && it.acked >= offset;
        self.followers.iter().filter(has).count()
    }

    /// Counts the replicas that are near enough for writes. Between two counts the number stands,
    /// however much time passes.
    pub fn count_good_replicas(&mut self, room: &Room<'_>) {
        let now_s = room.unix_s();
        let lag_s = self.settings.min_replicas_max_lag_s;
        let is_good = |it: &&Follower| {
            it.stage == Stage::Online && now_s.saturating_sub(it.acked_at_s) <= lag_s
        };
        let good = self.followers.iter().filter(is_good).count();
        self.good_replicas = u64::try_from(good).unwrap();
    }

    pub fn lacks_replicas(&self) -> bool {
        self.is_master()
            && self.settings.min_replicas_to_write > 0
            && self.settings.min_replicas_max_lag_s > 0
            && self.good_replicas < self.settings.min_replicas_to_write
    }

    pub fn disconnect_followers(&mut self, room: &mut Room<'_>) {
        for follower in std::mem::take(&mut self.followers) {
            self.forget_session(follower.end, room);
        }
        self.count_good_replicas(room);
    }

    pub fn downstream_cron(&mut self, room: &mut Room<'_>) {
        if self.followers.is_empty() {
            return;
        }
        if self.cron_runs.is_multiple_of(self.settings.ping_period_s.max(1)) {
            self.feed(&Entry::ping());
        }
        let now_s = room.unix_s();
        let is_late = |it: &&Follower| {
            it.stage == Stage::Online
                && now_s.saturating_sub(it.acked_at_s) > self.settings.repl_timeout_s
        };
        let late: Vec<EndId> = self.followers.iter().filter(is_late).map(|it| it.end).collect();
        for end in late {
            self.forget_session(end, room);
        }
        if self.upstream.as_ref().is_none_or(Upstream::is_up) {
            self.begin_snapshot(room);
        }
        self.count_good_replicas(room);
    }
}

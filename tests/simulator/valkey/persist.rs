//! What a server reads from its volume and writes to it, and how it ends.

use std::sync::Arc;
use std::time::Duration;

use gungnir::valkey::Id;

use super::answers;
use super::downstream::{Making, Stage};
use super::room::{Alarm, Exit, Room};
use super::server::Server;
use super::stream::Data;
use super::volume::{Aof, Rdb};

/// Between two attempts to save, when one has failed.
const SAVE_RETRY_S: u64 = 5;
/// How often a server that is to end looks whether its replicas are level.
const ENDING_PERIOD: Duration = Duration::from_millis(100);

/// A data set that is being read.
#[derive(Debug)]
pub enum Loading {
    /// At the start, from the volume.
    Boot { data: Data, history: Option<(Id, u64)> },
    /// From the master.
    Transfer { data: Data, history: Id, offset: u64 },
}

/// Snapshots of a process.
#[derive(Debug)]
pub struct Saving {
    pub changes: u64,
    pub last_s: u64,
    last_try_s: u64,
    pub is_ok: bool,
    pub aof_is_ok: bool,
    /// A snapshot for the disk is being written.
    pub is_busy: bool,
    /// What it will hold, and how many changes that is.
    saved: Option<(Data, u64, u64)>,
    /// A snapshot for replicas is being written or sent.
    pub making: Option<Making>,
}

impl Saving {
    pub fn at(now_s: u64) -> Self {
        Self {
            changes: 0,
            last_s: now_s,
            last_try_s: 0,
            is_ok: true,
            aof_is_ok: true,
            is_busy: false,
            saved: None,
            making: None,
        }
    }
}

impl Server {
    /// Begins to read what the volume has.
    pub fn boot(&mut self, room: &mut Room<'_>) {
        let appendonly = self.settings.appendonly;
        let found = self.volume.with(|disk| {
            if appendonly {
                let data = disk.aof.as_ref().map(Aof::data);
                return data.map(|data| Loading::Boot { data, history: None });
            }
            let rdb = disk.rdb.as_ref()?;
            Some(Loading::Boot { data: rdb.data.clone(), history: rdb.history })
        });
        if appendonly {
            self.with_aof(|_| ());
        }
        if let Some(loading) = found {
            self.load(loading, room);
        }
    }

    pub fn load(&mut self, loading: Loading, room: &mut Room<'_>) {
        self.rewriting |= matches!(loading, Loading::Transfer { .. });
        self.loading = Some(loading);
        let takes = room.draw(room.pace.load);
        room.alarm(self.id, takes, Alarm::Loaded);
    }

    pub fn loaded(&mut self, room: &mut Room<'_>) {
        match self.loading.take() {
            Some(Loading::Boot { data, history }) => {
                self.data = data;
                if let Some((id, offset)) = history {
                    self.restore(id, offset);
                }
            }
            Some(Loading::Transfer { data, history, offset }) => {
                self.keep_transfer(&data, history, offset);
                self.data = data;
                self.unwritten.clear();
                self.attach(history, offset, room);
            }
            None => {}
        }
    }

    /// A snapshot knew where it was taken. A master takes that for its earlier history.
    fn restore(&mut self, id: Id, offset: u64) {
        self.history.offset = offset;
        if self.is_master() {
            self.history.earlier = id;
            self.history.earlier_until = i64::try_from(offset).unwrap() + 1;
        } else {
            self.history.id = id;
            self.can_go_on = true;
        }
    }

    /// The file of a transfer becomes the base of the append-only file, or the snapshot on the disk,
    /// unless it is told to go.
    fn keep_transfer(&mut self, data: &Data, id: Id, offset: u64) {
        self.rewriting = false;
        self.saving.changes = 0;
        if self.settings.appendonly {
            self.volume.with(|disk| disk.aof = Some(Aof::of(data)));
            return;
        }
        let is_kept = self.settings.keeps_sync_files();
        let rdb = is_kept.then(|| Rdb { data: data.clone(), history: Some((id, offset)) });
        self.volume.with(|disk| disk.rdb = rdb);
    }

    pub fn begin_rewrite(&mut self, room: &mut Room<'_>) {
        self.rewriting = true;
        let takes = room.draw(room.pace.rewrite);
        room.alarm(self.id, takes, Alarm::Rewritten);
    }

    pub fn rewritten(&mut self) {
        // A transfer that began meanwhile has its own.
        if self.loading.is_some() || !self.settings.appendonly {
            return;
        }
        let aof = Aof::of(&self.data);
        self.rewriting = !self.volume.with(|disk| {
            if !disk.is_full {
                disk.aof = Some(aof);
            }
            !disk.is_full
        });
    }

    /// What was written goes to the file, before anybody is answered.
    pub fn flush(&mut self) {
        if self.unwritten.is_empty() || self.rewriting {
            return;
        }
        if self.volume.with(|disk| disk.is_full) {
            self.saving.aof_is_ok = false;
            if self.settings.sync_each_write {
                self.exit = Some(Exit::Code(1));
            }
            return;
        }
        self.saving.aof_is_ok = true;
        let writes = std::mem::take(&mut self.unwritten);
        let sync = self.settings.sync_each_write;
        self.with_aof(|aof| {
            for write in writes {
                aof.append(write);
            }
            if sync {
                aof.sync();
            }
        });
    }

    /// Why writes are refused on account of the disk.
    pub fn disk_fault(&self) -> Option<&'static str> {
        let snapshots = !self.settings.save.is_empty() && self.settings.stop_writes_on_save_error;
        if snapshots && !self.saving.is_ok {
            return Some(answers::MISCONF_RDB);
        }
        (self.settings.appendonly && !self.saving.aof_is_ok).then_some(answers::MISCONF_AOF)
    }

    /// Where a snapshot of now stands, when the server can tell.
    fn place(&self) -> Option<(Id, u64)> {
        let knows = if self.is_master() {
            self.history.backlog.is_some()
        } else {
            self.can_go_on || self.upstream.as_ref().is_some_and(super::upstream::Upstream::is_up)
        };
        knows.then_some((self.history.id, self.history.offset))
    }

    /// A snapshot gets onto the disk, or does not.
    pub fn put_snapshot(&mut self, data: Data, offset: u64, room: &Room<'_>) -> bool {
        let history = self.place().map(|(id, _)| (id, offset));
        self.saving.is_ok = self.volume.with(|disk| {
            if !disk.is_full {
                disk.rdb = Some(Rdb { data, history });
            }
            !disk.is_full
        });
        if self.saving.is_ok {
            self.saving.last_s = room.unix_s();
        }
        self.saving.is_ok
    }

    pub fn disk_cron(&mut self, room: &mut Room<'_>) {
        if self.settings.appendonly && self.settings.sync_each_second {
            self.with_aof(Aof::sync);
        }
        let now_s = room.unix_s();
        let saving = &self.saving;
        let since_s = now_s.saturating_sub(saving.last_s);
        let is_due = self.settings.save.iter().any(|(seconds, changes)| {
            saving.changes >= *changes && saving.changes > 0 && since_s > *seconds
        });
        let may_try = saving.is_ok || now_s.saturating_sub(saving.last_try_s) > SAVE_RETRY_S;
        if is_due && may_try && !saving.is_busy && saving.making.is_none() {
            self.save_aside(room);
        }
    }

    /// `BGSAVE`.
    pub fn save_aside(&mut self, room: &mut Room<'_>) {
        self.saving.is_busy = true;
        self.saving.last_try_s = room.unix_s();
        self.saving.saved = Some((self.data.clone(), self.saving.changes, self.history.offset));
        let takes = room.draw(room.pace.snapshot);
        room.alarm(self.id, takes, Alarm::Saved);
    }

    pub fn saved(&mut self, room: &mut Room<'_>) {
        self.saving.is_busy = false;
        if let Some((data, changes, offset)) = self.saving.saved.take()
            && self.put_snapshot(data, offset, room)
        {
            self.saving.changes = self.saving.changes.saturating_sub(changes);
        }
    }

    /// SIGTERM.
    pub fn terminate(&mut self, room: &mut Room<'_>) {
        if self.ending.is_some() {
            return;
        }
        let timeout = Duration::from_secs(self.settings.shutdown_timeout_s);
        if self.loading.is_some() || self.replicas_are_level() || timeout.is_zero() {
            self.end(room);
            return;
        }
        self.ending = Some(room.wire.now() + timeout);
        self.feed(&super::stream::Entry::get_ack());
        room.alarm(self.id, ENDING_PERIOD, Alarm::Ending);
    }

    fn replicas_are_level(&self) -> bool {
        let offset = self.history.offset;
        !self.is_master()
            || self.followers.iter().all(|it| it.stage == Stage::Online && it.acked == offset)
    }

    pub fn look_whether_to_end(&mut self, room: &mut Room<'_>) {
        let Some(until) = self.ending else { return };
        if self.replicas_are_level() || room.wire.now() >= until {
            self.end(room);
        } else {
            room.alarm(self.id, ENDING_PERIOD, Alarm::Ending);
        }
    }

    /// Saves and ends; without the disk it goes on.
    fn end(&mut self, room: &Room<'_>) {
        self.ending = None;
        if self.loading.is_none() && !self.settings.save.is_empty() {
            let (data, offset) = (Arc::clone(&self.data), self.history.offset);
            if !self.put_snapshot(data, offset, room) {
                return;
            }
        }
        if self.settings.appendonly && !self.volume.with(|disk| disk.is_full) {
            self.flush();
            self.with_aof(Aof::sync);
        }
        self.exit = Some(Exit::Code(0));
    }
}

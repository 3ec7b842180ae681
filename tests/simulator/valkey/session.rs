//! A client's connection, as its server has it, and what keeps a client waiting.

use std::time::Duration;

use tokio::time::Instant;

use crate::network::{EndId, Frame};

use super::answers;
use super::downstream::Hello;
use super::resp::{Reply, Words, request};
use super::room::{Alarm, Room};
use super::server::Server;

/// A connection that somebody else made.
#[derive(Debug)]
pub struct Session {
    /// Whom it belongs to, once that is known.
    pub user: Option<String>,
    pub name: String,
    pub input: Vec<u8>,
    /// What waits for `EXEC`.
    pub queue: Option<Queue>,
    pub blocked: Option<Blocked>,
    /// What a replica said of itself.
    pub hello: Option<Hello>,
    /// How far the history was after its last write.
    pub written: u64,
    /// It ends with this turn.
    pub closes: bool,
}

#[derive(Debug, Default)]
pub struct Queue {
    pub commands: Vec<Words>,
    pub has_failed: bool,
}

/// Why a client waits.
#[derive(Debug)]
pub enum Blocked {
    /// Until a pause is over.
    Postponed(Words),
    /// Until so many replicas have so much.
    Waiting { replicas: usize, offset: u64, generation: u64 },
}

/// A pause of clients.
#[derive(Debug, Clone, Copy)]
pub struct Pause {
    pub until: Instant,
    /// Of all commands, not only of writes.
    pub of_all: bool,
}

impl Session {
    pub fn new(user: Option<String>) -> Self {
        Self {
            user,
            name: String::new(),
            input: Vec::new(),
            queue: None,
            blocked: None,
            hello: None,
            written: 0,
            closes: false,
        }
    }

    pub fn is_replica(&self) -> bool {
        self.hello.is_some()
    }
}

impl Server {
    /// Does what a client has asked, until something keeps it waiting.
    pub fn work(&mut self, end: EndId, room: &mut Room<'_>) {
        loop {
            let Some(session) = self.sessions.get_mut(&end) else { return };
            if session.blocked.is_some() || session.closes || self.exit.is_some() {
                return;
            }
            match request(&session.input) {
                Ok(Some((words, used))) => {
                    session.input.drain(..used);
                    if !words.is_empty() {
                        self.obey(end, words, room);
                    }
                }
                Ok(None) => return,
                Err(()) => session.closes = true,
            }
        }
    }

    pub fn answer(&mut self, end: EndId, reply: &Reply) {
        let mut bytes = Vec::new();
        reply.write(&mut bytes);
        self.post(end, Frame::Bytes(bytes));
    }

    pub fn is_paused_for_writes(&self) -> bool {
        self.pause.is_some() || self.ending.is_some()
    }

    pub fn pause(&mut self, limit: Duration, of_all: bool, room: &mut Room<'_>) {
        let until = room.wire.now() + limit;
        let before = self.pause;
        self.pause = Some(Pause {
            until: before.map_or(until, |pause| pause.until.max(until)),
            of_all: of_all || before.is_some_and(|pause| pause.of_all),
        });
        room.alarm(self.id, limit, Alarm::PauseEnd);
    }

    /// The pause may be over.
    pub fn end_pause(&mut self, room: &mut Room<'_>) {
        if self.pause.is_some_and(|pause| pause.until <= room.wire.now()) {
            self.unpause(room);
        }
    }

    pub fn unpause(&mut self, room: &mut Room<'_>) {
        self.pause = None;
        let ends: Vec<EndId> = self.sessions.keys().copied().collect();
        for end in ends {
            let Some(session) = self.sessions.get_mut(&end) else { continue };
            if let Some(Blocked::Postponed(_)) = &session.blocked
                && let Some(Blocked::Postponed(words)) = session.blocked.take()
            {
                self.obey(end, words, room);
                self.work(end, room);
            }
        }
    }

    /// `WAIT`: `None` while there is no answer yet.
    pub fn wait(
        &mut self,
        end: EndId,
        replicas: usize,
        limit: Duration,
        room: &mut Room<'_>,
    ) -> Option<Reply> {
        let session = self.sessions.get(&end)?;
        let (offset, in_transaction) = (session.written, session.queue.is_some());
        let acked = self.acked_by(offset);
        if acked >= replicas || in_transaction {
            return Some(Reply::count(acked));
        }
        self.waits += 1;
        let generation = self.waits;
        if !limit.is_zero() {
            room.alarm(self.id, limit, Alarm::WaitEnd(end, generation));
        }
        self.sessions.get_mut(&end)?.blocked =
            Some(Blocked::Waiting { replicas, offset, generation });
        self.wants_acks = true;
        None
    }

    /// Answers those that have waited for what has been acknowledged.
    pub fn serve_waiting(&mut self, room: &mut Room<'_>) {
        let waiting: Vec<(EndId, usize, u64)> = self
            .sessions
            .iter()
            .filter_map(|(end, session)| match session.blocked {
                Some(Blocked::Waiting { replicas, offset, .. }) => Some((*end, replicas, offset)),
                _ => None,
            })
            .collect();
        for (end, replicas, offset) in waiting {
            let acked = self.acked_by(offset);
            if acked >= replicas {
                self.unblock(end, &Reply::count(acked), room);
            }
        }
    }

    pub fn end_wait(&mut self, end: EndId, generation: u64, room: &mut Room<'_>) {
        let Some(session) = self.sessions.get(&end) else { return };
        if let Some(Blocked::Waiting { offset, generation: own, .. }) = session.blocked
            && own == generation
        {
            let acked = self.acked_by(offset);
            self.unblock(end, &Reply::count(acked), room);
        }
    }

    fn unblock(&mut self, end: EndId, reply: &Reply, room: &mut Room<'_>) {
        if let Some(session) = self.sessions.get_mut(&end) {
            session.blocked = None;
        }
        self.answer(end, reply);
        self.work(end, room);
    }

    /// A master that becomes a replica waits for nobody any more.
    pub fn unblock_waiting(&mut self, _room: &mut Room<'_>) {
        let is_waiting =
            |session: &Session| matches!(session.blocked, Some(Blocked::Waiting { .. }));
        let ends: Vec<EndId> =
            self.sessions.iter().filter(|(_, it)| is_waiting(it)).map(|(end, _)| *end).collect();
        for end in ends {
            self.answer(end, &Reply::error(answers::UNBLOCKED));
            if let Some(session) = self.sessions.get_mut(&end) {
                session.blocked = None;
                session.closes = true;
            }
        }
    }
}

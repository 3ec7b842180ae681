//! One node: asked again and again on a kept connection, told what was decided on the same one.
//!
//! A second connection is always idle. When the process behind it dies its kernel ends it with a
//! FIN; together with two refused dials that is how a death is known before any silence is long
//! enough.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

use crate::sentinel::{self, Ended, EndedBy, Home, Id, NodeId, Trouble};
use crate::valkey::{
    Address, Answer, Closed, Command, Connection, Dial, ErrorReply, Info, Lost, Mode, OpenError,
    ServerConfig,
};

use super::Clock;
use super::aliases::Aliases;
use super::board::Board;
use super::fence::{Fence, Standing, terms};
use super::perform;
use super::report::{Beside, report, trouble};
use super::set::Timing;

/// Between the two dials that have to be refused, in milliseconds: a proof needs both within 50.
const SECOND_DIAL_AFTER: Duration = Duration::from_millis(8);
/// How long a FIN on the idle connection may come after the one on the other.
const IDLE_FIN_LIMIT: Duration = Duration::from_millis(20);
/// A full `INFO` and the configuration are read at least this often.
const FULL_LOOK_PERIOD: Duration = Duration::from_secs(10);
/// The same while pings are quicker than a second.
const QUICK_FULL_LOOK_PERIOD: Duration = Duration::from_secs(1);
/// The first wait after a command that was refused, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// A command for one run of a node.
#[derive(Debug)]
pub(super) struct Order {
    pub run_id: Id,
    pub command: sentinel::Command,
}

/// Watches one node.
pub(super) struct Watcher {
    pub id: NodeId,
    pub dial: Dial,
    pub addresses: Rc<[Address]>,
    pub aliases: Rc<Aliases>,
    pub board: Rc<Board>,
    pub fence: Option<Rc<Fence>>,
    pub orders: mpsc::Receiver<Order>,
    pub may_act: Rc<dyn Fn() -> bool>,
    pub clock: Clock,
    pub timing: Timing,
}

/// A connection that is up, and what was read on it.
struct Session {
    connection: Connection,
    idle: Option<Connection>,
    info: Info,
    config: ServerConfig,
    full_look: Instant,
    /// The term that this connection was taken over into, and how that went.
    term: u64,
    standing: Standing,
    /// After a refused command, when the next one may come, and how long the wait was.
    retry: Option<(Instant, Duration)>,
}

/// Why a session could not begin.
enum NoSession {
    Open(OpenError),
    Lost(Lost),
    /// It answers, but cannot be read.
    Answer(ErrorReply),
    /// It answers, but is no server that replicates.
    Stranger(String),
}

impl Watcher {
    /// Watches for ever.
    pub async fn watch(mut self) {
        let mut wait = self.timing.first_retry;
        let mut said = String::new();
        // Names are looked up once; what a node is known by afterwards is where it was reached.
        loop {
            self.owe_answer();
            match self.open().await {
                Ok(mut session) => {
                    wait = self.timing.first_retry;
                    if !said.is_empty() {
                        info!(node = %self.dial.address, "answers again");
                        said.clear();
                    }
                    let lost = self.serve(&mut session).await;
                    debug!(node = %self.dial.address, %lost, "the connection was lost");
                    self.lose(&mut session, &lost).await;
                }
                Err(failure) => {
                    let text = self.note(failure);
                    if text != said {
                        warn!(node = %self.dial.address, "{text}");
                        said = text;
                    }
                    self.drain();
                    sleep(wait).await;
                    wait = (wait * 2).min(self.timing.ping_interval);
                }
            }
        }
    }

    /// A question has been put, or a connection is not up, which is the same.
    fn owe_answer(&self) {
        let now_ms = self.clock.now_ms();
        self.board.update(self.id, |node| node.asked_ms = node.asked_ms.or(Some(now_ms)));
    }

    /// Commands for a connection that is gone are not kept for the next one.
    fn drain(&mut self) {
        while self.orders.try_recv().is_ok() {}
        self.board.update(self.id, |node| node.busy = false);
    }

    async fn open(&mut self) -> Result<Session, NoSession> {
        let asked_ms = self.clock.now_ms();
        let mut connection = Connection::open(&self.dial).await.map_err(NoSession::Open)?;
        if let Some(peer) = connection.peer() {
            let port = self.dial.address.port();
            self.aliases.learn(self.id, &peer.ip().to_string(), port);
        }
        let commands = [Command::ping(), Command::info_full(), Command::config_get_all()];
        let answers =
            connection.request(&commands, self.timing.request).await.map_err(NoSession::Lost)?;
        let Ok([ping, info, config]) = <[Answer; 3]>::try_from(answers) else {
            return Err(NoSession::Lost(Lost::Abandoned));
        };
        let info = info.map_err(NoSession::Answer)?;
        let info = Info::parse(text(&info)).map_err(|it| NoSession::Stranger(it.to_string()))?;
        if info.mode == Mode::Cluster {
            let why = "it is a node of Valkey Cluster, whose nodes decide themselves who is master";
            return Err(NoSession::Stranger(why.to_owned()));
        }
        let config = config.map_err(NoSession::Answer)?;
        let config =
            ServerConfig::parse(&config).map_err(|it| NoSession::Stranger(it.to_string()))?;
        if let Some(host) = &config.replica_announce_ip {
            let port = config.replica_announce_port.unwrap_or(self.dial.address.port());
            self.aliases.learn(self.id, host, port);
        }
        let known = terms(&mut connection, self.timing).await.map_err(NoSession::Lost)?;
        let highest = known.and_then(|terms| terms.into_iter().max()).unwrap_or(0);
        let session = Session {
            connection,
            idle: None,
            info,
            config,
            full_look: Instant::now(),
            term: 0,
            standing: Standing::Open,
            retry: None,
        };
        let trouble = ping.err().map(|error| trouble(&error));
        let gated = self.gate_seen(&session);
        self.board.update(self.id, |node| {
            node.highest_term = highest;
            node.gated = gated.unwrap_or(node.gated);
        });
        self.board.say(self.id, None);
        self.show(&session, asked_ms, trouble);
        Ok(session)
    }

    /// A run that is new here shows how it started.
    fn gate_seen(&self, session: &Session) -> Option<bool> {
        let run_id = Id(*session.info.run_id.as_bytes());
        let nodes = self.board.nodes.borrow();
        let before = nodes[self.id.index()].last_run?;
        if before == run_id {
            return None;
        }
        let beside = self.beside(session, 0);
        Some(report(&session.info, beside, &self.aliases).is_frozen())
    }

    fn beside(&self, session: &Session, asked_ms: u64) -> Beside {
        let w = session.config.min_replicas_to_write;
        Beside {
            asked_ms,
            home: Home::default(),
            priority: session.config.replica_priority,
            min_replicas_to_write: u8::try_from(w).unwrap_or(u8::MAX),
        }
    }

    /// Shows what was read.
    fn show(&self, session: &Session, asked_ms: u64, trouble: Option<Trouble>) {
        if let Some(place) = self.board.configs.borrow_mut().get_mut(self.id.index())
            && place.as_ref() != Some(&session.config)
        {
            *place = Some(session.config.clone());
        }
        let mut report = report(&session.info, self.beside(session, asked_ms), &self.aliases);
        report.loading |= trouble == Some(Trouble::Loading);
        self.board.update(self.id, |node| {
            node.asked_ms = None;
            node.trouble = trouble;
            node.last_run = Some(report.run_id);
            node.ended = None;
            node.report = Some(report);
        });
    }

    /// Notes why there is no session, and says it in words.
    fn note(&self, failure: NoSession) -> String {
        let (found, text) = match failure {
            NoSession::Open(error) => {
                let found = match &error {
                    OpenError::Reply { reply, .. } if reply.proves_alive() => Some(trouble(reply)),
                    _ => None,
                };
                (found, error.to_string())
            }
            NoSession::Lost(lost) => (None, lost.to_string()),
            NoSession::Answer(reply) => (Some(trouble(&reply)), reply.to_string()),
            NoSession::Stranger(text) => (Some(Trouble::Stranger), text),
        };
        self.board.update(self.id, |node| {
            if let Some(trouble) = found {
                // It lives, whatever it says.
                node.asked_ms = None;
                node.trouble = Some(trouble);
                node.ended = None;
            }
        });
        self.board.say(self.id, Some(text.clone()));
        text
    }

    /// Asks and tells, until the connection is lost.
    async fn serve(&mut self, session: &mut Session) -> Lost {
        let mut next_ping = Instant::now() + self.timing.ping_interval;
        session.idle = Connection::open(&self.dial).await.ok();
        loop {
            let retry_at = session.retry.map(|(at, _)| at);
            tokio::select! {
                biased;
                order = self.orders.recv() => {
                    let Some(order) = order else { return Lost::Abandoned };
                    if let Err(lost) = self.obey(session, order).await {
                        return lost;
                    }
                }
                closed = idle_closed(&mut session.idle) => {
                    session.idle = None;
                    if closed == Closed::Fin && self.is_refused_twice().await {
                        self.prove_end(session);
                        return Lost::Closed;
                    }
                }
                () = sleep_until(retry_at.unwrap_or(next_ping)), if retry_at.is_some() => {
                    session.retry = session.retry.map(|(_, wait)| (Instant::now(), wait));
                    self.board.update(self.id, |node| node.busy = false);
                    // The wait itself is kept, so that the next failure waits longer.
                    session.retry = None;
                }
                () = sleep_until(next_ping) => {
                    next_ping = Instant::now() + self.timing.ping_interval;
                    if let Err(lost) = self.ask(session).await {
                        return lost;
                    }
                    if session.idle.is_none() {
                        session.idle = Connection::open(&self.dial).await.ok();
                    }
                }
            }
        }
    }

    /// One PING with what is worth knowing beside it.
    async fn ask(&mut self, session: &mut Session) -> Result<(), Lost> {
        if let Some(lost) = self.stand(session).await? {
            return Err(lost);
        }
        let asked_ms = self.clock.now_ms();
        self.board.update(self.id, |node| node.asked_ms = node.asked_ms.or(Some(asked_ms)));
        let period = if self.timing.ping_interval < Duration::from_secs(1) {
            QUICK_FULL_LOOK_PERIOD
        } else {
            FULL_LOOK_PERIOD
        };
        let full = session.full_look.elapsed() >= period;
        let commands = if full {
            vec![Command::ping(), Command::info_full(), Command::config_get_all()]
        } else {
            vec![Command::ping(), Command::info_light()]
        };
        let answers = session.connection.request(&commands, self.timing.answer).await?;
        let mut answers = answers.into_iter();
        let ping = answers.next().and_then(Result::err).map(|error| trouble(&error));
        match answers.next() {
            Some(Ok(it)) if full => match Info::parse(text(&it)) {
                Ok(info) => session.info = info,
                Err(error) => return self.misread(&error),
            },
            Some(Ok(it)) => {
                if let Err(error) = session.info.merge_light(text(&it)) {
                    return self.misread(&error);
                }
            }
            Some(Err(error)) => {
                // BUSY: it answers, and says nothing more.
                let found = trouble(&error);
                self.board.update(self.id, |node| {
                    node.asked_ms = None;
                    node.trouble = Some(found);
                });
                return Ok(());
            }
            None => {}
        }
        if full {
            session.full_look = Instant::now();
            if let Some(Ok(value)) = answers.next()
                && let Ok(config) = ServerConfig::parse(&value)
            {
                session.config = config;
            }
        }
        self.show(session, asked_ms, ping);
        Ok(())
    }

    fn misread(&self, error: &dyn std::error::Error) -> Result<(), Lost> {
        warn!(node = %self.dial.address, "{error}");
        self.board.update(self.id, |node| {
            node.asked_ms = None;
            node.trouble = Some(Trouble::Stranger);
        });
        Ok(())
    }

    /// Takes the connection over into the present term, if that has not been done.
    async fn stand(&mut self, session: &mut Session) -> Result<Option<Lost>, Lost> {
        let term = self.board.my_term.get();
        let Some(fence) = self.fence.clone().filter(|_| term > 0 && session.term != term) else {
            return Ok(None);
        };
        session.standing = fence.raise(&mut session.connection, term, self.timing).await?;
        session.term = term;
        match session.standing {
            Standing::Held => {}
            Standing::Superseded(higher) => {
                self.board.update(self.id, |node| node.highest_term = higher);
            }
            Standing::Open => warn!(
                node = %self.dial.address,
                "makes no users for us, so a leader that was replaced is not shut out there"
            ),
        }
        Ok(None)
    }

    /// Does what was decided, if that still holds, and reads a report right after it.
    async fn obey(&mut self, session: &mut Session, order: Order) -> Result<(), Lost> {
        let Order { run_id, command } = order;
        self.stand(session).await?;
        let same_run = *session.info.run_id.as_bytes() == run_id.0;
        let superseded = matches!(session.standing, Standing::Superseded(_));
        if !same_run || superseded || !(self.may_act)() {
            self.board.update(self.id, |node| node.busy = false);
            return Ok(());
        }
        let max_lag_s = u32::try_from(self.board.settings.min_replicas_max_lag_s);
        let min_replicas_now = session.config.min_replicas_to_write;
        let rounds = perform::rounds(
            command,
            &self.addresses,
            max_lag_s.unwrap_or(u32::MAX),
            u8::try_from(min_replicas_now).unwrap_or(u8::MAX),
        );
        let last = rounds.len().saturating_sub(1);
        let asked_ms = self.clock.now_ms();
        self.board.update(self.id, |node| node.asked_ms = node.asked_ms.or(Some(asked_ms)));
        let began = Instant::now();
        for (index, mut round) in rounds.into_iter().enumerate() {
            let own = round.len();
            if index == last {
                round.push(Command::info_full());
            }
            let mut answers =
                session.connection.request(&round, self.timing.answer).await?.into_iter();
            let refused = answers
                .by_ref()
                .take(own)
                .filter_map(Result::err)
                .find(|error| !perform::is_harmless(command, error));
            let info = answers.next();
            if let Some(error) = refused {
                warn!(node = %self.dial.address, ?command, %error, "refused");
                let wait = session.retry.map_or(RETRY.0, |(_, wait)| (wait * 2).min(RETRY.1));
                session.retry = Some((Instant::now() + wait, wait));
                let found = trouble(&error);
                self.board.update(self.id, |node| {
                    node.asked_ms = None;
                    if matches!(found, Trouble::Unkillable | Trouble::Busy | Trouble::Loading) {
                        node.trouble = Some(found);
                    }
                });
                return Ok(());
            }
            match command {
                sentinel::Command::Promote { min_replicas_to_write: w }
                | sentinel::Command::SetMinReplicas(w) => {
                    session.config.min_replicas_to_write = u32::from(w);
                }
                _ => {}
            }
            if let Some(Ok(it)) = info {
                match Info::parse(text(&it)) {
                    Ok(info) => session.info = info,
                    Err(error) => return self.misread(&error),
                }
            }
        }
        debug!(node = %self.dial.address, ?command, took = ?began.elapsed(), "done");
        let until_ms = match command {
            sentinel::Command::Pause { limit_ms } => Some(Some(asked_ms + limit_ms)),
            sentinel::Command::Release | sentinel::Command::Unpause => Some(None),
            _ => None,
        };
        self.board.update(self.id, |node| {
            node.busy = false;
            if let Some(until_ms) = until_ms {
                node.paused_until_ms = until_ms;
            }
        });
        self.show(session, asked_ms, None);
        Ok(())
    }

    /// The connection is gone: perhaps the process is, too.
    async fn lose(&mut self, session: &mut Session, lost: &Lost) {
        self.owe_answer();
        let fin = *lost == Lost::Closed;
        self.drain();
        self.board.update(self.id, |node| {
            node.report = None;
            node.trouble = None;
        });
        if fin && session.idle.is_some() {
            let idle = timeout(IDLE_FIN_LIMIT, idle_closed(&mut session.idle)).await;
            if idle == Ok(Closed::Fin) && self.is_refused_twice().await {
                self.prove_end(session);
            }
        }
    }

    fn prove_end(&self, session: &Session) {
        let run_id = Id(*session.info.run_id.as_bytes());
        let at_ms = self.clock.now_ms();
        let by = EndedBy::FinThenRefused;
        self.board.update(self.id, |node| {
            node.report = None;
            node.asked_ms = node.asked_ms.or(Some(at_ms));
            node.ended = Some(Ended { run_id, by, at_ms });
        });
    }

    async fn is_refused_twice(&self) -> bool {
        let refused =
            async || matches!(Connection::open(&self.dial).await, Err(OpenError::Refused { .. }));
        if !refused().await {
            return false;
        }
        sleep(SECOND_DIAL_AFTER).await;
        refused().await
    }
}

/// The text of an `INFO`; what is none reads as an empty one, which lacks everything.
fn text(value: &redis::Value) -> &[u8] {
    crate::valkey::bytes("INFO", value).unwrap_or_default()
}

/// When an idle connection ends; never, where there is none.
async fn idle_closed(idle: &mut Option<Connection>) -> Closed {
    match idle {
        Some(connection) => connection.closed().await,
        None => std::future::pending().await,
    }
}

//! What a watcher asks its node, and how the answers get on the board.

use std::rc::Rc;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::sentinel::Trouble;
use crate::valkey::{
    Answer, Command, Connection, ErrorReply, Info, Lost, Mode, OpenError, ServerConfig, info_bytes,
};

use super::fence::{Fence, Standing, terms};
use super::report::{report, trouble};
use super::session::Session;
use super::shut_out;
use super::target::ProcessTarget;
use super::watcher::Watcher;

/// A full `INFO` and the configuration are read at least this often.
const FULL_LOOK_PERIOD: Duration = Duration::from_secs(10);
/// The same while pings are quicker than a second.
const QUICK_FULL_LOOK_PERIOD: Duration = Duration::from_secs(1);

/// What is asked at each tick; made once, not thousands of times a second.
static LIGHT: LazyLock<[Command; 2]> = LazyLock::new(|| [Command::ping(), Command::info_light()]);
/// A full look: all that there is to know, the configuration last.
static FULL: LazyLock<[Command; 3]> =
    LazyLock::new(|| [Command::ping(), Command::info_full(), Command::config_get_all()]);

/// Why a session could not begin.
pub(super) enum NoSession {
    Open(OpenError),
    Lost(Lost),
    /// It answers, but cannot be read.
    Answer(ErrorReply),
    /// It answers, but is no server that replicates.
    Stranger(String),
}

impl NoSession {
    /// Whether the time for an answer is over.
    pub fn is_silence(&self) -> bool {
        matches!(self, Self::Open(OpenError::TimedOut { .. }) | Self::Lost(Lost::TimedOut))
    }
}

impl Watcher {
    /// A connection; when the password is refused, with the one that is in its file by now.
    pub(super) async fn connect(&self, target: &ProcessTarget) -> Result<Connection, OpenError> {
        let mut dial = target.dial.clone();
        if let Some(found) = &*self.found.borrow() {
            dial.credentials = Some(found.clone());
        }
        let opened = Connection::open(&dial).await;
        let Some(file) = &target.password_file else { return opened };
        match &opened {
            Err(OpenError::Reply { reply: ErrorReply::WrongPass | ErrorReply::NoAuth, .. }) => {}
            _ => return opened,
        }
        let found = file.read().await;
        if found.is_none() || found == dial.credentials {
            return opened;
        }
        info!(node = %dial.address, "the password file has another password by now");
        self.found.borrow_mut().clone_from(&found);
        dial.credentials = found;
        Connection::open(&dial).await
    }

    pub(super) async fn open(&self, target: &Rc<ProcessTarget>) -> Result<Box<Session>, NoSession> {
        let asked_ms = self.clock.now_ms();
        let mut connection = self.connect(target).await.map_err(NoSession::Open)?;
        let port = target.dial.address.port();
        if let Some(peer) = connection.peer() {
            self.aliases.learn(self.id, &peer.ip().to_string(), port);
        }
        let answers =
            connection.request(&*FULL, self.timing.request).await.map_err(NoSession::Lost)?;
        let Ok([ping, info, config]) = <[Answer; 3]>::try_from(answers) else {
            return Err(NoSession::Lost(Lost::Abandoned));
        };
        let info = info.map_err(NoSession::Answer)?;
        let info =
            Info::parse(info_bytes(&info)).map_err(|it| NoSession::Stranger(it.to_string()))?;
        if info.mode == Mode::Cluster {
            let why = "it is a node of Valkey Cluster, whose nodes decide themselves who is master";
            return Err(NoSession::Stranger(why.to_owned()));
        }
        let mut session = Box::new(Session::new(Rc::clone(target), connection, info));
        match config {
            Ok(value) => {
                let config = ServerConfig::parse(&value);
                let config = config.map_err(|it| NoSession::Stranger(it.to_string()))?;
                if let Some(host) = &config.replica_announce_ip {
                    let port = config.replica_announce_port.unwrap_or(port);
                    self.aliases.learn(self.id, host, port);
                }
                session.config = Some(config);
            }
            // The user that only looks is not let see it; the user of the term is.
            Err(ErrorReply::NoPerm { .. }) if self.shuts_out() => {}
            Err(error) => return Err(NoSession::Answer(error)),
        }
        let known = terms(&mut session.connection, self.timing).await.map_err(NoSession::Lost)?;
        let highest = known.and_then(|terms| terms.into_iter().max()).unwrap_or(0);
        self.stand(&mut session).await.map_err(NoSession::Lost)?;
        let trouble = ping.err().map(|error| trouble(&error));
        let gated = self.gate_seen(&session);
        self.board.update(self.id, |node| {
            node.highest_term = node.highest_term.max(highest);
            node.gated = gated.unwrap_or(node.gated);
        });
        self.board.say(self.id, None);
        self.show(&session, asked_ms, trouble);
        Ok(session)
    }

    /// Whether replicas have users of their own, as they have where the operator's user only looks.
    pub(super) fn shuts_out(&self) -> bool {
        self.board.settings.borrow().shuts_out
    }

    /// A run that is new here shows how it started.
    fn gate_seen(&self, session: &Session) -> Option<bool> {
        let nodes = self.board.nodes.borrow();
        let before = nodes.get(self.id.index())?.last_run?;
        if before == session.run_id() {
            return None;
        }
        Some(report(&session.info, session.beside(0), &self.aliases).is_frozen())
    }

    /// Shows what was read.
    pub(super) fn show(&self, session: &Session, asked_ms: u64, trouble: Option<Trouble>) {
        if let Some(place) = self.board.configs.borrow_mut().get_mut(self.id.index())
            && *place != session.config
        {
            place.clone_from(&session.config);
        }
        let mut report = report(&session.info, session.beside(asked_ms), &self.aliases);
        report.loading |= trouble == Some(Trouble::Loading);
        let targets = self.targets.borrow();
        if targets.nodes.get(self.id.index()).is_some_and(|node| node.never_leads) {
            report.priority = 0;
        }
        drop(targets);
        self.board.update(self.id, |node| {
            node.asked_ms = None;
            node.trouble = trouble;
            node.last_run = Some(report.run_id);
            // That another run has ended goes on to be true.
            node.ended = node.ended.filter(|ended| ended.run_id != report.run_id);
            node.report = Some(report);
        });
    }

    /// Notes why there is no session, and says it in words.
    pub(super) fn note(&self, failure: NoSession) -> String {
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

    /// One PING with what is worth knowing beside it.
    pub(super) async fn ask(&mut self, session: &mut Session) -> Result<(), Lost> {
        self.stand(session).await?;
        let asked_ms = self.clock.now_ms();
        // That a question was put decides nothing: what counts is silence, and who decides looks
        // again before one that is long enough.
        self.board.update_quietly(self.id, |node| node.asked_ms = node.asked_ms.or(Some(asked_ms)));
        let period = if self.timing.ping_interval < Duration::from_secs(1) {
            QUICK_FULL_LOOK_PERIOD
        } else {
            FULL_LOOK_PERIOD
        };
        let full = session.full_look.elapsed() >= period;
        let commands = match (full, &session.config) {
            (true, Some(_)) => &FULL[..],
            (true, None) => &FULL[..2],
            (false, _) => &LIGHT[..],
        };
        let answers = session.connection.request(commands, self.timing.answer).await?;
        let mut answers = answers.into_iter();
        let ping = answers.next().and_then(Result::err).map(|error| trouble(&error));
        match answers.next() {
            Some(Ok(it)) if full => match Info::parse(info_bytes(&it)) {
                Ok(info) => session.info = info,
                Err(error) => {
                    self.misread(session, &error);
                    return Ok(());
                }
            },
            Some(Ok(it)) => {
                if let Err(error) = session.info.merge_light(info_bytes(&it)) {
                    self.misread(session, &error);
                    return Ok(());
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
                session.config = Some(config);
            }
            Box::pin(self.read_shut_out(session)).await?;
        }
        self.show(session, asked_ms, ping);
        if full {
            Box::pin(self.keep_settings(session)).await?;
        }
        Ok(())
    }

    pub(super) fn misread(&self, session: &Session, error: &dyn std::error::Error) {
        warn!(node = %session.target.dial.address, "{error}");
        self.board.update(self.id, |node| {
            node.asked_ms = None;
            node.trouble = Some(Trouble::Stranger);
        });
    }

    /// Takes the connection over into the present term, if that has not been done.
    pub(super) async fn stand(&self, session: &mut Session) -> Result<(), Lost> {
        let term = self.board.my_term();
        match &self.fence {
            Some(fence) if term > 0 && session.term != term => {
                Box::pin(self.take_over(session, fence, term)).await
            }
            _ => Ok(()),
        }
    }

    async fn take_over(&self, session: &mut Session, fence: &Fence, term: u64) -> Result<(), Lost> {
        session.standing = fence.raise(&mut session.connection, term, self.timing).await?;
        session.term = term;
        match session.standing {
            Standing::Held => {
                let commands = [Command::config_get_all()];
                let answers = session.connection.request(&commands, self.timing.request).await?;
                if let Some(Ok(value)) = answers.first()
                    && let Ok(config) = ServerConfig::parse(value)
                {
                    session.config = Some(config);
                }
                self.read_shut_out(session).await?;
            }
            Standing::Superseded(higher) => {
                self.board.update(self.id, |node| node.highest_term = higher);
            }
            Standing::Open => warn!(
                node = %session.target.dial.address,
                "makes no users for us, so a leader that was replaced is not shut out there"
            ),
        }
        Ok(())
    }

    /// Reads on a master whose replication users are off.
    pub(super) async fn read_shut_out(&self, session: &mut Session) -> Result<(), Lost> {
        let record = self.board.record.borrow().clone();
        let master = record.and_then(|record| record.master);
        let Some(master) = master
            .filter(|it| it.node == self.id && it.run_id == session.run_id() && self.shuts_out())
        else {
            return Ok(());
        };
        let nodes = self.board.nodes.borrow().len();
        let answers =
            session.connection.request(&shut_out::questions(nodes), self.timing.answer).await?;
        *self.board.shut_out.borrow_mut() = Some((master, shut_out::read(&answers)));
        Ok(())
    }
}

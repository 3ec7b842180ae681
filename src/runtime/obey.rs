//! What was decided is done, on the connection on which the process reported.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{debug, warn};

use crate::sentinel::{self, NodeId, Trouble};
use crate::valkey::{Address, Command, ErrorReply, Info, Lost, info_bytes};

use super::fence::Standing;
use super::perform::{self, Around};
use super::report::trouble;
use super::session::Session;
use super::watcher::{Order, Watcher};

/// The first wait after a command that was refused, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

impl Watcher {
    /// Does what was decided, if that still holds, and reads a report right after it.
    pub(super) async fn obey(&mut self, session: &mut Session, order: Order) -> Result<(), Lost> {
        let Order { run_id, command } = order;
        self.stand(session).await?;
        let same_run = session.run_id() == run_id;
        let superseded = matches!(session.standing, Standing::Superseded(_));
        if !same_run || superseded || !(self.may_act)() {
            self.board.update(self.id, |node| node.busy = false);
            return Ok(());
        }
        let max_lag_s = u32::try_from(self.board.settings.borrow().min_replicas_max_lag_s);
        let around = Around {
            address: &|node| self.address_of(node),
            max_lag_s: max_lag_s.unwrap_or(u32::MAX),
            min_replicas_now: session.min_replicas_to_write(),
            shuts_out: self.shuts_out(),
        };
        let Some(rounds) = perform::rounds(command, &around) else {
            // Whom it is about has moved; the rules will see that.
            Self::retry_later(session);
            return Ok(());
        };
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
            if let Some(error) = refused {
                self.refused(session, command, &error);
                return Ok(());
            }
            if let sentinel::Command::Promote { min_replicas_to_write: w }
            | sentinel::Command::SetMinReplicas(w) = command
                && let Some(config) = &mut session.config
            {
                config.min_replicas_to_write = u32::from(w);
            }
            if let Some(Ok(it)) = answers.next() {
                match Info::parse(info_bytes(&it)) {
                    Ok(info) => session.info = info,
                    Err(error) => {
                        self.misread(session, &error);
                        return Ok(());
                    }
                }
            }
        }
        session.refused = None;
        debug!(node = %session.target.dial.address, ?command, took = ?began.elapsed(), "done");
        if matches!(command, sentinel::Command::ShutOut(_) | sentinel::Command::LetIn(_)) {
            self.read_shut_out(session).await?;
        }
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

    fn refused(&self, session: &mut Session, command: sentinel::Command, error: &ErrorReply) {
        if session.refused.as_ref() != Some(error) {
            let node = &session.target.dial.address;
            warn!(%node, ?command, %error, "refused; it is repeated");
        }
        session.refused = Some(error.clone());
        Self::retry_later(session);
        let found = trouble(error);
        self.board.update(self.id, |node| {
            node.asked_ms = None;
            if matches!(found, Trouble::Unkillable | Trouble::Busy | Trouble::Loading) {
                node.trouble = Some(found);
            }
        });
    }

    /// The node counts as busy until then.
    fn retry_later(session: &mut Session) {
        let wait = session.retry.map_or(RETRY.0, |(_, wait)| (wait * 2).min(RETRY.1));
        session.retry = Some((Instant::now() + wait, wait));
    }

    /// Where a node is that others are to follow: where it reported from, if it is still there.
    fn address_of(&self, node: NodeId) -> Option<Address> {
        let targets = self.targets.borrow();
        let process = targets.process(node.index())?;
        let nodes = self.board.nodes.borrow();
        let home = nodes.get(node.index())?.report.as_ref()?.home;
        (home == process.home).then(|| process.address.clone())
    }
}

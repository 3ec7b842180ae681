//! Clients that stay with the old master. A handover ends their connections, and so does a death; but
//! until the way of clients has been moved everywhere (a Service's move reaches kube-proxy a moment
//! later) who connects again is led to the same node once more. There he finds a replica by then, and
//! many a client library takes `READONLY` for an answer and stays.
//!
//! So whoever is connected when that moment is over is sent away once. What never happens here: a
//! client of a master is sent away.

use std::time::Duration;

use tokio::time::Instant;
use tracing::debug;

use crate::valkey::{Command, Lost, Role};

use super::fence::Standing;
use super::session::Session;
use super::watcher::Watcher;

/// The clients of one node.
#[derive(Debug, Default)]
pub(super) struct Stragglers {
    /// Clients were led here when it was looked at last.
    led_here: bool,
    /// When those who are still here are sent away.
    pub due: Option<Instant>,
}

impl Stragglers {
    /// Takes in where clients are led now.
    fn look(&mut self, led_here: bool, now: Instant, lag: Duration) {
        if led_here {
            self.due = None;
        } else if self.led_here {
            self.due = Some(now + lag);
        }
        self.led_here = led_here;
    }
}

impl Watcher {
    /// Looks where clients are led.
    pub(super) fn look_for_stragglers(&mut self) {
        if let (Some(lag), Some(pointer)) = (self.pointer_lag, self.board.pointer.get()) {
            self.stragglers.look(pointer.node == self.id, Instant::now(), lag);
        }
    }

    /// It is time to send them away, once the node is a replica.
    pub(super) async fn send_stragglers_away(&mut self, session: &mut Session) -> Result<(), Lost> {
        let Some(lag) = self.pointer_lag else { return Ok(()) };
        if session.info.replication.role == Role::Master || !(self.may_act)() {
            self.stragglers.due = Some(Instant::now() + lag);
            return Ok(());
        }
        self.stragglers.due = None;
        self.stand(session).await?;
        if matches!(session.standing, Standing::Superseded(_)) {
            return Ok(());
        }
        let send_away = [Command::client_kill_normal(), Command::client_kill_pubsub()];
        session.connection.request(&send_away, self.timing.answer).await?;
        debug!(node = %session.target.dial.address, "clients that stayed were sent away");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_sent_away_once_after_each_move_from_here() {
        let (now, lag) = (Instant::now(), Duration::from_secs(1));
        let mut stragglers = Stragglers::default();
        // Clients were never led here.
        stragglers.look(false, now, lag);
        assert_eq!(stragglers.due, None);
        stragglers.look(true, now, lag);
        stragglers.look(false, now, lag);
        assert_eq!(stragglers.due, Some(now + lag));
        stragglers.look(false, now + lag / 2, lag);
        assert_eq!(stragglers.due, Some(now + lag), "a second look puts nothing off");
        // They are led here again before that.
        stragglers.look(true, now + lag / 2, lag);
        assert_eq!(stragglers.due, None);
    }
}

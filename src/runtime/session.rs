//! A connection to one process, and what was read on it.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

use super::fence::Standing;
use super::live_settings::Kept;
use super::report::Beside;
use super::target::ProcessTarget;
use crate::sentinel::{Id, Millis};
use crate::valkey::{Connection, ErrorReply, Info, ServerConfig};

/// A connection that is up. It belongs to one run of one process; whatever takes that one's place
/// gets another session.
pub(super) struct Session {
    /// Whose it is.
    pub target: Rc<ProcessTarget>,
    pub connection: Connection,
    /// A second connection that is always idle.
    pub idle: Option<Connection>,
    pub info: Info,
    /// `None` while we are not let read it.
    pub config: Option<ServerConfig>,
    pub full_look: Instant,
    /// The term that this connection was taken over into, and how that went.
    pub term: u64,
    pub standing: Standing,
    /// How the last command was refused.
    pub refused: Option<ErrorReply>,
    /// After a refused command, when the next one may come, and how long the wait was.
    pub retry: Option<(Instant, Duration)>,
    /// Since when the node is said to be somewhere else, or nowhere.
    pub moved: Option<Instant>,
    /// What this run was set to.
    pub kept: Option<Kept>,
}

impl Session {
    pub fn new(target: Rc<ProcessTarget>, connection: Connection, info: Info) -> Self {
        Self {
            target,
            connection,
            idle: None,
            info,
            config: None,
            full_look: Instant::now(),
            term: 0,
            standing: Standing::Open,
            refused: None,
            retry: None,
            moved: None,
            kept: None,
        }
    }

    pub fn run_id(&self) -> Id {
        Id(*self.info.run_id.as_bytes())
    }

    /// `min-replicas-to-write` in force, if that is known.
    pub fn min_replicas_to_write(&self) -> Option<u8> {
        let config = self.config.as_ref();
        config.map(|it| u8::try_from(it.min_replicas_to_write).unwrap_or(u8::MAX))
    }

    /// What is known beside its `INFO`.
    pub fn beside(&self, asked_ms: Millis) -> Beside {
        Beside {
            asked_ms,
            home: self.target.home,
            priority: self.config.as_ref().map_or(100, |config| config.replica_priority),
            min_replicas_to_write: self.min_replicas_to_write().unwrap_or(0),
        }
    }
}

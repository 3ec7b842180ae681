//! What a decided command is in words that a server understands.

use crate::sentinel::{self, NodeId};
use crate::valkey::{Address, Command, ErrorReply};

use super::shut_out;

/// What a command needs to know beside itself.
pub(super) struct Around<'a> {
    /// Where a node is that others may follow; `None` when that is not known for certain.
    pub address: &'a dyn Fn(NodeId) -> Option<Address>,
    /// How old an acknowledgement may be, in seconds.
    pub max_lag_s: u32,
    /// `min-replicas-to-write` as it is on this server; `None` when that is not known.
    pub min_replicas_now: Option<u8>,
    /// Whether each node replicates as a user of its own.
    pub shuts_out: bool,
}

/// The requests of one command, in rounds: a round is sent when each answer of the one before was
/// good, so that a master never leads with a setting that it refused. `None` when it cannot be
/// sent now.
pub(super) fn rounds(command: sentinel::Command, around: &Around<'_>) -> Option<Vec<Vec<Command>>> {
    let min_replicas = |w: u8| Command::config_set_min_replicas(u32::from(w), around.max_lag_s);
    Some(match command {
        sentinel::Command::Freeze => vec![vec![Command::replicaof_nowhere()]],
        sentinel::Command::Promote { min_replicas_to_write: w }
            if Some(w) == around.min_replicas_now =>
        {
            vec![vec![Command::replicaof_no_one()]]
        }
        sentinel::Command::Promote { min_replicas_to_write: w } => {
            vec![vec![min_replicas(w)], vec![Command::replicaof_no_one()]]
        }
        sentinel::Command::Follow(node) => {
            let address = (around.address)(node)?;
            vec![vec![Command::replicaof(address.host(), address.port())]]
        }
        sentinel::Command::Pause { limit_ms } => vec![vec![Command::client_pause_write(limit_ms)]],
        sentinel::Command::Release => vec![vec![
            Command::client_kill_normal(),
            Command::client_kill_pubsub(),
            Command::client_unpause(),
        ]],
        sentinel::Command::Unpause => vec![vec![Command::client_unpause()]],
        // A function is another kind of script, and each command knows only its own kind.
        sentinel::Command::ScriptKill => {
            vec![vec![Command::script_kill(), Command::function_kill()]]
        }
        sentinel::Command::SetMinReplicas(w) => vec![vec![min_replicas(w)]],
        sentinel::Command::ShutOut(node) if around.shuts_out => vec![shut_out::off(node)],
        sentinel::Command::LetIn(node) if around.shuts_out => vec![shut_out::on(node)],
        // A report follows every command; without a replication user for each node there is
        // nothing to turn off.
        sentinel::Command::Look | sentinel::Command::ShutOut(_) | sentinel::Command::LetIn(_) => {
            vec![Vec::new()]
        }
    })
}

/// Whether an error still leaves the command done.
pub(super) fn is_harmless(command: sentinel::Command, error: &ErrorReply) -> bool {
    matches!(
        (command, error),
        (sentinel::Command::ScriptKill, ErrorReply::NotBusy | ErrorReply::UnknownCommand { .. })
    )
}

//! What a decided command is in words that a server understands.

use crate::sentinel::{self, NodeId};
use crate::valkey::{Address, Command, ErrorReply};

/// The requests of one command, in rounds: a round is sent when each answer of the one before was
/// good, so that a master never leads with a setting that it refused.
pub(super) fn rounds(
    command: sentinel::Command,
    addresses: &[Address],
    max_lag_s: u32,
    min_replicas_now: u8,
) -> Vec<Vec<Command>> {
    let address = |node: NodeId| addresses.get(node.index());
    match command {
        sentinel::Command::Freeze => vec![vec![Command::replicaof_nowhere()]],
        sentinel::Command::Promote { min_replicas_to_write: w } if w == min_replicas_now => {
            vec![vec![Command::replicaof_no_one()]]
        }
        sentinel::Command::Promote { min_replicas_to_write: w } => vec![
            vec![Command::config_set_min_replicas(u32::from(w), max_lag_s)],
            vec![Command::replicaof_no_one()],
        ],
        sentinel::Command::Follow(node) => address(node)
            .map(|it| vec![vec![Command::replicaof(it.host(), it.port())]])
            .unwrap_or_default(),
        sentinel::Command::Pause { limit_ms } => vec![vec![Command::client_pause_write(limit_ms)]],
        sentinel::Command::Release => vec![vec![
            Command::client_kill_normal(),
            Command::client_kill_pubsub(),
            Command::client_unpause(),
        ]],
        sentinel::Command::Unpause => vec![vec![Command::client_unpause()]],
        sentinel::Command::Look => vec![Vec::new()],
        // A function is another kind of script, and each command knows only its own kind.
        sentinel::Command::ScriptKill => {
            vec![vec![Command::script_kill(), Command::function_kill()]]
        }
        sentinel::Command::SetMinReplicas(w) => {
            vec![vec![Command::config_set_min_replicas(u32::from(w), max_lag_s)]]
        }
        // Without a replication user for each node there is nothing to turn off.
        sentinel::Command::ShutOut(_) | sentinel::Command::LetIn(_) => Vec::new(),
    }
}

/// Whether an error still leaves the command done.
pub(super) fn is_harmless(command: sentinel::Command, error: &ErrorReply) -> bool {
    matches!(
        (command, error),
        (sentinel::Command::ScriptKill, ErrorReply::NotBusy | ErrorReply::UnknownCommand { .. })
    )
}

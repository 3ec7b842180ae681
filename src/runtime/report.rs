//! From what a server says to what the rules look at.

use crate::sentinel::{Follower, Home, Id, Link, Millis, Report, Role, Trouble};
use crate::valkey::{self, ErrorReply, Info};

use super::Aliases;

/// What is known of a process beside its `INFO`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beside {
    /// When the question was put.
    pub asked_ms: Millis,
    /// Where the process runs.
    pub home: Home,
    /// Its own `replica-priority`, which only a replica tells in `INFO`.
    pub priority: u32,
    /// `min-replicas-to-write` in force.
    pub min_replicas_to_write: u8,
}

/// The report of a process.
pub(super) fn report(info: &Info, beside: Beside, aliases: &Aliases) -> Report {
    let replication = &info.replication;
    let (role, priority) = match &replication.role {
        valkey::Role::Master => (Role::Master, beside.priority),
        valkey::Role::Replica(replica) => {
            let (up, down_since_s) = match replica.link {
                valkey::Link::Up => (true, None),
                valkey::Link::Down { for_s } => (false, for_s),
            };
            let link = Link {
                upstream: aliases.upstream(&replica.host, replica.port),
                up,
                down_since_s,
                last_io_s: replica.last_io_s,
                second_ms: replica.second_ms,
                syncing: replica.sync_in_progress,
            };
            (Role::Replica(link), replica.priority)
        }
    };
    let follower = |it: &valkey::Follower| {
        let node = aliases.node(&it.host, it.port)?;
        Some(Follower { node, online: it.online, offset: it.offset })
    };
    let second = replication.second_repl_offset.and_then(|first| first.checked_sub(1));
    Report {
        asked_ms: beside.asked_ms,
        run_id: id(info.run_id),
        home: beside.home,
        role,
        loading: info.loading || info.async_loading,
        priority,
        history: id(replication.master_replid),
        previous_history: replication.master_replid2.map(id).zip(second),
        offset: replication.master_repl_offset,
        keys: info.keys,
        min_replicas_to_write: beside.min_replicas_to_write,
        followers: replication.followers.iter().filter_map(follower).collect(),
    }
}

/// The same forty digits in the rules' own type.
fn id(id: valkey::Id) -> Id {
    Id(*id.as_bytes())
}

/// What an answer that is an error says of the process that gave it.
pub(super) fn trouble(reply: &ErrorReply) -> Trouble {
    match reply {
        ErrorReply::Loading => Trouble::Loading,
        ErrorReply::Busy => Trouble::Busy,
        ErrorReply::Unkillable => Trouble::Unkillable,
        ErrorReply::Misconf => Trouble::Misconf,
        ErrorReply::MasterDown | ErrorReply::NoMasterLink => Trouble::MasterDown,
        ErrorReply::MaxClients => Trouble::MaxClients,
        ErrorReply::NoAuth
        | ErrorReply::WrongPass
        | ErrorReply::NoPasswordSet
        | ErrorReply::NoPerm { .. }
        | ErrorReply::Denied
        | ErrorReply::NoSuchUser => Trouble::Refused,
        ErrorReply::NotBusy
        | ErrorReply::ReadOnly
        | ErrorReply::NoReplicas
        | ErrorReply::ExecAbort
        | ErrorReply::NoScript
        | ErrorReply::UnknownCommand { .. }
        | ErrorReply::Other { .. } => Trouble::Stranger,
    }
}

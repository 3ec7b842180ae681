//! What is to be done, as data. Whoever performs it checks the lease and the term once more at the
//! socket.

use super::{Hold, Id, Millis, NodeId, Record};

/// One thing to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Action {
    /// Write the record, if it is still the version that was observed.
    Write(Record),
    /// Send a command, only on the connection on which this run reported: between the look and
    /// the command nobody else can have taken its place.
    Send {
        /// To whom.
        node: NodeId,
        /// In which run.
        run_id: Id,
        /// What.
        command: Command,
    },
    /// Send clients to a node, if the Service is still as observed.
    PointService {
        /// The node.
        node: NodeId,
        /// The epoch to write beside it.
        epoch: u64,
    },
    /// Answer a request.
    Answer {
        /// Which.
        request: u64,
        /// Done, or why not.
        outcome: Result<(), Hold>,
    },
    /// Tell people.
    Tell(Event),
    /// Call again then, even if nothing has happened.
    WakeAt(Millis),
}

/// A command to a node. Each is answered together with a new report, read right after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Command {
    /// `REPLICAOF` nowhere: it stops following and taking writes, and keeps data and offset.
    Freeze,
    /// Set `min-replicas-to-write`, then `REPLICAOF NO ONE`.
    Promote {
        /// The value to set before.
        min_replicas_to_write: u8,
    },
    /// `REPLICAOF` that node.
    Follow(NodeId),
    /// Hold the writes of clients for at most this long, in milliseconds.
    Pause {
        /// How long.
        limit_ms: Millis,
    },
    /// Let held clients go on, on new connections: those that there are get closed.
    Release,
    /// Let held clients go on where they are.
    Unpause,
    /// Read a report now.
    Look,
    /// Stop the script that blocks it.
    ScriptKill,
    /// Set `min-replicas-to-write`.
    SetMinReplicas(u8),
    /// Turn off the replication user of a node and close its link.
    ShutOut(NodeId),
    /// Turn the replication user of a node on again.
    LetIn(NodeId),
}

/// What people are told. The names are Valkey Sentinel's where it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// `+sdown`: no answer for the time that was set.
    Down(NodeId),
    /// `-sdown`: it answers again.
    Up(NodeId),
    /// `+tilt`: this process itself stood still, so all clocks begin anew.
    Stalled {
        /// For how long, in milliseconds.
        for_ms: Millis,
    },
    /// A master that is not the recorded one is about to lose what it alone holds.
    DivergedWritesDiscarded {
        /// The node.
        node: NodeId,
        /// Its offset.
        offset: u64,
    },
    /// The election could not be sure of every acknowledged write.
    DataLossPossible(NodeId),
}

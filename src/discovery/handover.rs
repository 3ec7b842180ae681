//! The wish for a planned handover: `SENTINEL FAILOVER`.

use tokio::sync::oneshot;

use super::directory::SetName;

/// A client asks that another server becomes the master of a set whose master lives.
#[derive(Debug)]
pub struct HandoverRequest {
    /// The set's name; it is one of the directory's.
    pub set: SetName,
    /// Where the answer goes: once it is decided, not once it is done.
    pub reply: oneshot::Sender<HandoverReply>,
}

/// What became of the wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandoverReply {
    /// It has begun.
    Accepted,
    /// A failover or a handover is under way.
    InProgress,
    /// No replica can become the master.
    NoGoodReplica,
    /// Something else is in the way, in a sentence without a full stop.
    Refused(String),
}

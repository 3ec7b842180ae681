//! One client, as far as the protocol goes: no socket, no clock.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};
use tokio::sync::{broadcast, oneshot};

use super::command;
use super::feed::Message;
use super::handover::HandoverReply;
use super::pubsub::Subscriptions;
use super::reply::{self, Protocol, Reply};
use super::shared::Shared;

/// Which replies a client wants: `CLIENT REPLY`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Wanted {
    #[default]
    All,
    /// Not the one to this request, nor to the next.
    SkipNext,
    /// Not this one.
    Skip,
    None,
}

/// What is known of one client.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: u64,
    pub(super) peer: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) protocol: Protocol,
    pub(super) authenticated: bool,
    pub(super) wrong_passwords: u8,
    pub(super) wanted: Wanted,
    /// Nothing more is read; what waits is sent, then the connection ends.
    pub(super) closing: bool,
    /// Nothing more is read or sent.
    pub(super) hung_up: bool,
    pub(super) name: Option<Box<str>>,
    pub(super) library_name: Option<Box<str>>,
    pub(super) library_version: Option<Box<str>>,
    pub(super) subscriptions: Subscriptions,
    /// There while there are subscriptions.
    pub(super) events: Option<broadcast::Receiver<Arc<Message>>>,
    /// There while a wish for a handover waits for its answer; no request is taken then.
    pub(super) handover: Option<oneshot::Receiver<HandoverReply>>,
}

/// One request, with all that it may look at.
pub(super) struct Call<'call> {
    pub(super) session: &'call mut Session,
    pub(super) shared: &'call Shared,
    /// The words after the command's name, a subcommand included.
    pub(super) arguments: &'call [Bytes],
}

impl Session {
    pub(super) fn new(id: u64, peer: SocketAddr, local: SocketAddr, shared: &Shared) -> Self {
        Self {
            id,
            peer,
            local,
            protocol: Protocol::Resp2,
            authenticated: shared.config.password.is_none(),
            wrong_passwords: 0,
            wanted: Wanted::All,
            closing: false,
            hung_up: false,
            name: None,
            library_name: None,
            library_version: None,
            subscriptions: Subscriptions::default(),
            events: None,
            handover: None,
        }
    }

    /// Answers one request.
    pub(super) fn answer(&mut self, request: &[Bytes], shared: &Shared, out: &mut BytesMut) {
        shared.requests.fetch_add(1, Ordering::Relaxed);
        if self.wanted == Wanted::SkipNext {
            self.wanted = Wanted::Skip;
        }
        let reply = command::run(self, shared, request);
        self.say(&reply, out);
        if self.wanted == Wanted::Skip {
            self.wanted = Wanted::All;
        }
    }

    /// Appends a reply, unless the client does not want it.
    pub(super) fn say(&mut self, reply: &Reply, out: &mut BytesMut) {
        let pushed = reply.is_push() && self.protocol == Protocol::Resp3;
        if self.wanted != Wanted::All && !pushed {
            return;
        }
        if let Err(error) = reply::write(reply, self.protocol, out) {
            tracing::error!(client = self.id, %error, "a reply could not be encoded");
            self.closing = true;
        }
    }

    /// Appends an event as often as the client has subscribed to it.
    pub(super) fn hear(&mut self, message: &Message, out: &mut BytesMut) {
        if self.wanted == Wanted::None && self.protocol == Protocol::Resp2 {
            return;
        }
        self.subscriptions.hear(message, self.protocol.push(), out);
    }

    /// Whether only what concerns subscriptions is answered, as RESP2 needs it.
    pub(super) fn only_hears(&self) -> bool {
        self.protocol == Protocol::Resp2 && !self.subscriptions.is_empty()
    }

    /// Appends what became of the wish for a handover.
    pub(super) fn handover_answered(&mut self, reply: Option<HandoverReply>, out: &mut BytesMut) {
        self.handover = None;
        let reply = match reply {
            Some(HandoverReply::Accepted) => Reply::OK,
            Some(HandoverReply::InProgress) => Reply::error("INPROG Failover already in progress"),
            Some(HandoverReply::NoGoodReplica) => {
                Reply::error("NOGOODSLAVE No suitable replica to promote")
            }
            Some(HandoverReply::Refused(reason)) => Reply::error(format!("ERR {reason}")),
            None => Reply::error(
                "ERR the handover was not answered in time; it may still be done, so look at the \
                 master before asking again",
            ),
        };
        self.say(&reply, out);
    }
}

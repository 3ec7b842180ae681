//! One client between its bytes and its session: requests in, replies out, both bounded.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::BytesMut;
use tokio::sync::broadcast::error::TryRecvError;

use super::feed::Message;
use super::limits::{FREE_OUTPUT_BYTES, OUTPUT_HIGH_WATER_BYTES};
use super::reply::Reply;
use super::request;
use super::session::Session;
use super::shared::Shared;

/// One client's session and buffers. An idle one has no buffer.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) session: Session,
    /// What has come and is no whole request yet, or waits behind unread replies.
    pub(super) input: BytesMut,
    /// What has not been sent yet.
    pub(super) output: BytesMut,
    shared: Arc<Shared>,
    /// How much of the output is counted among all clients' output.
    counted_bytes: usize,
}

impl Edge {
    pub(super) fn new(session: Session, shared: Arc<Shared>) -> Self {
        shared.clients.fetch_add(1, Ordering::Relaxed);
        let (input, output) = (BytesMut::new(), BytesMut::new());
        Self { session, input, output, shared, counted_bytes: 0 }
    }

    /// Whether more may be read: not while replies wait, nor after the end was decided.
    pub(super) fn may_read(&self) -> bool {
        !self.session.closing && !self.is_full() && self.session.handover.is_none()
    }

    fn is_full(&self) -> bool {
        self.output.len() >= OUTPUT_HIGH_WATER_BYTES
    }

    /// Whether there is nothing more to do for the client.
    pub(super) fn is_over(&self) -> bool {
        self.session.hung_up || (self.session.closing && self.output.is_empty())
    }

    /// Answers the whole requests of the input, as far as the client takes replies; tells whether
    /// there was one.
    pub(super) fn work(&mut self) -> bool {
        let mut asked = false;
        while self.may_read() && !self.session.hung_up {
            match request::take(&mut self.input, self.session.authenticated) {
                Ok(Some(request)) => {
                    asked = true;
                    self.session.answer(&request, &self.shared, &mut self.output);
                    self.count();
                }
                Ok(None) => break,
                Err(error) => {
                    let client = self.session.id;
                    tracing::info!(client, peer = %self.session.peer, %error, "no request");
                    let told = Reply::error(format!("ERR Protocol error: {error}"));
                    self.session.say(&told, &mut self.output);
                    self.session.closing = true;
                }
            }
        }
        if self.session.closing {
            self.input.clear();
        }
        self.count();
        asked
    }

    /// Passes on an event, and all that have happened since.
    pub(super) fn hear(&mut self, message: &Message) {
        self.session.hear(message, &mut self.output);
        while let Some(events) = &mut self.session.events {
            match events.try_recv() {
                Ok(message) => self.session.hear(&message, &mut self.output),
                Err(TryRecvError::Empty | TryRecvError::Closed) => break,
                Err(TryRecvError::Lagged(_)) => {
                    self.fell_behind();
                    break;
                }
            }
        }
        self.count();
    }

    /// Ends the connection of a client that has missed events: it would never learn of them.
    pub(super) fn fell_behind(&mut self) {
        self.too_slow("it is too many events behind");
    }

    /// Ends the connection of a client that takes too little.
    pub(super) fn too_slow(&mut self, reason: &str) {
        if !self.session.hung_up {
            self.session.hung_up = true;
            self.shared.too_slow.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(client = self.session.id, peer = %self.session.peer, reason, "closed");
        }
    }

    /// Counts the output among all clients', holds it to its limits, and frees empty buffers.
    pub(super) fn count(&mut self) {
        let waiting = self.output.len();
        let all = &self.shared.output_bytes;
        // Not one thread counts beside another: the server runs on one.
        let others = all.load(Ordering::Relaxed).saturating_sub(self.counted_bytes);
        all.store(others + waiting, Ordering::Relaxed);
        self.counted_bytes = waiting;
        let config = &self.shared.config;
        if waiting > config.client_output_limit_bytes {
            self.too_slow("more waits for it than one client may leave");
        } else if waiting > FREE_OUTPUT_BYTES && others + waiting > config.total_output_limit_bytes
        {
            self.too_slow("more waits for all clients than they may leave together");
        }
        for buffer in [&mut self.input, &mut self.output] {
            if buffer.is_empty() {
                *buffer = BytesMut::new();
            }
        }
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.output.clear();
        self.count();
        self.shared.clients.fetch_sub(1, Ordering::Relaxed);
        if self.session.events.is_some() {
            self.shared.subscribers.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

//! Subscriptions: SUBSCRIBE, PSUBSCRIBE and their opposites.

use std::sync::atomic::Ordering;

use bytes::{Bytes, BytesMut};

use super::feed::Message;
use super::glob;
use super::limits::{MAX_SUBSCRIPTION_BYTES, MAX_SUBSCRIPTIONS};
use super::reply::Reply;
use super::session::{Call, Session};
use super::shared::Shared;

/// What a client has subscribed to, in its order.
#[derive(Debug, Default)]
pub(super) struct Subscriptions {
    channels: Vec<Box<[u8]>>,
    patterns: Vec<Box<[u8]>>,
}

/// Channels or patterns.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Channel,
    Pattern,
}

impl Subscriptions {
    pub(super) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty()
    }

    pub(super) fn channels(&self) -> usize {
        self.channels.len()
    }

    pub(super) fn patterns(&self) -> usize {
        self.patterns.len()
    }

    pub(super) fn hear(&self, message: &Message, push: u8, out: &mut BytesMut) {
        let channel = message.channel().as_bytes();
        if self.channels.iter().any(|subscribed| **subscribed == *channel) {
            message.put(push, out);
        }
        for pattern in self.patterns.iter().filter(|pattern| glob::matches(pattern, channel)) {
            message.put_for_pattern(push, pattern, out);
        }
    }

    fn of(&mut self, kind: Kind) -> &mut Vec<Box<[u8]>> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
        }
    }

    fn count(&self) -> usize {
        self.channels.len() + self.patterns.len()
    }

    fn has_room(&self, more_bytes: usize) -> bool {
        let all = self.channels.iter().chain(&self.patterns);
        let bytes: usize = all.map(|name| name.len()).sum();
        self.count() < MAX_SUBSCRIPTIONS && bytes + more_bytes <= MAX_SUBSCRIPTION_BYTES
    }
}

impl Kind {
    const fn word(self, subscribes: bool) -> Reply {
        match (self, subscribes) {
            (Self::Channel, true) => Reply::word("subscribe"),
            (Self::Channel, false) => Reply::word("unsubscribe"),
            (Self::Pattern, true) => Reply::word("psubscribe"),
            (Self::Pattern, false) => Reply::word("punsubscribe"),
        }
    }
}

pub(super) fn subscribe(call: &mut Call<'_>) -> Reply {
    add(call, Kind::Channel)
}

pub(super) fn psubscribe(call: &mut Call<'_>) -> Reply {
    add(call, Kind::Pattern)
}

pub(super) fn unsubscribe(call: &mut Call<'_>) -> Reply {
    remove(call, Kind::Channel)
}

pub(super) fn punsubscribe(call: &mut Call<'_>) -> Reply {
    remove(call, Kind::Pattern)
}

/// Ends every subscription, without a word to the client.
pub(super) fn clear(session: &mut Session, shared: &Shared) {
    session.subscriptions = Subscriptions::default();
    attend(session, shared);
}

fn add(call: &mut Call<'_>, kind: Kind) -> Reply {
    let mut replies = Vec::new();
    for name in call.arguments {
        let subscriptions = &mut call.session.subscriptions;
        let known = subscriptions.of(kind).iter().any(|known| **known == **name);
        if !known && !subscriptions.has_room(name.len()) {
            replies.push(Reply::error(format!(
                "ERR too many subscriptions: a client may have {MAX_SUBSCRIPTIONS} of \
                 {MAX_SUBSCRIPTION_BYTES} bytes together; subscribe to a pattern"
            )));
            break;
        }
        if !known {
            subscriptions.of(kind).push(Box::from(&**name));
        }
        replies.push(told(kind.word(true), Reply::bytes(name), subscriptions.count()));
    }
    attend(call.session, call.shared);
    Reply::Several(replies)
}

fn remove(call: &mut Call<'_>, kind: Kind) -> Reply {
    let subscriptions = &mut call.session.subscriptions;
    let names: Vec<Bytes> = if call.arguments.is_empty() {
        subscriptions.of(kind).iter().map(|name| Bytes::copy_from_slice(name)).collect()
    } else {
        call.arguments.to_vec()
    };
    let mut replies = Vec::new();
    for name in &names {
        subscriptions.of(kind).retain(|known| **known != **name);
        replies.push(told(kind.word(false), Reply::bytes(name), subscriptions.count()));
    }
    if names.is_empty() {
        replies.push(told(kind.word(false), Reply::Null, subscriptions.count()));
    }
    attend(call.session, call.shared);
    Reply::Several(replies)
}

fn told(word: Reply, name: Reply, count: usize) -> Reply {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    Reply::Push(vec![word, name, Reply::Integer(count)])
}

/// Listens to events exactly while there are subscriptions.
fn attend(session: &mut Session, shared: &Shared) {
    match (session.subscriptions.is_empty(), session.events.is_some()) {
        (false, false) => {
            session.events = Some(shared.feed.events());
            shared.subscribers.fetch_add(1, Ordering::Relaxed);
        }
        (true, true) => {
            session.events = None;
            session.subscriptions = Subscriptions::default();
            shared.subscribers.fetch_sub(1, Ordering::Relaxed);
        }
        (true, false) | (false, true) => {}
    }
}

//! The way from whoever knows to the clients.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::sync::{broadcast, watch};

use super::directory::{Directory, Set};
use super::event::Event;
use super::limits::MAX_EVENTS_BEHIND;

/// The publisher's end: what is so, and what has happened.
#[derive(Debug)]
pub struct Publisher {
    directory: watch::Sender<Arc<Directory>>,
    events: broadcast::Sender<Arc<Message>>,
}

impl Publisher {
    /// A publisher whose directory is empty.
    #[must_use]
    pub fn new() -> Self {
        Self {
            directory: watch::Sender::new(Arc::default()),
            events: broadcast::Sender::new(MAX_EVENTS_BEHIND),
        }
    }

    /// The reader's end. There may be several.
    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed { directory: self.directory.subscribe(), events: self.events.clone() }
    }

    /// Makes known what is so, and then what has happened on the way there.
    ///
    /// In this order, so that who hears of a change and then asks is told the new state. An event
    /// is encoded once, however many clients get it.
    pub fn publish(&self, directory: Arc<Directory>, events: &[Event]) {
        self.directory.send_replace(directory);
        self.tell(events);
    }

    /// The same for one set among many: the others are not touched. Without a set the name is
    /// forgotten.
    pub fn update(&self, name: &str, set: Option<Set>, events: &[Event]) {
        self.directory.send_modify(|directory| {
            let sets = &mut Arc::make_mut(directory).sets;
            match set {
                Some(set) => drop(sets.insert(name.to_owned(), Arc::new(set))),
                None => drop(sets.remove(name)),
            }
        });
        self.tell(events);
    }

    /// Lets a set be found by another name too, or, without a set, no longer.
    pub fn alias(&self, alias: &str, name: Option<&str>) {
        self.directory.send_if_modified(|directory| {
            if directory.aliases.get(alias).map(String::as_str) == name {
                return false;
            }
            let aliases = &mut Arc::make_mut(directory).aliases;
            match name {
                Some(name) => drop(aliases.insert(alias.to_owned(), name.to_owned())),
                None => drop(aliases.remove(alias)),
            }
            true
        });
    }

    fn tell(&self, events: &[Event]) {
        for event in events {
            // Without a client that has subscribed nobody is there to hear it.
            let _ = self.events.send(Arc::new(Message::new(event)));
        }
    }
}

impl Default for Publisher {
    fn default() -> Self {
        Self::new()
    }
}

/// What a server reads.
#[derive(Clone, Debug)]
pub struct Feed {
    directory: watch::Receiver<Arc<Directory>>,
    events: broadcast::Sender<Arc<Message>>,
}

impl Feed {
    /// What is so now.
    pub(super) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.borrow())
    }

    /// Everything that happens from now on.
    pub(super) fn events(&self) -> broadcast::Receiver<Arc<Message>> {
        self.events.subscribe()
    }
}

/// An event, encoded for every kind of subscriber.
#[derive(Debug)]
pub(super) struct Message {
    channel: &'static str,
    /// Channel and payload, which end every message of either protocol.
    end: Bytes,
}

impl Message {
    fn new(event: &Event) -> Self {
        let channel = event.channel();
        let mut end = BytesMut::new();
        put_text(&mut end, channel.as_bytes());
        put_text(&mut end, event.payload().as_bytes());
        Self { channel, end: end.freeze() }
    }

    pub(super) fn channel(&self) -> &'static str {
        self.channel
    }

    /// Appends it for who subscribed to its channel. `kind` is the first byte of a push.
    pub(super) fn put(&self, kind: u8, out: &mut BytesMut) {
        out.put_u8(kind);
        out.put_slice(b"3\r\n$7\r\nmessage\r\n");
        out.put_slice(&self.end);
    }

    /// Appends it for who subscribed to `pattern`.
    pub(super) fn put_for_pattern(&self, kind: u8, pattern: &[u8], out: &mut BytesMut) {
        out.put_u8(kind);
        out.put_slice(b"4\r\n$8\r\npmessage\r\n");
        put_text(out, pattern);
        out.put_slice(&self.end);
    }
}

/// Appends a bulk string, which is the same in both protocols.
fn put_text(out: &mut BytesMut, text: &[u8]) {
    out.put_u8(b'$');
    out.put_slice(text.len().to_string().as_bytes());
    out.put_slice(b"\r\n");
    out.put_slice(text);
    out.put_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_same_but_for_its_kind() {
        let message = Message::new(&Event::NewEpoch(12));
        let mut out = BytesMut::new();
        message.put(b'*', &mut out);
        message.put_for_pattern(b'>', b"+new*", &mut out);
        assert_eq!(
            out,
            "*3\r\n$7\r\nmessage\r\n$10\r\n+new-epoch\r\n$2\r\n12\r\n\
             >4\r\n$8\r\npmessage\r\n$5\r\n+new*\r\n$10\r\n+new-epoch\r\n$2\r\n12\r\n"
        );
    }

    #[test]
    fn the_directory_changes_before_the_event_is_heard() {
        let publisher = Publisher::new();
        let feed = publisher.feed();
        let mut events = feed.events();
        let mut directory = Directory::default();
        directory
            .sets
            .insert("demo".into(), Arc::new(super::super::Set::new(std::time::Instant::now())));
        publisher.publish(Arc::new(directory), &[Event::NewEpoch(1)]);
        assert!(events.try_recv().is_ok());
        assert!(feed.directory().sets.contains_key("demo"));
    }

    #[test]
    fn one_set_of_many_is_changed_and_found_by_either_name() {
        let publisher = Publisher::new();
        let feed = publisher.feed();
        let set = || Some(Set::new(std::time::Instant::now()));
        publisher.update("one/demo", set(), &[]);
        publisher.update("two/other", set(), &[]);
        let before = feed.directory();
        publisher.alias("demo", Some("one/demo"));
        publisher.update("one/demo", set(), &[]);
        let now = feed.directory();
        assert!(Arc::ptr_eq(&before.sets["two/other"], &now.sets["two/other"]));
        assert!(Arc::ptr_eq(now.find("demo").unwrap(), now.find("one/demo").unwrap()));
        publisher.alias("demo", None);
        publisher.update("two/other", None, &[]);
        let now = feed.directory();
        assert!(now.find("demo").is_none() && now.find("two/other").is_none());
    }
}

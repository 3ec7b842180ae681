//! A watch: the events of a kind as lines, until it times out, breaks or is compacted away.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use hyper::body::Frame;
use serde_json::json;
use tokio::time::{Instant, sleep, sleep_until};

use crate::chance::Chance;

use super::Shared;
use super::answer::{metadata_text, selector, shown};
use super::kind::Kind;
use super::refusal::Refusal;
use super::request::Asked;
use super::selector::Selector;
use super::store::Logged;
use crate::kubernetes::link::Link;

/// How often a quiet watch says how far it has come.
const BOOKMARK_PERIOD: Duration = Duration::from_secs(60);

/// What a broken connection looks like to kube: an end in the middle.
pub type Broken = std::io::Error;

/// A watch that goes on.
pub struct Watch {
    shared: Shared,
    client: String,
    asked: Asked,
    kind: Kind,
    namespace: Option<String>,
    selector: Selector,
    version: u64,
    news: tokio::sync::watch::Receiver<u64>,
    chance: Chance,
    ends: Instant,
    bookmarks: bool,
    next_bookmark: Instant,
    /// Nothing more is said.
    ended: bool,
    /// When the connection was made: one that was cut since then says nothing any more.
    era: u64,
}

impl Watch {
    /// Begins a watch.
    pub fn begin(shared: &Shared, client: &str, asked: &Asked) -> Result<Self, Refusal> {
        let target = asked.target()?;
        let store = shared.store();
        let asked_version = asked.query.get("resourceVersion").and_then(|text| text.parse().ok());
        let version = match asked_version {
            None | Some(0) => store.version(),
            Some(version) => version,
        };
        let seconds = asked.query.get("timeoutSeconds").and_then(|text| text.parse().ok());
        let now = Instant::now();
        let news = store.news(target.kind);
        drop(store);
        let chance = shared.chance.fork();
        Ok(Self {
            shared: shared.clone(),
            client: client.to_owned(),
            kind: target.kind,
            namespace: target.namespace,
            selector: selector(asked),
            version,
            news,
            ends: now + Duration::from_secs(seconds.unwrap_or(1800)),
            bookmarks: asked.says("allowWatchBookmarks"),
            next_bookmark: now + chance.between(BOOKMARK_PERIOD / 2, BOOKMARK_PERIOD),
            chance,
            asked: asked.clone(),
            ended: false,
            era: shared.era(client),
        })
    }

    /// The lines, a few at a time.
    pub fn lines(self) -> impl Stream<Item = Result<Frame<Bytes>, Broken>> + Send {
        stream::unfold(self, |mut watch| async move {
            let next = watch.next().await?;
            Some((next.map(|lines| Frame::data(Bytes::from(lines))), watch))
        })
    }

    async fn next(&mut self) -> Option<Result<String, Broken>> {
        loop {
            if self.ended {
                return None;
            }
            let link = self.shared.link(&self.client);
            if self.shared.era(&self.client) != self.era {
                // A connection that was forgotten says nothing, also when the way is free again: the
                // other side has to give it up.
                return self.silence().await;
            }
            if link.cut {
                // One that was only cut goes on with what was missed.
                self.shared.link_changed(&self.client).await;
                continue;
            }
            self.news.borrow_and_update();
            if self.has_news() {
                sleep(link.watch_lag.draw(&self.chance)).await;
                if self.shared.era(&self.client) != self.era || self.shared.link(&self.client).cut {
                    continue;
                }
                if link.breaks_watches > 0 && self.chance.happens(link.breaks_watches) {
                    return None;
                }
                let lines = self.take(&link);
                if !lines.is_empty() {
                    return Some(Ok(lines));
                }
                continue;
            }
            let bookmark = self.next_bookmark;
            let cut = self.shared.link_changed(&self.client);
            tokio::select! {
                biased;
                changed = self.news.changed() => changed.ok()?,
                () = cut => {}
                () = sleep_until(self.ends) => return None,
                () = sleep_until(bookmark) => {
                    self.next_bookmark = bookmark + BOOKMARK_PERIOD;
                    if self.bookmarks {
                        return Some(Ok(self.bookmark()));
                    }
                }
            }
        }
    }

    /// The server's end of a cut connection: the client hears of nothing until its own patience, or
    /// keep-alive, or the system's ends.
    async fn silence(&mut self) -> Option<Result<String, Broken>> {
        let patience = self.shared.link(&self.client).patience;
        sleep(patience).await;
        self.ended = true;
        let error = Broken::new(std::io::ErrorKind::ConnectionReset, "the connection is dead");
        Some(Err(error))
    }

    fn has_news(&mut self) -> bool {
        let store = self.shared.store();
        let news =
            store.since(self.kind, self.version).map_or(true, |mut events| events.next().is_some());
        if !news {
            self.version = store.version();
        }
        news
    }

    fn take(&mut self, link: &Link) -> String {
        let mut lines = String::new();
        let store = self.shared.store();
        let events = match store.since(self.kind, self.version) {
            Ok(events) => events,
            Err(oldest) => {
                let status = Refusal::gone(oldest, self.version).status();
                self.ended = true;
                return line("ERROR", &status.to_string());
            }
        };
        let mut last = self.version;
        for event in events {
            last = event.version;
            let namespace = &event.object["metadata"]["namespace"];
            if self.namespace.as_deref().is_some_and(|own| *namespace != own) {
                continue;
            }
            let Some(what) = self.seen(event) else { continue };
            // What leaves the selector is told of as it was, in the version in which it left.
            let said = match (what, &event.before) {
                ("DELETED", Some(before)) => {
                    let mut object = shown(&self.asked, before);
                    object["metadata"]["resourceVersion"] = event.version.to_string().into();
                    line(what, &object.to_string())
                }
                _ if self.asked.metadata_only => line(what, &metadata_text(&event.object)),
                _ => line(what, event.text()),
            };
            lines.push_str(&said);
            if link.repeats_events > 0 && self.chance.happens(link.repeats_events) {
                lines.push_str(&said);
            }
        }
        drop(store);
        self.version = last;
        lines
    }

    /// What an event is to whoever sees only what its selector means.
    fn seen(&self, event: &Logged) -> Option<&'static str> {
        let before = event.before.as_ref().is_some_and(|before| self.selector.matches(before));
        let after = !event.deleted && self.selector.matches(&event.object);
        match (before, after) {
            (false, true) => Some("ADDED"),
            (true, true) => Some("MODIFIED"),
            (true, false) => Some("DELETED"),
            (false, false) => None,
        }
    }

    fn bookmark(&self) -> String {
        let metadata = json!({ "resourceVersion": self.shared.store().version().to_string() });
        let (api_version, kind) = if self.asked.metadata_only {
            ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadata")
        } else {
            (self.kind.api_version(), self.kind.name)
        };
        let bookmark = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata });
        line("BOOKMARK", &bookmark.to_string())
    }
}

fn line(what: &str, object: &str) -> String {
    format!("{{\"type\":\"{what}\",\"object\":{object}}}\n")
}

//! Events of a cluster, for whoever runs `kubectl describe`.
//!
//! They are counted here, not by the recorder of kube's library: it keeps each whole event for minutes,
//! 21 KB a cluster when many are made at once.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::Client;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;
use tokio::time::timeout;
use tracing::{debug, info, warn};

use crate::api::{GROUP, KIND, VERSION};
use crate::manifest::ObjectKey;

use super::cache::ClusterObject;
use super::facts::ClusterKey;
use super::lease::Leadership;
use super::manager::Manager;
use super::outside::WallClock;

/// How long an event may take: it is for people, and nothing waits for it.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The longest note that Kubernetes takes, in bytes.
const MAX_NOTE_BYTES: usize = 1024;
/// How long after the last time the same thing is no other.
const SERIES: SignedDuration = SignedDuration::from_mins(6);

/// Tells of what happened, as long as this process leads. The same thing again within minutes is
/// counted, not repeated.
///
/// Of what was told, so much is kept as it takes to count.
pub struct Events {
    client: Client,
    instance: String,
    leadership: Leadership,
    clock: WallClock,
    told: RefCell<Series>,
}

/// A child, and where in it: what is told of another place is no repetition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// Which.
    pub child: ObjectKey,
    /// Its fields.
    pub fields: String,
}

/// What is the same thing again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Topic {
    uid: Box<str>,
    reason: Box<str>,
    warning: bool,
    spot: Option<Box<Spot>>,
}

/// When it was told, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Told {
    first: Timestamp,
    last: Timestamp,
    times: i32,
}

/// What was told within [`SERIES`].
#[derive(Debug, Default)]
struct Series(BTreeMap<Topic, Told>);

impl Series {
    /// How the same thing was told before.
    fn before(&mut self, topic: &Topic, now: Timestamp) -> Option<Told> {
        self.0.retain(|_, told| now.duration_since(told.last) < SERIES);
        self.0.get(topic).copied()
    }
}

impl Events {
    /// Events by this process.
    #[must_use]
    pub fn new(client: Client, instance: &str, leadership: Leadership, clock: WallClock) -> Self {
        let instance = instance.to_owned();
        Self { client, instance, leadership, clock, told: RefCell::default() }
    }

    /// Logs one thing and tells of it, and which child it is about.
    pub async fn tell(
        &self,
        cluster: &ClusterObject,
        warning: bool,
        reason: &str,
        text: &str,
        spot: Option<Spot>,
    ) {
        if warning {
            warn!(reason, "{text}");
        } else {
            info!(reason, "{text}");
        }
        self.relate(cluster, warning, reason, text, spot).await;
    }

    /// Tells of one thing that stands in the log already. When it cannot be told, that is logged
    /// and no more.
    pub async fn relate(
        &self,
        cluster: &ClusterObject,
        warning: bool,
        reason: &str,
        text: &str,
        spot: Option<Spot>,
    ) {
        if !self.leadership.may_act() {
            // Whoever leads now tells what it sees.
            return;
        }
        let mut note = text.to_owned();
        while note.len() > MAX_NOTE_BYTES {
            note.pop();
        }
        let topic = Topic {
            uid: cluster.uid.as_str().into(),
            reason: reason.into(),
            warning,
            spot: spot.map(Box::new),
        };
        match timeout(TIMEOUT, self.publish(&cluster.key, topic, note)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => debug!(%error, reason, "an event could not be told"),
            Err(_) => debug!(reason, "an event could not be told in time"),
        }
    }

    /// Makes an event, or counts one that was made.
    async fn publish(&self, key: &ClusterKey, topic: Topic, note: String) -> kube::Result<()> {
        let now = self.clock.now();
        let before = self.told.borrow_mut().before(&topic, now);
        let events: Api<Event> = Api::namespaced(self.client.clone(), &key.namespace);
        let told = if let Some(Told { first, times, last: _ }) = before {
            let times = times.saturating_add(1);
            let series = EventSeries { count: times, last_observed_time: MicroTime(now) };
            let body = json!({ "series": series });
            let patch = Patch::Merge(&body);
            events.patch(&name(key, first), &PatchParams::default(), &patch).await?;
            Told { first, last: now, times }
        } else {
            let event = self.event(key, &topic, note, now);
            events.create(&PostParams::default(), &event).await?;
            Told { first: now, last: now, times: 1 }
        };
        self.told.borrow_mut().0.insert(topic, told);
        Ok(())
    }

    fn event(&self, key: &ClusterKey, topic: &Topic, note: String, now: Timestamp) -> Event {
        let about = ObjectReference {
            api_version: Some(format!("{GROUP}/{VERSION}")),
            kind: Some(KIND.to_owned()),
            namespace: Some(key.namespace.clone()),
            name: Some(key.name.clone()),
            uid: Some(topic.uid.to_string()),
            ..ObjectReference::default()
        };
        Event {
            metadata: ObjectMeta {
                namespace: Some(key.namespace.clone()),
                name: Some(name(key, now)),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(now)),
            type_: Some(if topic.warning { "Warning" } else { "Normal" }.to_owned()),
            reason: Some(topic.reason.to_string()),
            note: Some(note),
            action: Some("Reconcile".to_owned()),
            regarding: Some(about),
            related: topic.spot.as_deref().map(reference),
            reporting_controller: Some(Manager::Set.name().to_owned()),
            reporting_instance: Some(self.instance.clone()),
            ..Event::default()
        }
    }
}

/// The name of an event about a cluster.
fn name(key: &ClusterKey, at: Timestamp) -> String {
    format!("{}.{:x}", key.name, at.as_nanosecond())
}

fn reference(Spot { child, fields }: &Spot) -> ObjectReference {
    let ObjectKey { group, version, kind, namespace, name } = child;
    let api_version = if group.is_empty() { version.clone() } else { format!("{group}/{version}") };
    ObjectReference {
        api_version: Some(api_version),
        kind: Some(kind.clone()),
        namespace: namespace.clone(),
        name: Some(name.clone()),
        field_path: Some(fields.clone()),
        ..ObjectReference::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_thing_within_minutes_is_no_other() {
        let topic = |uid: &str, reason: &str, fields: Option<&str>| {
            let child = ObjectKey::new("v1", "Service", Some("ns"), "shop-client");
            let spot =
                fields.map(|fields| Spot { child: child.clone(), fields: fields.to_owned() });
            Topic {
                uid: uid.into(),
                reason: reason.into(),
                warning: true,
                spot: spot.map(Box::new),
            }
        };
        let at = |second| Timestamp::from_second(second).unwrap();
        let known = topic("u", "Drifted", Some("spec.type"));
        let told = Told { first: at(0), last: at(100), times: 2 };
        let mut series = Series::default();
        series.0.insert(known.clone(), told);
        assert_eq!(series.before(&known, at(459)), Some(told));
        for other in [
            topic("other", "Drifted", Some("spec.type")),
            topic("u", "Invalid", Some("spec.type")),
            topic("u", "Drifted", Some("spec.ports")),
            topic("u", "Drifted", None),
            Topic { warning: false, ..known.clone() },
        ] {
            assert_eq!(series.before(&other, at(459)), None, "{other:?}");
        }
        assert_eq!(series.before(&known, at(460)), None);
        assert!(series.0.is_empty(), "it is not kept for ever");
    }
}

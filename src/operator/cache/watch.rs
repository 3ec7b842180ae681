//! One watch a kind: what comes in is trimmed at once and put in its place.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::pin_mut;
use futures_util::stream::FuturesUnordered;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, ApiResource, DynamicObject, PartialObjectMeta};
use kube::core::DynamicResourceScope;
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{Config, Event, watcher};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tracing::{debug, info, warn};

use crate::cluster::LABEL_CLUSTER;

use super::kind::{Extent, KindId, Part};
use super::{Cache, place};

/// How many objects one page of a list holds: what is read is large, what is kept is small.
const PAGE_SIZE: u32 = 100;
/// How long the question may take whether a kind is served.
const DISCOVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// The shortest wait before that question is put again.
const DISCOVERY_PERIOD: Duration = Duration::from_secs(10);

/// Which namespaces are watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    Cluster,
    /// One.
    Namespace(String),
}

/// Fills the cache and keeps it as the world is; for ever.
pub async fn watch_all(client: &Client, scope: &Scope, cache: &Cache) {
    // Each is polled when something came for it, not whenever something came for another.
    let mut watches: FuturesUnordered<_> =
        KindId::all().map(|kind| watch_kind(client, scope, cache, kind)).collect();
    while watches.next().await.is_some() {}
}

async fn watch_kind(client: &Client, scope: &Scope, cache: &Cache, kind: KindId) {
    let row = kind.row();
    let resource = &row.resource;
    if !row.always_served {
        wait_until_served(client, cache, kind).await;
    }
    match row.extent {
        Extent::Whole => {
            let api = api_of::<DynamicObject>(client, scope, resource);
            follow(api, cache, kind, |object| (object.metadata, object.data)).await;
        }
        Extent::Metadata => {
            let api = api_of::<PartialObjectMeta<DynamicObject>>(client, scope, resource);
            follow(api, cache, kind, |object| (object.metadata, Value::Null)).await;
        }
    }
}

fn api_of<K>(client: &Client, scope: &Scope, resource: &ApiResource) -> Api<K>
where
    K: Resource<DynamicType = ApiResource, Scope = DynamicResourceScope>,
{
    match scope {
        Scope::Cluster => Api::all_with(client.clone(), resource),
        Scope::Namespace(namespace) => Api::namespaced_with(client.clone(), namespace, resource),
    }
}

async fn follow<K>(api: Api<K>, cache: &Cache, kind: KindId, split: fn(K) -> (ObjectMeta, Value))
where
    K: Resource + Clone + DeserializeOwned + std::fmt::Debug + Send + 'static,
{
    let mut config = Config::default().page_size(PAGE_SIZE);
    if kind.row().part != Part::Cluster {
        config = config.labels(LABEL_CLUSTER);
    }
    let events = watcher(api, config).backoff(Doubling(Doubling::FIRST));
    pin_mut!(events);
    let mut seen = BTreeSet::new();
    while let Some(event) = events.next().await {
        match event {
            Ok(Event::Init) => seen.clear(),
            Ok(Event::InitApply(object)) => {
                let (metadata, data) = split(object);
                seen.extend(place(kind, &metadata));
                cache.put_watched(kind, metadata, &data);
            }
            Ok(Event::InitDone) => cache.keep_only(kind, &std::mem::take(&mut seen)),
            Ok(Event::Apply(object)) => {
                let (metadata, data) = split(object);
                cache.put_watched(kind, metadata, &data);
            }
            Ok(Event::Delete(object)) => {
                let (metadata, _) = split(object);
                cache.remove_watched(kind, &metadata);
            }
            Err(error) => warn!(kind = %kind.row().resource.kind, %error, "a watch is interrupted"),
        }
    }
}

/// Twice as long each time, until it goes well again.
struct Doubling(Duration);

impl Doubling {
    const FIRST: Duration = Duration::from_millis(200);
    const LONGEST: Duration = Duration::from_secs(10);
}

impl Iterator for Doubling {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let wait = self.0;
        self.0 = (wait * 2).min(Self::LONGEST);
        Some(wait)
    }
}

impl Backoff for Doubling {
    fn reset(&mut self) {
        self.0 = Self::FIRST;
    }
}

/// Asks at the start, and again when somebody needs the kind: a kind that nobody serves costs
/// nothing.
async fn wait_until_served(client: &Client, cache: &Cache, kind: KindId) {
    let resource = &kind.row().resource;
    loop {
        let asked = client.list_api_group_resources(&resource.api_version);
        match timeout(DISCOVERY_TIMEOUT, asked).await {
            Ok(Ok(list)) if list.resources.iter().any(|served| served.kind == resource.kind) => {
                info!(kind = %resource.kind, "is served");
                cache.mark_served(kind, true);
                cache.count_lists();
                return;
            }
            Ok(Ok(_)) => debug!(kind = %resource.kind, "is not served"),
            // A group that nobody serves is no object: its 404 has no reason in it.
            Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
                debug!(kind = %resource.kind, "is not served");
            }
            Ok(Err(error)) => {
                warn!(kind = %resource.kind, %error, "cannot learn whether it is served");
                sleep(DISCOVERY_PERIOD).await;
                continue;
            }
            Err(_) => continue,
        }
        cache.wanted.notified().await;
        sleep(DISCOVERY_PERIOD).await;
    }
}

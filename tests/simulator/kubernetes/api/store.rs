//! The objects as they are, and the log of what became of them. Every change comes by [`Store::commit`].

use std::cell::OnceCell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use gungnir::operator::WallClock;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::trace::Trace;

use super::kind::{Kind, Row};

/// When a simulation begins.
const BEGINNING: &str = "2026-01-01T00:00:00Z";

/// So many events of a kind are kept for watches; older ones are compacted.
const KEPT_EVENTS: usize = 2000;

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub kind: &'static str,
    pub namespace: String,
    pub name: String,
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    Create,
    Update,
    Delete,
}

/// A change, for whoever has an eye on all of them.
#[derive(Debug)]
pub struct Mutation<'a> {
    /// The client or controller.
    pub who: &'a str,
    pub verb: Verb,
    pub key: &'a Key,
    pub before: Option<&'a Value>,
    pub after: Option<&'a Value>,
}

/// Sees each change while it happens, with all objects as they are then.
pub type Hook = Box<dyn FnMut(&Mutation<'_>, &Store) + Send>;

/// An event of the log.
#[derive(Debug, Clone)]
pub struct Logged {
    pub version: u64,
    pub before: Option<Arc<Value>>,
    /// What it is now; of a deleted one, what it was last, in the version of its end.
    pub object: Arc<Value>,
    pub deleted: bool,
    /// The object as JSON, once somebody was told of it.
    text: OnceCell<String>,
}

impl Logged {
    /// The object as JSON.
    pub fn text(&self) -> &str {
        self.text.get_or_init(|| self.object.to_string())
    }
}

#[derive(Debug, Default)]
struct Log {
    events: VecDeque<Logged>,
    /// The version up to which events are lost.
    compacted: u64,
}

/// The objects.
pub struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    logs: Vec<Log>,
    news: Vec<watch::Sender<u64>>,
    any_news: watch::Sender<u64>,
    version: u64,
    made: u64,
    service_ips: u32,
    node_ports: u32,
    pod_ips: u32,
    containers: u32,
    began: Instant,
    hooks: Vec<Hook>,
    trace: Trace,
}

impl Store {
    pub fn new(trace: Trace) -> Self {
        Self {
            objects: BTreeMap::new(),
            logs: Row::all().map(|_| Log::default()).collect(),
            news: Row::all().map(|_| watch::channel(0).0).collect(),
            any_news: watch::channel(0).0,
            // The version 1 is nobody's: an apply of it means to create.
            version: 100,
            made: 0,
            service_ips: 0,
            node_ports: 0,
            pod_ips: 0,
            containers: 0,
            began: Instant::now(),
            hooks: Vec::new(),
            trace,
        }
    }

    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    pub fn add_hook(&mut self, hook: Hook) {
        self.hooks.push(hook);
    }

    /// The time of day of this world.
    pub fn clock(&self) -> WallClock {
        WallClock::Since(BEGINNING.parse().unwrap(), self.began)
    }

    /// What time it is, as objects have it.
    pub fn now(&self) -> String {
        self.time_in(Duration::ZERO)
    }

    /// What time it will be.
    pub fn time_in(&self, wait: Duration) -> String {
        let now: Timestamp = self.clock().now();
        let then = now.checked_add(SignedDuration::try_from(wait).unwrap()).unwrap();
        then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    pub fn version(&self) -> u64 {
        self.version
    }

    pub fn get(&self, kind: &str, namespace: &str, name: &str) -> Option<&Arc<Value>> {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        self.objects.get(&Key { kind: Row::named(kind).name, namespace, name })
    }

    /// The objects of a kind, by namespace and name.
    pub fn of_kind<'s>(
        &'s self,
        kind: &str,
        namespace: Option<&'s str>,
    ) -> impl Iterator<Item = (&'s Key, &'s Arc<Value>)> {
        let kind = Row::named(kind).name;
        let first =
            Key { kind, namespace: namespace.unwrap_or_default().to_owned(), name: String::new() };
        self.objects.range(first..).take_while(move |(key, _)| {
            key.kind == kind && namespace.is_none_or(|namespace| key.namespace == namespace)
        })
    }

    /// Every object.
    pub fn all(&self) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        self.objects.iter()
    }

    pub fn next_uid(&mut self) -> String {
        self.made += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.made)
    }

    pub fn next_service_ip(&mut self) -> String {
        self.service_ips += 1;
        format!("10.96.{}.{}", self.service_ips / 250, self.service_ips % 250 + 1)
    }

    /// An address that no pod has had.
    pub fn next_pod_ip(&mut self) -> String {
        self.pod_ips += 1;
        format!("10.244.{}.{}", self.pod_ips / 250, self.pod_ips % 250 + 1)
    }

    pub fn next_container_id(&mut self) -> String {
        self.containers += 1;
        format!("simulated://{:08}", self.containers)
    }

    pub fn next_node_port(&mut self) -> u32 {
        self.node_ports += 1;
        29_999 + self.node_ports
    }

    /// Tells of news of a kind: the newest version.
    pub fn news(&self, kind: Kind) -> watch::Receiver<u64> {
        self.news[kind.index()].subscribe()
    }

    /// Tells of news of any kind.
    pub fn any_news(&self) -> watch::Receiver<u64> {
        self.any_news.subscribe()
    }

    /// The newest version of a kind.
    pub fn newest(&self, kind: Kind) -> u64 {
        *self.news[kind.index()].borrow()
    }

    /// The events of a kind after a version; `Err` with the oldest version when some are lost.
    pub fn since(&self, kind: Kind, version: u64) -> Result<impl Iterator<Item = &Logged>, u64> {
        let log = &self.logs[kind.index()];
        if version < log.compacted {
            return Err(log.compacted);
        }
        let first = log.events.partition_point(|event| event.version <= version);
        Ok(log.events.range(first..))
    }

    /// Forgets the events of every kind: watches that are behind have to list again.
    pub fn compact(&mut self) {
        for log in &mut self.logs {
            log.compacted = log.events.back().map_or(log.compacted, |event| event.version);
            log.events.clear();
        }
    }

    /// Makes a change: `after` is the object but for its version.
    pub fn commit(&mut self, who: &str, key: &Key, after: Option<Value>) -> Arc<Value> {
        self.version += 1;
        let before = self.objects.get(key).cloned();
        let deleted = after.is_none();
        let last = || before.as_deref().cloned().unwrap_or_default();
        let mut object = after.unwrap_or_else(last);
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(object);
        let verb = match (&before, deleted) {
            (_, true) => Verb::Delete,
            (None, false) => Verb::Create,
            (Some(_), false) => Verb::Update,
        };
        if deleted {
            self.objects.remove(key);
        } else {
            self.objects.insert(key.clone(), Arc::clone(&object));
        }
        // The name of an event is made of the machine's time.
        let name = if key.kind == "Event" { "" } else { &key.name };
        self.trace.note(format_args!("{who}: {verb:?} {} {name} v{}", key.kind, self.version));
        let after = (!deleted).then_some(&*object);
        let mutation = Mutation { who, verb, key, before: before.as_deref(), after };
        let mut hooks = std::mem::take(&mut self.hooks);
        for hook in &mut hooks {
            hook(&mutation, self);
        }
        self.hooks = hooks;
        let index = Row::named(key.kind).index();
        let log = &mut self.logs[index];
        log.events.push_back(Logged {
            version: self.version,
            before,
            object: Arc::clone(&object),
            deleted,
            text: OnceCell::new(),
        });
        if log.events.len() > KEPT_EVENTS {
            log.compacted = log.events.pop_front().map_or(0, |event| event.version);
        }
        self.news[index].send_replace(self.version);
        self.any_news.send_replace(self.version);
        object
    }
}

//! An API server: objects with versions, owners of fields, watches; nothing that acts by itself.
//!
//! ```text
//! kube::Client ─▶ Service (latency, faults) ─▶ answer ─▶ write, delete ─▶ Store ─▶ Watch
//! ```
//!
//! What never happens here: admission beyond defaults and what is immutable, rights, quotas, and
//! the rules of a CustomResourceDefinition.

mod answer;
mod defaults;
pub mod delete;
mod discovery;
mod fields;
mod immutable;
mod json_patch;
pub mod kind;
mod managed;
mod merge;
pub mod refusal;
mod request;
pub mod selector;
mod service;
mod shape;
pub mod store;
mod watch;
pub mod write;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch::{Receiver, Sender, channel};

use crate::chance::Chance;

use super::link::Link;
use super::machine::Machine;
use super::settings::Settings;
use store::Store;

pub use service::Service;

/// The state of a way: how it is, and how often its connections were forgotten.
struct Way {
    link: Link,
    era: u64,
    changed: Sender<u64>,
}

impl Default for Way {
    fn default() -> Self {
        Self { link: Link::default(), era: 0, changed: channel(0).0 }
    }
}

/// What every connection uses.
#[derive(Clone)]
pub struct Shared {
    store: Arc<Mutex<Store>>,
    ways: Arc<Mutex<BTreeMap<String, Way>>>,
    machines: Sender<BTreeMap<String, Machine>>,
    settings: Arc<Mutex<Settings>>,
    /// What happens on the ways.
    pub chance: Chance,
}

impl Shared {
    pub fn new(store: Store, chance: Chance) -> Self {
        Self {
            store: Arc::new(Mutex::new(store)),
            ways: Arc::default(),
            machines: channel(BTreeMap::new()).0,
            settings: Arc::default(),
            chance,
        }
    }

    /// How long everything takes.
    pub fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap()
    }

    /// The machines under the nodes.
    pub fn machines(&self) -> BTreeMap<String, Machine> {
        self.machines.borrow().clone()
    }

    /// Tells of changes of machines.
    pub fn machine_news(&self) -> Receiver<BTreeMap<String, Machine>> {
        self.machines.subscribe()
    }

    pub fn change_machine(&self, name: &str, change: impl FnOnce(&mut Machine)) {
        self.machines.send_modify(|all| change(all.entry(name.to_owned()).or_default()));
    }

    /// The objects. Never held while anything is waited for.
    pub fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap()
    }

    pub fn link(&self, client: &str) -> Link {
        self.way(client, |way| way.link.clone())
    }

    /// How often the connections of a client were forgotten.
    fn era(&self, client: &str) -> u64 {
        self.way(client, |way| way.era)
    }

    pub fn set_link(&self, client: &str, link: Link) {
        self.way(client, |way| {
            way.link = link;
            way.changed.send_modify(|count| *count += 1);
        });
    }

    /// Has every connection of a client end without a word.
    pub fn forget_connections(&self, client: &str) {
        self.way(client, |way| {
            way.era += 1;
            way.changed.send_modify(|count| *count += 1);
        });
    }

    /// Waits until a way is another.
    fn link_changed(&self, client: &str) -> impl Future<Output = ()> + Send + use<> {
        let mut changed = self.way(client, |way| way.changed.subscribe());
        async move {
            if changed.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    fn way<T>(&self, client: &str, see: impl FnOnce(&mut Way) -> T) -> T {
        let mut ways = self.ways.lock().unwrap();
        if !ways.contains_key(client) {
            ways.insert(client.to_owned(), Way::default());
        }
        see(ways.get_mut(client).unwrap())
    }
}

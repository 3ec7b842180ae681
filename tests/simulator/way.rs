//! Where a Service leads, as a node's kube-proxy has it by now: endpoints take their time to get there,
//! and a second move waits until a second after the first.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::chance::Chance;
use crate::kubernetes::{Kubernetes, Mutation};

/// The least time between two syncs of kube-proxy.
const MIN_SYNC_PERIOD: Duration = Duration::from_secs(1);
/// How long an endpoint is under way to the rules of a node.
const SYNC: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(150));

/// The way from one node. Clones are the same.
#[derive(Clone)]
pub struct Way(Arc<Mutex<Synced>>);

struct Synced {
    chance: Chance,
    /// From when on it leads where; the first is the one in force.
    coming: VecDeque<(Instant, Option<IpAddr>)>,
    last_sync: Option<Instant>,
}

impl Way {
    /// The way of the Service `name`, from a node of its own.
    pub fn to(kubernetes: &Kubernetes, name: &'static str, chance: &Chance) -> Self {
        let synced = Synced { chance: chance.fork(), coming: VecDeque::new(), last_sync: None };
        let way = Self(Arc::new(Mutex::new(synced)));
        let told = way.clone();
        kubernetes.on_change(Box::new(move |mutation, _| {
            if mutation.key.kind == "EndpointSlice" && belongs_to(mutation, name) {
                told.moved(mutation.after);
            }
        }));
        way
    }

    /// Where it leads now; connections are refused where it leads nowhere.
    pub fn leads_to(&self) -> Option<IpAddr> {
        let mut synced = self.0.lock().unwrap();
        let now = Instant::now();
        while synced.coming.get(1).is_some_and(|(from, _)| *from <= now) {
            synced.coming.pop_front();
        }
        synced.coming.front().filter(|(from, _)| *from <= now)?.1
    }

    fn moved(&self, slice: Option<&Value>) {
        let mut synced = self.0.lock().unwrap();
        let heard = Instant::now() + synced.chance.between(SYNC.0, SYNC.1);
        let sync = match synced.last_sync {
            // One that is to come takes it along.
            Some(next) if heard <= next => next,
            Some(last) => heard.max(last + MIN_SYNC_PERIOD),
            None => heard,
        };
        synced.last_sync = Some(sync);
        while synced.coming.back().is_some_and(|(from, _)| *from >= sync) {
            synced.coming.pop_back();
        }
        synced.coming.push_back((sync, slice.and_then(ready_address)));
    }
}

fn belongs_to(mutation: &Mutation<'_>, service: &str) -> bool {
    let slice = mutation.after.or(mutation.before);
    slice.is_some_and(|it| it["metadata"]["labels"]["kubernetes.io/service-name"] == service)
}

/// Those that are ready; those that serve while they end, where there is none.
fn ready_address(slice: &Value) -> Option<IpAddr> {
    let endpoints = slice["endpoints"].as_array()?;
    let ready = |it: &&Value| it["conditions"]["ready"] != false;
    let serves = |it: &&Value| it["conditions"]["serving"] == true;
    let chosen = endpoints.iter().find(ready).or_else(|| endpoints.iter().find(serves))?;
    chosen["addresses"][0].as_str()?.parse().ok()
}

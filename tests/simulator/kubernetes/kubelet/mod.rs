//! The kubelets: what the pods of their nodes say becomes processes, and what processes do becomes
//! the status of pods.
//!
//! ```text
//! Pod ─▶ pod (sandbox, end) ─▶ container (start, backoff, stop) ─▶ Containers, which the world is
//!                    status ◀─ probe ◀──────────────────────────────────┘
//! ```
//!
//! What never happens here: anything that a process does. Init containers are not run.

mod container;
mod containers;
mod environment;
mod pod;
mod probe;
mod status;

use std::collections::BTreeSet;
use std::rc::Rc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use serde_json::Value;

use crate::chance::Chance;

use super::api::Shared;
use super::api::kind::Row;
use super::object::{all, uid};

pub use containers::{ContainerStart, Containers, Exit, Probe};
use pod::Pod;

/// Runs the kubelets of all nodes, for ever.
pub async fn run(shared: &Shared, containers: Rc<dyn Containers>, chance: &Chance) {
    let mut news = shared.store().news(Row::named("Pod"));
    let mut known = BTreeSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        news.borrow_and_update();
        let pods = all(&shared.store(), "Pod");
        for object in pods.iter().filter(|pod| !pod["spec"]["nodeName"].is_null()) {
            let uid = uid(object).to_owned();
            if known.insert(uid.clone()) {
                let chance = chance.fork();
                let pod = Pod::new(shared, &containers, Value::clone(object), chance);
                running.push(async move {
                    pod.run().await;
                    uid
                });
            }
        }
        tokio::select! {
            biased;
            Some(uid) = running.next() => drop(known.remove(&uid)),
            changed = news.changed() => drop(changed),
        }
    }
}

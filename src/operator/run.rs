//! The operator's loop: watches touch clusters, the leader looks at them, a few at a time.

use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kube::Client;
use tokio::time::{Instant, sleep_until};
use tracing::info;

use super::cache::{Cache, watch_all};
use super::error::OperatorError;
use super::events::Events;
use super::facts::{ClusterFacts, ClusterKey};
use super::facts_of::facts_of;
use super::health::Health;
use super::lease::{Keeper, Leadership};
use super::memory::Memories;
use super::metrics::Metrics;
use super::options::Options;
use super::queue::Queue;
use super::reconcile::{Context, reconcile, validated};
use super::requests::Requests;

/// How many clusters are looked at at a time.
const MAX_RUNNING: usize = 8;
/// How long news of one cluster are collected before it is looked at.
const SETTLE: Duration = Duration::from_millis(20);

/// The half of the operator that elects masters.
pub trait Elections {
    /// Tells how a cluster is now.
    fn update(&self, facts: ClusterFacts);

    /// Tells that a cluster is gone.
    fn remove(&self, key: &ClusterKey);
}

/// Elects nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoElections;

impl Elections for NoElections {
    fn update(&self, _: ClusterFacts) {}

    fn remove(&self, _: &ClusterKey) {}
}

/// Runs the operator until `end`, then gives the lease back.
///
/// # Errors
///
/// [`OperatorError`] when it cannot start; nothing ends it afterwards but `end`.
pub async fn run(options: Options, end: impl Future<Output = ()>) -> Result<(), OperatorError> {
    let client = Client::try_default()
        .await
        .map_err(|source| OperatorError::Config { source: Box::new(source) })?;
    run_with(client, options, |_| NoElections, end).await
}

/// [`run`], with a client and with whoever elects.
///
/// # Errors
///
/// As [`run`].
pub async fn run_with<E: Elections>(
    client: Client,
    options: Options,
    elections: impl FnOnce(&Leadership) -> E,
    end: impl Future<Output = ()>,
) -> Result<(), OperatorError> {
    let Options { scope, lease, lease_times, listen, pause_all } = options;
    let metrics = Metrics::default();
    let cache = Rc::new(Cache::default());
    let events = Events::new(client.clone(), &lease.identity);
    let (mut keeper, leadership) = Keeper::new(client.clone(), lease, lease_times);
    let elections = elections(&leadership);
    let context = Context {
        cache: Rc::clone(&cache),
        requests: Requests::new(client.clone(), leadership.clone(), metrics.clone()),
        memories: Memories::default(),
        events,
        metrics: metrics.clone(),
        pause_all,
    };
    let health = match listen {
        Some(address) => Some(Health::bind(address, Rc::clone(&cache), metrics).await?),
        None => None,
    };
    let serve = async {
        match &health {
            Some(health) => health.serve().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = keeper.keep() => {}
        () = watch_all(&client, &scope, &cache) => {}
        () = serve => {}
        () = work(&context, leadership, &elections) => {}
        () = end => info!("ends: asked to"),
    }
    // Whatever acted on the lease has been dropped with the block above.
    keeper.release().await;
    Ok(())
}

async fn work(context: &Context, mut leadership: Leadership, elections: &impl Elections) {
    let mut queue = Queue::default();
    let mut running = FuturesUnordered::new();
    let mut leading = false;
    loop {
        take_in(context, elections, &mut queue);
        let may_act = leadership.may_act() && context.cache.is_ready();
        if may_act && !leading {
            let now = Instant::now();
            context.cache.clusters().into_iter().for_each(|key| queue.push(key, now));
        }
        leading = may_act;
        context.metrics.leading(leading);
        while leading && queue.running() < MAX_RUNNING {
            let Some(key) = queue.pop(Instant::now()) else { break };
            running.push(async move {
                let again = reconcile(context, &key).await;
                (key, again)
            });
        }
        let due = queue.next_due().filter(|_| leading && queue.running() < MAX_RUNNING);
        tokio::select! {
            () = context.cache.changed() => {}
            () = leadership.changed() => {}
            Some((key, again)) = running.next() => {
                queue.done(&key);
                tell(context, elections, &key);
                if let Some(at) = again {
                    queue.push(key, at);
                }
            }
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
    }
}

/// What the watches touched goes to the election at once, and to the queue.
fn take_in(context: &Context, elections: &impl Elections, queue: &mut Queue) {
    let at = Instant::now() + SETTLE;
    for key in context.cache.take_touched() {
        tell(context, elections, &key);
        queue.push(key, at);
    }
}

/// Tells the election how a cluster is: by its last sound spec, whatever people have written since.
fn tell(context: &Context, elections: &impl Elections, key: &ClusterKey) {
    let view = context.cache.view(key);
    let Some(cluster) = view.cluster.as_ref().filter(|cluster| !cluster.deleting) else {
        return elections.remove(key);
    };
    let memory = context.memories.of(key, &cluster.uid);
    let mut memory = memory.borrow_mut();
    if memory.sound.is_none() {
        memory.sound = validated(cluster).ok().map(Rc::new);
    }
    let Some(sound) = &memory.sound else { return };
    let (passwords, tls) = (memory.passwords.as_ref(), memory.tls.as_ref());
    let heir = memory.heir.as_deref();
    elections.update(facts_of(cluster, &view, sound, passwords, tls, heir));
}

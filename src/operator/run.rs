//! The operator's loop: watches touch clusters, the leader looks at them, a few at a time.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kube::Client;
use tokio::sync::mpsc;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until};
use tracing::{Instrument as _, Span, warn};

use crate::discovery::{Publisher, Server};

use super::cache::{Cache, watch_all};
use super::election::{self, ElectionsSetup, MayAct};
use super::elections::Elections;
use super::elsewhere::OtherLeases;
use super::error::OperatorError;
use super::events::Events;
use super::facts::ClusterKey;
use super::facts_of::facts_of;
use super::health::Health;
use super::lease::{Keeper, Leadership};
use super::log_mark::span;
use super::memory::Memories;
use super::metrics::Metrics;
use super::news::ElectionNews;
use super::options::Options;
use super::queue::Queue;
use super::reconcile::{Context, reconcile, validated, watch};
use super::requests::Requests;
use super::salvage::salvage;
use super::schema::Served;

/// How many clusters are looked at at a time.
const MAX_RUNNING: usize = 8;
/// How much news of elections may wait to be related.
const MAX_NEWS_WAITING: usize = 1024;
/// How long news of one cluster are collected before it is looked at.
const SETTLE: Duration = Duration::from_millis(20);

/// Runs the operator until `end`, then gives the lease back.
///
/// # Errors
///
/// [`OperatorError`] when it cannot start; nothing ends it afterwards but `end`.
pub async fn run(options: Options, end: impl Future<Output = ()>) -> Result<(), OperatorError> {
    let client = Client::try_default()
        .await
        .map_err(|source| OperatorError::Config { source: Box::new(source) })?;
    run_on(client, options, end).await
}

/// [`run`], with a client.
///
/// # Errors
///
/// As [`run`].
pub async fn run_on(
    client: Client,
    mut options: Options,
    end: impl Future<Output = ()>,
) -> Result<(), OperatorError> {
    let publisher = Rc::new(Publisher::new());
    let discovery = options.discovery.take();
    let discovery = discovery.map(|config| Server::bind(config, publisher.feed())).transpose();
    let discovery = discovery.map_err(|source| OperatorError::Discovery { source })?;
    let (news, told) = mpsc::channel(MAX_NEWS_WAITING);
    let identity = options.lease.recorded();
    let (setup, outside) = (client.clone(), options.outside.clone());
    let elections = move |leadership: &Leadership| {
        let client = leadership.client(setup);
        let leadership = leadership.clone();
        let may_act: MayAct = Arc::new(move || leadership.may_act());
        let setup = ElectionsSetup { client, identity, may_act, news, outside, publisher };
        RefCell::new(election::Elections::new(setup))
    };
    let serve = async {
        match discovery {
            Some(server) => server.run(std::future::pending()).await,
            None => std::future::pending().await,
        }
    };
    // Elections are tasks of this thread, so that thousands cost nothing while they sleep.
    let local = LocalSet::new();
    let operate = run_with(client, options, elections, told, end);
    local
        .run_until(async {
            tokio::select! {
                ended = operate => ended,
                () = serve => Ok(()),
            }
        })
        .await
}

/// [`run_on`], with whoever elects, and with what that tells.
///
/// # Errors
///
/// As [`run`].
pub async fn run_with<E: Elections + 'static>(
    client: Client,
    options: Options,
    elections: impl FnOnce(&Leadership) -> E,
    mut news: mpsc::Receiver<ElectionNews>,
    end: impl Future<Output = ()>,
) -> Result<(), OperatorError> {
    let Options { scope, lease, lease_times, listen, pause_all, outside, discovery: _ } = options;
    let metrics = Metrics::default();
    let cache = Rc::new(Cache::default());
    let (instance, identity) = (lease.identity.clone(), lease.recorded());
    let (mut keeper, leadership) = Keeper::new(client.clone(), lease, lease_times, outside.clock);
    let acting = leadership.client(client.clone());
    let events = Events::new(acting.clone(), &instance, leadership.clone(), outside.clock);
    let elections: Rc<dyn Elections> = Rc::new(elections(&leadership));
    let context = Context {
        cache: Rc::clone(&cache),
        requests: Requests::new(acting, leadership.clone(), metrics.clone()),
        memories: Memories::default(),
        elections: Rc::clone(&elections),
        events,
        metrics: metrics.clone(),
        served: Served::default(),
        identity,
        other_leases: OtherLeases::default(),
        pause_all,
        clock: outside.clock,
    };
    let health = match listen {
        Some(address) => {
            let cache = Rc::clone(&cache);
            Some(Health::bind(address, cache, metrics, Rc::clone(&elections)).await?)
        }
        None => None,
    };
    let serve = async {
        match &health {
            Some(health) => health.serve().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = keeper.keep(end) => {}
        () = watch_all(&client, &scope, &cache) => {}
        () = context.served.keep(&context.requests, &cache, leadership.clone()) => {}
        () = serve => {}
        () = work(&context, leadership, &mut news) => {}
    }
    Ok(())
}

async fn work(
    context: &Context,
    mut leadership: Leadership,
    news: &mut mpsc::Receiver<ElectionNews>,
) {
    let mut queue = Queue::default();
    let mut running = FuturesUnordered::new();
    let mut telling = FuturesUnordered::new();
    let mut leading = false;
    let mut has_resigned = false;
    loop {
        take_in(context, &mut queue);
        let may_act = leadership.may_act() && context.cache.is_ready();
        if may_act && !leading {
            let now = Instant::now();
            context.cache.clusters().into_iter().for_each(|key| queue.push(key, now));
        }
        if may_act != leading {
            context.elections.leadership_changed();
        }
        leading = may_act;
        context.metrics.leading(leading);
        let is_blind = context.elections.is_blind();
        if is_blind && leading && !has_resigned {
            warn!("no pod of the clusters is heard: another operator may see more");
            leadership.resign();
        }
        // Once an incident: if the next one sees as little, it is the pods that are gone.
        has_resigned = is_blind && (has_resigned || leading);
        let ready = context.cache.is_ready();
        while ready && queue.running() < MAX_RUNNING {
            let Some(key) = queue.pop(Instant::now()) else { break };
            let span = span_of(context, &key);
            let look = async move {
                let again = if leading {
                    reconcile(context, &key).await
                } else {
                    watch(context, &key).await
                };
                (key, again)
            };
            running.push(look.instrument(span));
        }
        let due = queue.next_due().filter(|_| ready && queue.running() < MAX_RUNNING);
        tokio::select! {
            () = context.cache.changed() => {}
            () = leadership.changed() => {}
            Some((key, again)) = running.next() => {
                queue.done(&key);
                tell(context, &key);
                if let Some(at) = again {
                    queue.push(key, at);
                }
            }
            Some(told) = news.recv(), if telling.len() < MAX_RUNNING => {
                queue.push(told.key.clone(), Instant::now() + SETTLE);
                if leading {
                    let span = span_of(context, &told.key);
                    telling.push(relate(context, told).instrument(span));
                }
            }
            Some(()) = telling.next() => {}
            () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
        }
    }
}

/// What lines about a cluster carry now.
fn span_of(context: &Context, key: &ClusterKey) -> Span {
    let cluster = context.cache.view(key).cluster;
    let epoch = cluster.as_ref().and_then(|it| Some(it.status.election.as_ref()?.epoch));
    span(key, epoch.and_then(|epoch| u64::try_from(epoch).ok()))
}

/// An event of an election, for whoever describes the cluster.
async fn relate(context: &Context, news: ElectionNews) {
    let ElectionNews { key, reason, text, warning } = news;
    if let Some(cluster) = context.cache.view(&key).cluster {
        context.events.relate(&cluster, warning, reason, &text, None).await;
    }
}

/// What the watches touched goes to the election at once, and to the queue.
fn take_in(context: &Context, queue: &mut Queue) {
    let at = Instant::now() + SETTLE;
    for key in context.cache.take_touched() {
        tell(context, &key);
        queue.push(key, at);
    }
}

/// Tells the election how a cluster is: by its last sound spec, whatever people have written since;
/// by what can be understood of it, if no sound one was seen.
fn tell(context: &Context, key: &ClusterKey) {
    let view = context.cache.view(key);
    let Some(cluster) = view.cluster.as_ref().filter(|cluster| !cluster.deleting) else {
        return context.elections.remove(key);
    };
    let memory = context.memories.of(key, &cluster.uid);
    let mut memory = memory.borrow_mut();
    if memory.sound.is_none() {
        memory.sound = validated(cluster).ok().or_else(|| salvage(cluster)).map(Rc::new);
    }
    let Some(sound) = &memory.sound else { return };
    let (passwords, tls) = (memory.passwords.as_ref(), memory.tls.as_ref());
    let heir = memory.heir.as_deref();
    let mut facts = facts_of(cluster, &view, sound, passwords, tls, heir);
    facts.paused |= context.pause_all;
    context.elections.update(facts);
}

//! What every node says it is, and whom the controller names, all the while.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio::time::timeout;

use super::client::Client;
use super::directory::Directory;
use super::network::client_address;
use super::node::Node;
use super::prober::Probes;
use super::prober::probe;
use super::set::Set;

/// How often every node is asked.
const ROLE_PERIOD: Duration = Duration::from_millis(5);
/// How often the controller is.
const NAME_PERIOD: Duration = Duration::from_millis(2);
/// An answer that takes longer is none.
const PATIENCE: Duration = Duration::from_millis(200);

/// What was seen, each change once.
#[derive(Debug, Default)]
pub struct Seen {
    /// When a node began to say that it is master, or ceased to.
    roles: Vec<(Instant, u8, bool)>,
    /// When the controller began to name somebody.
    names: Vec<(Instant, Option<SocketAddr>)>,
}

/// Watches and probes a set until dropped.
#[derive(Debug)]
pub struct Watcher {
    seen: Arc<Mutex<Seen>>,
    probes: Probes,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts to watch.
    pub fn start(set: &Set, directory: Directory) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let probes = Probes::default();
        let nodes: Vec<Arc<Node>> = set.nodes().cloned().collect();
        let (for_thread, its_probes) = (Arc::clone(&seen), probes.clone());
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let mut tasks = JoinSet::new();
                for node in nodes {
                    tasks.spawn(watch_role(Arc::clone(&node), Arc::clone(&for_thread)));
                    tasks.spawn(probe(node, its_probes.clone()));
                }
                tasks.spawn(watch_name(directory, for_thread));
                tokio::select! {
                    _ = stopped.wait_for(|stop| *stop) => {}
                    // None ends by itself.
                    Some(ended) = tasks.join_next() => ended.expect("a watcher goes on"),
                }
            });
        });
        Self { seen, probes, stop, thread: Some(thread) }
    }

    /// Ends it.
    ///
    /// # Panics
    /// When it failed: an endpoint file was half written.
    pub fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok(), "a watcher failed, see above");
        }
    }

    /// Who took writes.
    pub fn probes(&self) -> &Probes {
        &self.probes
    }

    /// When a node became master after `since`, the earliest such.
    pub fn promotion_after(&self, since: Instant) -> Option<(Instant, u8)> {
        let seen = lock(&self.seen);
        let mut promoted = seen.roles.iter().filter(|(when, _, master)| *master && *when > since);
        promoted.next().map(|(when, node, _)| (*when, *node))
    }

    /// When the controller named somebody new after `since`, the earliest such.
    pub fn naming_after(&self, since: Instant) -> Option<(Instant, SocketAddr)> {
        let seen = lock(&self.seen);
        let mut last = None;
        for (when, name) in &seen.names {
            if let Some(address) = name {
                if *when > since && last.is_some_and(|last| last != *address) {
                    return Some((*when, *address));
                }
                last = Some(*address);
            }
        }
        None
    }

    /// How often the controller named somebody new after `since`.
    pub fn namings_after(&self, since: Instant) -> usize {
        lock(&self.seen).names.iter().filter(|(when, name)| *when > since && name.is_some()).count()
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn watch_role(node: Arc<Node>, seen: Arc<Mutex<Seen>>) {
    let (mut client, mut was_master) = (None, false);
    loop {
        // Silence says nothing; a process that is gone is no master.
        let is_master = match timeout(PATIENCE, role(client.take(), &node)).await {
            Err(_) => was_master,
            Ok(None) => false,
            Ok(Some((kept, says))) => {
                client = Some(kept);
                says.unwrap_or(was_master)
            }
        };
        if is_master != was_master {
            lock(&seen).roles.push((Instant::now(), node.number, is_master));
            was_master = is_master;
        }
        sleep(ROLE_PERIOD).await;
    }
}

/// Whether it says that it is master; an error says nothing of it.
async fn role(kept: Option<Client>, node: &Node) -> Option<(Client, Option<bool>)> {
    let mut client = match kept {
        Some(client) => client,
        None => Client::unix(&node.socket()).await.ok()?,
    };
    let reply = client.ask(&["ROLE"]).await.ok()?;
    let says = reply.texts().first().map(|role| role == "master");
    Some((client, says))
}

async fn watch_name(directory: Directory, seen: Arc<Mutex<Seen>>) {
    let mut last = None;
    loop {
        let name = directory.look_up(client_address(250)).await;
        if name != last {
            lock(&seen).names.push((Instant::now(), name));
            last = name;
        }
        sleep(NAME_PERIOD).await;
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

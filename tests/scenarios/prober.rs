//! Who takes writes: every server is asked to, all the while, from its own node, so that a node that
//! is cut off is still seen.
//!
//! A probe is a write and a look at the replication id in one transaction: each accepted write
//! names the promotion that it was accepted under. A server whose pod is gone is asked on.

use std::collections::BTreeMap;
use std::env;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::agent::{Agent, PASSWORD, lock, now, say};
use crate::client::Client;
use crate::cluster::{Cluster, Kind};
use crate::nodes::Nodes;
use crate::resp::Reply;

/// The word that makes this program a prober.
pub const WORD: &str = "--probe";
/// How often every server is asked.
const PERIOD: Duration = Duration::from_millis(100);
/// A server that stands still gets other probes meanwhile, as it would from other clients.
const PATIENCE: Duration = Duration::from_millis(500);
/// A reply that comes later than this is nobody's.
const GIVEN_UP: Duration = Duration::from_secs(60);
/// How often a connection through the Service is made.
const REACH_PERIOD: Duration = Duration::from_millis(25);
/// How many of them may be under way.
const MOST_REACHING: usize = 40;
/// Before the address of a Service, where the others are servers'.
const THROUGH: &str = "through ";
/// How many probes of one server may be unanswered: one that stands still is asked all the while.
const MOST_UNANSWERED: usize = 120;

/// What one server accepted on one history. Times are [`now`]'s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reign {
    /// The server's address.
    pub server: String,
    /// The history.
    pub replication_id: String,
    /// When the first accepted write was answered.
    pub first_answered: u64,
    /// When the last accepted write was sent.
    pub last_sent: u64,
}

/// The most servers that took writes at once: each counts from its first accepted write of a
/// promotion, and an older promotion counts on while it accepts what was sent after that.
pub fn most_writers_at_once(reigns: &[Reign]) -> usize {
    let writers = |newest: &Reign| {
        let mut servers: Vec<&str> = reigns
            .iter()
            .filter(|reign| {
                reign.first_answered <= newest.first_answered
                    && reign.last_sent > newest.first_answered
            })
            .chain([newest])
            .map(|reign| reign.server.as_str())
            .collect();
        servers.sort_unstable();
        servers.dedup();
        servers.len()
    };
    reigns.iter().map(writers).max().unwrap_or(0)
}

/// That the count sees two writers where there are two. It runs before any scenario does.
///
/// # Panics
/// When it does not.
pub fn check_the_count() {
    for (name, rows, expected) in [
        ("nobody", &[][..], 0),
        ("one", &[("a", "1", 1, 50)], 1),
        ("a handover", &[("a", "1", 1, 50), ("b", "2", 51, 100)], 1),
        ("and back", &[("a", "1", 1, 50), ("b", "2", 51, 60), ("a", "3", 101, 200)], 1),
        ("sent at the same instant", &[("a", "1", 1, 60), ("b", "2", 60, 90)], 1),
        ("sent after", &[("a", "1", 1, 61), ("b", "2", 60, 90)], 2),
        ("three", &[("a", "1", 1, 70), ("b", "2", 51, 70), ("c", "3", 61, 61)], 3),
        ("a new history of the same server", &[("a", "1", 1, 60), ("a", "2", 50, 90)], 1),
    ] {
        let reign = |&(server, id, first_answered, last_sent): &(&str, &str, u64, u64)| Reign {
            server: server.to_owned(),
            replication_id: id.to_owned(),
            first_answered,
            last_sent,
        };
        let reigns: Vec<Reign> = rows.iter().map(reign).collect();
        assert_eq!(most_writers_at_once(&reigns), expected, "{name}");
    }
}

/// What all probers found.
#[derive(Debug)]
pub struct Seen {
    /// What each server accepted.
    pub servers: Vec<Reign>,
    /// What was accepted through the Service, a list a node.
    pub through_service: Vec<Vec<Reign>>,
}

impl Seen {
    /// When a new connection through the Service first reached the newest master from a node, the
    /// first one being 0.
    pub fn led_at(&self, node: usize) -> Option<u64> {
        let newest = self.servers.iter().max_by_key(|reign| reign.first_answered)?;
        let there = |reign: &&Reign| reign.replication_id == newest.replication_id;
        Some(self.through_service.get(node)?.iter().find(there)?.first_answered)
    }

    /// How long after the first node a new connection through the Service reached the newest master
    /// from the last one; `None` where nobody was promoted, or a node never reached it.
    pub fn window(&self) -> Option<Duration> {
        let through = self.through_service.iter().flatten();
        let all = || self.servers.iter().chain(through.clone());
        let newest = self.servers.iter().max_by_key(|reign| reign.first_answered)?;
        let promoted = all()
            .filter(|reign| reign.replication_id == newest.replication_id)
            .map(|reign| reign.first_answered)
            .min()?;
        let histories = self.servers.iter().map(|reign| &reign.replication_id);
        if histories.collect::<std::collections::BTreeSet<_>>().len() < 2 {
            return None;
        }
        let reached = |node: &Vec<Reign>| {
            let found = node.iter().find(|it| it.replication_id == newest.replication_id)?;
            Some(found.first_answered.saturating_sub(promoted))
        };
        let times: Option<Vec<u64>> = self.through_service.iter().map(reached).collect();
        times?.into_iter().max().map(Duration::from_nanos)
    }
}

/// Probers on every node, who are told of every pod of a namespace that comes up.
#[derive(Debug)]
pub struct Probers {
    agents: Arc<Mutex<BTreeMap<u8, Agent>>>,
    ends: std::sync::mpsc::Sender<()>,
    watcher: Option<JoinHandle<()>>,
    service: SocketAddr,
}

impl Probers {
    /// Starts them; they come to the master through this Service, too.
    pub fn start(nodes: &Nodes, namespace: &str, service: SocketAddr, password: &str) -> Self {
        let start = |number: &u8| {
            let mut agent = Agent::start(nodes.netns(*number), &[WORD], password);
            agent.tell(&json!(format!("{THROUGH}{service}")));
            (*number, agent)
        };
        let agents: BTreeMap<u8, Agent> = nodes.numbers().iter().map(start).collect();
        let agents = Arc::new(Mutex::new(agents));
        let (ends, end) = std::sync::mpsc::channel();
        let (told, namespace) = (Arc::clone(&agents), namespace.to_owned());
        let watcher = thread::spawn(move || {
            let cluster = Cluster::connect();
            let mut known = Vec::new();
            // Its end is that nobody is left to say so.
            while end.recv_timeout(2 * PERIOD) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                for pod in cluster.list(Kind::Pod, &namespace) {
                    let node = pod["spec"]["nodeName"].as_str().and_then(Nodes::number);
                    let ip = pod["status"]["podIP"].as_str();
                    let (Some(node), Some(ip)) = (node, ip) else { continue };
                    let server = format!("{ip}:6379");
                    if !known.contains(&server) {
                        if let Some(agent) = lock(&told).get_mut(&node) {
                            agent.tell(&json!(server));
                        }
                        known.push(server);
                    }
                }
            }
        });
        Self { agents, ends, watcher: Some(watcher), service }
    }

    /// Ends them, and says what was accepted.
    pub fn stop(mut self) -> Seen {
        let _ = self.ends.send(());
        if let Some(watcher) = self.watcher.take() {
            assert!(watcher.join().is_ok(), "the pods could not be watched");
        }
        let agents = std::mem::take(&mut *lock(&self.agents));
        let reigns = agents.into_values().map(|agent| {
            let found = agent.stop();
            serde_json::from_value::<Vec<Reign>>(found).expect("a prober ends with reigns")
        });
        let service = self.service.to_string();
        let mut seen = Seen { servers: Vec::new(), through_service: Vec::new() };
        for reigns in reigns {
            let (through, servers) = reigns.into_iter().partition(|it| it.server == service);
            seen.through_service.push(through);
            seen.servers.extend::<Vec<Reign>>(servers);
        }
        seen
    }
}

impl Drop for Probers {
    fn drop(&mut self) {
        let _ = self.ends.send(());
    }
}

type Found = Arc<Mutex<BTreeMap<(SocketAddr, String), (u64, u64)>>>;

/// The process of a prober: servers come by its input, a line each.
pub fn serve() {
    let password = env::var(PASSWORD).expect("a password");
    let found = Found::default();
    let (add, mut added) = mpsc::unbounded_channel();
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            let told: String = serde_json::from_str(&line).expect("a text");
            let through = told.strip_prefix(THROUGH);
            let address = through.unwrap_or(&told).parse::<SocketAddr>().expect("an address");
            if add.send((address, through.is_some())).is_err() {
                return;
            }
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut probed = JoinSet::new();
        while let Some((server, is_service)) = added.recv().await {
            let (password, found) = (password.clone(), Arc::clone(&found));
            if is_service {
                probed.spawn(reach(server, password, found));
            } else {
                probed.spawn(probe(server, password, found));
            }
        }
        probed.abort_all();
    });
    let found = lock(&found);
    let reigns = found.iter().map(|((server, id), (first_answered, last_sent))| Reign {
        server: server.to_string(),
        replication_id: id.clone(),
        first_answered: *first_answered,
        last_sent: *last_sent,
    });
    say(&json!(reigns.collect::<Vec<_>>()));
}

/// A new connection each time: where it leads is decided when it is made.
async fn reach(service: SocketAddr, password: String, found: Found) {
    let mut unanswered = JoinSet::new();
    let mut pace = interval(REACH_PERIOD);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        while unanswered.try_join_next().is_some() {}
        if unanswered.len() < MOST_REACHING {
            let (found, password) = (Arc::clone(&found), password.clone());
            unanswered.spawn(timeout(PATIENCE, async move {
                let _ = write(None, service, &password, &found).await;
            }));
        }
    }
}

async fn probe(server: SocketAddr, password: String, found: Found) {
    let idle: Arc<Mutex<Vec<Client>>> = Arc::default();
    let mut unanswered = JoinSet::new();
    let mut newest = now();
    let mut pace = interval(PERIOD);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        while unanswered.try_join_next().is_some() {}
        let waited = Duration::from_nanos(now().saturating_sub(newest));
        if !unanswered.is_empty() && waited < PATIENCE || unanswered.len() >= MOST_UNANSWERED {
            continue;
        }
        newest = now();
        let (idle, found, password) = (Arc::clone(&idle), Arc::clone(&found), password.clone());
        unanswered.spawn(timeout(GIVEN_UP, async move {
            let kept = lock(&idle).pop();
            // A server that ended, or killed its clients: the next probe connects anew.
            if let Ok(client) = write(kept, server, &password, &found).await {
                lock(&idle).push(client);
            }
        }));
    }
}

async fn write(
    kept: Option<Client>,
    server: SocketAddr,
    password: &str,
    found: &Found,
) -> io::Result<Client> {
    let mut client = match kept {
        Some(client) => client,
        None => Client::connect(server, password).await?,
    };
    let sent = now();
    let requests: [&[&str]; 4] =
        [&["MULTI"], &["SET", "probe", "1"], &["INFO", "replication"], &["EXEC"]];
    let replies = client.ask_all(&requests).await?;
    let answered = now();
    if let Some(Reply::List(done)) = replies.last()
        && let [Reply::Text(_), Reply::Text(info)] = done.as_slice()
        && let Some(id) = info.lines().find_map(|line| line.strip_prefix("master_replid:"))
    {
        let mut found = lock(found);
        let times = found.entry((server, id.to_owned())).or_insert((answered, sent));
        *times = (times.0.min(answered), times.1.max(sent));
    }
    Ok(client)
}

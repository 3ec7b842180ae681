//! Who takes writes: every node is asked to, all the while, by clients on its own machine.
//!
//! A probe is a write and a look at the replication id in one transaction, so that each accepted
//! write names the promotion that it was accepted under. A node that answers late gets more
//! connections, as it would from clients that gave up, and late answers count as what they are.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;

use super::client::Client;
use super::node::Node;
use super::resp::Reply;

/// How often every node is asked.
const PERIOD: Duration = Duration::from_millis(50);
/// A probe that takes longer does not keep the next one waiting.
const PATIENCE: Duration = Duration::from_millis(500);
/// How many probes of one node may be unanswered: one that stands still is asked all the while.
const MOST_UNANSWERED: usize = 120;

/// A write that a node accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// The node's number.
    pub node: u8,
    /// The history it was appended to.
    pub replication_id: String,
    /// When it was sent.
    pub sent: Instant,
    /// When the reply came.
    pub answered: Instant,
}

/// What was accepted so far.
#[derive(Debug, Clone, Default)]
pub struct Probes(Arc<Mutex<Vec<Accepted>>>);

impl Probes {
    /// A copy of them.
    pub fn accepted(&self) -> Vec<Accepted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, accepted: Accepted) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(accepted);
    }
}

/// The most nodes that took writes at once: each counts from its first accepted write of a
/// promotion, and an older promotion counts on while it accepts what was sent after that.
pub fn most_writers_at_once(accepted: &[Accepted]) -> usize {
    let mut reigns: Vec<Reign<'_>> = Vec::new();
    for probe in accepted {
        let of = |reign: &&mut Reign<'_>| {
            (reign.node, reign.replication_id) == (probe.node, probe.replication_id.as_str())
        };
        if let Some(reign) = reigns.iter_mut().find(of) {
            reign.first_answered = reign.first_answered.min(probe.answered);
            reign.last_sent = reign.last_sent.max(probe.sent);
        } else {
            reigns.push(Reign {
                node: probe.node,
                replication_id: &probe.replication_id,
                first_answered: probe.answered,
                last_sent: probe.sent,
            });
        }
    }
    let writers = |newest: &Reign<'_>| {
        let mut nodes: Vec<u8> = reigns
            .iter()
            .filter(|reign| {
                reign.first_answered <= newest.first_answered
                    && reign.last_sent > newest.first_answered
            })
            .map(|reign| reign.node)
            .chain([newest.node])
            .collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.len()
    };
    reigns.iter().map(writers).max().unwrap_or(0)
}

/// What one node accepted on one history.
struct Reign<'a> {
    node: u8,
    replication_id: &'a str,
    first_answered: Instant,
    last_sent: Instant,
}

/// Probes a node until it is dropped.
pub async fn probe(node: Arc<Node>, probes: Probes) {
    let idle: Arc<Mutex<Vec<Client>>> = Arc::default();
    let mut unanswered = JoinSet::new();
    let mut newest = Instant::now();
    let mut pace = interval(PERIOD);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        pace.tick().await;
        while unanswered.try_join_next().is_some() {}
        let waits = !unanswered.is_empty() && newest.elapsed() < PATIENCE;
        if waits || unanswered.len() >= MOST_UNANSWERED {
            continue;
        }
        newest = Instant::now();
        let (idle, probes, socket) = (Arc::clone(&idle), probes.clone(), node.socket());
        let number = node.number;
        unanswered.spawn(async move {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            // A server that ended, or killed its clients: the next probe connects anew.
            if let Ok((client, accepted)) = write(kept, socket, number).await {
                probes_add(&probes, accepted);
                idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
            }
        });
    }
}

fn probes_add(probes: &Probes, accepted: Option<Accepted>) {
    if let Some(accepted) = accepted {
        probes.add(accepted);
    }
}

async fn write(
    kept: Option<Client>,
    socket: PathBuf,
    node: u8,
) -> io::Result<(Client, Option<Accepted>)> {
    let mut client = match kept {
        Some(client) => client,
        None => Client::unix(&socket).await?,
    };
    let key = format!("probe:{node}");
    let sent = Instant::now();
    let requests: [&[&str]; 4] =
        [&["MULTI"], &["SET", &key, "1"], &["INFO", "replication"], &["EXEC"]];
    let replies = client.ask_all(&requests).await?;
    let answered = Instant::now();
    let replication_id = match replies.last() {
        Some(Reply::List(done)) => match done.as_slice() {
            [Reply::Text(_), Reply::Text(info)] => {
                info.lines().find_map(|line| line.strip_prefix("master_replid:"))
            }
            _ => None,
        },
        _ => None,
    };
    let accepted = |id: &str| Accepted { node, replication_id: id.into(), sent, answered };
    Ok((client, replication_id.map(accepted)))
}

/// A probe of `node` on history `id`, sent and answered at these milliseconds.
#[cfg(test)]
fn accepted(began: Instant, rows: &[(u8, &str, u64, u64)]) -> Vec<Accepted> {
    let at = |ms: u64| began + Duration::from_millis(ms);
    let row = |&(node, id, sent, answered): &(u8, &str, u64, u64)| Accepted {
        node,
        replication_id: id.into(),
        sent: at(sent),
        answered: at(answered),
    };
    rows.iter().map(row).collect()
}

#[test]
fn an_older_promotion_counts_while_it_accepts_what_was_sent_later() {
    let began = Instant::now();
    for (name, rows, expected) in [
        ("nobody", &[][..], 0),
        ("one", &[(1, "a", 0, 1), (1, "a", 50, 51)], 1),
        ("a handover", &[(1, "a", 0, 1), (2, "b", 50, 51), (2, "b", 100, 101)], 1),
        ("and back", &[(1, "a", 0, 1), (2, "b", 50, 51), (1, "c", 100, 101)], 1),
        ("sent before, answered late", &[(1, "a", 0, 1), (2, "b", 50, 60), (1, "a", 55, 900)], 1),
        ("sent at the same instant", &[(1, "a", 0, 1), (2, "b", 50, 60), (1, "a", 60, 61)], 1),
        ("sent after", &[(1, "a", 0, 1), (2, "b", 50, 60), (1, "a", 61, 62)], 2),
        ("order of arrival is none", &[(1, "a", 61, 62), (2, "b", 50, 60), (1, "a", 0, 1)], 2),
        (
            "three",
            &[
                (1, "a", 0, 1),
                (2, "b", 50, 51),
                (3, "c", 60, 61),
                (1, "a", 70, 71),
                (2, "b", 70, 71),
            ],
            3,
        ),
        (
            "a new history of the same node",
            &[(1, "a", 0, 1), (1, "b", 50, 51), (1, "a", 60, 61)],
            1,
        ),
    ] {
        assert_eq!(most_writers_at_once(&accepted(began, rows)), expected, "{name}");
    }
}

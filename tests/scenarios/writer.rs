//! A client that writes increasing numbers through `N-client` all the while, each once, to a list of
//! its own, and keeps what it was told.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::env;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use crate::agent::{Agent, PASSWORD, lock, now, say};
use crate::client::{Client, PATIENCE};
use crate::resp::Reply;

/// The word that makes this program a writer.
pub const WORD: &str = "--write";
/// One write in this time.
const PERIOD: Duration = Duration::from_millis(2);
/// Before it connects again.
const RETRY_PAUSE: Duration = Duration::from_millis(10);
/// How long `WAIT` waits, in milliseconds.
const WAIT_LIMIT_MS: &str = "250";
/// A pause between two successes is kept from here on.
const SHORTEST_PAUSE_NS: u64 = 10_000_000;
/// How often it says where it is.
const REPORT_PERIOD: Duration = Duration::from_millis(50);

/// What confirms a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The master's reply.
    Plain,
    /// A `WAIT 1` that returned 1 or more.
    Waiting,
}

impl Kind {
    /// The key of its list, and the word for it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Waiting => "waiting",
        }
    }
}

/// What it was told. Times are [`now`]'s.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// The numbers that were confirmed.
    pub confirmed: Vec<u64>,
    /// From one success to the next, where that took long.
    pub pauses: Vec<(u64, u64)>,
    /// The last success.
    pub last: u64,
    /// What went wrong, and how often.
    pub failures: BTreeMap<String, u32>,
}

impl Ledger {
    fn confirm(&mut self, number: u64) {
        let now = now();
        if self.last > 0 && now.saturating_sub(self.last) >= SHORTEST_PAUSE_NS {
            self.pauses.push((self.last, now));
        }
        self.last = now;
        self.confirmed.push(number);
    }

    /// The longest time without a success that is not over before `since`, up to `end`.
    pub fn longest_pause(&self, since: u64, end: u64) -> (u64, u64) {
        let open = [(self.last, end)];
        let pauses = self.pauses.iter().chain(&open).filter(|(_, end)| *end >= since);
        pauses.max_by_key(|(start, end)| end.saturating_sub(*start)).copied().unwrap_or((end, end))
    }
}

/// A writer that runs in the network of a node.
#[derive(Debug)]
pub struct Writer {
    agent: Agent,
    /// What confirms its writes.
    pub kind: Kind,
}

impl Writer {
    /// Starts it.
    pub fn start(netns: &str, address: SocketAddr, kind: Kind, password: &str) -> Self {
        let agent = Agent::start(netns, &[WORD, &address.to_string(), kind.key()], password);
        Self { agent, kind }
    }

    /// When its last write was confirmed; 0 if none was.
    pub fn last(&self) -> u64 {
        self.agent.last()["last"].as_u64().unwrap_or(0)
    }

    /// Ends it. What was sent and not answered stays unconfirmed.
    pub fn stop(self) -> Ledger {
        serde_json::from_value(self.agent.stop()).expect("a writer ends with its ledger")
    }
}

/// The process of a writer.
pub fn serve(address: &str, kind: &str) {
    let address: SocketAddr = address.parse().expect("an address");
    let kind = if kind == Kind::Plain.key() { Kind::Plain } else { Kind::Waiting };
    let password = env::var(PASSWORD).expect("a password");
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let kept = Arc::clone(&ledger);
    thread::spawn(move || {
        // Its input is never written to: it ends with who started it.
        let _ = io::stdin().read_to_end(&mut Vec::new());
        let ledger = lock(&kept);
        say(&json!(*ledger));
        #[allow(clippy::exit, reason = "the other thread writes on")]
        std::process::exit(0);
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let mut task = Task { address, kind, password, ledger: Arc::clone(&ledger), number: 0 };
        tokio::select! {
            () = task.write() => {}
            () = report(&ledger) => {}
        }
    });
}

async fn report(ledger: &Mutex<Ledger>) {
    let mut told = 0;
    loop {
        sleep(REPORT_PERIOD).await;
        let ledger = lock(ledger);
        if ledger.last != told {
            told = ledger.last;
            say(&json!({ "last": told }));
        }
    }
}

struct Task {
    address: SocketAddr,
    kind: Kind,
    password: String,
    ledger: Arc<Mutex<Ledger>>,
    number: u64,
}

impl Task {
    async fn write(&mut self) {
        loop {
            let Err(cause) = self.write_on_one_connection().await;
            *lock(&self.ledger).failures.entry(cause).or_default() += 1;
            sleep(RETRY_PAUSE).await;
        }
    }

    async fn write_on_one_connection(&mut self) -> Result<Infallible, String> {
        let client = Client::connect(self.address, &self.password).await;
        let mut client = client.map_err(|error| error.kind().to_string())?;
        let mut pace = interval(PERIOD);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            self.number += 1;
            let number = self.number.to_string();
            let push: &[&str] = &["RPUSH", self.kind.key(), &number];
            let wait: &[&str] = &["WAIT", "1", WAIT_LIMIT_MS];
            let both = [push, wait];
            let requests = if self.kind == Kind::Plain { &both[..1] } else { &both[..] };
            let replies = timeout(PATIENCE, client.ask_all(requests)).await;
            let replies = replies.map_err(|_| "no reply in time")?;
            for reply in replies.map_err(|error| error.kind().to_string())? {
                match reply {
                    // The length of the list, or how many replicas have it.
                    Reply::Number(1..) => {}
                    Reply::Number(_) => return Err("WAIT answered 0".to_owned()),
                    other => return Err(other.error().unwrap_or("a strange reply").to_owned()),
                }
            }
            lock(&self.ledger).confirm(self.number);
        }
    }
}

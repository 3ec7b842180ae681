//! A client that writes numbers all the time, through the Service or to one server, and remembers what
//! it was told.

use std::cell::RefCell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use gungnir::valkey::{Id, Network};
use redis::Value;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, sleep, timeout};

use crate::valkey::{Client, Fleet};

/// How long a client waits for a connection and for an answer.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a write is waited for on a replica.
const WAIT_MS: &str = "500";

/// A write that a server took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub number: u64,
    pub server: IpAddr,
    /// The history that the server wrote then.
    pub history: Id,
    pub sent: Instant,
    pub answered: Instant,
    /// A replica had it, too, said `WAIT`.
    pub held: bool,
}

/// A client. It ends when this is dropped.
pub struct Writer {
    taken: Rc<RefCell<Vec<Taken>>>,
    task: AbortHandle,
}

/// Where and how a client writes.
pub struct Setup {
    /// What the keys begin with; no two clients have the same.
    pub name: String,
    pub network: Network,
    /// Where it connects to now.
    pub target: Rc<dyn Fn() -> Option<SocketAddr>>,
    /// The password of applications, as it is now.
    pub password: Rc<dyn Fn() -> Option<String>>,
    pub period: Duration,
    /// The servers, which know in which history a key was written.
    pub fleet: Fleet,
    /// How long after a refusal, or a loss, it tries again.
    pub retry: Duration,
    /// Whether each write is waited for on a replica.
    pub waits: bool,
}

impl Writer {
    pub fn start(setup: Setup) -> Self {
        let taken: Rc<RefCell<Vec<Taken>>> = Rc::default();
        let task = spawn_local(write(setup, Rc::clone(&taken))).abort_handle();
        Self { taken, task }
    }

    /// It writes no more.
    pub fn stop(&self) {
        self.task.abort();
    }

    /// What was taken so far.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.borrow().clone()
    }

    /// The keys of those writes that a replica had, too.
    pub fn held(&self, name: &str) -> Vec<String> {
        let taken = self.taken.borrow();
        taken.iter().filter(|it| it.held).map(|it| format!("{name}:{}", it.number)).collect()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn write(setup: Setup, taken: Rc<RefCell<Vec<Taken>>>) {
    let mut number = 0;
    let mut connection: Option<(IpAddr, Client)> = None;
    loop {
        if connection.is_none() {
            connection = timeout(PATIENCE, connect(&setup)).await.ok().flatten();
        }
        let Some((server, client)) = &mut connection else {
            sleep(setup.retry).await;
            continue;
        };
        number += 1;
        let key = format!("{}:{number}", setup.name);
        let written = timeout(PATIENCE, write_one(client, &key, number)).await;
        let Ok(Some(sent)) = written else {
            connection = None;
            sleep(setup.retry).await;
            continue;
        };
        let server = *server;
        let answered = Instant::now();
        let history = setup.fleet.history_of(&key).expect("whoever took a write has noted it");
        let mut held = false;
        if setup.waits {
            let wait = client.ask(&["WAIT", "1", WAIT_MS]);
            match timeout(2 * PATIENCE, wait).await {
                Ok(Ok(Value::Int(replicas))) => held = replicas >= 1,
                _ => connection = None,
            }
        }
        taken.borrow_mut().push(Taken { number, server, history, sent, answered, held });
        sleep(setup.period).await;
    }
}

/// Writes; when it was sent, if it was taken.
async fn write_one(client: &mut Client, key: &str, number: u64) -> Option<Instant> {
    let sent = Instant::now();
    let answer = client.ask(&["SET", key, &number.to_string()]).await.ok()?;
    (answer == Value::Okay).then_some(sent)
}

async fn connect(setup: &Setup) -> Option<(IpAddr, Client)> {
    let peer = (setup.target)()?;
    let mut client = Client::connect(&setup.network, peer).await.ok()?;
    if let Some(password) = (setup.password)() {
        client.ask(&["AUTH", &password]).await.ok()?;
    }
    Some((peer.ip(), client))
}

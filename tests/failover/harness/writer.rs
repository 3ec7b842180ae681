//! Clients that write increasing numbers all the while, and go where they are told.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;
use tokio::time::interval;
use tokio::time::sleep;
use tokio::time::timeout;

use super::client::connect;
use super::directory::Directory;
use super::ledger::Ledger;
use super::resp::Reply;
use super::resp::add_request;
use super::resp::read_reply;

/// How long a client waits before it asks again who is master.
const RETRY_PAUSE: Duration = Duration::from_millis(2);

/// What confirms a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The master's reply.
    Plain,
    /// A `WAIT` for this many replicas that returned as many.
    Waiting(u32),
}

/// One client.
#[derive(Debug, Clone)]
pub struct WriterSetup {
    /// Its address.
    pub from: Ipv4Addr,
    /// Where it learns who is master.
    pub directory: Directory,
    /// What confirms its writes.
    pub kind: Kind,
    /// How many writes it sends at once.
    pub depth: u32,
    /// How many writes it tries a second.
    pub per_second: u32,
    /// How long it waits for a connection and for a reply; for replicas, half as long.
    pub patience: Duration,
}

/// Clients that are writing; they end when dropped.
#[derive(Debug)]
pub struct Writers {
    books: Vec<Book>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

/// What is known of one client.
#[derive(Debug)]
pub struct Book {
    /// What confirms its writes.
    pub kind: Kind,
    /// Whether it is ever told that the master moved.
    pub is_told: bool,
    ledger: Arc<Mutex<Ledger>>,
}

impl Book {
    /// What it was told about its writes.
    pub fn ledger(&self) -> MutexGuard<'_, Ledger> {
        lock(&self.ledger)
    }
}

/// How many there were so far: each writes to a list of its own.
static WRITERS: AtomicU32 = AtomicU32::new(1);

impl Writers {
    /// Starts clients, all on one thread.
    pub fn start(setups: Vec<WriterSetup>) -> Self {
        let (stop, stopped) = watch::channel(false);
        let (mut books, mut writers) = (Vec::new(), Vec::new());
        for setup in setups {
            let ledger = Ledger::new(format!("writer:{}", WRITERS.fetch_add(1, Relaxed)));
            let ledger = Arc::new(Mutex::new(ledger));
            let is_told = !matches!(setup.directory, Directory::Fixed(_));
            books.push(Book { kind: setup.kind, is_told, ledger: Arc::clone(&ledger) });
            writers.push(Writer { setup, ledger, number: 0 });
        }
        let thread = thread::spawn(move || run(writers, stopped));
        Self { books, stop, thread: Some(thread) }
    }

    /// Ends them, and waits for it. What was sent and not answered stays unconfirmed.
    ///
    /// # Panics
    /// When one of them did.
    pub fn stop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            assert!(thread.join().is_ok(), "a writer failed, see above");
        }
    }

    /// What is known of each.
    pub fn books(&self) -> &[Book] {
        &self.books
    }

    /// How many writes were confirmed so far.
    pub fn confirmed(&self) -> usize {
        self.books.iter().map(|book| book.ledger().confirmed.len()).sum()
    }

    /// Whether every one that is told where to go had a write confirmed after `since`.
    pub fn all_write_since(&self, since: Instant) -> bool {
        let told = self.books.iter().filter(|book| book.is_told);
        told.map(Book::ledger).all(|ledger| ledger.has_succeeded_after(since))
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Writer {
    setup: WriterSetup,
    ledger: Arc<Mutex<Ledger>>,
    number: u32,
}

fn run(writers: Vec<Writer>, mut stopped: watch::Receiver<bool>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async move {
        let mut tasks = JoinSet::new();
        for writer in writers {
            tasks.spawn(writer.write());
        }
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => {}
            // None ends by itself.
            Some(ended) = tasks.join_next() => ended.expect("a writer goes on"),
        }
    });
}

impl Writer {
    async fn write(mut self) {
        let WriterSetup { from, directory, .. } = self.setup.clone();
        loop {
            if let Some(address) = directory.look_up(from).await {
                let Err(cause) = self.write_to(address).await;
                lock(&self.ledger).fail(&cause);
            }
            sleep(RETRY_PAUSE).await;
        }
    }

    /// Writes to one server until something goes wrong.
    async fn write_to(&mut self, address: SocketAddr) -> Result<Infallible, String> {
        let patience = self.setup.patience;
        let connected = timeout(patience, connect(self.setup.from, address)).await;
        let stream =
            connected.map_err(|_| "no connection in time")?.map_err(|error| cause(&error))?;
        let mut stream = BufReader::new(stream);
        let mut login = String::new();
        add_request(&mut login, &["AUTH", "app", "any"]);
        send(&mut stream, login.as_bytes(), patience).await?;
        if let Some(error) = reply(&mut stream, patience).await?.error() {
            return Err(error.to_owned());
        }
        let depth = self.setup.depth.max(1);
        let per_second = self.setup.per_second.clamp(1, 1_000_000);
        let period = Duration::from_secs(1) * depth / per_second;
        let mut pace = interval(period);
        pace.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            pace.tick().await;
            let first = self.number + 1;
            self.number += depth;
            let batch = self.batch(first);
            send(&mut stream, batch.as_bytes(), patience).await?;
            for number in first..=self.number {
                self.confirm(number, &mut stream).await?;
            }
        }
    }

    fn batch(&self, first: u32) -> String {
        let key = lock(&self.ledger).key.clone();
        let wait_ms = (self.setup.patience / 2).as_millis().to_string();
        let mut batch = String::new();
        for number in first..=self.number {
            add_request(&mut batch, &["RPUSH", &key, &number.to_string()]);
            if let Kind::Waiting(replicas) = self.setup.kind {
                add_request(&mut batch, &["WAIT", &replicas.to_string(), &wait_ms]);
            }
        }
        batch
    }

    async fn confirm(&self, number: u32, stream: &mut BufReader<TcpStream>) -> Result<(), String> {
        let patience = self.setup.patience;
        let written = reply(stream, patience).await?;
        if let Kind::Waiting(replicas) = self.setup.kind {
            // It is answered even if the write was not taken.
            let held = number_of(reply(stream, patience).await?)?;
            number_of(written)?;
            if held < i64::from(replicas) {
                return Err(format!("WAIT answered {held}"));
            }
        } else {
            number_of(written)?;
        }
        lock(&self.ledger).confirm(number, Instant::now());
        Ok(())
    }
}

async fn send(
    stream: &mut BufReader<TcpStream>,
    bytes: &[u8],
    limit: Duration,
) -> Result<(), String> {
    let sent = timeout(limit, stream.get_mut().write_all(bytes)).await;
    sent.map_err(|_| "not sent in time".to_owned())?.map_err(|error| cause(&error))
}

async fn reply(stream: &mut BufReader<TcpStream>, limit: Duration) -> Result<Reply, String> {
    let read = timeout(limit, read_reply(stream)).await;
    read.map_err(|_| "no reply in time".to_owned())?.map_err(|error| cause(&error))
}

/// What a write or a `WAIT` was answered. A refusal is told by its first word.
fn number_of(reply: Reply) -> Result<i64, String> {
    match reply {
        Reply::Number(number) => Ok(number),
        other => Err(other.error().map_or_else(|| format!("{other:?}"), str::to_owned)),
    }
}

fn cause(error: &io::Error) -> String {
    error.kind().to_string()
}

fn lock(ledger: &Mutex<Ledger>) -> MutexGuard<'_, Ledger> {
    ledger.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Taps everything that an operator changes, at the API server and at servers, and can end it there.
//!
//! Its requests and commands are counted in one row, as they come. At the one that is armed for, the
//! operator ends: that one and all others after it reach nobody, or that one does and its answer
//! nobody.

use std::future::Future;
use std::future::pending;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::task::Context;
use std::task::Poll;
use std::thread;
use std::thread::JoinHandle;

use http::Method;
use http::Request;
use kube::client::Body;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::io::copy;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::runtime::Builder;
use tokio::sync::Notify;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tower::Layer;
use tower::Service;

use crate::resp::read_request;
use crate::support::looks::only_looks;

/// Who signs in with such a name is an operator: as itself, or in a term of its own.
const OPERATOR: &str = "gungnir";

/// On which side of a request the operator ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Nobody sees it.
    Before,
    /// It is done, and the operator never hears of it.
    After,
}

#[derive(Default)]
struct State {
    /// What was changed since it was armed.
    changes: Vec<String>,
    armed: Option<(usize, Moment)>,
    /// Since when nothing of the operators of then is passed on.
    ended: u64,
}

/// Counts and ends. Clones share.
#[derive(Clone, Default)]
pub struct Taps {
    state: Arc<Mutex<State>>,
    killed: Arc<Notify>,
}

/// What becomes of one change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Passes,
    /// It passes, and its answer does not.
    Unheard,
    /// It reaches nobody.
    Lost,
}

impl Taps {
    /// Counts from now on, and ends the operator at that change, counted from 1.
    pub fn arm(&self, number: usize, moment: Moment) {
        let mut state = self.lock();
        state.changes.clear();
        state.armed = Some((number, moment));
    }

    /// Ends nobody any more.
    pub fn disarm(&self) {
        self.lock().armed = None;
    }

    /// What was changed since it was armed, and not what a successor changed.
    pub fn changes(&self) -> Vec<String> {
        self.lock().changes.clone()
    }

    /// Ends with an operator.
    pub async fn killed(&self) {
        self.killed.notified().await;
    }

    /// Opens the way from an address to a server.
    pub fn open(&self, from: (Ipv4Addr, u16), to: (Ipv4Addr, u16)) -> Way {
        let listener = std::net::TcpListener::bind(from).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (open, closed) = oneshot::channel::<()>();
        let taps = self.clone();
        // Apart from the tests, which ask servers and wait for the answer.
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = accept(listener, to, taps) => {}
                    // Nobody sends anything: its end is the word.
                    _ = closed => {}
                }
            });
        });
        Way { open: Some(open), thread: Some(thread) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn generation(&self) -> u64 {
        self.lock().ended
    }

    /// What becomes of a change by an operator of that generation.
    fn pass(&self, generation: u64, change: impl FnOnce() -> String) -> Fate {
        let mut state = self.lock();
        if state.ended > generation {
            return Fate::Lost;
        }
        let Some((number, moment)) = state.armed else { return Fate::Passes };
        state.changes.push(change());
        if state.changes.len() < number {
            return Fate::Passes;
        }
        state.armed = None;
        state.ended += 1;
        self.killed.notify_one();
        match moment {
            Moment::Before => Fate::Lost,
            Moment::After => Fate::Unheard,
        }
    }
}

/// The way to a server; closed, with all connections on it, when dropped.
pub struct Way {
    open: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Way {
    fn drop(&mut self) {
        drop(self.open.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept(listener: TcpListener, to: (Ipv4Addr, u16), taps: Taps) {
    let mut connections = JoinSet::new();
    loop {
        if let Ok((client, _)) = listener.accept().await {
            connections.spawn(relay(client, to, taps.clone()));
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn relay(client: TcpStream, to: (Ipv4Addr, u16), taps: Taps) {
    let Ok(server) = TcpStream::connect(to).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    // Whichever ends first ends both: neither side keeps a half of a connection.
    tokio::select! {
        _ = pass_requests(from_client, to_server, &taps) => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}

async fn pass_requests(from: OwnedReadHalf, mut to: OwnedWriteHalf, taps: &Taps) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let generation = taps.generation();
    let mut is_operator = false;
    loop {
        let (words, bytes) = read_request(&mut from).await?;
        is_operator |= signs_in(&words);
        let command = words.join(" ");
        if !is_operator {
            to.write_all(&bytes).await?;
            continue;
        }
        let fate = if only_looks(&command) && taps.generation() == generation {
            Fate::Passes
        } else {
            taps.pass(generation, || command)
        };
        match fate {
            Fate::Passes => to.write_all(&bytes).await?,
            Fate::Lost => return Ok(()),
            Fate::Unheard => {
                to.write_all(&bytes).await?;
                // The server answers somebody who is not there.
                let mut rest = Vec::new();
                from.read_to_end(&mut rest).await?;
                return Ok(());
            }
        }
    }
}

/// `AUTH USER …`, or `HELLO 3 AUTH USER …`, as an operator.
fn signs_in(words: &[String]) -> bool {
    let signs = words.iter().position(|word| word.eq_ignore_ascii_case("AUTH"));
    let user = signs.and_then(|place| words.get(place + 1));
    user.is_some_and(|user| user.starts_with(OPERATOR))
}

impl<S> Layer<S> for Taps {
    type Service = Tapped<S>;

    fn layer(&self, inner: S) -> Tapped<S> {
        Tapped { inner, taps: self.clone(), generation: self.generation() }
    }
}

/// The API server of one operator.
#[derive(Clone)]
pub struct Tapped<S> {
    inner: S,
    taps: Taps,
    generation: u64,
}

impl<S> Service<Request<Body>> for Tapped<S>
where
    S: Service<Request<Body>>,
    S::Response: Send + 'static,
    S::Error: Send + 'static,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let fate = if request.method() == Method::GET {
            Fate::Passes
        } else {
            let change = || format!("{} {}", request.method(), request.uri().path());
            self.taps.pass(self.generation, change)
        };
        match fate {
            Fate::Passes => Box::pin(self.inner.call(request)),
            Fate::Lost => Box::pin(pending()),
            Fate::Unheard => {
                let done = self.inner.call(request);
                Box::pin(async move {
                    let _ = done.await;
                    pending().await
                })
            }
        }
    }
}

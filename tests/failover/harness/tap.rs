//! Taps the connections of a controller to its nodes, and can end the controller at a command.
//!
//! The network leads its connections through the test, which reads each request before it passes
//! it on. Only commands that change something count. Neither side can tell: an end of one half is
//! an end of the other, and a node that is gone refuses by itself, since [`Tap::close`] takes the
//! tap away first.

use std::collections::BTreeMap;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread;
use std::thread::JoinHandle;

use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWriteExt as _;
use tokio::io::BufReader;
use tokio::io::copy;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::network::Fault;
use super::node::Node;
use super::resp::read_request;
use super::set::Set;
use super::world::World;
use crate::support::looks::only_looks;
use crate::support::valkey::send_signal;

/// The test's port for node 1; the others follow.
const FIRST_PORT: u16 = 17000;

/// On which side of a command the controller ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// The server never sees it.
    Before,
    /// The server does it, and the controller never hears of it.
    After,
}

/// When a controller ends.
#[derive(Debug, Clone, Copy)]
pub struct KillPoint {
    /// Its process.
    pub process_id: u32,
    /// The command, counted from 1 over all nodes.
    pub command: usize,
    /// On which side of it.
    pub moment: Moment,
}

/// The taps of all nodes; gone when dropped.
#[derive(Debug)]
pub struct Taps<'a> {
    world: &'a World,
    controller: Ipv4Addr,
    open: BTreeMap<u8, Fault>,
    count: Arc<Mutex<Count>>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Count {
    commands: Vec<String>,
    /// Whether they are counted.
    armed: bool,
    kill_point: Option<KillPoint>,
    /// How many controllers were ended. What a connection of an ended one still had to say is not
    /// passed on; those of its successor are.
    killed: u64,
}

impl<'a> Taps<'a> {
    /// Taps what comes from a controller's address from now on; connections that are there already
    /// stay as they are.
    pub fn open(world: &'a World, set: &Set, controller: Ipv4Addr) -> Self {
        let count: Arc<Mutex<Count>> = Arc::default();
        let (stop, stopped) = watch::channel(false);
        let nodes: Vec<(u16, SocketAddr)> =
            set.nodes().map(|node| (port_of(node.number), node.address())).collect();
        let shared = Arc::clone(&count);
        let (ready, is_ready) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let mut listeners = Vec::new();
                for (port, node) in nodes {
                    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await;
                    listeners.push((listener.expect("a port of the world"), node));
                }
                ready.send(()).expect("somebody waits");
                run(listeners, shared, stopped).await;
            });
        });
        is_ready.recv().expect("the taps open");
        let mut taps =
            Self { world, controller, open: BTreeMap::new(), count, stop, thread: Some(thread) };
        for node in set.nodes() {
            taps.reopen(node);
        }
        taps
    }

    /// Leads connections to a node through the test.
    pub fn reopen(&mut self, node: &Node) {
        let to = node.place().address;
        let redirect = self.world.network().redirect(self.controller, to, port_of(node.number));
        self.open.insert(node.number, redirect);
    }

    /// Lets new connections to a node reach it, or its machine, by themselves.
    pub fn close(&mut self, node: &Node) {
        self.open.remove(&node.number);
    }

    /// Counts from 0 again, and ends a controller at one.
    pub fn arm(&self, kill_point: KillPoint) {
        let mut count = lock(&self.count);
        count.commands.clear();
        count.armed = true;
        count.kill_point = Some(kill_point);
    }

    /// Ends nobody any more, and counts no more.
    pub fn disarm(&self) {
        let mut count = lock(&self.count);
        count.armed = false;
        count.kill_point = None;
    }

    /// The commands that were seen while it was armed.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.count).commands.clone()
    }
}

impl Drop for Taps<'_> {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn run(
    listeners: Vec<(TcpListener, SocketAddr)>,
    count: Arc<Mutex<Count>>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut tasks = JoinSet::new();
    for (listener, node) in listeners {
        let count = Arc::clone(&count);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                if let Ok((client, _)) = listener.accept().await {
                    connections.spawn(relay(client, node, Arc::clone(&count)));
                }
                while connections.try_join_next().is_some() {}
            }
        });
    }
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn relay(client: TcpStream, node: SocketAddr, count: Arc<Mutex<Count>>) {
    let Ok(server) = TcpStream::connect(node).await else { return };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    // Whichever ends first ends both: neither side keeps a half of a connection.
    tokio::select! {
        _ = pass_requests(from_client, to_server, node, &count) => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}

async fn pass_requests(
    from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    node: SocketAddr,
    count: &Mutex<Count>,
) -> io::Result<()> {
    let mut from = BufReader::new(from);
    let before = lock(count).killed;
    loop {
        let (words, bytes) = read_request(&mut from).await?;
        let reached = reaches_kill_point(count, &words, node);
        match reached {
            Some(KillPoint { moment: Moment::Before, process_id, .. }) => {
                kill(count, process_id);
                return Ok(());
            }
            Some(KillPoint { moment: Moment::After, process_id, .. }) => {
                to.write_all(&bytes).await?;
                kill(count, process_id);
                // The server answers somebody who is not there.
                let mut rest = Vec::new();
                from.read_to_end(&mut rest).await?;
                return Ok(());
            }
            None if lock(count).killed > before => return Ok(()),
            None => to.write_all(&bytes).await?,
        }
    }
}

fn reaches_kill_point(
    count: &Mutex<Count>,
    words: &[String],
    node: SocketAddr,
) -> Option<KillPoint> {
    let text = words.join(" ");
    if only_looks(&text) {
        return None;
    }
    let mut count = lock(count);
    if !count.armed {
        return None;
    }
    count.commands.push(format!("{node} {text}"));
    count.kill_point.filter(|point| point.command == count.commands.len())
}

fn kill(count: &Mutex<Count>, process_id: u32) {
    send_signal("KILL", process_id);
    let mut count = lock(count);
    count.killed += 1;
    count.kill_point = None;
}

fn port_of(node: u8) -> u16 {
    FIRST_PORT + u16::from(node)
}

fn lock(count: &Mutex<Count>) -> MutexGuard<'_, Count> {
    count.lock().unwrap_or_else(PoisonError::into_inner)
}

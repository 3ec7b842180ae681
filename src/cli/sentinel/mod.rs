//! `gungnir sentinel`: watches one set of plain servers and keeps it with a master.
//!
//! It looks before it touches: until every node has been read, and what they say fits, nothing is
//! changed on any of them.

mod arguments;
mod check;
mod narrator;
mod wishes;

use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::discovery::{HandoverRequest, Publisher, Server};
use crate::runtime::{
    Clock, ControlReply, ControlRequest, ControlServer, Fence, SetSetup, SetTargets, Store as _,
    watch_set,
};
use crate::sentinel::NodeId;
use crate::valkey::{Address, Secret};

use super::console::Console;
use super::exit::{Failure, Outcome};

pub(super) use arguments::SentinelArgs;

use narrator::Narrator;
use wishes::Wishes;

/// How many of Sentinel's clients may wait to be told that a handover is under way.
const MAX_ASKING: usize = 4;

pub(super) fn run(arguments: &SentinelArgs, _console: &Console) -> Result<Outcome, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io(error, "cannot start"))?;
    let outcome = runtime.block_on(watch(arguments));
    // A file system that hangs does not keep the process from ending.
    runtime.shutdown_timeout(Duration::from_secs(1));
    outcome
}

async fn watch(arguments: &SentinelArgs) -> Result<Outcome, Failure> {
    let mut end = End::listen()?;
    let clock = Clock::start();
    let nodes = arguments.nodes()?;
    let addresses: Vec<Address> = nodes.iter().map(|node| node.address.clone()).collect();
    let mut store = arguments.store(&addresses)?;
    let versioned = store.read().await.map_err(|error| Failure::Io(anyhow::Error::new(error)))?;
    let gated = store.gated().clone();
    let checked = tokio::select! {
        checked = check::before_start(arguments, nodes, clock, versioned.record.as_ref()) => checked?,
        () = end.wait() => return Ok(Outcome::Done),
    };
    for warning in &checked.warnings {
        warn!("{warning}");
    }
    let mut nodes = checked.nodes;
    for (index, node) in nodes.iter_mut().enumerate() {
        node.gated = gated.contains(&NodeId::at(index));
        if !node.gated {
            warn!("{}", not_gated(&node.address));
        }
    }
    let password = Secret::random()
        .map_err(|error| Failure::Io(anyhow::anyhow!("no random bytes can be had: {error}")))?;
    let setup = SetSetup {
        targets: SetTargets::fixed(checked.settings, &nodes),
        fence: Some(Fence::new(password)),
        may_act: Rc::new(|| true),
        clock,
        settings_told: Rc::new(|_| {}),
        pointer_lag: None,
        reclaims_after: None,
    };
    let (wishes, asked) = Wishes::new(&addresses);
    let (handovers, mut handover) = mpsc::channel(MAX_ASKING);
    let publisher = Publisher::new();
    let discovery = match arguments.listen {
        Some(listen) => {
            let server = Server::bind(arguments.discovery(listen, handovers)?, publisher.feed());
            let server = server.map_err(|error| Failure::Io(anyhow::Error::new(error)))?;
            info!(address = %server.address(), "answers Sentinel's protocol");
            Some(server)
        }
        None => None,
    };
    let control = ControlServer::bind(&arguments.control_file()).await;
    let control = control.map_err(|error| Failure::Io(anyhow::Error::new(error)))?;

    let names = arguments.names(&addresses);
    let recorder = arguments.recorder(&names)?;
    let mut narrator =
        Narrator::new(names, &addresses, publisher, recorder, checked.warnings, clock);
    let shown = narrator.shown();
    let serve_discovery = async {
        match discovery {
            Some(server) => server.run(std::future::pending()).await,
            None => std::future::pending().await,
        }
    };
    let answer_control = async |request| match request {
        ControlRequest::Explain {} => shown.explanation().map_or_else(
            || ControlReply::Refused("it has only just started; ask again".to_owned()),
            |explanation| ControlReply::Explained(Box::new(explanation)),
        ),
        ControlRequest::Switchover { to } => match wishes.hand_over(to.as_deref()).await {
            Ok(()) => ControlReply::Master(shown.master().unwrap_or_default()),
            Err(refusal) => wishes.control_reply(&refusal),
        },
    };
    let answer_discovery = async {
        let mut answers = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(HandoverRequest { set: _, reply }) = handover.recv() => {
                    answers.push(async {
                        let outcome = wishes.hand_over(None).await;
                        // Who asked may have gone.
                        let _ = reply.send(wishes.discovery_reply(outcome));
                    });
                }
                Some(()) = answers.next() => {}
                else => std::future::pending().await,
            }
        }
    };
    info!(set = %arguments.name, nodes = addresses.len(), "watches");
    tokio::select! {
        () = watch_set(setup, store, asked, &mut narrator) => {}
        () = serve_discovery => {}
        () = control.serve(answer_control) => {}
        () = answer_discovery => {}
        () = end.wait() => info!("ends: asked to by a signal"),
    }
    Ok(Outcome::Done)
}

/// What is said of a server at the start that is not known to have a boot gate.
fn not_gated(address: &Address) -> String {
    format!(
        "`{address}` was not seen to start as a replica of nowhere yet; if it does not, start it \
         with `--replicaof 127.0.0.1 1`, or it may come back as an empty master and wipe its \
         replicas"
    )
}

/// The signals that end the process in order.
struct End {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl End {
    fn listen() -> Result<Self, Failure> {
        let listen =
            |kind| signal(kind).map_err(|error| Failure::io(error, "cannot listen for signals"));
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

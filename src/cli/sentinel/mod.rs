//! `gungnir sentinel`: watches one set of plain servers and keeps it with a master.
//!
//! It looks before it touches: until every node has been read, and what they say fits, nothing is
//! changed on any of them.

mod arguments;
mod check;
mod narrator;

use std::rc::Rc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::discovery::{Config, HandoverReply, HandoverRequest, Publisher, Server};
use crate::runtime::{
    Asked, Clock, ControlRequest, ControlServer, Fence, SetSetup, Store as _, watch_set,
};
use crate::sentinel::{Hold, NodeId, Wish};
use crate::valkey::{Address, Secret};

use super::console::Console;
use super::exit::{Failure, Outcome};

pub(super) use arguments::SentinelArgs;

use narrator::Narrator;

/// How many wishes may wait for the one under way.
const MAX_WISHES_WAITING: usize = 4;

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
    // What was adopted once is gone on with, whoever is away.
    let known = versioned.record.is_some_and(|record| record.master.is_some());

    let gated = store.gated().clone();
    let checked = tokio::select! {
        checked = check::before_start(arguments, nodes, clock, known) => checked?,
        () = end.wait() => return Ok(Outcome::Done),
    };
    for warning in &checked.warnings {
        warn!("{warning}");
    }
    let mut nodes = checked.nodes;
    for (index, node) in nodes.iter_mut().enumerate() {
        node.gated = gated.contains(&NodeId::at(index));
    }
    let setup = SetSetup {
        settings: checked.settings,
        nodes,
        fence: Some(Fence::new(random_password()?)),
        may_act: Rc::new(|| true),
        clock,
    };
    let (wishes, asked) = mpsc::channel(MAX_WISHES_WAITING);
    let (requests, mut control) = mpsc::channel(MAX_WISHES_WAITING);
    let (handovers, mut handover) = mpsc::channel(MAX_WISHES_WAITING);
    let publisher = Publisher::new();
    let discovery = match arguments.listen {
        Some(listen) => {
            let config = Config { handover: Some(handovers), ..arguments.discovery(listen)? };
            let server = Server::bind(config, publisher.feed());
            let server = server.map_err(|error| Failure::Io(anyhow::Error::new(error)))?;
            info!(address = %server.address(), "answers Sentinel's protocol");
            Some(server)
        }
        None => None,
    };
    let socket = arguments.control_file();
    let listener =
        ControlServer::bind(&socket).map_err(|error| Failure::Io(anyhow::Error::new(error)))?;

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
    let answer_control = async {
        while let Some(request) = control.recv().await {
            match request {
                ControlRequest::Explain(reply) => {
                    if let Some(explanation) = shown.explanation() {
                        let _ = reply.send(explanation);
                    }
                }
                ControlRequest::Switchover { to, reply } => {
                    let outcome = wish(&wishes, &addresses, to.as_deref());
                    let name = |node: NodeId| addresses[node.index()].to_string();
                    // Who waits for one handover does not keep others from asking why.
                    let waited = outcome.await;
                    let _ = reply.send(match waited {
                        Ok(()) => Ok(shown.master().unwrap_or_default()),
                        Err(Refusal::Hold(hold)) => Err(hold.describe(&name)),
                        Err(Refusal::UnderWay) => Err("another handover is under way".into()),
                        Err(Refusal::Text(text)) => Err(text),
                    });
                }
            }
        }
    };
    let answer_discovery = async {
        while let Some(HandoverRequest { set: _, reply }) = handover.recv().await {
            let outcome = wish(&wishes, &addresses, None).await;
            let name = |node: NodeId| addresses[node.index()].to_string();
            let _ = reply.send(match outcome {
                Ok(()) => HandoverReply::Accepted,
                Err(Refusal::UnderWay) => HandoverReply::InProgress,
                Err(Refusal::Hold(Hold::NobodyElse | Hold::NotInSync(_))) => {
                    HandoverReply::NoGoodReplica
                }
                Err(Refusal::Hold(hold)) => HandoverReply::Refused(hold.describe(&name)),
                Err(Refusal::Text(text)) => HandoverReply::Refused(text),
            });
        }
    };
    info!(set = %arguments.name, nodes = addresses.len(), "watches");
    tokio::select! {
        () = watch_set(setup, store, asked, &mut narrator) => {}
        () = serve_discovery => {}
        () = listener.serve(requests) => {}
        () = answer_control => {}
        () = answer_discovery => {}
        () = end.wait() => info!("ends: asked to by a signal"),
    }
    Ok(Outcome::Done)
}

/// Why a wish was not granted.
enum Refusal {
    /// Others wait already.
    UnderWay,
    Hold(Hold),
    Text(String),
}

/// Asks for a handover and waits for its outcome.
async fn wish(
    wishes: &mpsc::Sender<Asked>,
    addresses: &[Address],
    to: Option<&str>,
) -> Result<(), Refusal> {
    let node = match to {
        None => None,
        Some(text) => {
            let address: Address =
                text.parse().map_err(|error| Refusal::Text(format!("`{text}`: {error}")))?;
            let index = addresses.iter().position(|it| *it == address);
            Some(NodeId::at(index.ok_or_else(|| {
                let known: Vec<String> = addresses.iter().map(|it| format!("`{it}`")).collect();
                Refusal::Text(format!("`{address}` is none of the nodes: {}", known.join(", ")))
            })?))
        }
    };
    let (reply, outcome) = tokio::sync::oneshot::channel();
    let asked = Asked { wish: Wish::Switchover(node), reply };
    wishes.try_send(asked).map_err(|_| Refusal::UnderWay)?;
    match outcome.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(hold)) => Err(Refusal::Hold(hold)),
        Err(_) => Err(Refusal::Text("this process is ending".into())),
    }
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

/// Thirty-two random bytes, as text that any configuration takes.
fn random_password() -> Result<Secret, Failure> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::Io(anyhow::anyhow!("no random bytes can be had: {error}")))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Secret::new(text))
}

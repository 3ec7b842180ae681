//! What a pod's container is here: a simulated server, started as the start script does it, asked as the
//! probes ask.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};

use crate::kubernetes::{ContainerStart, Containers, Exit, Probe};
use crate::network::ProcessId;
use crate::valkey::{self, Fleet, Look, Volume};

/// How long the start script waits for a volume that another server has.
const LOCK_PATIENCE: Duration = Duration::from_secs(120);
/// How often it looks.
const LOCK_PERIOD: Duration = Duration::from_secs(1);
/// How long the hook before a stop waits for a handover, and how often it looks.
const PRE_STOP: (Duration, Duration) = (Duration::from_secs(15), Duration::from_millis(200));

/// All containers. Clones are the same.
#[derive(Clone)]
pub struct Servers(Rc<Inner>);

struct Inner {
    fleet: Fleet,
    volumes: RefCell<BTreeMap<String, Volume>>,
    running: RefCell<BTreeMap<String, Running>>,
}

/// A container that runs.
struct Running {
    volume: String,
    /// Its server; none while the start script waits.
    process: Option<ProcessId>,
    /// It was ended before there was one.
    ended: Option<i32>,
}

impl Servers {
    pub fn new(fleet: &Fleet) -> Self {
        Self(Rc::new(Inner {
            fleet: fleet.clone(),
            volumes: RefCell::default(),
            running: RefCell::default(),
        }))
    }

    /// The volume of a claim, by its uid.
    pub fn volume(&self, claim: &str) -> Volume {
        self.0.volumes.borrow_mut().entry(claim.to_owned()).or_default().clone()
    }

    /// A volume is lost: whoever comes to the claim finds an empty one.
    pub fn lose(&self, claim: &str) {
        self.0.volumes.borrow_mut().remove(claim);
    }

    fn look(&self, id: &str) -> Option<Look> {
        let process = self.0.running.borrow().get(id)?.process?;
        self.0.fleet.look(process)
    }

    /// Whether another container's server has the volume.
    fn is_locked(&self, volume: &str) -> bool {
        let running = self.0.running.borrow();
        running.values().any(|it| it.volume == volume && it.process.is_some())
    }

    async fn run(self, start: ContainerStart) -> Exit {
        let id = start.id.clone();
        // A pod without a claim has a volume as long as it lives.
        let claim = start.volumes.get("/data").unwrap_or(&start.uid).clone();
        let running = Running { volume: claim.clone(), process: None, ended: None };
        self.0.running.borrow_mut().insert(id.clone(), running);
        let exit = self.serve(&start, &claim).await;
        self.0.running.borrow_mut().remove(&id);
        exit
    }

    async fn serve(&self, start: &ContainerStart, claim: &str) -> Exit {
        let ended = || self.0.running.borrow().get(&start.id).and_then(|it| it.ended);
        let until = Instant::now() + LOCK_PATIENCE;
        while self.is_locked(claim) {
            if Instant::now() >= until {
                return Exit::of(1);
            }
            sleep(LOCK_PERIOD).await;
            if let Some(code) = ended() {
                return Exit::of(code);
            }
        }
        if let Some(code) = ended() {
            return Exit::of(code);
        }
        let Some(at) = address(start) else { return Exit::of(1) };
        let fleet = &self.0.fleet;
        let process = fleet.start(at, &configuration(start), &self.volume(claim));
        if let Some(running) = self.0.running.borrow_mut().get_mut(&start.id) {
            running.process = Some(process);
        }
        match fleet.ended(process).await {
            valkey::Exit::Code(code) => Exit::of(code),
            valkey::Exit::Signal(signal) => Exit::of(128 + signal),
        }
    }

    /// Ends a container; where its server is not there yet, the start script ends.
    fn end(&self, id: &str, code: i32, act: impl FnOnce(&Fleet, ProcessId)) {
        let process = {
            let mut running = self.0.running.borrow_mut();
            let Some(running) = running.get_mut(id) else { return };
            running.ended = running.ended.or(Some(code));
            running.process
        };
        if let Some(process) = process {
            act(&self.0.fleet, process);
        }
    }
}

impl Containers for Servers {
    fn start(&self, start: ContainerStart) -> LocalBoxFuture<'static, Exit> {
        Box::pin(self.clone().run(start))
    }

    fn probe(&self, id: &str, probe: Probe) -> LocalBoxFuture<'static, bool> {
        let look = self.look(id);
        Box::pin(async move {
            match look {
                None => false,
                // Nothing is answered: the kubelet's patience ends first.
                Some(look) if look.is_stopped => std::future::pending().await,
                Some(look) => match probe {
                    Probe::Startup | Probe::Liveness => true,
                    Probe::Readiness => {
                        !look.is_loading && (look.follows.is_none() || look.link_is_up)
                    }
                },
            }
        })
    }

    fn pre_stop(&self, id: &str) -> LocalBoxFuture<'static, ()> {
        let (servers, id) = (self.clone(), id.to_owned());
        Box::pin(async move {
            let until = Instant::now() + PRE_STOP.0;
            while Instant::now() < until {
                match servers.look(&id) {
                    None => return,
                    Some(look) if look.follows.is_some() && !look.is_stopped => return,
                    Some(_) => sleep(PRE_STOP.1).await,
                }
            }
        })
    }

    fn terminate(&self, id: &str) {
        // Who stands still takes it when he goes on, by when he was killed.
        if !self.look(id).is_some_and(|look| look.is_stopped) {
            self.end(id, 143, Fleet::terminate);
        }
    }

    fn kill(&self, id: &str) {
        self.end(id, 137, Fleet::kill);
    }
}

fn address(start: &ContainerStart) -> Option<SocketAddr> {
    let port = start.env.get("VALKEY_PORT")?.parse().ok()?;
    Some(SocketAddr::new(start.ip.parse().ok()?, port))
}

/// What the start script hands to the server.
fn configuration(start: &ContainerStart) -> String {
    let file = |name: &str| {
        let bytes = start.files.get(&format!("/etc/valkey/{name}"));
        String::from_utf8_lossy(bytes.map(Vec::as_slice).unwrap_or_default()).into_owned()
    };
    let credential = |name: &str| match start.env.get(name) {
        None => "nopass".to_owned(),
        Some(password) => format!("#{:x}", Sha256::digest(password)),
    };
    let users = file("users.conf")
        .replace("%default%", &credential("VALKEYCLI_AUTH"))
        .replace("%operator%", &credential("OPERATOR_PASSWORD"))
        .replace("%replication%", &credential("REPLICATION_PASSWORD"));
    let (_, ordinal) = start.pod.rsplit_once('-').unwrap_or_default();
    let replication = start.env.get("REPLICATION_PASSWORD").map_or("none", String::as_str);
    let ip = &start.ip;
    format!(
        "{}\n{users}\nmasteruser replication-{ordinal}\nmasterauth {replication}\n\
         replica-announce-ip {ip}\n",
        file("valkey.conf")
    )
}

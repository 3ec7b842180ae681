//! The world of a run: a Kubernetes of three nodes, the servers of one cluster, two operators, and
//! clients who write.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use gungnir::operator::{Annotation, LeaseName, LeaseTimes, Options, Outside, Scope, run_on};
use k8s_openapi::ByteString;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, spawn_local};
use tokio::time::{Instant, sleep};

use crate::chance::Chance;
use crate::kubernetes::{Kubernetes, Mutation};
use crate::network::ProcessId;
use crate::process::Process;
use crate::property::Properties;
use crate::servers::Servers;
use crate::trace::Trace;
use crate::valkey::{Fleet, Look, Pace};
use crate::way::Way;
use crate::writer::{Setup, Writer};

pub const NAMESPACE: &str = "default";
pub const NAME: &str = "shop";
pub const NODES: [&str; 3] = ["node-1", "node-2", "node-3"];
const PORT: u16 = 6379;
/// No schedule makes a cluster larger.
const MOST_PODS: usize = 5;
/// How long a packet takes.
const LATENCY: (Duration, Duration) = (Duration::from_micros(100), Duration::from_micros(900));
/// Between two writes of a client.
const WRITE_PERIOD: Duration = Duration::from_millis(200);
/// Between two tries of it, where it is refused.
const RETRY_PERIOD: Duration = Duration::from_millis(100);
/// Between two tries to write to a server past the Service.
const PROBE_PERIOD: Duration = Duration::from_millis(500);

/// Whether a change is an operator's.
pub fn is_operator(who: &str) -> bool {
    who.starts_with("operator-")
}

/// Everything there is.
pub struct World {
    pub kubernetes: Kubernetes,
    pub fleet: Fleet,
    pub servers: Servers,
    pub chance: Chance,
    pub trace: Trace,
    pub properties: Properties,
    pub operators: RefCell<[Operator; 2]>,
    pub cuts: RefCell<Cuts>,
    /// Something was lost that was not made good yet.
    pub lossy: RefCell<bool>,
    pub writers: RefCell<Vec<Writer>>,
    tasks: RefCell<Vec<AbortHandle>>,
}

/// An operator's place, and the process there, if one runs.
#[derive(Default)]
pub struct Operator {
    pub process: Option<Process>,
    /// SIGTERM.
    pub end: Option<oneshot::Sender<()>>,
    /// As it is known now.
    pub name: String,
    boots: u32,
}

/// Who cannot reach whom.
#[derive(Debug, Default)]
pub struct Cuts {
    /// Cut off from everything.
    pub nodes: BTreeSet<&'static str>,
    /// From the one pod, nothing reaches the other.
    pub pods: Vec<(String, String)>,
    /// The operator that reaches no server.
    pub operators: BTreeSet<usize>,
    /// What is cut now.
    applied: BTreeSet<(IpAddr, IpAddr)>,
}

/// A pod, as far as this world looks at it.
#[derive(Debug, Clone)]
pub struct Pod {
    pub name: String,
    pub ip: Option<IpAddr>,
    pub node: Option<String>,
}

impl Drop for World {
    fn drop(&mut self) {
        self.tasks.borrow().iter().for_each(AbortHandle::abort);
    }
}

fn host(of: u8, number: usize) -> IpAddr {
    Ipv4Addr::new(10, of, 0, u8::try_from(number).unwrap() + 1).into()
}

fn operator_host(index: usize) -> IpAddr {
    host(9, index)
}

impl World {
    /// A world in which nothing has happened yet, with a cluster of this spec.
    pub fn start(chance: &Chance, spec: &Value, trace: Trace) -> Rc<Self> {
        let kubernetes = Kubernetes::new(chance, &trace);
        let properties = Properties::watch(&kubernetes, &trace);
        let fleet = Fleet::new(chance, &trace, LATENCY, Pace::default());
        let servers = Servers::new(&fleet);
        let world = Rc::new(Self {
            kubernetes,
            fleet,
            servers,
            chance: chance.fork(),
            trace,
            properties,
            operators: RefCell::default(),
            cuts: RefCell::default(),
            lossy: RefCell::default(),
            writers: RefCell::default(),
            tasks: RefCell::default(),
        });
        for node in NODES {
            world.kubernetes.add_node(node);
        }
        let kubernetes = world.kubernetes.clone();
        let containers = Rc::new(world.servers.clone());
        world.run(async move { kubernetes.run(containers).await });
        world.follow_addresses();
        let cluster = json!({
            "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster",
            "metadata": { "name": NAME, "namespace": NAMESPACE },
            "spec": spec,
        });
        world.kubernetes.create(cluster).unwrap();
        for index in 0..2 {
            world.start_operator(index);
        }
        world.start_writers();
        world
    }

    /// Has something go on until the world ends.
    pub fn run(&self, task: impl Future<Output = ()> + 'static) {
        self.tasks.borrow_mut().push(spawn_local(task).abort_handle());
    }

    /// Starts an operator in its place, as another process than before.
    pub fn start_operator(&self, index: usize) {
        let mut operators = self.operators.borrow_mut();
        let operator = &mut operators[index];
        operator.boots += 1;
        operator.name = format!("operator-{index}-{}", operator.boots);
        let options = Options {
            scope: Scope::Cluster,
            lease: LeaseName {
                namespace: NAMESPACE.to_owned(),
                name: "gungnir-operator".to_owned(),
                identity: operator.name.clone(),
            },
            lease_times: LeaseTimes::default(),
            listen: None,
            discovery: None,
            pause_all: false,
            outside: Outside {
                network: self.fleet.network(operator_host(index)),
                clock: self.kubernetes.clock(),
            },
        };
        let client = self.kubernetes.client(&operator.name);
        let (end, asked) = oneshot::channel();
        operator.end = Some(end);
        let trace = self.trace.clone();
        trace.note(format_args!("{} starts", operator.name));
        operator.process = Some(Process::start(async move {
            let asked = async {
                if asked.await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            let ended = Box::pin(run_on(client, options, asked)).await;
            trace.note(format_args!("an operator has ended: {ended:?}"));
        }));
    }

    /// The place of the operator that has the lease.
    pub fn leader(&self) -> Option<usize> {
        let lease = self.kubernetes.get("Lease", NAMESPACE, "gungnir-operator")?;
        let holder = lease["spec"]["holderIdentity"].as_str()?;
        self.operators.borrow().iter().position(|it| it.name == holder)
    }

    /// The cluster's object.
    pub fn cluster(&self) -> Arc<Value> {
        self.kubernetes.get("ValkeyCluster", NAMESPACE, NAME).unwrap_or_default()
    }

    /// The pods, by ordinal.
    pub fn pods(&self) -> Vec<Pod> {
        let pods = self.kubernetes.list("Pod");
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let mut pods: Vec<Pod> = pods
            .iter()
            .filter_map(|pod| {
                Some(Pod {
                    name: text(&pod["metadata"]["name"])?,
                    ip: text(&pod["status"]["podIP"]).and_then(|ip| ip.parse().ok()),
                    node: text(&pod["spec"]["nodeName"]),
                })
            })
            .collect();
        pods.sort_by(|one, other| one.name.cmp(&other.name));
        pods
    }

    /// The pod that clients are sent to.
    pub fn pointer(&self) -> Option<String> {
        let service = self.kubernetes.get("Service", NAMESPACE, &format!("{NAME}-client"))?;
        let pod = &service["spec"]["selector"]["statefulset.kubernetes.io/pod-name"];
        pod.as_str().map(str::to_owned)
    }

    /// The server's process of a pod.
    pub fn process(&self, pod: &Pod) -> Option<ProcessId> {
        self.fleet.at(SocketAddr::new(pod.ip?, PORT))
    }

    /// What a pod's server is.
    pub fn look(&self, pod: &Pod) -> Option<Look> {
        self.fleet.look(self.process(pod)?)
    }

    /// The uid of a pod's volume claim.
    pub fn claim(&self, pod: &str) -> Option<String> {
        let claim =
            self.kubernetes.get("PersistentVolumeClaim", NAMESPACE, &format!("data-{pod}"))?;
        claim["metadata"]["uid"].as_str().map(str::to_owned)
    }

    /// Whether everything is as people want it; else what is not.
    pub fn is_whole(&self) -> Result<(), &'static str> {
        let cluster = self.cluster();
        let status = &cluster["status"];
        let wanted = cluster["spec"]["replicas"].as_u64().unwrap_or(3);
        if status["observedGeneration"] != cluster["metadata"]["generation"] {
            return Err("the last change is not taken in");
        }
        if status["phase"] != "Running" || status["readyReplicas"] != wanted {
            return Err("it is not Running");
        }
        let election = &status["election"];
        if election["phase"] != "Stable" {
            return Err("the election is not over");
        }
        let members = election["inSync"].as_array().map(Vec::as_slice).unwrap_or_default();
        let is_member = |pod: &Pod| members.iter().any(|member| member["pod"] == *pod.name);
        let Some(master) = self.pointer() else { return Err("clients are sent nowhere") };
        if election["master"]["pod"] != *master {
            return Err("clients are sent to another than is recorded");
        }
        let pods = self.pods();
        if pods.len() as u64 != wanted {
            return Err("there are more pods, or fewer");
        }
        for pod in &pods {
            let Some(look) = self.look(pod) else { return Err("a pod has no server") };
            let leads = pod.name == master;
            let is_well = if leads { look.takes_writes } else { look.link_is_up };
            if look.follows.is_none() != leads || !is_well {
                return Err("a server is not what it is to be");
            }
            if !leads && !is_member(pod) {
                return Err("not every pod is in sync");
            }
        }
        if members.len() + 1 != pods.len() {
            return Err("somebody is counted on who is no replica");
        }
        let asked = [Annotation::Promote, Annotation::SwitchoverTo].map(|it| {
            let value = cluster["metadata"]["annotations"][it.key()].as_str().unwrap_or_default();
            format!("{}={value}", it.key().rsplit('/').next().unwrap_or_default())
        });
        let served = election["served"].as_array().map(Vec::as_slice).unwrap_or_default();
        if !served.iter().all(|done| asked.iter().any(|text| done == text)) {
            return Err("something is recorded as done that nobody asks for");
        }
        Ok(())
    }

    /// How everything is, for whoever waits in vain.
    pub fn told(&self) -> String {
        let cluster = self.cluster();
        let servers = self.pods().into_iter().map(|pod| {
            let look = self.look(&pod).map(|look| {
                let Look { follows, link_is_up, offset, takes_writes, is_loading, .. } = look;
                format!(
                    "follows {follows:?}, link up {link_is_up}, offset {offset}, \
                     takes writes {takes_writes}, loads {is_loading}"
                )
            });
            format!("{} {:?} on {:?}: {look:?}", pod.name, pod.ip, pod.node)
        });
        let servers: Vec<String> = servers.collect();
        format!("pointer {:?}; {}; {}", self.pointer(), cluster["status"], servers.join("; "))
    }

    /// The addresses of pods come and go; who is cut off from whom is a matter of names.
    fn follow_addresses(self: &Rc<Self>) {
        let news = Arc::new(tokio::sync::Notify::new());
        let told = Arc::clone(&news);
        self.kubernetes.on_change(Box::new(move |mutation: &Mutation<'_>, _| {
            if mutation.key.kind == "Pod" {
                told.notify_one();
            }
        }));
        let world = Rc::downgrade(self);
        self.run(async move {
            loop {
                news.notified().await;
                let Some(world) = world.upgrade() else { return };
                world.rewire();
            }
        });
    }

    /// Cuts what is to be cut, and mends what is no longer.
    pub fn rewire(&self) {
        #[derive(PartialEq)]
        enum Party {
            Pod(String, Option<String>),
            Operator(usize),
            Other,
        }
        let pods = self.pods();
        let mut hosts: BTreeMap<IpAddr, Party> =
            (0..2).map(|index| (operator_host(index), Party::Operator(index))).collect();
        hosts.extend((0..2).map(|index| (host(8, index), Party::Other)));
        for pod in pods {
            if let Some(ip) = pod.ip {
                hosts.insert(ip, Party::Pod(pod.name, pod.node));
            }
        }
        let mut cuts = self.cuts.borrow_mut();
        let isolated = |party: &Party| match party {
            Party::Pod(_, Some(node)) => cuts.nodes.contains(node.as_str()),
            _ => false,
        };
        let is_cut = |from: &Party, to: &Party| {
            let pair = match (from, to) {
                (Party::Pod(from, _), Party::Pod(to, _)) => {
                    cuts.pods.iter().any(|(one, other)| one == from && other == to)
                }
                (Party::Operator(index), Party::Pod(..))
                | (Party::Pod(..), Party::Operator(index)) => cuts.operators.contains(index),
                _ => false,
            };
            pair || isolated(from) || isolated(to)
        };
        let mut wanted = BTreeSet::new();
        for (from, one) in &hosts {
            for (to, other) in hosts.iter().filter(|(to, _)| *to != from) {
                if is_cut(one, other) {
                    wanted.insert((*from, *to));
                }
            }
        }
        for (from, to) in wanted.symmetric_difference(&cuts.applied) {
            self.fleet.cut(*from, *to, wanted.contains(&(*from, *to)));
        }
        cuts.applied = wanted;
    }

    fn start_writers(self: &Rc<Self>) {
        let kubernetes = self.kubernetes.clone();
        let password: Rc<dyn Fn() -> Option<String>> = Rc::new(move || {
            let secret = kubernetes.get("Secret", NAMESPACE, &format!("{NAME}-secret"))?;
            let bytes: ByteString =
                serde_json::from_value(secret["data"]["password"].clone()).ok()?;
            String::from_utf8(bytes.0).ok()
        });
        let mut writers = self.writers.borrow_mut();
        for (index, (name, waits)) in [("held", true), ("plain", false)].into_iter().enumerate() {
            let way = Way::to(&self.kubernetes, "shop-client", &self.chance);
            writers.push(Writer::start(Setup {
                name: name.to_owned(),
                network: self.fleet.network(host(8, index)),
                target: Rc::new(move || Some(SocketAddr::new(way.leads_to()?, PORT))),
                password: Rc::clone(&password),
                fleet: self.fleet.clone(),
                period: WRITE_PERIOD,
                retry: RETRY_PERIOD,
                waits,
            }));
        }
        // Whoever leads, these try each server.
        for ordinal in 0..MOST_PODS {
            let world = Rc::downgrade(self);
            writers.push(Writer::start(Setup {
                name: format!("probe-{ordinal}"),
                network: self.fleet.network(host(8, 1)),
                target: Rc::new(move || {
                    let pods = world.upgrade()?.pods();
                    let pod = pods.into_iter().find(|it| it.name == format!("{NAME}-{ordinal}"));
                    Some(SocketAddr::new(pod?.ip?, PORT))
                }),
                password: Rc::clone(&password),
                fleet: self.fleet.clone(),
                period: PROBE_PERIOD,
                retry: PROBE_PERIOD,
                waits: false,
            }));
        }
    }

    /// No client writes any more.
    pub fn end_writers(&self) {
        self.writers.borrow().iter().for_each(Writer::stop);
    }

    /// Waits until everything is as people want it, and has been for `steady`.
    pub async fn settled(&self, limit: Duration, steady: Duration) -> Result<(), String> {
        let until = Instant::now() + limit;
        let mut whole_since = None;
        loop {
            let now = Instant::now();
            match self.is_whole() {
                Ok(()) if now >= *whole_since.get_or_insert(now) + steady => return Ok(()),
                Err(amiss) if now >= until => return Err(format!("{amiss}: {}", self.told())),
                Ok(()) => {}
                Err(_) => whole_since = None,
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    /// Whether what a server holds in memory alone may be lost: nobody else is about to lose his, and
    /// what is acknowledged is held twice. One loss at a time is what is promised.
    pub fn may_lose_memory(&self) -> bool {
        let mut lossy = self.lossy.borrow_mut();
        if *lossy && self.is_whole().is_ok() {
            *lossy = false;
        }
        !*lossy
    }
}

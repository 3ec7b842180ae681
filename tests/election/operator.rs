//! An operator's elections, fed as its caches would: whether it leads is the test's to say.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gungnir::api::Election;
use gungnir::discovery::Config;
use gungnir::discovery::Publisher;
use gungnir::operator::Access;
use gungnir::operator::ClusterFacts;
use gungnir::operator::ClusterKey;
use gungnir::operator::ElectionNews;
use gungnir::operator::Outside;
use gungnir::operator::PodFacts;
use gungnir::operator::ServiceFacts;
use gungnir::operator::Terminated;
use gungnir::operator::VolumeFacts;
use gungnir::operator::election::ElectionView;
use gungnir::operator::election::Elections;
use gungnir::operator::election::ElectionsSetup;
use gungnir::runtime::LiveSettings;
use gungnir::sentinel::Durability;
use gungnir::sentinel::Policy;
use gungnir::sentinel::ReplicaOrder;
use gungnir::sentinel::Settings;
use gungnir::valkey::Secret;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::Client;
use kube::ResourceExt;
use kube::api::ListParams;
use serde::Deserialize as _;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::pod::OPERATOR_PASSWORD;
use crate::pod::PORT;
use crate::world::NAME;
use crate::world::World;

/// Changes what the caches say.
type Edit = Box<dyn Fn(&mut ClusterFacts)>;

/// How old the caches may be.
const CACHE_AGE: Duration = Duration::from_millis(40);

pub struct Operator {
    pub elections: Rc<RefCell<Elections>>,
    pub publisher: Rc<Publisher>,
    leads: Arc<AtomicBool>,
    pub news: Rc<RefCell<Vec<ElectionNews>>>,
    pub key: ClusterKey,
    /// Changes what the caches say before it is told.
    pub edit: Rc<RefCell<Edit>>,
    tasks: Vec<JoinHandle<()>>,
}

impl Operator {
    /// Begins to watch a world.
    pub fn start(world: &World, identity: &str, leads: bool) -> Self {
        let leads = Arc::new(AtomicBool::new(leads));
        let (sender, mut receiver) = mpsc::channel(1024);
        let publisher = Rc::new(Publisher::new());
        let may_act = Arc::clone(&leads);
        let elections = Rc::new(RefCell::new(Elections::new(ElectionsSetup {
            client: world.client_of_operator(),
            identity: identity.to_owned(),
            may_act: Arc::new(move || may_act.load(Ordering::Relaxed)),
            news: sender,
            outside: Outside::default(),
            publisher: Rc::clone(&publisher),
        })));
        let key = ClusterKey { namespace: world.namespace.clone(), name: NAME.to_owned() };
        let news: Rc<RefCell<Vec<ElectionNews>>> = Rc::default();
        {
            let (elections, news) = (Rc::downgrade(&elections), Rc::downgrade(&news));
            let (key, identity) = (key.clone(), identity.to_owned());
            world.explain.borrow_mut().push(Box::new(move || {
                let Some((elections, news)) = elections.upgrade().zip(news.upgrade()) else {
                    return String::new();
                };
                let reasons: Vec<&str> = news.borrow().iter().map(|it| it.reason).collect();
                let explained = elections.borrow().explain(&key);
                let explained = explained.map(|it| (it.hold, it.next, it.term, it.nodes));
                format!("{identity} told {reasons:?} and sees {explained:?}\n")
            }));
        }
        let edit: Rc<RefCell<Edit>> = Rc::new(RefCell::new(Box::new(|_| {})));
        let kept = Rc::clone(&news);
        let hear = async move {
            while let Some(item) = receiver.recv().await {
                kept.borrow_mut().push(item);
            }
        };
        let feed = {
            let (elections, key, edit) = (Rc::clone(&elections), key.clone(), Rc::clone(&edit));
            let client = world.client.clone();
            async move {
                loop {
                    let mut facts = facts(&client, &key).await;
                    edit.borrow()(&mut facts);
                    elections.borrow_mut().update(facts);
                    sleep(CACHE_AGE).await;
                }
            }
        };
        let tasks = vec![spawn_local(hear), spawn_local(feed)];
        Self { elections, publisher, leads, news, key, edit, tasks }
    }

    /// It leads from now on, or no longer.
    pub fn lead(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
        self.elections.borrow().leadership_changed();
    }

    /// People ask by annotation that a pod leads, and leave that there.
    pub fn hand_over_to(&self, pod: usize) {
        let pod = format!("{NAME}-{pod}");
        *self.edit.borrow_mut() = Box::new(move |facts| facts.switchover_to = Some(pod.clone()));
    }

    /// Its caches have the cluster as it was before anybody asked for anything.
    pub fn lags(&self, before: &Election) {
        let before = before.clone();
        *self.edit.borrow_mut() = Box::new(move |facts| {
            "1".clone_into(&mut facts.resource_version);
            facts.election = Some(before.clone());
            facts.switchover_to = None;
        });
    }

    pub fn view(&self) -> ElectionView {
        self.elections.borrow().view(&self.key).unwrap_or_default()
    }

    /// Whether news of that kind came.
    pub fn heard(&self, reason: &str) -> bool {
        self.news.borrow().iter().any(|item| item.reason == reason)
    }

    /// Serves Sentinel's protocol; where.
    pub fn discovery(&mut self) -> std::net::SocketAddr {
        let config = Config::new(([127, 0, 0, 1], 0).into(), "0".repeat(40));
        let server = gungnir::discovery::Server::bind(config, self.publisher.feed()).unwrap();
        let address = server.address();
        self.tasks.push(spawn_local(server.run(std::future::pending())));
        address
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// What the caches of an operator have.
async fn facts(client: &Client, key: &ClusterKey) -> ClusterFacts {
    let clusters: Api<kube::api::DynamicObject> = Api::namespaced_with(
        client.clone(),
        &key.namespace,
        &kube::api::ApiResource::erase::<gungnir::api::ValkeyCluster>(&()),
    );
    let pods: Api<Pod> = Api::namespaced(client.clone(), &key.namespace);
    let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &key.namespace);
    let services: Api<k8s_openapi::api::core::v1::Service> =
        Api::namespaced(client.clone(), &key.namespace);
    let everything = ListParams::default();
    let (cluster, pods, claims) =
        tokio::join!(clusters.get(&key.name), pods.list(&everything), claims.list(&everything));
    let service = services.get_opt(&format!("{}-client", key.name)).await;
    let (cluster, pods, claims, service) =
        (cluster.unwrap(), pods.unwrap(), claims.unwrap(), service.unwrap());
    let made = cluster.creation_timestamp().unwrap();
    let pod = |ordinal: usize| {
        let name = format!("{}-{ordinal}", key.name);
        let claim = claims.iter().find(|claim| claim.name_any() == format!("data-{name}"));
        let object = pods.iter().find(|pod| pod.name_any() == name);
        pod_facts(
            key,
            &name,
            object,
            claim.map(|claim| VolumeFacts {
                name: claim.name_any(),
                uid: claim.uid().unwrap(),
                epoch: claim.annotations().get("valkey.verilean.io/epoch").cloned(),
                older_than_cluster: claim.creation_timestamp().unwrap() < made,
            }),
        )
    };
    let election = cluster.data.pointer("/status/election").filter(|it| !it.is_null());
    let readable = election.and_then(|value| Election::deserialize(value).ok());
    ClusterFacts {
        key: key.clone(),
        uid: cluster.uid().unwrap(),
        resource_version: cluster.resource_version().unwrap(),
        settings: Settings {
            ping_interval_ms: 200,
            down_after_ms: 5000,
            failover_timeout_ms: 60_000,
            min_replicas_to_write: 1,
            min_replicas_max_lag_s: 2,
            replica_order: ReplicaOrder::DataFirst,
            policy: Policy::Consistency,
            durability: Durability::Preferred,
            may_appoint_first: true,
            auto_failover: true,
            shuts_out: true,
        },
        port: PORT,
        live: LiveSettings::default(),
        pods: (0..3).map(pod).collect(),
        access: Some(Access {
            operator_password: Secret::new(OPERATOR_PASSWORD.to_owned()),
            tls: None,
        }),
        service: service.map(|service| ServiceFacts {
            uid: service.uid().unwrap(),
            resource_version: service.resource_version().unwrap(),
            epoch: service
                .annotations()
                .get("valkey.verilean.io/epoch")
                .and_then(|epoch| epoch.parse().ok()),
            pod: service
                .spec
                .and_then(|spec| spec.selector)
                .and_then(|mut it| it.remove("statefulset.kubernetes.io/pod-name")),
        }),
        record_unreadable: election.is_some() && readable.is_none(),
        election: readable,
        switchover_to: None,
        heir: None,
        promote: None,
        fence: None,
        paused: false,
    }
}

fn pod_facts(
    key: &ClusterKey,
    name: &str,
    object: Option<&Pod>,
    volume: Option<VolumeFacts>,
) -> PodFacts {
    let status = object.and_then(|pod| pod.status.as_ref());
    let container =
        status.and_then(|status| status.container_statuses.as_ref()).and_then(|all| all.first());
    let stages = container.map(|it| [it.state.as_ref(), it.last_state.as_ref()]);
    let ended = stages.into_iter().flatten().flatten().filter_map(|it| it.terminated.as_ref());
    let pod_uid = object.and_then(ResourceExt::uid);
    let terminated = ended
        .filter_map(|ended| {
            let container_id = ended.container_id.clone()?;
            Some(Terminated { pod_uid: pod_uid.clone()?, container_id })
        })
        .collect();
    let runs = container.is_some_and(|it| it.state.as_ref().is_some_and(|it| it.running.is_some()));
    PodFacts {
        other_memory_limit: false,
        name: name.to_owned(),
        uid: pod_uid,
        ip: status.and_then(|status| status.pod_ip.clone()),
        host: object.and_then(|pod| pod.spec.as_ref()?.node_name.clone()),
        dns_name: format!("{name}.{}-headless.{}.svc", key.name, key.namespace),
        deleting: object.is_some_and(|pod| pod.metadata.deletion_timestamp.is_some()),
        container_id: container.filter(|_| runs).and_then(|it| it.container_id.clone()),
        terminated,
        role: object.and_then(|pod| pod.labels().get("valkey.verilean.io/role").cloned()),
        volume,
    }
}

//! A cluster in a namespace of its own: its object, what is rendered of it, its pods.

use std::cell::RefCell;
use std::fmt::Write as _;

use gungnir::api::ValkeyCluster;
use gungnir::cluster::Roles;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::core::v1::Pod as PodObject;
use k8s_openapi::api::core::v1::Service;
use kube::Api;
use kube::Client;
use kube::Config;
use kube::api::ApiResource;
use kube::api::DynamicObject;
use kube::api::Patch;
use kube::api::PatchParams;
use kube::api::PostParams;
use kube::client::ClientBuilder;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::account;
use crate::examples::rendered;
use crate::pod::Pod;
use crate::server::Apply;
use crate::server::Server;
use crate::support::valkey::Installed;
use crate::support::valkey::install_series;
use crate::tap::Taps;
use crate::wait::until;

pub const NAME: &str = "shop";
pub const FORCED: Apply = Apply { dry_run: false, force: true, subresource: None };

pub struct World {
    pub server: Server,
    pub client: Client,
    /// The API server with the operator's own account.
    account: Box<Config>,
    pub namespace: String,
    pub pods: Vec<Pod>,
    /// What is rendered, without what nobody here makes anything of.
    pub objects: Vec<Value>,
    /// What operators say of it.
    pub explain: RefCell<Vec<Box<dyn Fn() -> String>>>,
    /// What lies between operators and everything, if something does.
    taps: Option<Taps>,
    folder: TempDir,
}

fn installed() -> Installed {
    install_series(&["9"]).remove(0)
}

impl World {
    /// A cluster that was just made, without pods.
    pub async fn new(name: &str) -> Self {
        Box::pin(Self::with(name, None)).await
    }

    async fn with(name: &str, taps: Option<Taps>) -> Self {
        let server = Server::connect().await;
        let client = Client::try_default().await.unwrap();
        let namespace = server.namespace(name, json!({})).await;
        account::grant(&server, "default.yaml", &namespace).await;
        account::granted(account::OF_ALL_NAMESPACES, &namespace).await;
        let folder = TempDir::new().unwrap();
        let mut world = Self {
            server,
            client,
            account: Box::new(account::config(account::OF_ALL_NAMESPACES).await),
            namespace,
            pods: Vec::new(),
            objects: Vec::new(),
            explain: RefCell::default(),
            taps,
            folder,
        };
        world.apply_cluster().await;
        world.objects = rendered(&world.cluster(), Roles::Elected);
        world.objects.retain(|object| object["kind"] == "Service" || object["kind"] == "ConfigMap");
        world.apply_set("gungnir").await;
        let config = world.objects.iter().find(|it| it["kind"] == "ConfigMap").unwrap();
        let file = |name: &str| config["data"][name].as_str().unwrap().to_owned();
        let files = [file("valkey.conf"), file("users.conf")];
        let installed = installed();
        for ordinal in 0..3 {
            let pods: Api<PodObject> = Api::namespaced(world.client.clone(), &world.namespace);
            let folder = world.folder.path().join(ordinal.to_string());
            let pod = Pod::new((NAME, ordinal), pods, &installed, files.clone(), folder);
            let pod = match &world.taps {
                Some(taps) => pod.tapped(taps),
                None => pod,
            };
            world.pods.push(pod);
        }
        world
    }

    /// The same with its pods, all running.
    pub async fn running(name: &str) -> Self {
        Self::new(name).await.run().await
    }

    /// The same, and all that an operator changes goes through these taps.
    pub async fn tapped(name: &str, taps: &Taps) -> Self {
        Box::pin(Self::with(name, Some(taps.clone()))).await.run().await
    }

    async fn run(self) -> Self {
        for (ordinal, pod) in self.pods.iter().enumerate() {
            self.make_claim(ordinal).await;
            pod.create().await;
            pod.start().await;
        }
        self
    }

    /// The API server as an operator that starts now has it.
    pub fn client_of_operator(&self) -> Client {
        let builder = ClientBuilder::try_from((*self.account).clone()).unwrap();
        let builder = builder.with_layer(&account::Noted);
        match &self.taps {
            Some(taps) => builder.with_layer(taps).build(),
            None => builder.build(),
        }
    }

    fn cluster(&self) -> Value {
        json!({
            "apiVersion": "valkey.verilean.io/v1",
            "kind": "ValkeyCluster",
            "metadata": { "name": NAME, "namespace": self.namespace },
            "spec": { "replicas": 3 },
        })
    }

    pub async fn apply_cluster(&self) {
        self.server.apply("kubectl", &self.cluster(), FORCED).await.unwrap();
    }

    /// Applies the rendered set, as the operator or a GitOps tool does.
    pub async fn apply_set(&self, manager: &str) {
        for object in &self.objects {
            self.server.apply(manager, object, FORCED).await.unwrap();
        }
    }

    /// Makes the volume claim of a pod.
    pub async fn make_claim(&self, ordinal: usize) {
        let claims: Api<PersistentVolumeClaim> =
            Api::namespaced(self.client.clone(), &self.namespace);
        let claim = serde_json::from_value(json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {
                "name": format!("data-{NAME}-{ordinal}"),
                "labels": { "valkey.verilean.io/cluster": NAME },
            },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": "1Gi" } },
            },
        }))
        .unwrap();
        claims.create(&PostParams::default(), &claim).await.unwrap();
    }

    pub async fn election(&self) -> Value {
        self.server.current(&self.cluster()).await["status"]["election"].clone()
    }

    /// Writes the whole record, as somebody who restores a backup.
    pub async fn write_election(&self, election: &Value, manager: &str) {
        let clusters: Api<DynamicObject> = Api::namespaced_with(
            self.client.clone(),
            &self.namespace,
            &ApiResource::erase::<ValkeyCluster>(&()),
        );
        let parameters =
            PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
        // Whole: what the record before had, and this one has not, goes.
        for status in [json!(null), election.clone()] {
            let patch = Patch::Merge(json!({ "status": { "election": status } }));
            clusters.patch_status(NAME, &parameters, &patch).await.unwrap();
        }
    }

    pub async fn service(&self) -> Service {
        let services: Api<Service> = Api::namespaced(self.client.clone(), &self.namespace);
        services.get(&format!("{NAME}-client")).await.unwrap()
    }

    /// Where clients are sent, and in which epoch.
    pub async fn pointer(&self) -> Option<(usize, u64)> {
        let service = self.service().await;
        let pod = service.spec.unwrap().selector?.remove("statefulset.kubernetes.io/pod-name")?;
        let epoch = service.metadata.annotations?.remove("valkey.verilean.io/epoch")?;
        let ordinal = pod.rsplit_once('-').unwrap().1.parse().unwrap();
        Some((ordinal, epoch.parse().unwrap()))
    }

    /// The master that clients are sent to, once the record is stable, its W in force, and all that
    /// run follow.
    pub async fn settled(&self, replicas: usize) -> usize {
        let mut found = None;
        until(
            "the cluster is at rest",
            async || {
                let Some((master, _)) = self.pointer().await else { return false };
                let election = self.election().await;
                found = Some(master);
                let members = election["inSync"].as_array().map_or(0, Vec::len);
                election["phase"] == "Stable"
                    && election["master"]["pod"] == format!("{NAME}-{master}")
                    && election["w"] == json!(1)
                    && members == replicas
                    && self.followers(master) == replicas
            },
            async || self.told().await,
        )
        .await;
        found.unwrap()
    }

    /// How many replicas a pod has online.
    pub fn followers(&self, master: usize) -> usize {
        let info: String = self.pods[master].ask(&["INFO", "replication"]).unwrap_or_default();
        info.lines()
            .filter(|line| line.starts_with("slave") && line.contains("state=online"))
            .count()
    }

    /// Everything there is to know, for a test that failed: what tells most comes first, a line each.
    pub async fn told(&self) -> String {
        let record = self.election().await;
        let in_sync = record["inSync"].as_array().map(Vec::as_slice).unwrap_or_default();
        let in_sync: Vec<&Value> = in_sync.iter().map(|member| &member["pod"]).collect();
        let [phase, term, epoch, target] =
            ["phase", "term", "epoch", "target"].map(|it| &record[it]);
        let (master, w, served) = (&record["master"]["pod"], &record["w"], &record["served"]);
        let mut text = format!(
            "{phase} {master} to {target}, term {term} epoch {epoch} W {w}, in sync {in_sync:?}, served \
             {served}; clients go to {:?}\n",
            self.pointer().await
        );
        for explain in self.explain.borrow().iter() {
            text += &explain();
        }
        for pod in &self.pods {
            let info: String = pod.ask(&["INFO", "replication"]).unwrap_or_default();
            let telling = ["connected_slaves", "slave", "master_", "min_slaves"];
            let lines = info.lines().filter(|line| telling.iter().any(|it| line.starts_with(it)));
            let lines: Vec<&str> = lines.collect();
            let _ =
                writeln!(text, "{} {} {} {}", pod.name, pod.address(), pod.role(), lines.join(" "));
        }
        for pod in &self.pods {
            let log = pod.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(12)..].join("\n");
            let _ = writeln!(text, "{} wrote\n{tail}", pod.name);
        }
        text + &record.to_string()
    }
}

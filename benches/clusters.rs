//! What it costs to run many clusters: the whole operator in a process of its own, a real API server,
//! and fakes of what takes room only: a `StatefulSet` controller with its kubelets, and the servers.
//!
//! `tests/cluster/with cargo bench --bench clusters [-- --clusters 1000 --rest 300]` prints a table in
//! Markdown. It needs about 20 file descriptors a cluster.
//!
//! What never happens here: a look into the operator. Its requests are counted on their way, its
//! memory and processor time are the kernel's word.
// Counts are far below 2^52.
#![allow(clippy::cast_precision_loss, clippy::print_stdout, clippy::print_stderr)]
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

#[path = "clusters/child.rs"]
mod child;
#[path = "clusters/controller.rs"]
mod controller;
#[path = "fake/mod.rs"]
mod fake;
#[path = "clusters/operated.rs"]
mod operated;
#[path = "../tests/support/readme.rs"]
mod readme;
#[allow(dead_code, reason = "made for tests")]
#[path = "../tests/operator/tap.rs"]
mod tap;

use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use clap::Parser;
use futures_util::StreamExt as _;
use gungnir::api::ValkeyCluster;
use gungnir::cluster::{Roles, validate};
use kube::api::{Api, ApiResource, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::core::GroupVersionKind;
use kube::{Client, Resource as _};
use serde_json::{Value, json};
use tokio::time::sleep;

use child::Child;
use operated::{Cost, Operated};
use readme::update_figures;

/// Pods of a cluster.
const NODES: usize = 3;
/// How many requests this process has under way at a time.
const AT_ONCE: usize = 16;
/// How many clusters are changed at once.
const CHANGED: usize = 100;
/// How long anything may take.
const DEADLINE: Duration = Duration::from_secs(900);
/// How long nothing is said of what is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
const NAMESPACE: &str = "scale";

#[derive(Debug, Parser)]
struct Options {
    /// How many clusters.
    #[arg(long, default_value_t = 1000)]
    clusters: usize,
    /// How long nothing is done, in seconds.
    #[arg(long, default_value_t = 60)]
    rest: u64,
    /// This process answers as servers, so many.
    #[arg(long, hide = true)]
    servers: Option<usize>,
    /// This process is the operator.
    #[arg(long, hide = true)]
    operator: bool,
    /// Cargo says it to every benchmark.
    #[arg(long, hide = true)]
    bench: bool,
}

/// The address of a pod's server.
fn address(node: usize) -> Ipv4Addr {
    let first = u32::from(Ipv4Addr::new(127, 100, 0, 1));
    Ipv4Addr::from(first + u32::try_from(node).expect("few nodes"))
}

fn name_of(cluster: usize) -> String {
    format!("cluster-{cluster:04}")
}

fn main() {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Some(servers) = options.servers {
        let all = (0..servers).map(|node| SocketAddr::new(IpAddr::V4(address(node)), 6379));
        let file = settings();
        let serve = fake::serve(all, NODES, fake::Begin::Gated, &file, |_| println!("ready"));
        runtime.block_on(serve);
    } else if options.operator {
        runtime.block_on(operated::operate());
    } else {
        runtime.block_on(measure(&options));
    }
}

/// What a server of such a cluster starts with.
fn settings() -> Vec<(String, String)> {
    let cluster = serde_json::from_value(cluster(0)).expect("a cluster");
    validate(cluster, Roles::Elected).expect("a sound one").config.live()
}

async fn measure(options: &Options) {
    let clusters = options.clusters;
    let client = Client::try_default().await.expect("KUBECONFIG leads to an API server");
    define(&client).await;
    let _servers = Child::start(&["--servers".to_owned(), (clusters * NODES).to_string()]);
    let mut operator = Operated::start();
    let api = clusters_of(&client);
    let control = controller::run(&client);
    let story = async {
        let began = Instant::now();
        let create = (0..clusters).map(|cluster| make(&api, cluster));
        futures_util::stream::iter(create).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        let created = began.elapsed();
        let converged = until(&api, clusters, began).await;
        let creation = operator.settled(DEADLINE).await;
        eprintln!("{creation:#?}");

        let rest = operator.at_rest(Duration::from_secs(options.rest)).await;
        eprintln!("{rest:#?}");
        let [resident, peak] = operator.memory_mib();

        let began = Instant::now();
        let changed = CHANGED.min(clusters);
        let change = (0..changed).map(|cluster| change(&api, cluster));
        futures_util::stream::iter(change).buffer_unordered(AT_ONCE).collect::<Vec<()>>().await;
        let taken_over = until(&api, clusters, began).await;
        let change = operator.settled(DEADLINE).await;
        eprintln!("{change:#?}");

        let each = |cost: &Cost, count: usize, manager: &str| {
            cost.requests_of(manager) as f64 / count as f64
        };
        let rows = [
            row("clusters of 3 pods, made at once", clusters, ""),
            row("the last was made after", shown(created), ""),
            row("all writable after", shown(converged), ""),
            row(
                "requests a cluster, by reconcile",
                format!("{:.1}", each(&creation, clusters, "gungnir")),
                "≤ 12",
            ),
            row(
                "requests a cluster, by the sentinel",
                format!("{:.1}", each(&creation, clusters, "gungnir-sentinel")),
                "≤ 14",
            ),
            row("at rest for", format!("{} s", options.rest), ""),
            row(
                "requests at rest, beside watches and the lease",
                rest.requests.values().sum::<usize>(),
                "0",
            ),
            row(
                "CPU at rest, a PING a second to each server",
                format!("{:.3} cores", rest.cores),
                "≤ 0.25",
            ),
            row("resident memory at rest", format!("{resident:.0} MiB"), "≤ 150 MiB"),
            row("the most of it, while all were made", format!("{peak:.0} MiB"), ""),
            row("clusters changed at once", changed, ""),
            row("all of them done after", shown(taken_over), ""),
            row(
                "requests a changed cluster",
                format!(
                    "{:.1}",
                    each(&change, changed, "gungnir") + each(&change, changed, "gungnir-sentinel")
                ),
                "",
            ),
        ];
        let table = format!("| what | found | goal |\n| --- | --- | --- |\n{}", rows.concat());
        print!("{table}");
        update_figures("clusters", |_| table);
    };
    tokio::select! {
        () = story => {}
        () = control => unreachable!("the controller runs for ever"),
    }
}

fn row(what: &str, found: impl Display, goal: &str) -> String {
    format!("| {what} | {found} | {goal} |\n")
}

fn shown(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

fn clusters_of(client: &Client) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<ValkeyCluster>(&());
    Api::namespaced_with(client.clone(), NAMESPACE, &resource)
}

/// The kind and the namespace.
async fn define(client: &Client) {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let definitions: Api<DynamicObject> =
        Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let definition = gungnir::api::crd();
    let parameters = PatchParams::apply("kubectl");
    let name = format!("{}.{}", ValkeyCluster::plural(&()), ValkeyCluster::group(&()));
    definitions.patch(&name, &parameters, &Patch::Apply(definition)).await.unwrap();
    let kind = GroupVersionKind::gvk("", "v1", "Namespace");
    let namespaces: Api<DynamicObject> =
        Api::all_with(client.clone(), &ApiResource::from_gvk(&kind));
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    namespaces.patch(NAMESPACE, &parameters, &Patch::Apply(namespace)).await.unwrap();
    let began = Instant::now();
    while clusters_of(client).list(&ListParams::default().limit(1)).await.is_err() {
        assert!(began.elapsed() < DEADLINE, "the kind is not served");
        sleep(Duration::from_millis(100)).await;
    }
}

fn cluster(number: usize) -> Value {
    json!({
        "apiVersion": "valkey.verilean.io/v1",
        "kind": "ValkeyCluster",
        "metadata": { "name": name_of(number), "namespace": NAMESPACE },
        "spec": { "replicas": NODES },
    })
}

async fn make(api: &Api<DynamicObject>, number: usize) {
    let object = serde_json::from_value(cluster(number)).unwrap();
    api.create(&PostParams::default(), &object).await.unwrap();
}

/// Something that no pod restarts for.
async fn change(api: &Api<DynamicObject>, cluster: usize) {
    let change = json!({ "spec": { "annotations": { "example.com/team": "shop" } } });
    let patch = Patch::Merge(&change);
    api.patch(&name_of(cluster), &PatchParams::default(), &patch).await.unwrap();
}

/// Waits until every cluster is ready as it is asked for; how long that took.
async fn until(api: &Api<DynamicObject>, clusters: usize, began: Instant) -> Duration {
    let mut told = began;
    loop {
        let all = api.list(&ListParams::default()).await.unwrap();
        let ready = all.iter().filter(|cluster| is_ready(cluster)).count();
        if ready == clusters {
            return began.elapsed();
        }
        if told.elapsed() > PATIENCE {
            eprintln!(
                "{ready} of {clusters} are ready after {:.0} s",
                began.elapsed().as_secs_f64()
            );
            told = Instant::now();
        }
        assert!(began.elapsed() < DEADLINE, "{ready} of {clusters} are ready");
        sleep(Duration::from_millis(500)).await;
    }
}

fn is_ready(cluster: &DynamicObject) -> bool {
    let status = &cluster.data["status"];
    let holds = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
    let conditions = status["conditions"].as_array();
    status["observedGeneration"].as_i64() == cluster.metadata.generation
        && status["election"]["w"] == 1
        && conditions.is_some_and(|all| all.iter().any(holds))
}

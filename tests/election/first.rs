//! The first master, and what pods, volumes and clients learn of it.

use std::time::Duration;
use std::time::Instant;

use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::ResourceExt as _;
use serde_json::json;
use tokio::task::LocalSet;

use crate::operator::Operator;
use crate::wait::until;
use crate::world::NAME;
use crate::world::World;

/// How long a cluster whose first pod runs may take until it can be written to.
const WRITABLE_WITHIN: Duration = Duration::from_secs(8);

#[tokio::test]
async fn a_cluster_that_was_just_made_leads_before_all_its_pods_are_there() {
    LocalSet::new().run_until(just_made()).await;
}

async fn just_made() {
    let world = World::new("just-made").await;
    let mut operator = Operator::start(&world, "test/one", true);
    let discovery = operator.discovery();
    let began = Instant::now();
    world.make_claim(0).await;
    world.pods[0].create().await;
    world.pods[0].start().await;
    until(
        "it can be written to",
        async || {
            world.pointer().await == Some((0, 1))
                && world.pods[0].ask::<String>(&["SET", "a", "1"]).is_ok()
        },
        async || world.told().await,
    )
    .await;
    let took = began.elapsed();
    assert!(took < WRITABLE_WITHIN, "{took:?}");
    let told: Vec<_> = operator.news.borrow().iter().map(|item| item.reason).collect();
    let of = |reason: &str| told.iter().filter(|it| **it == reason).count();
    assert_eq!([of("+new-term"), of("+selected-slave"), of("+monitor")], [1, 1, 1], "{told:?}");

    for pod in &world.pods[1..] {
        pod.create().await;
        pod.start().await;
    }
    assert_eq!(world.settled(2).await, 0);
    let election = world.election().await;
    assert_eq!(election["operator"], "test/one");
    let container = election["master"]["containerId"].as_str().unwrap();
    assert_eq!(container, format!("containerd://{NAME}-0-1"));

    let pods: Api<Pod> = Api::namespaced(world.client.clone(), &world.namespace);
    let claims: Api<PersistentVolumeClaim> =
        Api::namespaced(world.client.clone(), &world.namespace);
    until(
        "pods and volumes say what they are",
        async || {
            let role = async |ordinal: usize| {
                let pod = pods.get(&format!("{NAME}-{ordinal}")).await.unwrap();
                pod.labels().get("valkey.verilean.io/role").cloned().unwrap_or_default()
            };
            let claim = claims.get(&format!("data-{NAME}-0")).await.unwrap();
            let epoch = claim.annotations().get("valkey.verilean.io/epoch").cloned();
            [role(0).await, role(1).await, role(2).await] == ["master", "replica", "replica"]
                && epoch.as_deref() == Some("1/master")
        },
        async || world.told().await,
    )
    .await;

    // By its whole name, and by its bare one, which nobody else has.
    for name in [NAME.to_owned(), format!("{}/{NAME}", world.namespace)] {
        let answer = tokio::task::spawn_blocking(move || {
            let client = redis::Client::open(format!("redis://{discovery}")).unwrap();
            let mut connection = client.get_connection().unwrap();
            let master: Vec<String> = redis::cmd("SENTINEL")
                .arg("GET-MASTER-ADDR-BY-NAME")
                .arg(&name)
                .query(&mut connection)
                .unwrap();
            let failover: redis::RedisResult<()> =
                redis::cmd("SENTINEL").arg("FAILOVER").arg(&name).query(&mut connection);
            (master, failover.is_err())
        });
        let (master, refused) = answer.await.unwrap();
        assert_eq!(master, [world.pods[0].address().to_string(), "6379".to_owned()]);
        assert!(refused);
    }
    assert_eq!(operator.view().master.as_deref(), Some("shop-0"));
    assert!(operator.heard("+monitor"), "{:?}", operator.news.borrow());
}

#[tokio::test]
async fn data_of_an_earlier_life_is_waited_for() {
    LocalSet::new().run_until(earlier_life()).await;
}

async fn earlier_life() {
    let world = World::running("earlier-life").await;
    {
        let _operator = Operator::start(&world, "test/one", true);
        assert_eq!(world.settled(2).await, 0);
        world.pods[0].ask::<String>(&["SET", "kept", "1"]).unwrap();
        let claims: Api<PersistentVolumeClaim> =
            Api::namespaced(world.client.clone(), &world.namespace);
        until(
            "the master's volume knows",
            async || {
                let claim = claims.get(&format!("data-{NAME}-0")).await.unwrap();
                claim.annotations().contains_key("valkey.verilean.io/epoch")
            },
            async || world.told().await,
        )
        .await;
    }
    // All stop; the status is lost; the one with the data is the last to come back.
    for pod in &world.pods {
        pod.kill();
        pod.delete().await;
        pod.move_away();
    }
    world.pods[1].wipe();
    world.pods[2].wipe();
    world.write_election(&json!(null), "gungnir-sentinel").await;
    for pod in &world.pods {
        pod.create().await;
    }
    world.pods[1].start().await;
    world.pods[2].start().await;
    let operator = Operator::start(&world, "test/two", true);
    tokio::time::sleep(Duration::from_secs(12)).await;
    assert!(world.election().await["master"].is_null(), "{:#}", world.election().await);
    assert!(operator.view().hold.is_some(), "{:?}", operator.view());
    world.pods[0].start().await;
    assert_eq!(world.settled(2).await, 0);
    assert_eq!(
        world.pods[0].ask::<Option<String>>(&["GET", "kept"]).unwrap().as_deref(),
        Some("1")
    );
}

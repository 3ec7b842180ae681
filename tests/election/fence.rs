//! What people fence does not lead, and what cannot be seen moves nobody.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::ResourceExt as _;
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::failover::moved;
use crate::operator::Operator;
use crate::wait::until;
use crate::world::World;

fn fence(operator: &Operator, pod: &str) {
    let pod = pod.to_owned();
    *operator.edit.borrow_mut() = Box::new(move |facts| facts.fence = Some(pod.clone()));
}

#[tokio::test]
async fn a_fenced_master_hands_over_and_a_fenced_replica_never_leads() {
    LocalSet::new().run_until(fenced()).await;
}

async fn fenced() {
    let world = World::running("fenced").await;
    let operator = Operator::start(&world, "test/one", true);
    let first = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    fence(&operator, &world.pods[first].name);
    let (second, epoch) = moved(&world, first, epoch).await;
    assert!(!operator.heard("+try-failover"), "it hands over, and nothing is lost");
    world.settled(2).await;
    let pods: Api<Pod> = Api::namespaced(world.client.clone(), &world.namespace);
    until(
        "it serves no reads",
        async || {
            let pod = pods.get(&world.pods[first].name).await.unwrap();
            pod.labels().get("valkey.verilean.io/role").is_some_and(|role| role == "fenced")
        },
        async || world.told().await,
    )
    .await;

    // The next one to go has one heir that may.
    world.pods[second].kill();
    let (third, epoch) = moved(&world, second, epoch).await;
    assert_ne!(third, first, "the fenced one does not lead");
    world.pods[second].start().await;
    world.settled(2).await;

    // Let go, it may.
    *operator.edit.borrow_mut() = Box::new(|_| {});
    fence(&operator, &world.pods[second].name);
    world.settled(2).await;
    world.pods[third].kill();
    let (fourth, _) = moved(&world, third, epoch).await;
    assert_eq!(fourth, first);
}

#[tokio::test]
async fn a_paused_cluster_fails_over_when_it_goes_on() {
    LocalSet::new().run_until(paused()).await;
}

async fn paused() {
    let world = World::running("paused").await;
    let operator = Operator::start(&world, "test/one", true);
    let master = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    *operator.edit.borrow_mut() = Box::new(|facts| facts.paused = true);
    until(
        "the pause has come",
        async || operator.view().hold.is_some(),
        async || format!("{:?}", operator.view()),
    )
    .await;
    let record = world.election().await;
    world.pods[master].kill();
    sleep(Duration::from_secs(3)).await;
    assert_eq!(world.pointer().await, Some((master, epoch)));
    assert_eq!(world.election().await, record, "nothing is decided");
    *operator.edit.borrow_mut() = Box::new(|_| {});
    let (next, _) = moved(&world, master, epoch).await;
    assert_ne!(next, master);
}

#[tokio::test]
async fn a_cluster_of_which_nothing_is_heard_is_blind_and_nobody_is_elected() {
    LocalSet::new().run_until(silent()).await;
}

async fn silent() {
    let world = World::running("silent").await;
    let operator = Operator::start(&world, "test/one", true);
    let master = world.settled(2).await;
    let pointer = world.pointer().await;
    assert!(!operator.elections.borrow().is_blind());
    for pod in &world.pods {
        pod.signal("STOP");
    }
    until("blind", async || operator.elections.borrow().is_blind(), async || world.told().await)
        .await;
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.pointer().await, pointer);
    for pod in &world.pods {
        pod.signal("CONT");
    }
    assert_eq!(world.settled(2).await, master);
    // What the servers say is there before the operator has asked them again.
    until(
        "it sees again",
        async || !operator.elections.borrow().is_blind(),
        async || world.told().await,
    )
    .await;
}

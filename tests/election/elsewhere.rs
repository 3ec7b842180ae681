//! The record names another operator: who keeps off, and until when.

use gungnir::operator::election::Problem;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::DeleteParams;
use kube::api::PostParams;
use serde_json::json;
use tokio::task::LocalSet;

use crate::failover::moved;
use crate::operator::Operator;
use crate::wait::until;
use crate::world::World;

#[tokio::test]
async fn a_cluster_of_another_operator_is_not_decided_about_while_that_one_is_there() {
    LocalSet::new().run_until(claimed()).await;
}

async fn claimed() {
    let world = World::running("claimed").await;
    let lease = format!("{}/other", world.namespace);
    let first = Operator::start(&world, &lease, true);
    let master = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    drop(first);
    let record = world.election().await;
    let leases: Api<Lease> = Api::namespaced(world.client.clone(), &world.namespace);
    let held = serde_json::from_value(json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": { "name": "other" },
        "spec": {
            "holderIdentity": "other_1", "leaseDurationSeconds": 30,
            "renewTime": Timestamp::now().to_string(),
        },
    }));
    leases.create(&PostParams::default(), &held.unwrap()).await.unwrap();

    let operator = Operator::start(&world, "test/one", true);
    let elsewhere = |problem: Option<Problem>| match problem {
        Some(Problem::ManagedElsewhere(elsewhere)) => Some((elsewhere.lease, elsewhere.hidden)),
        _ => None,
    };
    until(
        "it keeps off",
        async || elsewhere(operator.view().problem) == Some((lease.clone(), false)),
        async || world.told().await,
    )
    .await;
    world.pods[master].kill();
    world.pods[master].start().await;
    assert_eq!(world.election().await, record, "nobody has written it");

    leases.delete("other", &DeleteParams::default()).await.unwrap();
    let (next, _) = moved(&world, master, epoch).await;
    assert_ne!(next, master);
    assert_eq!(operator.view().problem, None);
    assert_eq!(world.election().await["operator"], "test/one");
}

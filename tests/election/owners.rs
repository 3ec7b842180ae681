//! Others write the same objects: nobody takes the pointer or the record away, and a record that
//! does not hold together elects nobody.

use std::rc::Rc;
use std::time::Duration;

use gungnir::operator::election::Problem;
use serde_json::{Value, json};
use tokio::task::LocalSet;
use tokio::task::spawn_local;
use tokio::time::sleep;

use crate::failover::moved;
use crate::operator::Operator;
use crate::server::Apply;
use crate::wait::until;
use crate::world::NAME;
use crate::world::World;

#[tokio::test]
async fn a_failover_holds_against_everybody_who_applies_the_set_or_writes_status() {
    LocalSet::new().run_until(contended()).await;
}

async fn contended() {
    let world = Rc::new(World::running("contended").await);
    let _operator = Operator::start(&world, "test/one", true);
    let master = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    let apply = {
        let world = Rc::clone(&world);
        spawn_local(async move {
            for manager in ["argocd-controller", "kustomize-controller", "gungnir"].iter().cycle() {
                world.apply_set(manager).await;
            }
        })
    };
    let write = {
        let world = Rc::clone(&world);
        spawn_local(async move {
            let to_status = Apply { subresource: Some("status"), force: true, dry_run: false };
            for number in 0.. {
                let status = json!({
                    "apiVersion": "valkey.verilean.io/v1",
                    "kind": "ValkeyCluster",
                    "metadata": { "name": NAME, "namespace": world.namespace },
                    "status": { "readyReplicas": number },
                });
                world.server.apply("gungnir-status", &status, to_status).await.unwrap();
            }
        })
    };
    sleep(Duration::from_millis(300)).await;
    world.pods[master].kill();
    let (next, higher) = moved(&world, master, epoch).await;
    for _ in 0..50 {
        assert_eq!(world.pointer().await, Some((next, higher)));
        sleep(Duration::from_millis(20)).await;
    }
    apply.abort();
    write.abort();
    world.pods[master].start().await;
    assert_eq!(world.settled(2).await, next);
}

#[tokio::test]
async fn an_old_record_elects_nobody_and_one_that_is_none_is_shown() {
    LocalSet::new().run_until(restored()).await;
}

async fn restored() {
    let world = World::running("restored").await;
    let operator = Operator::start(&world, "test/one", true);
    let first = world.settled(2).await;
    let mut old = world.election().await;
    let (_, epoch) = world.pointer().await.unwrap();
    world.pods[first].kill();
    let (master, epoch) = moved(&world, first, epoch).await;
    world.pods[first].start().await;
    assert_eq!(world.settled(2).await, master);
    drop(operator);

    old["target"] = json!(format!("{NAME}-0"));
    world.write_election(&old, "restore").await;
    let operator = Operator::start(&world, "test/one", true);
    assert_eq!(world.settled(2).await, master, "the one that leads is adopted");
    let (_, now) = world.pointer().await.unwrap();
    assert!(now > epoch, "{now} after {epoch}");
    assert!(!operator.heard("+try-failover"));
    let record = world.election().await;
    assert_eq!(record["target"], Value::Null, "nothing of the old one is left: {record}");

    let good = world.election().await;
    let mut bad = good.clone();
    bad["inSync"][0]["uid"] = json!("nobody");
    world.write_election(&bad, "kubectl-edit").await;
    until(
        "it is shown",
        async || matches!(operator.view().problem, Some(Problem::RecordUnreadable(_))),
        async || format!("{:?}", operator.view()),
    )
    .await;
    world.pods[master].kill();
    sleep(Duration::from_secs(2)).await;
    assert_eq!(world.pointer().await.unwrap().0, master, "nobody is elected from it");
    world.write_election(&good, "kubectl-edit").await;
    moved(&world, master, now).await;
}

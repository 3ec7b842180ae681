//! Two operators that were installed apart: what one has, the other leaves alone.

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::tap::{Fault, Seen};
use crate::world::{REST, World, find};

/// What a keeper-off has written: of the status, and of anything else.
fn written(world: &World) -> (usize, Vec<Seen>) {
    let of_status = |seen: &Seen| seen.path.ends_with("/valkeyclusters/shop/status");
    let changes = world.tap.take().into_iter().filter(|seen| seen.method != "GET");
    let changes = changes.filter(|seen| !seen.path.ends_with("/events"));
    let (status, rest): (Vec<Seen>, Vec<Seen>) = changes.partition(of_status);
    (status.len(), rest)
}

#[tokio::test]
async fn what_another_operator_has_is_left_alone_until_that_one_is_gone() {
    let world = World::new("had").await;
    let other = world.installed_elsewhere("had-not").await;
    let lease = format!("{}/gungnir-operator", world.namespace);
    let ended = tokio::sync::Notify::new();
    let had = world.operated(async {
        world.shop(json!({})).await;
        world.created().await;
        world.recorded_by(Some(&lease)).await;
        ended.notified().await;
    });
    let left_alone = async {
        world
            .until("it has a record", "ValkeyCluster", "shop", |cluster| {
                cluster["status"]["election"]["operator"] == lease
            })
            .await;
        let beside = async {
            let told = |event: &Value| {
                let note = event["note"].as_str().unwrap_or_default();
                event["reason"] == "ForeignLease" && note.contains(&format!("lease `{lease}`"))
            };
            let start = std::time::Instant::now();
            while !other.list("Event").await.iter().any(told) {
                assert!(start.elapsed() < crate::world::DEADLINE, "nobody is told");
                sleep(std::time::Duration::from_millis(50)).await;
            }
            // Whoever has it says in its status what it sees.
            world
                .until("not contradicted", "ValkeyCluster", "shop", |cluster| {
                    find(cluster, "ManagedElsewhere").is_none()
                })
                .await;
            for replicas in [7, 8] {
                let edit = json!({ "spec": { "replicas": replicas } });
                world.edit("kubectl-edit", "StatefulSet", "shop", edit).await;
                let whole = |set: &Value| set["spec"]["replicas"] == 3;
                world.until("repaired by the one", "StatefulSet", "shop", whole).await;
            }
            sleep(REST).await;
            let (status, rest) = written(&other);
            assert!(status <= 1, "the status is fought over: {status}");
            assert_eq!(rest, []);

            // It ends, and gives its lease back.
            ended.notify_one();
            let given_back = |lease: &Value| lease["spec"]["holderIdentity"] == "";
            world.until("given back", "Lease", "gungnir-operator", given_back).await;
            world.shop(json!({ "replicas": 4 })).await;
            let grown = |set: &Value| set["spec"]["replicas"] == 4;
            world.until("taken over", "StatefulSet", "shop", grown).await;
        };
        other.operated(beside).await;
    };
    tokio::join!(had, left_alone);
}

#[tokio::test]
async fn an_operator_that_cannot_be_seen_is_told_of_with_the_cure() {
    let world = World::new("hidden").await;
    let forbidden = |seen: &Seen| seen.path.contains("/namespaces/nowhere/leases/");
    world.tap.spoil(move |seen: &Seen| forbidden(seen).then_some(Fault::Refused(403)));
    world.shop(json!({})).await;
    world.recorded_by(Some("nowhere/gungnir-operator")).await;
    world
        .operated(async {
            let message = world.condition("ManagedElsewhere", "True").await;
            assert!(message.contains("may not read that lease (403)"), "{message}");
            sleep(REST).await;
            let (status, rest) = written(&world);
            assert_eq!((status, rest), (1, Vec::new()), "once, and nothing else");
            assert!(world.get("StatefulSet", "shop").await.is_none());

            // What the message says, word by word.
            let cure = message.split_once("kubectl ").unwrap().1;
            assert!(cure.contains(" patch valkeycluster shop --subresource=status"), "{cure}");
            let patch = cure.split('\'').nth(1).unwrap();
            let patch: Value = serde_json::from_str(patch).unwrap();
            world.status("ValkeyCluster", "shop", patch["status"].clone()).await;
            world.created().await;
            let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
            assert_eq!(find(&cluster, "ManagedElsewhere"), None);
        })
        .await;
}

#[tokio::test]
async fn an_operator_whose_lease_is_gone_is_succeeded() {
    let world = World::new("succeeded").await;
    world.shop(json!({})).await;
    world.recorded_by(Some("nowhere/gungnir-operator")).await;
    world
        .operated(async {
            world.created().await;
            let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
            assert_eq!(find(&cluster, "ManagedElsewhere"), None);
        })
        .await;
}

//! Conditions that hold for what others do, or what servers say: on the object, with their reasons.

use gungnir::operator::election::{ElectionView, Problem};
use serde_json::{Value, json};

use crate::tap::{Fault, Seen};
use crate::world::{World, find, with_operator};

/// Something of the cluster is touched, so that it is looked at.
async fn touch(world: &World, turn: usize) {
    let mark = json!({ "metadata": { "annotations": { "example.com/turn": turn.to_string() } } });
    world.edit("people", "ValkeyCluster", "shop", mark).await;
}

#[tokio::test]
async fn what_an_election_finds_amiss_is_told_as_long_as_it_is() {
    with_operator("amiss", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        let refused = ("shop-0".to_owned(), "maxclients".to_owned(), "ERR no".to_owned());
        let unreadable = Problem::RecordUnreadable("status.election: no epoch".to_owned());
        let sound = ElectionView::default;
        let rows = [
            (
                ElectionView { data_loss_possible: Some("shop-1".to_owned()), ..sound() },
                ("DataLossPossible", "NoQuorum", "shop-1 may lack acknowledged writes"),
            ),
            (
                ElectionView { writes_refused: Some(tokio::time::Instant::now()), ..sound() },
                ("WritesRefused", "TooFewReplicas", "the master waits for them"),
            ),
            (
                ElectionView { settings_refused: vec![refused], ..sound() },
                ("ConfigRefused", "ConfigRefused", "shop-0 refuses `maxclients`: ERR no"),
            ),
            (
                ElectionView { problem: Some(unreadable), ..sound() },
                ("RecordUnreadable", "RecordUnreadable", "remove `status.election`"),
            ),
        ];
        for (turn, (view, (kind, reason, message))) in rows.into_iter().enumerate() {
            *world.told.view.lock().unwrap() = Some(view);
            touch(&world, turn).await;
            let told = world.condition(kind, "True").await;
            assert!(told.contains(message), "{kind}: {told}");
            let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
            assert_eq!(find(&cluster, kind).unwrap()["reason"], reason);
            let degraded = find(&cluster, "Degraded").unwrap();
            assert_eq!(
                (&degraded["status"], &degraded["reason"]),
                (&json!("True"), &json!(reason))
            );
            let stalled = find(&cluster, "Stalled").is_some();
            assert_eq!(stalled, kind == "RecordUnreadable", "only people can help: {kind}");
        }
        *world.told.view.lock().unwrap() = Some(sound());
        touch(&world, 9).await;
        let well = |cluster: &Value| {
            find(cluster, "Degraded").is_some_and(|it| it["reason"] == "AsExpected")
                && find(cluster, "RecordUnreadable").is_none()
        };
        world.until("nothing is amiss", "ValkeyCluster", "shop", well).await;
    })
    .await;
}

#[tokio::test]
async fn a_kind_that_nobody_serves_is_told_until_somebody_does() {
    let world = World::new("not-served").await;
    world.tap.spoil(|seen: &Seen| {
        let asks = seen.path == "/apis/cert-manager.io/v1";
        asks.then_some(Fault::Refused(404))
    });
    world
        .operated(async {
            world.shop(json!({ "tls": { "enabled": true, "issuerRef": { "name": "ca" } } })).await;
            let message = world.condition("KindNotServed", "True").await;
            assert!(message.contains("does not serve Certificate: install its CRD"), "{message}");
            world.until("the rest is made", "StatefulSet", "shop", |_| true).await;
            world.tap.spoil(|_| None);
            world.until("it is made", "Certificate", "shop-tls", |_| true).await;
            world
                .until("told no more", "ValkeyCluster", "shop", |cluster| {
                    find(cluster, "KindNotServed").is_none()
                })
                .await;
        })
        .await;
}

#[tokio::test]
async fn an_orphan_with_fields_of_somebody_else_is_not_taken_by_force() {
    with_operator("owned", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        // Its cluster is gone, and somebody has made it theirs.
        let hold =
            json!({ "metadata": { "annotations": { "valkey.verilean.io/reconcile": "paused" } } });
        world.edit("people", "ValkeyCluster", "shop", hold).await;
        world.condition("Paused", "True").await;
        world.orphan().await;
        let theirs = json!({ "spec": { "maxUnavailable": 2 } });
        world.edit("rival", "PodDisruptionBudget", "shop-pdb", theirs).await;

        world.shop(json!({})).await;
        let message = world.condition("FieldConflict", "True").await;
        assert!(message.contains("fields of `rival` (spec.maxUnavailable)"), "{message}");
        let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
        assert_eq!(find(&cluster, "FieldConflict").unwrap()["reason"], "OwnedByOthers");
        let budget = world.get("PodDisruptionBudget", "shop-pdb").await.unwrap();
        assert_eq!(budget["spec"]["maxUnavailable"], 2);
        assert!(budget["metadata"]["ownerReferences"].is_null());

        world.delete("PodDisruptionBudget", "shop-pdb").await;
        world.created().await;
        let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
        assert_eq!(find(&cluster, "FieldConflict"), None);
    })
    .await;
}

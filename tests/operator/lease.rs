//! Who may act: one operator at a time, and nobody who cannot renew.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::tap::{Fault, Seen};
use crate::world::{REST, World, with_operator};

fn holder(lease: &Value) -> &str {
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_lease_is_given_back_and_taken_at_once_or_runs_out() {
    let world = World::new("lease").await;
    let lease = || async { world.get("Lease", "gungnir-operator").await.unwrap_or_default() };
    let held = async {
        world.until("held", "Lease", "gungnir-operator", |lease| !holder(lease).is_empty()).await;
    };
    world.operated(held).await;
    assert_eq!(holder(&lease().await), "", "it is given back at the end");
    let stuck = json!({ "spec": { "holderIdentity": "another", "leaseDurationSeconds": 5 } });
    world.edit("another", "Lease", "gungnir-operator", stuck).await;
    let began = Instant::now();
    world
        .operated(async {
            let mine = |lease: &Value| holder(lease).starts_with("test-");
            world.until("taken over", "Lease", "gungnir-operator", mine).await;
        })
        .await;
    let waited = began.elapsed();
    assert!((5..9).contains(&waited.as_secs()), "{waited:?}");
}

#[tokio::test]
async fn who_cannot_renew_changes_nothing_and_goes_on_when_it_can() {
    with_operator("cut-off", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        world.tap.spoil(|seen: &Seen| seen.is_lease().then_some(Fault::Broken));
        sleep(Duration::from_secs(3)).await;
        world.tap.take();
        world
            .edit("kubectl-edit", "StatefulSet", "shop", json!({ "spec": { "replicas": 7 } }))
            .await;
        sleep(Duration::from_secs(4)).await;
        assert_eq!(world.tap.take(), [], "nothing was asked for without the lease");
        world.tap.spoil(|_| None);
        world.until("repaired", "StatefulSet", "shop", |set| set["spec"]["replicas"] == 3).await;
    })
    .await;
}

#[tokio::test]
async fn of_two_operators_one_acts() {
    let world = World::new("two").await;
    let other = world.another();
    let story = async {
        world.until("led", "Lease", "gungnir-operator", |lease| !holder(lease).is_empty()).await;
        world.shop(json!({})).await;
        for (kind, name) in crate::world::CHILDREN {
            world.until("created", kind, name, |_| true).await;
        }
        sleep(Duration::from_secs(2)).await;
        // Who watches learns the passwords, to be ready when its turn comes.
        let changes = |seen: Vec<Seen>| seen.iter().filter(|seen| seen.method != "GET").count();
        let asked = [changes(world.tap.take()), changes(other.tap.take())];
        assert!(asked.contains(&0), "{asked:?}");
        assert!(asked.iter().sum::<usize>() <= 12, "{asked:?}");
    };
    let until = std::cell::Cell::new(false);
    let standby = other.operated(async {
        while !until.get() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    let leader = world.operated(async {
        story.await;
        until.set(true);
    });
    tokio::join!(leader, standby);
}

#[tokio::test]
async fn who_hears_of_no_pod_gives_the_lease_up_once() {
    with_operator("blind", |world: World| async move {
        let transitions = |lease: &Value| lease["spec"]["leaseTransitions"].as_i64();
        let is_held = |lease: &Value| !holder(lease).is_empty();
        let first = world.until("held", "Lease", "gungnir-operator", is_held).await;
        world.told.blind.store(true, Ordering::Relaxed);
        world.until("given up", "Lease", "gungnir-operator", |lease| !is_held(lease)).await;
        let second = world.until("held again", "Lease", "gungnir-operator", is_held).await;
        assert!(transitions(&second) > transitions(&first));
        sleep(REST).await;
        let third = world.get("Lease", "gungnir-operator").await.unwrap();
        assert_eq!(transitions(&third), transitions(&second), "once an incident");
        world.told.blind.store(false, Ordering::Relaxed);
        sleep(REST).await;
        world.told.blind.store(true, Ordering::Relaxed);
        world.until("given up", "Lease", "gungnir-operator", |lease| !is_held(lease)).await;
    })
    .await;
}

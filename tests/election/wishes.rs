//! What people ask for is done once: whoever starts later knows what was done, and forgets it before
//! something else is done.

use std::rc::Rc;

use gungnir::api::Election;
use serde_json::json;
use tokio::task::LocalSet;

use crate::failover::moved;
use crate::operator::Operator;
use crate::wait::until;
use crate::world::NAME;
use crate::world::World;

/// How many operators start, one after the other: some of them see the annotation before the record.
const STARTS: usize = 6;

fn switchover_to(pod: usize) -> String {
    format!("switchover-to={NAME}-{pod}")
}

/// Waits until it is recorded that this was done, and nothing else.
async fn served(world: &World, pod: usize) {
    let only = json!([switchover_to(pod)]);
    until(
        "it is recorded what was done",
        async || world.election().await["served"] == only,
        async || world.told().await,
    )
    .await;
}

#[tokio::test]
async fn what_was_done_is_not_done_again_by_whoever_starts() {
    LocalSet::new().run_until(once()).await;
}

async fn once() {
    let world = Rc::new(World::running("once").await);
    let mut operator = Operator::start(&world, "test/one", true);
    let master = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    let before: Election = serde_json::from_value(world.election().await).unwrap();
    let heir = (master + 1) % world.pods.len();
    operator.hand_over_to(heir);
    let (_, epoch) = moved(&world, master, epoch).await;
    served(&world, heir).await;

    // It stands there for days, and meanwhile another one has come to lead.
    world.pods[heir].kill();
    let (leads, epoch) = moved(&world, heir, epoch).await;
    world.pods[heir].start().await;
    assert_eq!(world.settled(2).await, leads);
    for start in 0..STARTS {
        drop(operator);
        operator = Operator::start(&world, "test/one", true);
        if start % 2 == 0 {
            operator.hand_over_to(heir);
        } else {
            operator.lags(&before);
        }
        until("it leads", async || operator.heard("+new-term"), async || world.told().await).await;
        world.settled(2).await;
        operator.hand_over_to(heir);
        served(&world, heir).await;
    }
    // Had one of them done it again, that would have come before this.
    let another = (0..world.pods.len()).find(|&pod| pod != heir && pod != leads).unwrap();
    operator.hand_over_to(another);
    assert_eq!(moved(&world, leads, epoch).await.0, another);
}

#[tokio::test]
async fn what_is_asked_for_no_more_is_forgotten_before_anything_else_is_done() {
    LocalSet::new().run_until(forgotten()).await;
}

async fn forgotten() {
    let world = Rc::new(World::running("forgotten").await);
    let mut operator = Operator::start(&world, "test/one", true);
    let mut master = world.settled(2).await;
    let mut before = None;
    for _ in 0..STARTS {
        let (_, epoch) = world.pointer().await.unwrap();
        let target = (master + 1) % world.pods.len();
        operator.hand_over_to(target);
        let (next, _) = moved(&world, master, epoch).await;
        assert_eq!(next, target);
        let record = world.election().await;
        let recorded = |pod| record["served"].as_array().is_some_and(|it| it.contains(&json!(pod)));
        // Whoever ended now would leave it there, and to ask for it once more would be in vain.
        assert!(!before.is_some_and(|pod| recorded(switchover_to(pod))), "{record:#}");
        served(&world, target).await;
        drop(operator);
        operator = Operator::start(&world, "test/one", true);
        (before, master) = (Some(target), target);
    }
}

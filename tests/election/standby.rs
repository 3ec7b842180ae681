//! Two operators: the one that was replaced changes nothing any more, whatever it believes.

use std::rc::Rc;
use std::time::Duration;

use tokio::task::LocalSet;
use tokio::time::Instant;
use tokio::time::sleep;

use crate::failover::moved;
use crate::operator::Operator;
use crate::wait::until;
use crate::world::World;
use crate::writer::Writer;

/// After so long one that was replaced, and may act all the while, begins a term of its own.
const RECLAIMS_AFTER: Duration = Duration::from_secs(15);
/// How often a machine may be too slow for that.
const ATTEMPTS: usize = 3;

#[tokio::test]
async fn a_standby_takes_over_and_the_stale_leader_is_shut_out() {
    let attempts = async {
        for attempt in 0..ATTEMPTS {
            if taken_over(&format!("standby-{attempt}")).await.is_some() {
                return;
            }
        }
        panic!("{ATTEMPTS} times it took longer than {RECLAIMS_AFTER:?}");
    };
    LocalSet::new().run_until(attempts).await;
}

/// Nothing when it took so long that the stale one may lead again.
async fn taken_over(name: &str) -> Option<()> {
    let world = Rc::new(World::running(name).await);
    let stale = Operator::start(&world, "test/same", true);
    let next = Operator::start(&world, "test/same", false);
    let master = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    let term = world.election().await["term"].as_u64().unwrap();
    let writer = Writer::start(&world);
    assert!(next.view().hold.is_some(), "{:?}", next.view());

    // Both believe that they lead.
    let began = Instant::now();
    let in_time = || (began.elapsed() < RECLAIMS_AFTER).then_some(());
    next.lead(true);
    until(
        "the term rises",
        async || world.election().await["term"].as_u64().unwrap() > term,
        async || world.told().await,
    )
    .await;
    until(
        "the stale one knows",
        async || stale.view().hold.is_some_and(|hold| hold.contains("took over")),
        async || format!("{:?}", stale.view()),
    )
    .await;
    let taken = world.election().await;
    sleep(Duration::from_secs(2)).await;
    let later = world.election().await;
    in_time()?;
    assert_eq!(later["term"], taken["term"]);

    world.pods[master].kill();
    let (now, _) = moved(&world, master, epoch).await;
    assert_ne!(now, master);
    let later = world.election().await;
    in_time()?;
    assert_eq!(later["term"], taken["term"]);
    assert!(!stale.heard("+try-failover") || next.heard("+try-failover"));
    for pod in world.pods.iter().filter(|pod| pod.role() != "slave") {
        assert!(pod.name == world.pods[now].name || pod.role().contains("refused"), "{}", pod.name);
    }

    // The stale one leads again, by a new term of its own.
    next.lead(false);
    stale.lead(false);
    stale.lead(true);
    until(
        "the term rises again",
        async || world.election().await["term"].as_u64() > taken["term"].as_u64(),
        async || world.told().await,
    )
    .await;
    world.pods[master].start().await;
    assert_eq!(world.settled(2).await, now);
    assert_eq!(writer.lost(&world).await, [0_u64; 0]);
    Some(())
}

//! The master goes: another one leads, nothing that was acknowledged is lost, and the pod that
//! comes back follows.

use std::rc::Rc;
use std::time::Duration;
use std::time::Instant;

use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::operator::Operator;
use crate::wait::until;
use crate::world::World;
use crate::writer::Writer;

/// Waits until clients are sent to another pod than that one.
pub async fn moved(world: &World, from: usize, epoch: u64) -> (usize, u64) {
    let mut found = None;
    until(
        "clients are sent to another pod",
        async || {
            found = world.pointer().await.filter(|(pod, now)| *pod != from && *now > epoch);
            found.is_some()
        },
        async || world.told().await,
    )
    .await;
    found.unwrap()
}

#[tokio::test]
async fn a_master_that_is_killed_is_replaced_and_its_pod_made_anew_follows() {
    LocalSet::new().run_until(killed()).await;
}

async fn killed() {
    let world = Rc::new(World::running("killed").await);
    let operator = Operator::start(&world, "test/one", true);
    let master = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    let writer = Writer::start(&world);
    sleep(Duration::from_millis(500)).await;
    let before = writer.count();
    let began = Instant::now();
    world.pods[master].kill();
    let (next, _) = moved(&world, master, epoch).await;
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    until("it goes on", async || writer.count() > before + 20, async || world.told().await).await;
    assert!(operator.heard("+switch-master"));

    // Its pod is deleted, and made anew: another uid, another address.
    world.pods[master].delete().await;
    world.pods[master].move_away();
    world.pods[master].create().await;
    world.pods[master].start().await;
    assert_eq!(world.settled(2).await, next);
    assert_eq!(world.pods[master].role(), "slave");
    let lost = writer.lost(&world).await;
    assert_eq!(lost, [0_u64; 0]);
}

#[tokio::test]
async fn a_master_that_has_restarted_before_is_missed_as_soon() {
    LocalSet::new().run_until(killed_again()).await;
}

/// Its kubelet goes on telling of the container that ended then.
async fn killed_again() {
    let world = Rc::new(World::running("again").await);
    let _operator = Operator::start(&world, "test/one", true);
    let (mut master, mut restarted) = (world.settled(2).await, Vec::new());
    loop {
        let (_, epoch) = world.pointer().await.unwrap();
        let began = Instant::now();
        world.pods[master].kill();
        let (next, _) = moved(&world, master, epoch).await;
        let took = began.elapsed();
        if restarted.contains(&master) {
            // Its writes would have to be waited out for four seconds, if it were not known to be dead.
            assert!(took < Duration::from_secs(3), "{took:?}");
            return;
        }
        restarted.push(master);
        world.pods[master].report_end().await;
        world.pods[master].start().await;
        master = world.settled(2).await;
        assert_eq!(master, next);
    }
}

#[tokio::test]
async fn the_status_of_a_container_proves_its_end() {
    LocalSet::new().run_until(container_ended()).await;
}

async fn container_ended() {
    let world = World::running("container").await;
    let _operator = Operator::start(&world, "test/one", true);
    let master = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    // As a node does whose network fails while its kubelet still reports: nothing is refused and
    // nothing answers.
    world.pods[master].signal("STOP");
    sleep(Duration::from_millis(500)).await;
    assert_eq!(world.pointer().await.unwrap().0, master);
    let began = Instant::now();
    world.pods[master].report_end().await;
    moved(&world, master, epoch).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    world.pods[master].signal("CONT");
    world.settled(2).await;
    assert_eq!(world.pods[master].role(), "slave");
}

//! C12: the operator ends at every point of a failover and of a handover, one after the other: before
//! and after each request to the API server and each command to a server that changes something.
//! Whoever comes next finishes or undoes it.
//!
//! Points are counted, not sampled: a round ends it at the next point until one is over with nobody
//! ended.

#![allow(clippy::print_stdout, reason = "the points that there were")]

use std::rc::Rc;
use std::time::Duration;
use std::time::Instant;

use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::failover::moved;
use crate::operator::Operator;
use crate::tap::Moment;
use crate::tap::Taps;
use crate::wait::until;
use crate::world::World;
use crate::writer::Writer;

/// A round in which nothing was changed for this long after clients were sent elsewhere is over.
const SETTLED: Duration = Duration::from_millis(700);
/// A failover freezes two, promotes one, and records, points and labels; each is a change.
const FEWEST_CHANGES: usize = 8;

/// What the operator is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Failover,
    Handover,
}

#[tokio::test]
async fn before_each_change_of_a_failover() {
    LocalSet::new().run_until(rounds("before-failover", Work::Failover, Moment::Before)).await;
}

#[tokio::test]
async fn after_each_change_of_a_failover() {
    LocalSet::new().run_until(rounds("after-failover", Work::Failover, Moment::After)).await;
}

#[tokio::test]
async fn before_each_change_of_a_handover() {
    LocalSet::new().run_until(rounds("before-handover", Work::Handover, Moment::Before)).await;
}

#[tokio::test]
async fn after_each_change_of_a_handover() {
    LocalSet::new().run_until(rounds("after-handover", Work::Handover, Moment::After)).await;
}

async fn rounds(name: &str, work: Work, moment: Moment) {
    let taps = Taps::default();
    let world = Rc::new(World::tapped(name, &taps).await);
    let mut operator = Operator::start(&world, "test/0", true);
    let mut master = world.settled(2).await;
    let writer = Writer::start(&world);
    let mut number = 0;
    loop {
        number += 1;
        let began = Instant::now();
        let written = writer.count();
        let (_, epoch) = world.pointer().await.unwrap();
        taps.arm(number, moment);
        let target = (master + 1) % world.pods.len();
        match work {
            Work::Failover => world.pods[master].kill(),
            Work::Handover => operator.hand_over_to(target),
        }
        let killed = tokio::select! {
            () = taps.killed() => true,
            () = done(&world, &taps, (master, epoch)) => false,
        };
        let changes = taps.changes();
        taps.disarm();
        if killed {
            // Its tasks and connections are gone at once, as those of a process are.
            drop(operator);
            operator = Operator::start(&world, &format!("test/{number}"), true);
            if work == Work::Handover {
                operator.hand_over_to(target);
            }
        }
        let (next, _) = moved(&world, master, epoch).await;
        match work {
            Work::Failover => world.pods[master].start().await,
            Work::Handover => assert_eq!(next, target, "after {changes:#?}"),
        }
        assert_eq!(world.settled(2).await, next, "after {changes:#?}");
        until(
            "clients write",
            async || writer.count() > written,
            async || format!("after {changes:#?}\n{}", world.told().await),
        )
        .await;
        *operator.edit.borrow_mut() = Box::new(|_| {});
        master = next;
        if let Some(last) = changes.last().filter(|_| killed) {
            let took = began.elapsed();
            println!("{work:?} {number}, of epoch {epoch}, {took:.1?}: ended {moment:?} {last}");
        }
        if !killed {
            assert!(changes.len() < number, "nobody was ended: {changes:#?}");
            break;
        }
    }
    assert!(number > FEWEST_CHANGES, "{work:?} takes {number} changes");
    assert_eq!(writer.lost(&world).await, [0_u64; 0]);
}

/// Ends when clients have been sent elsewhere and nothing is changed any more.
async fn done(world: &World, taps: &Taps, (master, epoch): (usize, u64)) {
    moved(world, master, epoch).await;
    let mut count = taps.changes().len();
    loop {
        sleep(SETTLED).await;
        let now = taps.changes().len();
        if now == count {
            return;
        }
        count = now;
    }
}

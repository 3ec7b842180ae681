//! Whole stories: what happens to a set, and everything that is done about it, in order.

use super::server::Boot;
use super::world::{Do, World};
use crate::sentinel::fixture::n;
use crate::sentinel::*;

fn story(nodes: usize, w: u8, events: &[(Millis, Do)], until_ms: Millis, expected: &str) {
    let mut world = World::of(nodes, w);
    world.tell(events, until_ms);
    let expected: String = expected
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let (at_ms, text) = line.split_once(' ').unwrap();
            format!("{at_ms:>6} {text}\n")
        })
        .collect();
    assert_eq!(world.told(), expected, "\n{}", world.told());
    world.assert_settled("");
    assert_eq!(world.writers, 1, "two nodes took writes");
}

#[test]
fn a_killed_master_is_replaced() {
    story(3, 1, &[(505, Do::Kill(0))], 3000, "");
}

#[test]
fn a_hung_master_is_replaced_and_comes_back() {
    story(3, 1, &[(505, Do::Hang(0)), (20_000, Do::Resume(0))], 25_000, "");
}

#[test]
fn a_master_that_restarts_empty_wipes_nobody() {
    story(3, 1, &[(505, Do::Kill(0)), (510, Do::Start(0, Boot::Empty))], 3000, "");
}

#[test]
fn a_planned_handover() {
    story(3, 1, &[(505, Do::Ask(Wish::Switchover(Some(n(2)))))], 3000, "");
}

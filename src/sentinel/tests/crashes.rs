//! The deciding process ends after any one action of a story, and another one goes on with nothing
//! but the record: the set is whole again in the end, and nothing acknowledged is gone.

use super::server::Boot;
use super::world::{Do, World};
use crate::sentinel::fixture::n;
use crate::sentinel::*;

/// Long enough for the next process to hear everybody, or to find them down.
const PATIENCE_MS: Millis = 60_000;

/// Goes through a story once for every action in it. Returns how many there were.
fn at_every_action(story: &str, world: impl Fn() -> World, events: &[(Millis, Do)]) -> usize {
    let until_ms = events.last().map_or(0, |(at_ms, _)| *at_ms) + PATIENCE_MS;
    let mut whole = world();
    whole.tell(events, until_ms);
    whole.assert_settled(story);
    for crash_after in 1..=whole.effects {
        let mut world = world();
        world.crash_after = Some(crash_after);
        world.tell(events, until_ms);
        assert!(world.told().contains("the deciding process ends"), "{story} {crash_after}");
        world.assert_settled(story);
        let one = world.seen.settings.min_replicas_to_write == 0 || world.writers == 1;
        assert!(one, "{story}, crash after {crash_after}: two took writes\n{}", world.told());
    }
    whole.effects
}

#[test]
fn of_a_failover() {
    let events = [(505, Do::Kill(0))];
    assert_eq!(at_every_action("killed", || World::of(3, 1), &events), 9);
    let events = [(505, Do::Kill(0)), (510, Do::Start(0, Boot::Empty))];
    assert_eq!(at_every_action("empty", || World::of(3, 1), &events), 9);
    let events = [(505, Do::Kill(0)), (9000, Do::Start(0, Boot::Whole)), (30_000, Do::Kill(1))];
    assert_eq!(at_every_action("twice", || World::of(3, 1), &events), 20);
    let events = [(505, Do::Kill(0))];
    assert_eq!(at_every_action("five", || World::of(5, 2), &events), 15);
    assert_eq!(at_every_action("W = 0", || World::of(3, 0), &events), 9);
}

#[test]
fn of_a_failover_of_a_hung_master() {
    let events = [(505, Do::Hang(0)), (40_000, Do::Resume(0))];
    assert_eq!(at_every_action("hung", || World::of(3, 1), &events), 10);
    assert_eq!(at_every_action("hung, two nodes", || World::of(2, 1), &events), 11);
}

#[test]
fn of_a_handover() {
    let events = [(505, Do::Ask(Wish::Switchover(Some(n(2)))))];
    assert_eq!(at_every_action("asked for", || World::of(3, 1), &events), 12);
    assert_eq!(at_every_action("asked for, W = 0", || World::of(3, 0), &events), 12);
    let events = [(505, Do::Misconf(0))];
    assert_eq!(at_every_action("disk fault", || World::of(3, 1), &events), 11);
    let events = [(505, Do::Ask(Wish::Switchover(None)))];
    assert_eq!(at_every_action("two nodes", || World::of(2, 1), &events), 11);
    let events = [(505, Do::Ask(Wish::Promote(n(2))))];
    assert_eq!(at_every_action("told", || World::of(3, 1), &events), 10);
}

#[test]
fn of_a_power_cut() {
    for (boot, effects, effects_without_w) in [(Boot::Whole, 6, 6), (Boot::Renamed, 9, 8)] {
        let down = [0, 1, 2].map(|node| (505, Do::Kill(node)));
        let up = [0, 1, 2].map(|node| (3000, Do::Start(node, boot)));
        let events = [down, up].concat();
        assert_eq!(at_every_action("power cut", || World::of(3, 1), &events), effects);
        assert_eq!(
            at_every_action("power cut, W = 0", || World::of(3, 0), &events),
            effects_without_w
        );
    }
    let events = [(505, Do::Kill(0)), (3000, Do::Start(0, Boot::Renamed))];
    assert_eq!(at_every_action("alone", || World::of(1, 0), &events), 5);
}

#[test]
fn of_members_that_come_and_go() {
    let events = [(505, Do::Kill(2)), (20_000, Do::Start(2, Boot::Empty)), (60_000, Do::Kill(1))];
    assert_eq!(at_every_action("three", || World::of(3, 1), &events), 4);
    let events = [(505, Do::Kill(1)), (20_000, Do::Start(1, Boot::Older(1)))];
    assert_eq!(at_every_action("two", || World::of(2, 1), &events), 7);
}

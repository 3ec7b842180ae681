//! The guards, in their order.

use crate::sentinel::fixture::*;
use crate::sentinel::*;

#[test]
fn the_first_guard_that_holds_wins() {
    let later_on_nodes = |set: &mut Set| set.node(2).highest_term = 9;
    let later_in_record = |set: &mut Set| set.record().term = 8;
    let writing = |set: &mut Set| set.seen.writing = true;
    let not_leading = |set: &mut Set| set.seen.leading = false;
    let mut set = Set::of(3).dead(0);
    writing(&mut set);
    assert_eq!(set.decides(), Err(Hold::Writing));
    set.report(2).run_id = run(1, 1);
    assert_eq!(set.decides(), Err(Hold::SameServer(n(1), n(2))));
    later_on_nodes(&mut set);
    assert_eq!(set.decides(), Err(Hold::Superseded(9)));
    later_in_record(&mut set);
    assert_eq!(set.decides(), Err(Hold::Superseded(8)));
    not_leading(&mut set);
    assert_eq!(set.decides(), Err(Hold::NotLeading));
}

#[test]
fn an_equal_or_earlier_term_supersedes_nobody() {
    for (record, nodes, mine) in [(4, 4, 4), (4, 3, 4), (4, 0, 4)] {
        let mut set = Set::of(3);
        set.record().term = record;
        set.node(1).highest_term = nodes;
        set.seen.my_term = mine;
        assert_eq!(set.decides(), Ok(vec![]), "{record} {nodes} {mine}");
    }
}

/// Members 1 and 2 are one server: it would make a quorum alone, and W = 2 with one disk.
#[test]
fn a_server_under_two_names_counts_for_nobody() {
    let twice = |set: &mut Set| set.report(2).run_id = run(1, 1);
    for (name, mut set) in [
        ("nobody died", Set::of(3)),
        ("the master is dead", Set::of(3).dead(0)),
        ("a failover is under way", Set::of(3).dead(0).frozen(1).frozen(2).failover(1)),
        ("nothing is recorded", Set::unrecorded(3)),
    ] {
        twice(&mut set);
        assert_eq!(set.decides(), Err(Hold::SameServer(n(1), n(2))), "{name}");
    }
    // Who does not answer counts for nothing anyhow.
    let mut set = Set::of(3).with(twice).later(60_000).down(2);
    assert_eq!(set.decides(), Ok(vec![]));
}

#[test]
fn a_standby_keeps_its_clocks() {
    let mut set = Set::of(3).later(60_000).down(0);
    set.seen.leading = false;
    assert_eq!(set.acts(), [Action::Tell(Event::Down(n(0)))]);
    set.seen.leading = true;
    assert_eq!(set.writes().phase, Phase::Failover, "it acts at once");
}

#[test]
fn silence_of_everybody_is_our_own_fault() {
    let mut set = Set::of(3).later(60_000).down(0).down(1).down(2);
    assert_eq!(set.decides(), Err(Hold::Blind));
    set.node(2).asked_ms = None;
    let begun = set.writes();
    assert_eq!((begun.phase, begun.target), (Phase::Failover, Some(n(2))));
    let mut alone = Set::of(1).later(60_000).down(0);
    assert_eq!(alone.decides(), Err(Hold::Blind));
}

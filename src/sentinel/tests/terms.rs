//! Taking over: the first write of a new leader.

use crate::sentinel::fixture::*;
use crate::sentinel::*;

/// A set whose record has this term and whose nodes know that one.
fn known(recorded: u64, on_nodes: u64) -> Set {
    let mut set = Set::of(3).fresh();
    set.seen.my_term = 0;
    set.record().term = recorded;
    set.node(2).highest_term = on_nodes;
    set
}

#[test]
fn a_new_leader_raises_the_term_before_anything_else() {
    for (recorded, on_nodes) in [(1, 0), (4, 4), (4, 3)] {
        let mut set = known(recorded, on_nodes).dead(0);
        let expected = set.changed(|record| record.term = recorded + 1);
        // Every node has to be heard, or silent for the whole patience.
        assert_eq!(set.decides(), Err(Hold::Listening));
        let mut set = set.later(5001);
        assert_eq!(set.decides(), Ok(vec![Action::Write(expected)]), "{recorded} {on_nodes}");
    }
}

#[test]
fn a_record_that_is_older_than_what_the_nodes_know_elects_nobody() {
    let mut set = known(4, 6);
    let expected = Record::without_master(7, 1);
    assert_eq!(set.acts(), [Action::Write(expected.clone())]);
    // What follows adopts the master that lives.
    set.seen.record = Some(expected);
    set.seen.my_term = 7;
    let record = set.writes();
    assert_eq!((record.term, record.epoch, record.phase), (7, 2, Phase::Stable));
    assert_eq!(record.master, Some(member(0)));
    assert_eq!(record.in_sync, [member(1), member(2)]);
}

#[test]
fn without_a_record_one_is_begun() {
    let mut set = known(1, 0);
    set.seen.record = None;
    // The Service remembers the epoch that was lost with the record.
    let record = set.writes();
    assert_eq!((record.term, record.epoch, record.phase), (1, 1, Phase::Adopt));
    set.seen.service = None;
    let record = set.writes();
    assert_eq!((record.term, record.epoch, record.phase), (1, 0, Phase::Adopt));
    let mut set = known(1, 5);
    set.seen.record = None;
    let record = set.writes();
    assert_eq!((record.term, record.epoch, record.phase), (6, 1, Phase::Adopt));
}

#[test]
fn a_record_that_went_back_under_a_leader_is_taken_over_anew() {
    let mut set = Set::of(3);
    set.seen.my_term = 5;
    set.node(0).highest_term = 5;
    let record = set.writes();
    assert_eq!((record.term, record.phase, record.master), (6, Phase::Adopt, None));
}

#[test]
fn one_whose_first_write_went_through_goes_on_where_it_was() {
    let mut set = known(4, 3).with(|set| *set = set.clone().dead(0).later(6000).failover(1));
    set.node(0).asked_ms = Some(0);
    set.node(0).report = None;
    let _ = set.acts();
    let mut set = set.later(5001);
    let expected = set.changed(|record| record.term = 5);
    assert_eq!(set.decides(), Ok(vec![Action::Write(expected.clone())]));
    set.seen.record = Some(expected);
    set.seen.my_term = 5;
    assert_eq!(set.decides(), Ok(vec![send(1, Command::Freeze), send(2, Command::Freeze)]));
}

#[test]
fn an_older_copy_under_a_leader_elects_nobody_either() {
    // Clients were sent on in epoch 2; then somebody restored the record of epoch 1.
    let mut set = Set::of(3);
    set.seen.service = Some(Pointer { node: n(1), epoch: 2 });
    let written = set.writes();
    assert_eq!((written.term, written.epoch, written.phase), (1, 2, Phase::Adopt));
    assert_eq!((written.master, written.in_sync.as_slice()), (None, [].as_slice()));
    // Once it is written, it is as new as what is known.
    set.seen.record = Some(written);
    assert!(!set.acts().iter().any(|action| {
        matches!(action, Action::Write(record) if record.phase == Phase::Adopt && record.target.is_none())
    }));
}

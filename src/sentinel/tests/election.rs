//! Who wins, and on which history.

use crate::sentinel::election::{Ballot, elect};
use crate::sentinel::fixture::*;
use crate::sentinel::view::View;
use crate::sentinel::*;

fn elected(set: &mut Set) -> Result<Ballot, Hold> {
    let record = set.record().clone();
    let view = View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
    elect(view, &record)
}

fn ballot(winner: usize, on: u8, bound: u64) -> Ballot {
    Ballot { winner: n(winner), history: Some(history(on)), bound, loss_possible: false }
}

/// Node 0 was master and is gone; 1 and 2 are frozen.
fn headless() -> Set {
    Set::of(3).dead(0).frozen(1).frozen(2)
}

#[test]
fn who_may_win() {
    let table: [Row<Result<Ballot, Hold>>; 9] = [
        ("level: the lower run id", |_| {}, Ok(ballot(1, 1, 1000))),
        ("the one that is ahead", |set| set.report(2).offset += 1, Ok(ballot(2, 1, 1001))),
        ("priority 0 never", |set| set.report(1).priority = 0, Ok(ballot(2, 1, 1000))),
        (
            "an empty one never while another has data",
            |set| set.report(1).keys = 0,
            Ok(ballot(2, 1, 1000)),
        ),
        (
            "all are empty",
            |set| (1..3).for_each(|node| set.report(node).keys = 0),
            Ok(ballot(1, 1, 1000)),
        ),
        (
            "the only one at the bound has priority 0",
            |set| {
                set.report(1).priority = 0;
                set.report(1).offset += 1;
            },
            Err(Hold::NoCandidate),
        ),
        (
            "all have priority 0",
            |set| (1..3).for_each(|node| set.report(node).priority = 0),
            Err(Hold::NoCandidate),
        ),
        (
            "of another history, though far ahead",
            |set| {
                set.report(2).history = history(9);
                set.report(2).offset = 9999;
            },
            Ok(ballot(1, 1, 1000)),
        ),
        (
            "grown out of it: only what it shares counts",
            |set| {
                let report = set.report(2);
                report.history = history(9);
                report.previous_history = Some((history(1), 999));
                report.offset = 9999;
            },
            Ok(ballot(1, 1, 1000)),
        ),
    ];
    for (name, change, expected) in table {
        assert_eq!(elected(&mut headless().with(change)), expected, "{name}");
    }
}

#[test]
fn a_candidate_at_the_bound_with_priority_0_is_not_passed_over_by_one_that_lost_data() {
    // Everybody answers: that alone is no reason to lose what is known to be there.
    let mut set = Set::of(3).restarted(0).frozen(1).frozen(2).at(0, 900).at(1, 1001);
    set.report(1).priority = 0;
    assert_eq!(elected(&mut set), Err(Hold::NoCandidate));
}

#[test]
fn who_was_cut_off_for_ten_times_the_patience_longer_is_out() {
    let table = [
        ("the limit itself", 50_000, Ok(ballot(1, 1, 0))),
        ("one past", 50_001, Ok(ballot(2, 1, 0))),
    ];
    for (name, longer_ms, expected) in table {
        let mut set = Set::of(3).w(0).dead(0).frozen(1).frozen(2);
        set.report(1).offset += 500;
        set.local.nodes[1].quiet = Some((run(1, 1), 1000));
        set.local.nodes[2].quiet = Some((run(2, 1), 1000 + longer_ms));
        assert_eq!(elected(&mut set), expected, "{name}");
    }
}

#[test]
fn the_position_after_a_promotion_is_where_the_history_was_left() {
    struct Held(Id, Option<(Id, u64)>, u64);
    let table = [
        ("on it", Held(history(1), None, 700), Some(700)),
        ("left it", Held(history(2), Some((history(1), 500)), 700), Some(500)),
        ("left it, and lost some", Held(history(2), Some((history(1), 500)), 300), Some(300)),
        ("never on it", Held(history(2), Some((history(3), 500)), 700), None),
        ("on it, and before on it", Held(history(1), Some((history(1), 500)), 700), Some(700)),
    ];
    for (name, Held(now, before, offset), expected) in table {
        let mut set = Set::of(1);
        let report = set.report(0);
        (report.history, report.previous_history, report.offset) = (now, before, offset);
        assert_eq!(report.position_on(history(1)), expected, "{name}");
    }
}

/// Node 0 was promoted out of history 1 at offset 1000 and died before anybody attached: node 1 is
/// still on history 1.
fn before_anybody_attached() -> Set {
    let mut set = Set::of(2).dead(0).frozen(1);
    let record = set.record();
    record.history = Some(history(2));
    record.previous_history = Some(history(1));
    record.base_offset = 1000;
    set
}

#[test]
fn back_to_the_history_before_only_with_all_it_began_with() {
    assert_eq!(elected(&mut before_anybody_attached()), Ok(ballot(1, 1, 1000)));
    let mut behind = before_anybody_attached().at(1, 999);
    assert_eq!(elected(&mut behind), Err(Hold::NoCandidate));
    let mut unacknowledged = before_anybody_attached();
    unacknowledged.record().w = 0;
    assert_eq!(elected(&mut unacknowledged), Err(Hold::NoCandidate), "W was lowered since");
    let mut first = before_anybody_attached();
    first.record().previous_history = None;
    assert_eq!(elected(&mut first), Err(Hold::NoCandidate));
}

#[test]
fn a_tie_leaves_the_master_where_it_is() {
    for order in [ReplicaOrder::DataFirst, ReplicaOrder::PriorityFirst] {
        let mut set = Set::of(3);
        set.seen.settings.replica_order = order;
        set.record().master = Some(member(2));
        set.record().in_sync = vec![member(0), member(1)];
        let mut set = set.frozen(0).frozen(1).frozen(2);
        assert_eq!(elected(&mut set), Ok(ballot(2, 1, 1000)), "{order:?}");
    }
}

#[test]
fn people_may_promote_whom_they_like() {
    let told = |node| headless().asks(Wish::Promote(n(node)));
    let expected = |winner, bound| {
        Ok(Ballot { winner: n(winner), history: Some(history(1)), bound, loss_possible: true })
    };
    let table: [(&str, Set, Result<Ballot, Hold>); 6] = [
        ("the better one", told(1), expected(1, 1000)),
        ("the one behind", told(2).at(2, 10), expected(2, 10)),
        ("priority 0", told(2).with(|set| set.report(2).priority = 0), expected(2, 1000)),
        (
            "of another history",
            told(2).with(|set| set.report(2).history = history(9)),
            expected(2, 0),
        ),
        ("away", told(0), Err(Hold::Unreachable(n(0)))),
        ("loading", told(2).with(|set| set.report(2).loading = true), Err(Hold::Loading(n(2)))),
    ];
    for (name, mut set, expected) in table {
        assert_eq!(elected(&mut set), expected, "{name}");
    }
}

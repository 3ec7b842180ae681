//! The order of candidates, for every combination of a few offsets and priorities.

use crate::sentinel::election::elect;
use crate::sentinel::fixture::*;
use crate::sentinel::view::View;
use crate::sentinel::*;

const OFFSETS: [u64; 3] = [990, 1000, 1010];
const PRIORITIES: [u32; 3] = [0, 10, 100];

/// Every set of three candidates, with W = 0, so that nobody is behind a bound.
fn every_set(order: ReplicaOrder, mut check: impl FnMut(&[(u64, u32)], Result<usize, Hold>)) {
    let mut set = Set::of(4).w(0).dead(0).frozen(1).frozen(2).frozen(3);
    set.seen.settings.replica_order = order;
    let record = set.record().clone();
    let kinds: Vec<(u64, u32)> = OFFSETS
        .iter()
        .flat_map(|offset| PRIORITIES.iter().map(|priority| (*offset, *priority)))
        .collect();
    for one in &kinds {
        for two in &kinds {
            for three in &kinds {
                let candidates = [*one, *two, *three];
                for (index, (offset, priority)) in candidates.into_iter().enumerate() {
                    let report = set.report(index + 1);
                    (report.offset, report.priority) = (offset, priority);
                }
                let view = View {
                    rules: Rules::ALL,
                    local: &set.local,
                    seen: &set.seen,
                    now_ms: set.now_ms,
                };
                check(&candidates, elect(view, &record).map(|it| it.winner.index() - 1));
            }
        }
    }
}

#[test]
fn priority_zero_is_never_selected_and_one_eligible_candidate_always_is() {
    for order in [ReplicaOrder::DataFirst, ReplicaOrder::PriorityFirst] {
        every_set(order, |candidates, winner| {
            let eligible = candidates.iter().filter(|(_, priority)| *priority > 0).count();
            match winner {
                Ok(winner) => assert!(candidates[winner].1 > 0),
                Err(hold) => assert_eq!((hold, eligible), (Hold::NoCandidate, 0)),
            }
        });
    }
}

#[test]
fn with_data_first_no_eligible_candidate_holds_more() {
    every_set(ReplicaOrder::DataFirst, |candidates, winner| {
        let Ok(winner) = winner else { return };
        for (index, (offset, priority)) in candidates.iter().enumerate() {
            if *priority == 0 || index == winner {
                continue;
            }
            let (most, best) = candidates[winner];
            let wins = most > *offset
                || (most == *offset && (best < *priority || (best == *priority && winner < index)));
            assert!(wins, "{candidates:?}: {winner} over {index}");
        }
    });
}

#[test]
fn with_priority_first_the_best_priority_wins() {
    every_set(ReplicaOrder::PriorityFirst, |candidates, winner| {
        let Ok(winner) = winner else { return };
        for (index, (offset, priority)) in candidates.iter().enumerate() {
            if *priority == 0 || index == winner {
                continue;
            }
            let (most, best) = candidates[winner];
            let wins = best < *priority
                || (best == *priority && (most > *offset || (most == *offset && winner < index)));
            assert!(wins, "{candidates:?}: {winner} over {index}");
        }
    });
}

#[test]
fn priority_never_beats_what_was_acknowledged() {
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2).at(2, 1001);
    set.seen.settings.replica_order = ReplicaOrder::PriorityFirst;
    set.report(1).priority = 1;
    let record = set.record().clone();
    let view = View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
    assert_eq!(elect(view, &record).map(|it| it.winner), Ok(n(2)));
}

#[test]
fn the_run_id_decides_a_tie_and_not_the_place() {
    let mut set = Set::of(3).w(0).dead(0).frozen(1).frozen(2);
    for (one, two, winner) in [(7, 3, 2), (3, 7, 1)] {
        set.report(1).run_id = Id([one; 20]);
        set.report(2).run_id = Id([two; 20]);
        let record = set.record().clone();
        let view =
            View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
        assert_eq!(elect(view, &record).map(|it| it.winner), Ok(n(winner)));
    }
}

/// Who wins of two, wherever they stand: `None` if neither may.
fn better(set: &mut Set, one: Candidate, two: Candidate) -> Option<Candidate> {
    let winners = [[one, two], [two, one]].map(|pair| {
        for (index, (offset, priority, run_id)) in pair.into_iter().enumerate() {
            let report = set.report(index + 1);
            (report.offset, report.priority, report.run_id) = (offset, priority, Id([run_id; 20]));
        }
        let record = set.record().clone();
        let view =
            View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
        elect(view, &record).ok().map(|it| pair[it.winner.index() - 1])
    });
    assert_eq!(winners[0], winners[1], "the place decides between {one:?} and {two:?}");
    winners[0]
}

/// An offset, a priority, a run id.
type Candidate = (u64, u32, u8);

#[test]
fn the_order_is_total_deterministic_and_transitive() {
    let all: Vec<Candidate> = OFFSETS
        .into_iter()
        .flat_map(|offset| [10, 100].map(|priority| (offset, priority)))
        .flat_map(|(offset, priority)| [3, 7, 9].map(|run_id| (offset, priority, run_id)))
        .collect();
    for order in [ReplicaOrder::DataFirst, ReplicaOrder::PriorityFirst] {
        let mut set = Set::of(3).w(0).dead(0).frozen(1).frozen(2);
        set.seen.settings.replica_order = order;
        let mut wins = |one: Candidate, two: Candidate| {
            let winner = better(&mut set, one, two).expect("one of two wins");
            // As asked once more.
            assert_eq!(better(&mut set, one, two), Some(winner));
            winner == one
        };
        for one in &all {
            for two in all.iter().filter(|two| *two != one) {
                let beats = wins(*one, *two);
                assert_eq!(beats, !wins(*two, *one), "{one:?} {two:?}");
                for three in all.iter().filter(|three| ![one, two].contains(three)) {
                    if beats && wins(*two, *three) {
                        assert!(wins(*one, *three), "{one:?} {two:?} {three:?}");
                    }
                }
            }
        }
    }
}

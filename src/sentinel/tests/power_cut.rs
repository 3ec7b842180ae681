//! Elections in which the quorum cannot be had: everybody was restarted, or some are dead.

use crate::sentinel::election::{Ballot, elect};
use crate::sentinel::fixture::*;
use crate::sentinel::view::View;
use crate::sentinel::*;

type Elected = Result<Ballot, Hold>;

fn elected(set: &mut Set) -> Elected {
    let record = set.record().clone();
    let view = View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
    elect(view, &record)
}

fn lossy(winner: usize, bound: u64) -> Ballot {
    Ballot { winner: n(winner), history: Some(history(1)), bound, loss_possible: true }
}

/// Every node came back in another run.
fn rebooted() -> Set {
    Set::of(3).restarted(0).restarted(1).restarted(2)
}

#[test]
fn the_best_data_wins_when_everybody_answers() {
    let lost_history =
        |set: &mut Set, node: usize| set.report(node).history = history(40 + n(node).0);
    assert_eq!(elected(&mut rebooted().with(|set| lost_history(set, 1))), Ok(lossy(0, 1000)));
    let table: [Row<Result<Ballot, Hold>>; 8] = [
        ("level: the first", |_| {}, Ok(lossy(0, 1000))),
        ("the furthest", |set| set.report(2).offset += 5, Ok(lossy(2, 1005))),
        ("priority 0 never", |set| set.report(0).priority = 0, Ok(lossy(1, 1000))),
        (
            "an empty one never",
            |set| {
                set.report(2).offset = 9999;
                set.report(2).keys = 0;
            },
            Ok(lossy(0, 1000)),
        ),
        (
            "one lost its history: the recorded master, if it has keys",
            |set| {
                set.report(2).history = history(42);
                set.report(1).offset += 5;
                set.report(1).keys = 99;
            },
            Ok(lossy(0, 1000)),
        ),
        (
            "and if it has none: who remembers the newest epoch",
            |set| {
                *set = set.clone().emptied(0);
                (1..3).for_each(|node| set.report(node).history = history(40));
                set.report(1).keys = 99;
                set.node(1).remembered = Some((4, true));
                set.node(2).remembered = Some((5, false));
            },
            Ok(lossy(2, 0)),
        ),
        (
            "and if none remembers: most keys",
            |set| {
                *set = set.clone().emptied(0);
                (1..3).for_each(|node| set.report(node).history = history(40));
                set.report(2).keys = 99;
            },
            Ok(lossy(2, 0)),
        ),
        (
            "all are empty",
            |set| (0..3).for_each(|node| *set = set.clone().emptied(node)),
            Ok(lossy(0, 0)),
        ),
    ];
    for (name, change, expected) in table {
        assert_eq!(elected(&mut rebooted().with(change)), expected, "{name}");
    }
}

#[test]
fn one_alone_leads_again_whatever_its_history_is_called() {
    let mut set = Set::of(1).restarted(0);
    assert_eq!(
        elected(&mut set),
        Ok(Ballot { winner: n(0), history: Some(history(1)), bound: 0, loss_possible: false })
    );
    set.report(0).history = history(40);
    set.report(0).offset = 0;
    assert_eq!(elected(&mut set), Ok(lossy(0, 0)));
    set.record().previous_history = Some(history(7));
    assert_eq!(elected(&mut set), Ok(lossy(0, 0)));
}

#[test]
fn with_w_0_everybody_is_waited_for_too() {
    let mut set = rebooted().w(0);
    for node in 0..3 {
        set.report(node).history = history(40 + n(node).0);
    }
    assert_eq!(elected(&mut set), Ok(lossy(0, 0)));
    assert_eq!(elected(&mut set.dead(2)), Err(Hold::NoCandidate));
}

#[test]
fn while_one_member_is_away_or_loads_it_waits() {
    let away = Hold::NoQuorum { seen: 0, needed: 2 };
    assert_eq!(elected(&mut rebooted().dead(1)), Err(away));
    assert_eq!(elected(&mut rebooted().with(|set| set.node(0).report = None)), Err(away));
    assert_eq!(elected(&mut rebooted().with(|set| set.report(2).loading = true)), Err(away));
    let mut stranger = rebooted().dead(2);
    stranger.record().in_sync.pop();
    assert_eq!(elected(&mut stranger), Ok(lossy(0, 1000)), "who was no member is not waited for");
}

#[test]
fn availability_waits_for_the_timeout_and_for_proof() {
    let table: [(Policy, Millis, Row<Elected>); 6] = [
        (Policy::Availability, 30_001, ("in time", |_| {}, Ok(lossy(1, 1000)))),
        (
            Policy::Availability,
            30_000,
            ("too early", |_| {}, Err(Hold::NoQuorum { seen: 1, needed: 2 })),
        ),
        (
            Policy::Consistency,
            9_999_999,
            ("by default never", |_| {}, Err(Hold::NoQuorum { seen: 1, needed: 2 })),
        ),
        (
            Policy::Availability,
            30_001,
            (
                "a member is only silent",
                |set| set.node(2).ended = None,
                Err(Hold::NoQuorum { seen: 1, needed: 2 }),
            ),
        ),
        (
            Policy::Availability,
            30_001,
            (
                "the master is only silent",
                |set| set.node(0).ended = None,
                Err(Hold::NoQuorum { seen: 1, needed: 2 }),
            ),
        ),
        (
            Policy::Availability,
            30_001,
            (
                "a member loads",
                |set| set.report(1).loading = true,
                Err(Hold::NoQuorum { seen: 0, needed: 2 }),
            ),
        ),
    ];
    for (policy, waited_ms, (name, change, expected)) in table {
        let mut set = Set::of(3).dead(0).dead(2).frozen(1).with(change).failover(1);
        set.seen.settings.policy = policy;
        let _ = set.acts();
        let mut set = set.later(waited_ms);
        assert_eq!(elected(&mut set), expected, "{name}");
    }
}

#[test]
fn people_are_told_what_may_be_lost() {
    let mut set = rebooted().failover(0);
    let promote = Action::Send {
        node: n(0),
        run_id: run(0, 2),
        command: Command::Promote { min_replicas_to_write: 1 },
    };
    assert_eq!(set.acts(), [Action::Tell(Event::DataLossPossible(n(0))), promote]);
}

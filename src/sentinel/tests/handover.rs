//! A planned handover, and every way back out of it.

use crate::sentinel::fixture::*;
use crate::sentinel::*;

const LIMIT_MS: Millis = 5000;
const PROMOTE: Command = Command::Promote { min_replicas_to_write: 1 };

/// A handover to node 1 is recorded, and clients are held.
fn held() -> Set {
    let mut set = Set::of(3).later(60_000).switchover(1);
    assert_eq!(set.acts(), [send(0, Command::Pause { limit_ms: LIMIT_MS })]);
    set.node(0).paused_until_ms = Some(set.now_ms + LIMIT_MS);
    set
}

#[test]
fn hold_then_level_then_freeze_then_promote_then_record() {
    let mut set = Set::of(3).later(60_000).asks(Wish::Switchover(Some(n(1))));
    let record = set.writes();
    assert_eq!(
        record,
        set.changed(|record| {
            record.epoch = 2;
            record.phase = Phase::Switchover;
            record.target = Some(n(1));
        })
    );
    set.seen.record = Some(record);
    assert_eq!(set.acts(), [send(0, Command::Pause { limit_ms: LIMIT_MS })]);
    set.node(0).paused_until_ms = Some(set.now_ms + LIMIT_MS);
    let mut set = set.at(0, 1010);
    assert_eq!(set.acts(), [send(1, Command::Look), send(0, Command::Look)], "not level");
    let mut set = set.at(1, 1010);
    assert_eq!(set.acts(), [send(0, Command::Freeze)]);
    let mut set = set.frozen(0);
    assert_eq!(set.acts(), [send(1, PROMOTE)]);
    let mut set = set.promoted(1, 2);
    let record = set.writes();
    assert_eq!(
        record,
        Record {
            term: 1,
            epoch: 2,
            phase: Phase::Stable,
            target: None,
            master: Some(member(1)),
            history: Some(history(2)),
            previous_history: Some(history(1)),
            base_offset: 1010,
            in_sync: vec![member(0)],
            w: 1,
        }
        .also(|record| record.in_sync.push(member(2)))
    );
    set.seen.record = Some(record);
    assert_eq!(
        set.acts(),
        [
            Action::PointService { node: n(1), epoch: 2 },
            send(0, Command::Follow(n(1))),
            send(2, Command::Follow(n(1))),
        ]
    );
    set.seen.service = Some(Pointer { node: n(1), epoch: 2 });
    assert_eq!(set.acts(), [Action::Answer { request: 7, outcome: Ok(()) }]);
}

trait Also {
    fn also(self, change: impl FnOnce(&mut Self)) -> Self;
}

impl Also for Record {
    fn also(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

#[test]
fn what_undoes_it_before_the_freeze() {
    let table: [Case; 6] = [
        ("it takes longer than clients may be held", |set| {
            *set = set.clone().later(LIMIT_MS + 1).at(0, 2000);
        }),
        ("the hold does not outlast what follows", |set| {
            *set = set.clone().later(LIMIT_MS - LIMIT_MS / 5 + 1);
        }),
        ("the target's link went down", |set| {
            set.report(1).role = Role::Replica(Link { up: false, ..link(0) });
        }),
        ("the target is on another history", |set| set.report(1).history = history(9)),
        ("the target is down", |set| {
            *set = set.clone().silent(1, 5001);
        }),
        ("the target restarted", |set| *set = set.clone().restarted(1)),
    ];
    for (name, change) in table {
        let mut set = held().with(change);
        let undone = set.changed(|record| {
            record.epoch = 3;
            record.phase = Phase::Stable;
            record.target = None;
        });
        let expected = vec![send(0, Command::Unpause), Action::Write(undone)];
        assert_eq!(set.decides(), Ok(expected), "{name}");
    }
}

#[test]
fn the_limits_themselves_do_not_undo_it() {
    let mut set = held().later(LIMIT_MS - LIMIT_MS / 5);
    assert_eq!(set.decides(), Ok(vec![send(0, Command::Freeze)]));
    let mut set = held().later(LIMIT_MS - LIMIT_MS / 5).at(0, 2000);
    assert_eq!(set.decides(), Ok(vec![send(1, Command::Look), send(0, Command::Look)]));
}

#[test]
fn an_undone_handover_is_answered() {
    let mut set = Set::of(3).later(60_000).asks(Wish::Switchover(Some(n(1))));
    set.seen.record = Some(set.writes());
    assert_eq!(set.decides(), Ok(vec![send(0, Command::Pause { limit_ms: LIMIT_MS })]));
    let mut set = set.later(LIMIT_MS + 1);
    let undone = set.changed(|record| {
        record.epoch = 3;
        record.phase = Phase::Stable;
        record.target = None;
    });
    assert_eq!(set.decides(), Ok(vec![Action::Write(undone.clone())]), "nobody was held");
    set.seen.record = Some(undone);
    let outcome = Err(Hold::HandoverUndone);
    assert_eq!(set.decides(), Ok(vec![Action::Answer { request: 7, outcome }]));
    set.seen.request = None;
    assert_eq!(
        set.decides(),
        Ok(vec![Action::PointService { node: n(0), epoch: 3 }]),
        "the Service tells the epoch"
    );
}

#[test]
fn a_failover_that_came_between_does_not_fulfil_another_wish() {
    // Node 1 was asked for; the master died and node 2 took over.
    let mut set = Set::of(3).later(60_000).asks(Wish::Switchover(Some(n(1))));
    set.seen.record = Some(set.writes());
    let record = set.record();
    record.epoch = 4;
    record.phase = Phase::Stable;
    record.target = None;
    record.master = Some(member(2));
    record.in_sync = vec![member(0), member(1)];
    assert_eq!(
        set.decides(),
        Ok(vec![Action::Answer { request: 7, outcome: Err(Hold::HandoverUndone) }])
    );
}

#[test]
fn what_turns_it_into_a_failover() {
    let table: [Row<usize>; 7] = [
        ("the old master died", |set| *set = set.clone().dead(0), 1),
        ("the old master restarted, with less", |set| *set = set.clone().restarted(0).at(0, 9), 1),
        ("the old master is down", |set| *set = set.clone().down(0), 1),
        ("frozen, the target is behind", |set| *set = set.clone().frozen(0).at(1, 999), 0),
        ("frozen, the target is away", |set| *set = set.clone().frozen(0).dead(1), 0),
        (
            "frozen, the target holds another history",
            |set| {
                *set = set.clone().frozen(0);
                set.report(1).history = history(9);
            },
            0,
        ),
        ("frozen, the target was emptied", |set| *set = set.clone().frozen(0).emptied(1), 0),
    ];
    for (name, change, target) in table {
        let mut set = held().with(change);
        let expected = set.changed(|record| {
            record.epoch = 3;
            record.phase = Phase::Failover;
            record.target = Some(n(target));
        });
        assert_eq!(set.decides(), Ok(vec![Action::Write(expected)]), "{name}");
    }
}

#[test]
fn a_failover_out_of_a_handover_lets_the_frozen_master_lead_again() {
    let mut set = held().frozen(0).at(1, 999).at(2, 999);
    set.seen.record = Some(set.writes());
    assert_eq!(set.decides(), Ok(vec![send(1, Command::Freeze), send(2, Command::Freeze)]));
    let mut set = set.frozen(1).frozen(2);
    assert_eq!(set.decides(), Ok(vec![send(0, PROMOTE)]));
    let mut set = set.promoted(0, 2);
    let record = set.writes();
    assert_eq!((record.phase, record.master), (Phase::Stable, Some(member(0))));
    assert_eq!(record.in_sync, [member(1), member(2)]);
}

#[test]
fn busy_nodes_are_waited_for() {
    let mut set = Set::of(3).switchover(1);
    set.node(0).busy = true;
    assert_eq!(set.decides(), Err(Hold::Retrying(n(0))), "to hold");
    let mut set = held();
    set.node(0).busy = true;
    assert_eq!(set.decides(), Err(Hold::Retrying(n(0))), "to freeze");
    let mut set = held().at(0, 1001);
    set.node(0).busy = true;
    set.node(1).busy = true;
    assert_eq!(set.decides(), Err(Hold::NotInSync(n(1))), "to look");
    let mut set = held().frozen(0);
    set.node(1).busy = true;
    assert_eq!(set.decides(), Err(Hold::Retrying(n(1))), "to promote");
}

#[test]
fn the_best_target_is_the_one_of_best_priority_then_the_furthest() {
    let table: [Row<usize>; 4] = [
        ("level", |_| {}, 1),
        ("the furthest", |set| set.report(1).offset -= 1, 2),
        (
            "priority before that",
            |set| {
                set.report(1).offset -= 1;
                set.report(1).priority = 10;
            },
            1,
        ),
        ("no member", |set| set.report(1).history = history(9), 2),
    ];
    for (name, change, target) in table {
        let mut set = Set::of(3).with(change).asks(Wish::Switchover(None));
        assert_eq!(set.writes().target, Some(n(target)), "{name}");
    }
}

#[test]
fn priority_zero_is_handed_over_to_only_by_name() {
    let mut set = Set::of(2).asks(Wish::Switchover(Some(n(1))));
    set.report(1).priority = 0;
    assert_eq!(set.writes().target, Some(n(1)));
}

/// Its pod is being deleted: it hands over to somebody who stays, by itself.
#[test]
fn a_master_that_is_about_to_go_hands_over() {
    let mut set = Set::of(3).later(60_000);
    set.node(0).leaving = true;
    set.node(1).leaving = true;
    let record = set.writes();
    assert_eq!((record.phase, record.target), (Phase::Switchover, Some(n(2))));
    let mut alone = Set::of(2).later(60_000);
    alone.node(0).leaving = true;
    alone.node(1).leaving = true;
    assert_eq!(alone.decides(), Ok(vec![]), "nobody stays: the master leads on");
}

/// Between the look that found both level and the freeze a replication PING went out.
#[test]
fn a_ping_at_the_wrong_moment_undoes_nothing() {
    let mut set = held().frozen(0).at(0, OFFSET + 14);
    assert_eq!(set.acts(), [send(1, PROMOTE)]);
    let record = set.promoted(1, 2).writes();
    assert_eq!((record.phase, record.master), (Phase::Stable, Some(member(1))));
    assert_eq!(record.base_offset, OFFSET);

    let fails_over = |mut set: Set| set.writes().phase == Phase::Failover;
    assert!(fails_over(held().frozen(0).at(0, OFFSET + 13)), "no PING is that short");
    assert!(fails_over(held().frozen(0).at(0, OFFSET + 28)), "two of them take a second");
    let late = held().frozen(0).at(0, OFFSET + 14).with(|set| {
        set.node(0).paused_until_ms = Some(set.now_ms);
    });
    assert!(fails_over(late), "clients may have written since");
}

#[test]
fn a_node_that_is_not_there_is_asked_for_in_vain() {
    for wish in [Wish::Switchover(Some(n(7))), Wish::Promote(n(7))] {
        for nodes in [1, 3] {
            let mut set = Set::of(nodes).later(60_000).asks(wish);
            let decided = set.decides();
            let writes = |action: &Action| matches!(action, Action::Write(_));
            let is_done = decided.as_ref().is_ok_and(|actions| actions.iter().any(writes));
            assert!(!is_done, "{wish:?} of {nodes}: {decided:?}");
        }
    }
}

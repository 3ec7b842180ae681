//! A set in peace: the Service, who follows whom, wishes.

use crate::sentinel::fixture::*;
use crate::sentinel::*;

fn to_service(node: usize, epoch: u64) -> Action {
    Action::PointService { node: n(node), epoch }
}

#[test]
fn a_healthy_set_of_every_size_needs_nothing() {
    for nodes in 1..=9 {
        assert_eq!(Set::of(nodes).later(1000).acts(), [], "{nodes} nodes");
    }
}

#[test]
fn the_service_points_at_the_recorded_master_in_its_epoch() {
    for service in
        [None, Some(Pointer { node: n(1), epoch: 1 }), Some(Pointer { node: n(0), epoch: 0 })]
    {
        let mut set = Set::of(3);
        set.seen.service = service;
        assert_eq!(set.acts(), [to_service(0, 1)], "{service:?}");
    }
    // The epoch of the Service never decreases: whoever raised it by hand has it as the next one.
    let mut set = Set::of(3);
    set.seen.service = Some(Pointer { node: n(0), epoch: 9 });
    set.seen.record = Some(set.writes());
    let adopted = set.writes();
    assert_eq!(
        (adopted.epoch, adopted.phase, adopted.master),
        (10, Phase::Stable, Some(member(0)))
    );
}

#[test]
fn nobody_attaches_without_being_recorded_first() {
    let mut set = Set::of(3).frozen(2);
    set.record().in_sync.pop();
    let expected = set.changed(|record| record.in_sync.push(member(2)));
    assert_eq!(set.acts(), [Action::Write(expected.clone())]);
    set.seen.record = Some(expected);
    assert_eq!(set.acts(), [send(2, Command::Follow(n(0)))]);
}

#[test]
fn members_stay_in_order_of_their_places() {
    let mut set = Set::of(4).frozen(1);
    set.record().in_sync.remove(0);
    assert_eq!(set.writes().in_sync, [member(1), member(2), member(3)]);
}

#[test]
fn a_member_that_restarted_attaches_and_its_earlier_run_stays_recorded() {
    let mut set = Set::of(3).restarted(2);
    let follow = Command::Follow(n(0));
    let expected = Action::Send { node: n(2), run_id: run(2, 2), command: follow };
    assert_eq!(set.acts(), [expected]);
    assert_eq!(set.record().in_sync, [member(1), member(2)]);
}

#[test]
fn who_cannot_follow_yet_is_left() {
    let mut set = Set::of(3).frozen(2);
    set.report(2).loading = true;
    assert_eq!(set.decides(), Ok(vec![]));
    set.report(2).loading = false;
    set.node(2).busy = true;
    assert_eq!(set.decides(), Ok(vec![]));
}

#[test]
fn a_rogue_master_is_frozen_before_it_is_overwritten() {
    let mut set = Set::of(3).promoted(2, 8).at(2, 1234);
    assert_eq!(set.acts(), [send(2, Command::Freeze)]);
    let mut set = set.frozen(2);
    let told = Event::DivergedWritesDiscarded { node: n(2), offset: 1234 };
    assert_eq!(set.acts(), [Action::Tell(told), send(2, Command::Follow(n(0)))]);
}

#[test]
fn what_is_discarded_is_told_only_where_something_is() {
    let table: [Row<Option<u64>>; 6] = [
        ("on the master's history", |_| {}, None),
        (
            "on the history before, no further than the master took it",
            |set| {
                set.record().history = Some(history(2));
                set.record().previous_history = Some(history(1));
                for node in [0, 1] {
                    set.report(node).history = history(2);
                    set.report(node).previous_history = Some((history(1), 1000));
                }
            },
            None,
        ),
        (
            "on the history before, further",
            |set| {
                set.record().history = Some(history(2));
                set.record().previous_history = Some(history(1));
                for node in [0, 1] {
                    set.report(node).history = history(2);
                    set.report(node).previous_history = Some((history(1), 999));
                }
            },
            Some(1000),
        ),
        ("of another history", |set| set.report(2).history = history(9), Some(1000)),
        (
            "of another history, empty",
            |set| {
                set.report(2).history = history(9);
                set.report(2).keys = 0;
            },
            None,
        ),
        (
            "grown out of the master's",
            |set| {
                set.report(2).history = history(9);
                set.report(2).previous_history = Some((history(1), 900));
            },
            Some(1000),
        ),
    ];
    for (name, change, expected) in table {
        let mut set = Set::of(3).frozen(2).with(change);
        let told = set.acts().into_iter().find_map(|action| match action {
            Action::Tell(Event::DivergedWritesDiscarded { node, offset }) => Some((node, offset)),
            _ => None,
        });
        assert_eq!(told, expected.map(|offset| (n(2), offset)), "{name}");
    }
}

#[test]
fn a_replica_of_a_replica_or_of_a_stranger_is_moved() {
    for upstream in [Upstream::Node(n(1)), Upstream::Stranger, Upstream::Nowhere] {
        let mut set = Set::of(3);
        set.report(2).role = Role::Replica(Link { upstream, ..link(0) });
        assert_eq!(set.acts(), [send(2, Command::Follow(n(0)))], "{upstream:?}");
    }
}

#[test]
fn a_new_history_of_the_same_master_is_recorded() {
    let mut set = Set::of(3).frozen(2);
    for node in [0, 1] {
        set.report(node).history = history(2);
        set.report(node).previous_history = Some((history(1), 1000));
    }
    let expected = set.changed(|record| {
        record.history = Some(history(2));
        record.previous_history = Some(history(1));
        record.base_offset = 1000;
        record.in_sync = vec![member(1)];
        record.w = 0;
    });
    assert_eq!(set.acts(), [Action::Write(expected)]);
}

#[test]
fn held_clients_are_let_go() {
    let mut set = Set::of(3);
    set.node(0).paused_until_ms = Some(set.now_ms + 1000);
    assert_eq!(set.acts(), [send(0, Command::Unpause)]);
    let mut set = Set::of(3);
    set.node(2).paused_until_ms = Some(set.now_ms + 1000);
    assert_eq!(set.acts(), [send(2, Command::Release)]);
    // First everybody is where he belongs: the Service, then replicas, then old clients.
    let mut set = Set::of(3).frozen(1);
    set.seen.service = None;
    set.node(2).paused_until_ms = Some(set.now_ms + 1000);
    assert_eq!(set.acts(), [to_service(0, 1), send(1, Command::Follow(n(0)))]);
}

#[test]
fn a_master_that_stepped_down_by_itself_is_replaced_at_once() {
    let mut set = Set::of(3).frozen(0);
    let record = set.writes();
    // All are level: it is told to lead again.
    assert_eq!((record.phase, record.target), (Phase::Failover, Some(n(0))));
    let mut set = Set::of(3).frozen(0).at(0, 900).at(1, 950);
    assert_eq!(set.writes().target, Some(n(2)));
}

#[test]
fn a_disk_fault_of_the_master_asks_for_a_handover() {
    let mut set = Set::of(3);
    set.node(0).trouble = Some(Trouble::Misconf);
    let record = set.writes();
    assert_eq!((record.phase, record.target), (Phase::Switchover, Some(n(1))));
    set.node(1).trouble = Some(Trouble::Misconf);
    assert_eq!(set.writes().target, Some(n(2)));
    set.node(2).trouble = Some(Trouble::Misconf);
    assert_eq!(set.decides(), Ok(vec![]), "there is nobody better");
}

#[test]
fn wishes_are_answered() {
    let done = |outcome| Ok(vec![Action::Answer { request: 7, outcome }]);
    let table: [(Wish, Row<Result<(), Hold>>); 8] = [
        (Wish::Switchover(Some(n(0))), ("it leads already", |_| {}, Ok(()))),
        (Wish::Promote(n(0)), ("told to promote who leads", |_| {}, Ok(()))),
        (
            Wish::Switchover(Some(n(1))),
            ("away", |set| *set = set.clone().dead(1), Err(Hold::Unreachable(n(1)))),
        ),
        (
            Wish::Switchover(Some(n(1))),
            ("loading", |set| set.report(1).loading = true, Err(Hold::Loading(n(1)))),
        ),
        (
            Wish::Switchover(Some(n(1))),
            (
                "its link is down",
                |set| set.report(1).role = Role::Replica(Link { up: false, ..link(0) }),
                Err(Hold::NotInSync(n(1))),
            ),
        ),
        (
            Wish::Switchover(Some(n(1))),
            (
                "it still syncs",
                |set| set.report(1).role = Role::Replica(Link { syncing: true, ..link(0) }),
                Err(Hold::NotInSync(n(1))),
            ),
        ),
        (
            Wish::Switchover(None),
            (
                "nobody can",
                |set| (1..3).for_each(|node| set.report(node).priority = 0),
                Err(Hold::NobodyElse),
            ),
        ),
        (
            Wish::Switchover(Some(n(1))),
            (
                "the master is down",
                |set| *set = set.clone().later(60_000).down(0),
                Err(Hold::Unreachable(n(0))),
            ),
        ),
    ];
    for (wish, (name, change, outcome)) in table {
        assert_eq!(Set::of(3).with(change).asks(wish).decides(), done(outcome), "{name}");
    }
    let mut alone = Set::of(1).asks(Wish::Switchover(None));
    assert_eq!(alone.decides(), done(Err(Hold::NobodyElse)));
}

#[test]
fn another_run_of_the_masters_node_is_promoted_where_nobody_can_prove_its_death() {
    let mut set = Set::of(1).moved(0).asks(Wish::Promote(n(0)));
    let expected = set.changed(|record| {
        record.epoch = 2;
        record.phase = Phase::Failover;
        record.target = Some(n(0));
    });
    assert_eq!(set.acts(), [Action::Write(expected)]);
}

#[test]
fn a_wish_to_promote_begins_a_failover_of_a_master_that_lives() {
    let mut set = Set::of(3).asks(Wish::Promote(n(2)));
    let expected = set.changed(|record| {
        record.epoch = 2;
        record.phase = Phase::Failover;
        record.target = Some(n(2));
    });
    assert_eq!(set.acts(), [Action::Write(expected.clone())]);
    set.seen.record = Some(expected);
    assert_eq!(set.acts(), [0, 1, 2].map(|node| send(node, Command::Freeze)));
    let mut set = set.frozen(0).frozen(1).frozen(2);
    assert_eq!(
        set.acts(),
        [
            Action::Tell(Event::DataLossPossible(n(2))),
            send(2, Command::Promote { min_replicas_to_write: 1 }),
        ]
    );
    let mut set = set.promoted(2, 2);
    let record = set.writes();
    assert_eq!((record.phase, record.master), (Phase::Stable, Some(member(2))));
    set.seen.record = Some(record);
    set.seen.service = Some(Pointer { node: n(2), epoch: 2 });
    assert_eq!(set.acts(), [Action::Answer { request: 7, outcome: Ok(()) }]);
    let mut away = Set::of(3).dead(2).asks(Wish::Promote(n(2)));
    assert_eq!(away.decides(), Err(Hold::Unreachable(n(2))));
}

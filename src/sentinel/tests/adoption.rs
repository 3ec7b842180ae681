//! No master is recorded: a running set is adopted, a stopped one gets its first master.

use crate::sentinel::fixture::*;
use crate::sentinel::*;

/// A running set that nobody has recorded.
fn running(nodes: usize) -> Set {
    let mut set = Set::of(nodes).fresh();
    set.seen.service = None;
    set.seen.record = Some(Record::without_master(1, 0));
    set
}

#[test]
fn a_running_set_is_adopted_as_it_is() {
    let expected = Record {
        phase: Phase::Stable,
        master: Some(member(0)),
        history: Some(history(1)),
        in_sync: vec![member(1), member(2)],
        ..Record::without_master(1, 1)
    };
    assert_eq!(running(3).acts(), [Action::Write(expected)]);
}

#[test]
fn the_master_need_not_be_the_first_node_nor_have_replicas() {
    let mut set = running(2).frozen(0).promoted(1, 1);
    set.report(1).previous_history = None;
    let expected = Record {
        phase: Phase::Stable,
        master: Some(member(1)),
        history: Some(history(1)),
        ..Record::without_master(1, 1)
    };
    assert_eq!(set.acts(), [Action::Write(expected)]);
}

#[test]
fn a_replica_of_an_address_that_the_master_had_is_let_in_again() {
    let mut set = running(3);
    let lost = Link { upstream: Upstream::Stranger, up: false, last_io_s: None, ..link(0) };
    set.report(2).role = Role::Replica(lost);
    let expected = Record {
        phase: Phase::Stable,
        master: Some(member(0)),
        history: Some(history(1)),
        in_sync: vec![member(1)],
        ..Record::without_master(1, 1)
    };
    assert_eq!(set.acts(), [Action::Write(expected)]);
    // What it holds came from elsewhere.
    set.report(2).history = history(9);
    assert_eq!(set.decides(), Err(Hold::FollowsStranger(n(2))));
}

#[test]
fn nobody_is_appointed_while_a_replica_hears_a_master_that_nobody_knows() {
    let mut set = running(3).frozen(0).frozen(1);
    let up = Link { upstream: Upstream::Stranger, ..link(0) };
    set.report(2).role = Role::Replica(up);
    assert_eq!(set.decides(), Err(Hold::FollowsStranger(n(2))));
    set.report(2).role = Role::Replica(Link { up: false, last_io_s: None, ..up });
    assert_eq!(set.writes().target, Some(n(0)));
}

#[test]
fn what_looks_wrong_is_not_adopted() {
    let table: [Row<Hold>; 9] = [
        ("two masters", |set| set.report(2).role = Role::Master, Hold::SeveralMasters(n(0), n(2))),
        (
            "follows a stranger",
            |set| {
                let stranger = Link { upstream: Upstream::Stranger, ..link(0) };
                set.report(2).role = Role::Replica(stranger);
            },
            Hold::FollowsStranger(n(2)),
        ),
        (
            "another history",
            |set| {
                *set = set.clone().frozen(2);
                set.report(2).history = history(9);
            },
            Hold::OtherHistory(n(2)),
        ),
        (
            "the master is empty and another is not",
            |set| {
                *set = set.clone().frozen(1);
                set.report(0).keys = 0;
            },
            Hold::EmptyMaster(n(1)),
        ),
        ("the master loads", |set| set.report(0).loading = true, Hold::Loading(n(0))),
        ("a node has not answered yet", |set| set.node(1).report = None, Hold::Listening),
        (
            "a node lets nobody look",
            |set| {
                set.node(1).report = None;
                set.node(1).trouble = Some(Trouble::Refused);
            },
            Hold::Troubled(n(1), Trouble::Refused),
        ),
        (
            "a node is a Sentinel",
            |set| {
                set.node(2).report = None;
                set.node(2).trouble = Some(Trouble::Stranger);
            },
            Hold::Troubled(n(2), Trouble::Stranger),
        ),
        (
            "nobody leads, and nobody may be made to",
            |set| {
                set.seen.settings.may_appoint_first = false;
                *set = set.clone().frozen(0);
            },
            Hold::NoMaster,
        ),
    ];
    for (name, change, expected) in table {
        assert_eq!(running(3).with(change).decides(), Err(expected), "{name}");
    }
}

#[test]
fn related_data_and_no_data_are_no_obstacle() {
    let table: [Case; 4] = [
        ("frozen, of the same history", |_| {}),
        ("of another history, but empty", |set| {
            set.report(2).history = history(9);
            set.report(2).keys = 0;
        }),
        ("the master grew out of its history", |set| {
            set.report(0).history = history(2);
            set.report(0).previous_history = Some((history(1), 1000));
            set.report(1).history = history(2);
        }),
        ("it grew out of the master's", |set| {
            set.report(2).previous_history = Some((history(1), 1000));
            set.report(2).history = history(9);
        }),
    ];
    for (name, change) in table {
        let mut set = running(3).frozen(2).with(change);
        let record = set.writes();
        assert_eq!((record.phase, record.in_sync), (Phase::Stable, vec![member(1)]), "{name}");
    }
}

#[test]
fn a_master_that_may_lack_what_another_holds_is_adopted_and_that_is_told() {
    let table: [Row<bool>; 7] = [
        ("all follow it", |_| {}, false),
        ("one was left behind on its own history", |set| *set = set.clone().frozen(2), false),
        (
            "one grew another out of it",
            |set| {
                set.report(2).previous_history = Some((history(1), 1000));
                set.report(2).history = history(9);
            },
            true,
        ),
        (
            "and was left behind by an election since",
            |set| {
                set.report(2).previous_history = Some((history(1), 1000));
                set.report(2).history = history(9);
                set.node(2).remembered = Some((4, true));
                set.node(0).remembered = Some((5, true));
            },
            false,
        ),
        (
            "one has seen a later election",
            |set| {
                set.node(0).remembered = Some((4, true));
                set.node(2).remembered = Some((5, false));
            },
            true,
        ),
        (
            "and lost its data since",
            |set| {
                set.node(0).remembered = Some((4, true));
                set.node(2).remembered = Some((5, false));
                set.report(2).keys = 0;
            },
            false,
        ),
        ("one follows it that has not begun to", |set| set.report(2).history = history(9), true),
    ];
    for (name, change, told) in table {
        let mut set = running(3).with(change);
        let epoch = set.seen.nodes.iter().filter_map(|node| node.remembered).map(|it| it.0).max();
        set.record().epoch = epoch.unwrap_or(0);
        let actions = set.acts();
        let record = set.writes();
        assert_eq!(record.master, Some(member(0)), "{name}");
        assert_eq!(actions, told_if(told, 0, record), "{name}");
    }
}

#[test]
fn a_set_that_was_recorded_once_is_adopted_though_one_went_its_own_way() {
    let mut set = running(3).frozen(2).with(|set| set.record().epoch = 6);
    set.report(2).history = history(9);
    let record = set.writes();
    assert_eq!((record.epoch, record.in_sync), (7, vec![member(1)]));
}

#[test]
fn a_node_that_stays_silent_is_not_waited_for_when_another_leads() {
    let mut set = running(3);
    set.node(2).report = None;
    set.node(2).asked_ms = Some(set.now_ms);
    assert_eq!(set.decides(), Err(Hold::Listening));
    let mut set = set.later(5000);
    assert_eq!(set.decides(), Err(Hold::Listening));
    let mut set = set.later(1);
    assert_eq!(set.writes().in_sync, [member(1)]);
}

/// Three nodes behind their gates, recorded as a set without a master.
fn stopped() -> Set {
    let mut set = Set::unrecorded(3);
    set.seen.record = Some(Record::without_master(1, 0));
    set.seen.my_term = 1;
    set
}

/// A record that names a master, with what people are told of it beforehand.
fn told_if(told: bool, target: usize, record: Record) -> Vec<Action> {
    let event = told.then_some(Action::Tell(Event::DataLossPossible(n(target))));
    event.into_iter().chain([Action::Write(record)]).collect()
}

#[test]
fn who_becomes_the_first_master() {
    let own_history = |set: &mut Set| {
        (0..3).for_each(|node| set.report(node).history = history(10 + n(node).0));
    };
    let mut set = stopped().with(own_history).at(2, 5000);
    assert_eq!(set.writes().target, Some(n(0)), "offsets of different histories do not compare");
    let table: [Row<Result<(usize, u64), Hold>>; 14] = [
        ("level: the lowest", |_| {}, Ok((0, 0))),
        ("all empty", |set| (0..3).for_each(|node| set.report(node).keys = 0), Ok((0, 0))),
        ("keys over none", |set| set.report(0).keys = 0, Ok((1, 0))),
        ("the furthest on one history", |set| set.report(2).offset += 1, Ok((2, 0))),
        (
            "there, whatever volumes remember",
            |set| {
                set.node(1).remembered = Some((5, true));
                set.node(2).remembered = Some((5, false));
                set.report(2).offset += 1;
            },
            Ok((2, 5)),
        ),
        (
            "on one history, level: the newest epoch remembered",
            |set| {
                set.node(1).remembered = Some((4, true));
                set.node(2).remembered = Some((5, false));
            },
            Ok((2, 5)),
        ),
        (
            "in it, the master",
            |set| {
                set.node(1).remembered = Some((5, false));
                set.node(2).remembered = Some((5, true));
            },
            Ok((2, 5)),
        ),
        (
            "of several histories: the newest epoch remembered",
            |set| {
                set.node(1).remembered = Some((4, true));
                set.node(2).remembered = Some((5, false));
                set.report(2).history = history(9);
                set.report(0).offset = 9999;
            },
            Ok((2, 5)),
        ),
        (
            "keys over what an emptied one remembers",
            |set| {
                set.node(1).remembered = Some((5, true));
                set.report(1).keys = 0;
            },
            Ok((0, 5)),
        ),
        (
            "of several histories: most keys",
            |set| {
                set.report(1).history = history(9);
                set.report(1).keys += 1;
            },
            Ok((1, 0)),
        ),
        ("priority 0 never", |set| set.report(0).priority = 0, Ok((1, 0))),
        (
            "none of them may",
            |set| (0..3).for_each(|node| set.report(node).priority = 0),
            Err(Hold::NoCandidate),
        ),
        ("one loads", |set| set.report(2).loading = true, Err(Hold::Loading(n(2)))),
        (
            "one is away: it may have the data",
            |set| {
                set.node(2).report = None;
                set.node(2).asked_ms = Some(0);
                set.local.last_step_ms = Some(set.now_ms);
            },
            Err(Hold::Unreachable(n(2))),
        ),
    ];
    for (name, change, expected) in table {
        let mut set = stopped().with(change);
        match (set.decides(), expected) {
            (Ok(actions), Ok((target, epoch))) => {
                let record = Record { target: Some(n(target)), ..Record::without_master(1, epoch) };
                assert_eq!(actions, [Action::Write(record)], "{name}");
            }
            (actual, expected) => assert_eq!(actual.map(|_| (0, 0)), expected, "{name}"),
        }
    }
}

#[test]
fn a_first_master_that_does_not_hold_all_that_is_there_is_told_of() {
    let newest = |set: &mut Set| {
        set.node(2).remembered = Some((5, true));
        set.report(2).history = history(9);
    };
    let grown = |set: &mut Set| {
        set.node(2).remembered = Some((5, true));
        let report = set.report(2);
        report.previous_history = Some((report.history, report.offset));
        report.history = history(9);
    };
    let mut longer = stopped().with(grown).at(0, 9999);
    assert_eq!(longer.acts()[0], Action::Tell(Event::DataLossPossible(n(2))));
    let table: [Row<(usize, bool)>; 6] = [
        ("all hold the same", |_| {}, (0, false)),
        ("the furthest on one history", |set| set.report(2).offset += 1, (2, false)),
        (
            "the furthest may not lead",
            |set| {
                set.report(0).priority = 0;
                set.report(0).offset += 1;
            },
            (1, true),
        ),
        ("another history", newest, (2, true)),
        (
            "others of another history are empty",
            |set| {
                set.report(2).history = history(9);
                (0..2).for_each(|node| set.report(node).keys = 0);
            },
            (2, false),
        ),
        ("its history grew out of the others'", grown, (2, false)),
    ];
    for (name, change, (target, told)) in table {
        let mut set = stopped().with(change);
        let actions = set.acts();
        let record = set.writes();
        assert_eq!(record.target, Some(n(target)), "{name}");
        assert_eq!(actions, told_if(told, target, record), "{name}");
    }
}

#[test]
fn the_first_master_is_recorded_then_made_then_adopted() {
    let mut set = stopped();
    let record = set.writes();
    set.seen.record = Some(record);
    assert_eq!(set.acts(), [send(0, Command::Promote { min_replicas_to_write: 0 })]);
    set.node(0).busy = true;
    assert_eq!(set.decides(), Err(Hold::Unreachable(n(0))));
    set.node(0).busy = false;
    let mut set = set.promoted(0, 2);
    let expected = Record {
        phase: Phase::Stable,
        master: Some(member(0)),
        history: Some(history(2)),
        ..Record::without_master(1, 1)
    };
    assert_eq!(set.acts(), [Action::Write(expected)]);
}

#[test]
fn a_first_master_that_lost_its_data_meanwhile_is_not_made_one() {
    let mut set = stopped();
    let record = set.writes();
    set.seen.record = Some(record);
    let mut set = set.emptied(0);
    let expected = set.changed(|record| (record.target, record.epoch) = (Some(n(1)), 1));
    assert_eq!(set.acts(), [Action::Write(expected)], "a change of mind is another epoch");
}

#[test]
fn a_first_master_that_ended_before_it_was_recorded_is_still_of_the_same_set() {
    let mut set = stopped();
    let record = set.writes();
    set.seen.record = Some(record);
    let mut set = set.promoted(0, 2).restarted(0);
    let expected = set.changed(|record| {
        (record.history, record.previous_history) = (Some(history(2)), Some(history(1)));
    });
    assert_eq!(set.acts(), [Action::Write(expected.clone())], "where it came from, first");
    set.seen.record = Some(expected);
    let promote = Command::Promote { min_replicas_to_write: 0 };
    assert_eq!(set.acts(), [Action::Send { node: n(0), run_id: run(0, 2), command: promote }]);
    let mut set = set.promoted(0, 3);
    assert_eq!(set.writes().phase, Phase::Stable);
    let mut other = set.with(|set| set.report(1).history = history(9));
    assert_eq!(other.decides(), Err(Hold::OtherHistory(n(1))), "of that set only");
}

/// Three servers that were just made, of which only some answer yet.
fn just_made(answering: &[usize]) -> Set {
    let mut set = stopped();
    set.seen.record = None;
    set.seen.my_term = 0;
    set.seen.service = None;
    for node in 0..3 {
        set = set.emptied(node).frozen(node);
        set.node(node).blank = true;
        set.node(node).remembered = None;
        if !answering.contains(&node) {
            set.node(node).report = None;
            set = set.silent(node, 3000);
        }
    }
    set.local.last_step_ms = Some(set.now_ms);
    set.local.trusted_since_ms = set.now_ms - 3000;
    set
}

#[test]
fn a_set_that_was_just_made_does_not_wait_for_all() {
    let table: [Row<Result<usize, Hold>>; 9] = [
        ("the first is there", |_| {}, Ok(0)),
        ("all are there", |set| *set = just_made(&[0, 1, 2]), Ok(0)),
        ("the first has its time", |set| *set = just_made(&[1, 2]), Err(Hold::Listening)),
        (
            "and no more",
            |set| {
                *set = just_made(&[1, 2]);
                set.local.trusted_since_ms = set.now_ms - 10_000;
            },
            Ok(1),
        ),
        (
            "another was asked only now",
            |set| *set = set.clone().silent(2, 100),
            Err(Hold::Listening),
        ),
        ("another may have data", |set| set.node(2).blank = false, Err(Hold::Listening)),
        (
            "another cannot be read",
            |set| {
                set.node(2).trouble = Some(Trouble::Refused);
                set.node(2).asked_ms = None;
            },
            Err(Hold::Listening),
        ),
        ("somebody led before", |set| set.node(0).highest_term = 3, Err(Hold::Listening)),
        ("there is data", |set| set.report(0).keys = 1, Err(Hold::Listening)),
    ];
    for (name, change, expected) in table {
        let mut set = just_made(&[0]).with(change);
        let decided = set.decides().map(|actions| {
            // The term first, then the target.
            let [Action::Write(record)] = &actions[..] else { panic!("{name}: {actions:?}") };
            assert_eq!((record.term, record.epoch, record.target), (1, 0, None), "{name}");
            set.seen.record = Some(record.clone());
            set.seen.my_term = 1;
        });
        let decided = decided.and_then(|()| set.decides()).map(|actions| {
            let [Action::Write(record)] = &actions[..] else { panic!("{name}: {actions:?}") };
            record.target.unwrap().index()
        });
        assert_eq!(decided, expected, "{name}");
    }
}

#[test]
fn the_first_master_of_a_set_that_was_just_made_is_recorded_before_the_others_are_there() {
    let mut set = just_made(&[0]);
    set.seen.record = Some(Record { target: Some(n(0)), ..Record::without_master(1, 0) });
    set.seen.my_term = 1;
    let run_id = set.report(0).run_id;
    let command = Command::Promote { min_replicas_to_write: 0 };
    assert_eq!(set.acts(), [Action::Send { node: n(0), run_id, command }]);
    set.report(0).role = Role::Master;
    let record = set.writes();
    assert_eq!((record.phase, record.master.unwrap().node), (Phase::Stable, n(0)));
}

#[test]
fn a_record_older_than_the_service_or_a_volume_elects_nobody() {
    let changes: [fn(&mut Set); 2] = [
        |set| set.seen.service = Some(Pointer { node: n(0), epoch: 99 }),
        |set| set.node(1).remembered = Some((99, false)),
    ];
    for change in changes {
        let mut set = Set::of(3);
        set.seen.my_term = 0;
        let mut set = set.with(change);
        let record = set.writes();
        assert_eq!((record.phase, record.epoch), (Phase::Adopt, 99));
        assert_eq!((record.master, record.in_sync.len()), (None, 0));
    }
}

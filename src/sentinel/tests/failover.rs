//! A recorded failover: freeze, elect, wait, promote, record.

use crate::sentinel::fixture::*;
use crate::sentinel::*;

const PROMOTE: Command = Command::Promote { min_replicas_to_write: 1 };

#[test]
fn everybody_who_follows_or_leads_is_frozen_first() {
    let mut set = Set::of(4).dead(0).failover(1);
    let all = [1, 2, 3].map(|node| send(node, Command::Freeze));
    assert_eq!(set.acts(), all);
    set = set.frozen(1);
    set.node(2).busy = true;
    assert_eq!(set.acts(), [send(3, Command::Freeze)]);
    set = set.frozen(3);
    assert_eq!(set.decides(), Err(Hold::Freezing));
    set = set.frozen(2);
    set.node(2).busy = false;
    assert_eq!(set.decides().as_deref(), Ok(&[send(1, PROMOTE_3)][..]));
}

/// With two others frozen beside it, W is still the 1 that is asked for.
const PROMOTE_3: Command = PROMOTE;

#[test]
fn a_rogue_master_is_frozen_too_and_a_stranger_is_left() {
    let mut set = Set::of(4).dead(0).frozen(1).frozen(2).failover(1).promoted(3, 8);
    assert_eq!(set.acts(), [send(3, Command::Freeze)]);
    let mut set = Set::of(3).dead(0).frozen(1).failover(1);
    set.report(2).role = Role::Replica(Link { upstream: Upstream::Stranger, ..link(0) });
    assert_eq!(set.acts(), [send(2, Command::Freeze)]);
}

#[test]
fn a_master_that_was_never_away_leads_on() {
    let mut set = Set::of(3).failover(1);
    let expected = set.changed(|record| {
        record.epoch = 3;
        record.phase = Phase::Stable;
        record.target = None;
    });
    assert_eq!(set.acts(), [Action::Write(expected)]);
}

#[test]
fn a_change_of_mind_is_recorded_first() {
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2).at(2, 1001).failover(1);
    let expected = set.changed(|record| {
        record.epoch = 3;
        record.target = Some(n(2));
    });
    assert_eq!(set.acts(), [Action::Write(expected)]);
}

#[test]
fn a_target_that_leads_is_frozen_when_another_is_ahead() {
    // It was promoted by somebody who died over it; then another one appeared with more.
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2).failover(1);
    set = set.promoted(1, 2).at(2, 1001);
    let expected = set.changed(|record| {
        record.epoch = 3;
        record.target = Some(n(2));
    });
    assert_eq!(set.acts(), [Action::Write(expected.clone())]);
    set.seen.record = Some(expected);
    assert_eq!(set.acts(), [send(1, Command::Freeze)]);
}

#[test]
fn a_target_that_leads_is_recorded() {
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2).failover(1).promoted(1, 2);
    set.report(1).min_replicas_to_write = 1;
    let expected = Record {
        term: 1,
        epoch: 2,
        phase: Phase::Stable,
        target: None,
        master: Some(member(1)),
        history: Some(history(2)),
        previous_history: Some(history(1)),
        base_offset: 1000,
        in_sync: vec![member(2)],
        w: 1,
    };
    assert_eq!(set.acts(), [Action::Write(expected)]);
}

#[test]
fn w_of_the_new_epoch_is_what_is_in_force_and_can_be_held() {
    let table = [
        // In force on the new master, asked for, others frozen, expected.
        (2, 2, 2, 2),
        (2, 2, 1, 1),
        (2, 2, 0, 0),
        (1, 2, 2, 1),
        (0, 2, 2, 0),
        (2, 1, 2, 1),
        (3, 0, 2, 0),
    ];
    for (in_force, asked, others, expected) in table {
        let mut set = Set::of(4).w(1).dead(0).frozen(1).frozen(2).frozen(3).failover(1);
        set.seen.settings.min_replicas_to_write = asked;
        set = set.promoted(1, 2);
        set.report(1).min_replicas_to_write = in_force;
        for away in others..2 {
            // Away, but a member of nothing, so that it holds nobody up.
            set = set.dead(away + 2);
            set.record().in_sync.retain(|it| it.node != n(away + 2));
        }
        let record = set.writes();
        assert_eq!(
            (record.w, record.in_sync.len()),
            (expected, others),
            "{in_force} {asked} {others}"
        );
    }
}

#[test]
fn a_target_that_was_promoted_and_restarted_is_recorded_before_it_is_promoted_again() {
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2).failover(1);
    set = set.promoted(1, 2).restarted(1);
    set.record().in_sync = vec![member(2)];
    let record = set.writes();
    assert_eq!((record.phase, record.target), (Phase::Failover, Some(n(1))));
    assert_eq!((record.history, record.previous_history), (Some(history(2)), Some(history(1))));
    assert_eq!(
        record.master,
        Some(Member { node: n(1), run_id: run(1, 2), home: Home::default() })
    );
}

#[test]
fn a_target_that_grew_out_of_the_history_before_leads() {
    // Node 0 grew history 2 out of 1 and died before anybody attached. Node 1 went on from 1.
    let mut set = Set::of(2).dead(0).frozen(1).failover(1);
    let record = set.record();
    record.history = Some(history(2));
    record.previous_history = Some(history(1));
    record.base_offset = 1000;
    assert_eq!(set.decides(), Ok(vec![send(1, PROMOTE)]));
    let mut set = set.promoted(1, 3);
    let record = set.writes();
    assert_eq!((record.phase, record.master), (Phase::Stable, Some(member(1))));
    assert_eq!((record.history, record.previous_history), (Some(history(3)), Some(history(1))));
    assert_eq!(record.base_offset, 1000);
}

#[test]
fn a_winner_with_a_history_of_its_own_gets_to_lead() {
    // A power cut with append-only files: the keys are back, the history has a new random name.
    let mut set = Set::of(3).restarted(0).restarted(1).restarted(2).failover(0);
    for node in 0..3 {
        set.report(node).history = history(40 + n(node).0);
        set.report(node).offset = 0;
    }
    let mut steps = 0;
    while set.record().phase != Phase::Stable {
        steps += 1;
        assert!(steps < 6, "it goes round in circles");
        for action in set.decides().unwrap() {
            match action {
                Action::Write(record) => set.seen.record = Some(record),
                Action::Send { node, command: Command::Promote { .. }, .. } => {
                    assert_eq!(node, n(0));
                    assert_ne!(set.report(0).role, Role::Master, "promoted once");
                    set = set.promoted(0, 50);
                }
                other => panic!("{other:?}"),
            }
        }
    }
    assert_eq!(
        set.record().master,
        Some(Member { node: n(0), run_id: run(0, 2), home: Home::default() })
    );
    assert_eq!(set.record().history, Some(history(50)));
}

#[test]
fn promotion_waits_until_the_lost_master_must_have_stopped() {
    // Lag 2 + 2 s after the last instant at which a member may have acknowledged.
    let table: [Row<Result<(), Millis>>; 8] = [
        ("its members were frozen just now", |_| {}, Err(4000)),
        ("3999 ms ago", |set| *set = set.clone().later(3999), Err(1)),
        ("4000 ms ago", |set| *set = set.clone().later(4000), Ok(())),
        ("dead for certain", |set| *set = set.clone().dead(0), Ok(())),
        (
            "seen frozen",
            |set| *set = set.clone().frozen(0).with(|set| set.node(0).asked_ms = None),
            Ok(()),
        ),
        ("nothing was acknowledged", |set| set.record().w = 0, Ok(())),
        (
            "one was frozen earlier",
            |set| set.local.nodes[1].quiet = Some((run(1, 1), set.now_ms - 1000)),
            Err(4000),
        ),
        (
            "both were frozen earlier",
            |set| {
                let before = set.now_ms - 1000;
                set.local.nodes[1].quiet = Some((run(1, 1), before));
                set.local.nodes[2].quiet = Some((run(2, 1), before));
            },
            Err(3000),
        ),
    ];
    for (name, change, expected) in table {
        let mut set = Set::of(3).later(60_000).down(0).failover(1);
        // They heard the master until now, but it does not answer here.
        for node in [1, 2] {
            set.report(node).role = Role::Replica(link(0));
        }
        assert_eq!(set.decides().map(|freezes| freezes.len()), Ok(2), "{name}");
        let mut set = set.frozen(1).frozen(2);
        assert_eq!(set.decides(), Err(Hold::WriterWindow { left_ms: 4000 }), "{name}");
        change(&mut set);
        let expected = match expected {
            Ok(()) => Ok(vec![send(1, PROMOTE)]),
            Err(left_ms) => Err(Hold::WriterWindow { left_ms }),
        };
        // The old master, where it is seen again and level, would win the tie.
        if set.seen.nodes[0].asked_ms.is_none() {
            set = set.at(0, 1);
            set.report(1).offset = 1000;
        }
        assert_eq!(set.decides(), expected, "{name}");
    }
}

#[test]
fn the_last_acknowledgement_is_as_late_as_the_reports_allow() {
    let up = |last_io_s| Role::Replica(Link { last_io_s: Some(last_io_s), ..link(0) });
    let cut =
        |down_since_s| Role::Replica(Link { up: false, down_since_s, last_io_s: None, ..link(0) });
    let table: [(&str, Role, Option<Millis>); 9] = [
        ("hears its master", up(0), None),
        ("heard it two seconds ago", up(2), None),
        ("heard it three seconds ago", up(3), Some(500)),
        ("heard it a minute ago", up(60), Some(57_500)),
        ("lost it in this second", cut(Some(0)), Some(0)),
        ("lost it one to two seconds ago", cut(Some(1)), Some(0)),
        ("lost it a minute ago", cut(Some(60)), Some(59_000)),
        ("never had it", cut(None), Some(0)),
        ("nowhere", NOWHERE, Some(0)),
    ];
    for (name, role, expected) in table {
        let mut set = Set::of(3).later(100_000);
        set.report(1).role = role;
        let _ = set.acts();
        let quiet = set.local.nodes[1].quiet.map(|(of, at)| (of, set.now_ms - at));
        assert_eq!(quiet, expected.map(|ago| (run(1, 1), ago)), "{name}");
    }
}

#[test]
fn how_far_a_replica_is_in_its_second_tells_when_the_last_byte_came() {
    let heard =
        |ago_s, second_ms| Role::Replica(Link { last_io_s: Some(ago_s), second_ms, ..link(0) });
    for (ago_s, second_ms, expected) in
        [(0, 999, None), (1, 999, None), (2, 499, None), (2, 500, Some(0)), (3, 900, Some(1400))]
    {
        let mut set = Set::of(3).later(100_000);
        set.report(1).role = heard(ago_s, second_ms);
        let _ = set.acts();
        let quiet = set.local.nodes[1].quiet.map(|(_, at)| set.now_ms - at);
        assert_eq!(quiet, expected, "{ago_s} s ago, {second_ms} ms into a second");
    }
}

#[test]
fn a_link_that_came_back_begins_that_anew() {
    let cut =
        |s| Role::Replica(Link { up: false, down_since_s: Some(s), last_io_s: None, ..link(0) });
    // Seen cut off, then seen attached.
    let mut set = Set::of(3).later(100_000);
    set.report(1).role = cut(10);
    let _ = set.acts();
    assert_eq!(set.local.nodes[1].quiet, Some((run(1, 1), set.now_ms - 9000)));
    set = set.later(500);
    set.report(1).role = Role::Replica(link(0));
    let _ = set.acts();
    assert_eq!(set.local.nodes[1].quiet, None);
    // Seen cut off twice; in between it was attached and unseen.
    set = set.later(20_000);
    set.report(1).role = cut(10);
    let _ = set.acts();
    set = set.later(500);
    set.report(1).role = cut(0);
    let _ = set.acts();
    assert_eq!(set.local.nodes[1].quiet, Some((run(1, 1), set.now_ms)));
    // Frozen for one master, then lost by the next one.
    let mut set = Set::of(3).later(100_000).frozen(1);
    let _ = set.acts();
    set = set.later(30_000);
    set.report(1).role = cut(0);
    let _ = set.acts();
    assert_eq!(set.local.nodes[1].quiet, Some((run(1, 1), set.now_ms)));
}

#[test]
fn the_freeze_does_not_make_a_lost_link_younger() {
    let mut set = Set::of(3).later(100_000);
    set.report(1).role = Role::Replica(Link { last_io_s: Some(6), ..link(0) });
    let _ = set.acts();
    let at = set.now_ms - 3500;
    assert_eq!(set.local.nodes[1].quiet, Some((run(1, 1), at)));
    set = set.later(500).frozen(1);
    let _ = set.acts();
    assert_eq!(set.local.nodes[1].quiet, Some((run(1, 1), at)));
}

#[test]
fn what_was_promoted_holds_writes_back_until_somebody_attaches() {
    let table = [
        ("preferred: as many as there are", Durability::Preferred, 3, 2),
        ("preferred: as many as are asked for", Durability::Preferred, 1, 1),
        ("required: as many as are asked for", Durability::Required, 3, 3),
    ];
    for (name, durability, asked, expected) in table {
        let mut set = Set::of(4).dead(0).frozen(1).frozen(2).frozen(3).failover(1);
        set.seen.settings.durability = durability;
        set.seen.settings.min_replicas_to_write = asked;
        let promote = Command::Promote { min_replicas_to_write: expected };
        assert_eq!(set.decides(), Ok(vec![send(1, promote)]), "{name}");
    }
}

#[test]
fn a_busy_target_is_waited_for() {
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2).failover(1);
    set.node(1).busy = true;
    assert_eq!(set.decides(), Err(Hold::Retrying(n(1))));
}

#[test]
fn a_failover_begins_with_whom_the_election_would_take_or_with_the_furthest() {
    let begun = |mut set: Set| {
        let record = set.writes();
        assert_eq!((record.phase, record.epoch), (Phase::Failover, 2));
        record.target.map(NodeId::index)
    };
    assert_eq!(begun(Set::of(3).dead(0).at(2, 1001)), Some(2));
    assert_eq!(begun(Set::of(4).dead(0).dead(1).at(3, 1001)), Some(3), "without a quorum");
    assert_eq!(begun(Set::of(3).restarted(0)), Some(0), "level, it stays where it was");
    assert_eq!(begun(Set::of(3).restarted(0).at(0, 900)), Some(1), "it came back with less");
    assert_eq!(begun(Set::of(1).restarted(0)), Some(0), "alone");
}

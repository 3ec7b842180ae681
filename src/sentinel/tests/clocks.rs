//! When a node counts as down, and what a standstill of the deciding process does to that.

use crate::sentinel::fixture::*;
use crate::sentinel::*;

const DOWN_AFTER_MS: Millis = 5000;

#[test]
fn a_node_is_down_after_more_than_the_patience_and_no_earlier() {
    let table: [(&str, Millis, &[Action]); 5] = [
        ("just asked", 0, &[]),
        ("one before", DOWN_AFTER_MS - 1, &[]),
        ("the limit itself", DOWN_AFTER_MS, &[]),
        ("one past", DOWN_AFTER_MS + 1, &[Action::Tell(Event::Down(n(1)))]),
        ("long past", 100 * DOWN_AFTER_MS, &[Action::Tell(Event::Down(n(1)))]),
    ];
    for (name, silence_ms, expected) in table {
        let mut set = Set::of(3).later(1_000_000).silent(1, silence_ms);
        assert_eq!(set.acts(), expected, "{name}");
        assert_eq!(set.acts(), [], "{name}: it is told once");
    }
}

#[test]
fn an_answer_ends_it() {
    let mut set = Set::of(3).later(1_000_000).silent(1, DOWN_AFTER_MS + 1);
    assert_eq!(set.acts(), [Action::Tell(Event::Down(n(1)))]);
    set.node(1).asked_ms = None;
    assert_eq!(set.acts(), [Action::Tell(Event::Up(n(1)))]);
}

#[test]
fn a_question_from_the_future_owes_nothing() {
    let mut set = Set::of(3);
    set.node(1).asked_ms = Some(set.now_ms + 1);
    assert_eq!(set.acts(), []);
    assert!(!set.local.nodes[1].down);
}

#[test]
fn a_standstill_of_the_process_itself_makes_older_silence_worthless() {
    let table: [(&str, Millis, Vec<Action>); 3] = [
        ("awake", 2000, vec![Action::Tell(Event::Down(n(1)))]),
        ("stood still", 2001, vec![Action::Tell(Event::Stalled { for_ms: 2001 })]),
        ("for an hour", 3_600_000, vec![Action::Tell(Event::Stalled { for_ms: 3_600_000 })]),
    ];
    for (name, gap_ms, expected) in table {
        let mut set = Set::of(3).later(60_000).silent(1, DOWN_AFTER_MS - 1000);
        set.now_ms += gap_ms;
        assert_eq!(set.acts(), expected, "{name}");
    }
}

#[test]
fn after_a_standstill_the_whole_patience_passes_again() {
    let mut set = Set::of(3).later(60_000).silent(1, 4000);
    set.now_ms += 10_000;
    let woke_ms = set.now_ms;
    assert_eq!(set.acts(), [Action::Tell(Event::Stalled { for_ms: 10_000 })]);
    set.now_ms = woke_ms + DOWN_AFTER_MS;
    set.local.last_step_ms = Some(set.now_ms);
    assert_eq!(set.acts(), []);
    set.now_ms += 1;
    assert_eq!(set.acts(), [Action::Tell(Event::Down(n(1)))]);
}

#[test]
fn a_process_that_starts_counts_silence_from_then() {
    let mut set = Set::of(3).later(60_000).silent(1, 50_000).fresh();
    assert_eq!(set.acts(), []);
    assert_eq!(set.local.trusted_since_ms, set.now_ms);
    set = set.later(DOWN_AFTER_MS + 1);
    assert_eq!(set.acts(), [Action::Tell(Event::Down(n(1)))]);
}

#[test]
fn a_set_in_peace_asks_for_no_other_look_and_one_in_trouble_for_a_soon_one() {
    let table: [(&str, Set, Millis, Option<Millis>); 5] = [
        ("peace", Set::of(3), 500, None),
        ("an answer is late", Set::of(3).later(10_000).silent(1, 501), 500, Some(25)),
        ("it is not late yet", Set::of(3).later(10_000).silent(1, 500), 500, None),
        ("at most 50 ms", Set::of(3).later(10_000).silent(0, 9000), 2000, Some(50)),
        ("at least 5 ms", Set::of(3).later(10_000).silent(0, 600), 20, Some(5)),
    ];
    for (name, mut set, ping_ms, expected) in table {
        set.seen.settings.ping_interval_ms = ping_ms;
        let (_, actions) = step(&set.local, &set.seen, set.now_ms);
        let wake = actions.iter().find_map(|action| match action {
            Action::WakeAt(at) => Some(at - set.now_ms),
            _ => None,
        });
        assert_eq!(wake, expected, "{name}");
    }
}

#[test]
fn a_script_gets_one_request_to_stop_and_twice_the_patience() {
    let mut set = Set::of(3).later(60_000);
    set.node(0).trouble = Some(Trouble::Busy);
    assert_eq!(set.decides(), Ok(vec![send(0, Command::ScriptKill)]));
    assert_eq!(set.decides(), Err(Hold::ScriptRuns(n(0))), "it was asked");
    set.node(0).trouble = Some(Trouble::Unkillable);
    assert_eq!(set.decides(), Err(Hold::ScriptRuns(n(0))));
    let mut set = set.later(2 * DOWN_AFTER_MS);
    for replica in [1, 2] {
        set.report(replica).role = Role::Replica(Link { last_io_s: Some(10), ..link(0) });
    }
    assert_eq!(set.decides(), Err(Hold::ScriptRuns(n(0))), "the limit itself");
    set = set.later(1);
    assert_eq!(
        set.decides(),
        Ok(vec![Action::Write(set.changed(|record| {
            record.epoch = 2;
            record.phase = Phase::Failover;
            record.target = Some(n(1));
        }))])
    );
}

#[test]
fn a_script_that_ends_in_time_changes_nothing() {
    let mut set = Set::of(3).later(60_000);
    set.node(0).trouble = Some(Trouble::Busy);
    assert_eq!(set.decides(), Ok(vec![send(0, Command::ScriptKill)]));
    let mut set = set.later(9000);
    set.node(0).trouble = None;
    assert_eq!(set.decides(), Ok(vec![]));
    set.node(0).trouble = Some(Trouble::Busy);
    assert_eq!(set.decides(), Ok(vec![send(0, Command::ScriptKill)]), "another script");
}

#[test]
fn a_script_on_a_replica_is_left_alone() {
    let mut set = Set::of(3);
    set.node(1).trouble = Some(Trouble::Busy);
    assert_eq!(set.decides(), Ok(vec![]));
}

#[test]
fn a_master_that_answers_without_letting_us_look_is_alive_for_ever() {
    for trouble in [
        Trouble::Loading,
        Trouble::MasterDown,
        Trouble::Refused,
        Trouble::MaxClients,
        Trouble::Stranger,
    ] {
        for keeps_connection in [true, false] {
            let mut set = Set::of(3).later(3_600_000);
            set.node(0).trouble = Some(trouble);
            if !keeps_connection {
                set.node(0).report = None;
            }
            assert_eq!(set.decides(), Err(Hold::Troubled(n(0), trouble)), "{trouble:?}");
        }
    }
}

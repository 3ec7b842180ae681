//! Members and W while a master leads: refreshed, dropped, lowered, raised.

use crate::sentinel::fixture::*;
use crate::sentinel::*;

/// What its master lists of a replica.
fn list(set: &mut Set, node: usize, offset: u64) {
    let followers = &mut set.report(0).followers;
    followers.retain(|follower| follower.node != n(node));
    followers.push(Follower { node: n(node), online: true, offset });
}

/// The master writes: it and the replicas that are listed move on, to one offset.
fn written(mut set: Set, offset: u64) -> Set {
    let listed: Vec<usize> =
        set.report(0).followers.iter().map(|follower| follower.node.index()).collect();
    set.report(0).offset = offset;
    for node in listed {
        list(&mut set, node, offset);
        set.report(node).offset = offset;
    }
    set
}

/// Node 2 is back in its second run, attached, at an offset.
fn back(set: Set, offset: u64) -> Set {
    let mut set = set.restarted(2).at(2, offset);
    set.report(2).role = Role::Replica(link(0));
    list(&mut set, 2, offset);
    set
}

#[test]
fn a_new_run_takes_the_place_of_the_old_one_when_it_holds_what_that_may_have_held() {
    let second = Member { node: n(2), run_id: run(2, 2), home: Home::default() };
    let mut set = back(Set::of(3).later(1000), 990);
    list(&mut set, 1, 999);
    assert_eq!(set.decides(), Ok(vec![]), "it has only been noticed");
    let mut set = set.later(100);
    assert_eq!(set.decides(), Ok(vec![]), "behind");
    let mut set = written(set, 1005);
    list(&mut set, 1, 999);
    list(&mut set, 2, 999);
    assert_eq!(set.decides(), Ok(vec![]), "one byte behind what the master had when it came back");
    list(&mut set, 2, 1000);
    let expected = set.changed(|record| record.in_sync = vec![member(1), second]);
    assert_eq!(set.decides(), Ok(vec![Action::Write(expected)]));
}

#[test]
fn a_new_run_takes_the_place_of_the_old_one_when_others_hold_what_that_may_have_held() {
    let second = Member { node: n(2), run_id: run(2, 2), home: Home::default() };
    // It is being sent all data: for long it holds nothing.
    let mut set = Set::of(3).later(1000).emptied(2);
    set.report(2).role = Role::Replica(Link { up: false, syncing: true, ..link(0) });
    set.report(2).loading = true;
    list(&mut set, 1, 1000);
    assert_eq!(set.decides(), Ok(vec![]), "it has only been noticed");
    let mut set = set.later(100);
    list(&mut set, 1, 999);
    assert_eq!(set.decides(), Ok(vec![]), "one byte of what it may have held is nowhere else");
    list(&mut set, 1, 1000);
    let expected = set.changed(|record| record.in_sync = vec![member(1), second]);
    assert_eq!(set.clone().decides(), Ok(vec![Action::Write(expected)]));
    // Without a W nobody is known to hold anything.
    let mut set = set.w(0);
    assert_eq!(set.decides(), Ok(vec![]));
}

#[test]
fn the_mark_is_read_after_the_new_run_was_seen() {
    // The master's report is older than that of the new run: the old run may have acknowledged
    // more than it shows.
    let mut set = back(Set::of(3), 1000);
    list(&mut set, 1, 999);
    set.report(2).asked_ms = START_MS + 400;
    set.now_ms = START_MS + 400;
    assert_eq!(set.decides(), Ok(vec![]));
    let mut set = written(set, 1200);
    list(&mut set, 1, 999);
    list(&mut set, 2, 1100);
    set.report(0).asked_ms = START_MS + 500;
    set.now_ms = START_MS + 500;
    assert_eq!(set.decides(), Ok(vec![]), "1200 has to be reached");
    list(&mut set, 2, 1200);
    assert_eq!(set.writes().in_sync[1].run_id, run(2, 2));
}

#[test]
fn a_third_run_begins_anew() {
    let mut set = back(Set::of(3).later(1000), 990);
    list(&mut set, 1, 999);
    assert_eq!(set.decides(), Ok(vec![]));
    let mut set = written(set.later(100), 2000);
    list(&mut set, 1, 999);
    set.report(2).run_id = run(2, 3);
    list(&mut set, 2, 2000);
    assert_eq!(set.decides(), Ok(vec![]), "it has only been noticed");
    let mut set = set.later(100);
    list(&mut set, 2, 1500);
    assert_eq!(set.decides(), Ok(vec![]), "the mark is 2000 now");
    list(&mut set, 2, 2000);
    assert_eq!(set.writes().in_sync[1].run_id, run(2, 3));
}

/// Node 2 is gone; its end is proven. W stays what it was as long as node 1 acknowledges.
fn gone() -> Set {
    Set::of(3).later(60_000).dead(2)
}

#[test]
fn a_member_that_is_dead_and_gated_is_dropped_when_others_hold_what_it_held() {
    let mut set = gone();
    list(&mut set, 1, 999);
    assert_eq!(set.decides(), Ok(vec![]), "node 1 does not hold everything yet");
    set = set.later(100);
    list(&mut set, 1, 1000);
    let expected = set.changed(|record| record.in_sync = vec![member(1)]);
    assert_eq!(set.decides(), Ok(vec![Action::Write(expected)]));
}

#[test]
fn the_mark_of_a_dropped_member_is_read_after_its_end() {
    let mut set = gone();
    set.report(0).asked_ms = set.now_ms - 1;
    assert_eq!(set.decides(), Ok(vec![]));
    set = written(set.later(100), 1100);
    list(&mut set, 1, 1050);
    assert_eq!(set.decides(), Ok(vec![]), "1100 has to be reached");
    list(&mut set, 1, 1100);
    assert_eq!(set.writes().in_sync, [member(1)]);
}

#[test]
fn who_may_not_be_dropped() {
    let table: [Case; 5] = [
        ("only silent", |set| set.node(2).ended = None),
        ("its starts are not gated: it may attach by itself", |set| set.node(2).gated = false),
        ("W of the others would not do", |set| {
            set.record().w = 2;
            set.report(0).min_replicas_to_write = 2;
            set.seen.settings.min_replicas_to_write = 2;
            set.seen.settings.durability = Durability::Required;
        }),
        ("the other is not online", |set| {
            set.report(0).followers.clear();
            set.seen.settings.durability = Durability::Required;
        }),
        ("the other restarted and is not refreshed", |set| {
            set.report(1).run_id = run(1, 2);
            list(set, 1, 0);
            set.seen.settings.durability = Durability::Required;
        }),
    ];
    for (name, change) in table {
        let mut set = gone().with(change);
        for _ in 0..3 {
            let kept = |record: &Record| record.in_sync.iter().any(|it| it.node == n(2));
            if let Ok(actions) = set.decides() {
                for action in actions {
                    assert!(!matches!(&action, Action::Write(it) if !kept(it)), "{name}");
                }
            }
            set = set.later(600);
        }
    }
}

#[test]
fn a_member_that_was_shut_out_is_dropped_once_it_is_unlisted_for_long() {
    let mut set = Set::of(3).later(60_000).down(2);
    set.report(0).followers.retain(|follower| follower.node != n(2));
    set.node(2).shut_out = true;
    assert_eq!(set.decides(), Ok(vec![]));
    set = set.later(5000);
    assert_eq!(set.decides(), Ok(vec![]), "the limit itself");
    set = set.later(1);
    assert_eq!(set.writes().in_sync, [member(1)]);
}

/// A set whose members do not follow any more, and since when.
fn deserted(durability: Durability) -> Set {
    let mut set = Set::of(2).later(60_000).down(1);
    set.report(0).followers.clear();
    set.seen.settings.durability = durability;
    assert_eq!(set.decides(), Ok(vec![]), "just now");
    set
}

#[test]
fn w_is_lowered_in_the_record_and_then_on_the_master() {
    let mut set = deserted(Durability::Preferred).later(5000);
    assert_eq!(set.decides(), Ok(vec![]), "the limit itself");
    set = set.later(1);
    let expected = set.changed(|record| record.w = 0);
    assert_eq!(set.decides(), Ok(vec![Action::Write(expected.clone())]));
    set.seen.record = Some(expected);
    assert_eq!(set.decides(), Ok(vec![send(0, Command::SetMinReplicas(0))]));
    set.report(0).min_replicas_to_write = 0;
    assert_eq!(set.decides(), Ok(vec![]));
}

#[test]
fn a_member_whose_connection_is_lost_is_missed_as_well() {
    // Its machine is gone without a word: nothing of it is left here but the master's list.
    let mut set = Set::of(2).later(60_000).down(1);
    set.node(1).report = None;
    set.report(0).followers.clear();
    assert_eq!(set.decides(), Ok(vec![]), "just now");
    set = set.later(5001);
    assert_eq!(set.writes().w, 0);
}

#[test]
fn a_proven_death_lowers_w_at_once() {
    let mut set = Set::of(2).later(60_000).dead(1);
    assert_eq!(set.writes().w, 0);
}

#[test]
fn w_that_is_required_is_never_lowered() {
    let mut set = deserted(Durability::Required).later(3_600_000);
    assert_eq!(set.decides(), Ok(vec![]));
    let mut set = set.dead(1);
    assert_eq!(set.decides(), Ok(vec![]));
}

#[test]
fn a_former_master_gets_the_whole_patience_to_attach() {
    // While it led, nobody listed it: that does not count.
    let mut set = Set::of(2).later(3_600_000).frozen(0).frozen(1).promoted(1, 2);
    let _ = set.acts();
    set.report(1).min_replicas_to_write = 1;
    let record = set.record();
    record.epoch = 2;
    record.master = Some(member(1));
    record.history = Some(history(2));
    record.previous_history = Some(history(1));
    record.base_offset = 1000;
    record.in_sync = vec![member(0)];
    set.seen.service = Some(Pointer { node: n(1), epoch: 2 });
    set.report(0).role = Role::Replica(Link { up: false, ..link(1) });
    assert_eq!(set.decides(), Ok(vec![]));
    set = set.later(5000);
    assert_eq!(set.decides(), Ok(vec![]), "the limit itself");
    set = set.later(1);
    assert_eq!(set.writes().w, 0);
}

/// W is 0 and node 1 is back.
fn lowered() -> Set {
    let mut set = Set::of(2).w(0);
    set.seen.settings.min_replicas_to_write = 1;
    set
}

#[test]
fn w_is_raised_on_the_master_and_then_acknowledged_and_recorded() {
    let mut set = lowered();
    assert_eq!(set.decides(), Ok(vec![send(0, Command::SetMinReplicas(1))]));
    // In force from here on: what the master has now counts.
    set.report(0).min_replicas_to_write = 1;
    set.report(0).offset = 1100;
    list(&mut set, 1, 1099);
    assert_eq!(set.decides(), Ok(vec![]));
    set.report(0).offset = 1200;
    list(&mut set, 1, 1100);
    let expected = set.changed(|record| record.w = 1);
    assert_eq!(set.decides(), Ok(vec![Action::Write(expected)]));
}

#[test]
fn a_replica_that_still_loads_holds_nothing_of_a_history_that_has_just_begun() {
    let mut set = lowered().at(0, 0).fresh();
    set.report(0).min_replicas_to_write = 1;
    list(&mut set, 1, 0);
    set.report(1).history = history(9);
    assert_eq!(set.decides(), Ok(vec![]));
    set.report(1).history = history(1);
    assert_eq!(set.writes().w, 1);
}

#[test]
fn a_lost_memory_reads_the_mark_anew() {
    let mut set = lowered();
    set.report(0).min_replicas_to_write = 1;
    list(&mut set, 1, 900);
    assert_eq!(set.decides(), Ok(vec![]));
    set = set.fresh();
    set.report(0).offset = 1100;
    list(&mut set, 1, 1000);
    assert_eq!(set.decides(), Ok(vec![]));
    list(&mut set, 1, 1100);
    assert_eq!(set.writes().w, 1);
}

#[test]
fn preferred_w_is_as_many_as_are_online_and_required_w_is_what_is_asked_for() {
    let table = [
        (Durability::Preferred, 2, 1),
        (Durability::Preferred, 1, 1),
        (Durability::Required, 2, 2),
    ];
    for (durability, asked, expected) in table {
        let mut set = Set::of(3).w(0).later(60_000).dead(2);
        set.record().in_sync.pop();
        set.seen.settings.min_replicas_to_write = asked;
        set.seen.settings.durability = durability;
        let set_on_master = send(0, Command::SetMinReplicas(expected));
        assert_eq!(set.decides(), Ok(vec![set_on_master]), "{durability:?} {asked}");
    }
}

#[test]
fn a_wish_for_less_is_recorded_before_it_is_in_force() {
    // People set W from 2 to 1: no write may count for two that only one holds.
    let mut set = Set::of(3).w(2);
    set.seen.settings.min_replicas_to_write = 1;
    let expected = set.changed(|record| record.w = 1);
    assert_eq!(set.decides(), Ok(vec![Action::Write(expected.clone())]));
    set.seen.record = Some(expected);
    assert_eq!(set.decides(), Ok(vec![send(0, Command::SetMinReplicas(1))]));
}

#[test]
fn a_member_that_stays_away_is_shut_out_and_let_in_again() {
    let mut set = Set::of(3).later(60_000).down(2);
    set.seen.settings.shuts_out = true;
    set.report(0).followers.retain(|follower| follower.node != n(2));
    assert_eq!(set.decides(), Ok(vec![]), "just now");
    set = set.later(5001);
    assert_eq!(set.decides(), Ok(vec![send(0, Command::ShutOut(n(2)))]));
    set.node(2).shut_out = true;
    set = set.later(1);
    assert_eq!(set.decides(), Ok(vec![]), "an offset that was read before it was shut out");
    set = set.later(1);
    let record = set.writes();
    assert_eq!(record.in_sync, [member(1)]);
    set.seen.record = Some(record);

    // It comes back in another run: recorded, let in, attached.
    set.node(2).asked_ms = None;
    set = set.restarted(2);
    let record = set.writes();
    assert_eq!(record.in_sync.len(), 2);
    set.seen.record = Some(record);
    assert_eq!(set.decides(), Ok(vec![send(0, Command::LetIn(n(2)))]));
    set.node(2).shut_out = false;
    let follow = Action::Send { node: n(2), run_id: run(2, 2), command: Command::Follow(n(0)) };
    assert_eq!(set.decides(), Ok(vec![follow]));
}

#[test]
fn a_member_that_was_shut_out_and_never_stopped_trying_is_let_in_again() {
    let mut set = Set::of(3).later(60_000);
    set.seen.settings.shuts_out = true;
    set.report(0).followers.retain(|follower| follower.node != n(2));
    set.node(2).shut_out = true;
    assert_eq!(set.decides(), Ok(vec![send(0, Command::LetIn(n(2)))]), "still a member");
    set.node(1).shut_out = true;
    assert_eq!(set.decides(), Ok(vec![send(0, Command::LetIn(n(1)))]), "one after the other");
    set.node(1).shut_out = false;
    set.record().in_sync = vec![member(1)];
    assert_eq!(set.writes().in_sync, [member(1), member(2)], "recorded first");
}

#[test]
fn the_last_member_that_a_write_needs_is_not_shut_out() {
    let mut set = Set::of(2).later(60_000).down(1);
    set.seen.settings.shuts_out = true;
    set.seen.settings.durability = Durability::Required;
    set.report(0).followers.clear();
    set.acts();
    set = set.later(5001);
    assert_eq!(set.decides(), Ok(vec![]));
}

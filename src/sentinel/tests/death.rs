//! What proves that a process has ended, and what does not.

use crate::sentinel::fixture::*;
use crate::sentinel::view::View;
use crate::sentinel::*;

fn is_dead(set: &Set) -> bool {
    let view = View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
    view.is_dead(member(0))
}

fn ended(set: &mut Set, by: EndedBy, of: Id) {
    let at_ms = set.now_ms;
    set.node(0).report = None;
    set.node(0).asked_ms = Some(at_ms);
    set.node(0).ended = Some(Ended { run_id: of, by, at_ms });
}

#[test]
fn what_proves_a_death() {
    let recorded = run(0, 1);
    let table: [Row<bool>; 10] = [
        ("it answers", |_| {}, false),
        ("silence", |set| *set = set.clone().down(0), false),
        ("its connection is gone", |set| set.node(0).report = None, false),
        ("another run answers", |set| *set = set.clone().restarted(0), true),
        ("another run answers from another home", |set| *set = set.clone().moved(0), false),
        ("another run answers and leads", |set| set.report(0).run_id = run(0, 2), true),
        ("FIN and refused, no link is up", |set| *set = set.clone().dead(0), true),
        (
            "FIN and refused, but a link is up",
            |set| ended(set, EndedBy::FinThenRefused, run(0, 1)),
            false,
        ),
        (
            "its container ended, though a link looks up",
            |set| ended(set, EndedBy::ContainerStatus, run(0, 1)),
            true,
        ),
        ("the end of an earlier run", |set| ended(set, EndedBy::ContainerStatus, run(0, 9)), false),
    ];
    assert_eq!(recorded, member(0).run_id);
    for (name, change, expected) in table {
        let set = Set::of(3).later(60_000).with(change);
        assert_eq!(is_dead(&set), expected, "{name}");
    }
}

#[test]
fn a_replica_that_is_down_keeps_no_link_up() {
    let mut set = Set::of(2).later(60_000);
    ended(&mut set, EndedBy::FinThenRefused, run(0, 1));
    assert!(!is_dead(&set));
    assert!(is_dead(&set.silent(1, 5001)));
}

#[test]
fn a_death_needs_no_patience() {
    let mut set = Set::of(3).later(60_000).dead(0);
    let expected = set.changed(|record| {
        record.epoch = 2;
        record.phase = Phase::Failover;
        record.target = Some(n(1));
    });
    assert_eq!(set.acts(), [Action::Write(expected)]);
}

#[test]
fn replicas_that_spoke_before_the_end_are_asked_again() {
    let mut set = Set::of(3).later(60_000);
    ended(&mut set, EndedBy::FinThenRefused, run(0, 1));
    assert_eq!(set.acts(), [send(1, Command::Look), send(2, Command::Look)]);
    set.node(1).busy = true;
    assert_eq!(set.acts(), [send(2, Command::Look)]);
    set.node(2).busy = true;
    assert_eq!(set.decides(), Err(Hold::Silent(n(0))));
    // One has spoken since, and still has its link: nothing is proven.
    let now_ms = set.now_ms;
    set.node(1).busy = false;
    set.report(1).asked_ms = now_ms + 1;
    assert_eq!(set.decides(), Err(Hold::Silent(n(0))));
}

/// The pod of the master was deleted and made anew; its process may still run somewhere.
#[test]
fn a_master_whose_pod_was_made_anew_is_given_the_time_to_stop() {
    // What its volume held is older than what the replicas have.
    let mut set = Set::of(3).later(60_000).moved(0).at(0, OFFSET - 1);
    assert_eq!(set.decides(), Err(Hold::Silent(n(0))));
    set = set.later(5000);
    assert_eq!(set.decides(), Err(Hold::Silent(n(0))), "the limit itself");
    set = set.later(1);
    let record = set.writes();
    assert_eq!((record.phase, record.target), (Phase::Failover, Some(n(1))));
    set.seen.record = Some(record);
    set = set.frozen(1).frozen(2);
    let since = set.now_ms;
    assert_eq!(set.decides(), Err(Hold::WriterWindow { left_ms: 4000 }));
    set = set.later(4000);
    assert_eq!(set.now_ms, since + 4000);
    let promote = Command::Promote { min_replicas_to_write: 1 };
    assert_eq!(set.decides(), Ok(vec![send(1, promote)]));
}

#[test]
fn a_silence_that_began_before_the_new_pod_answered_counts() {
    let mut set = Set::of(3).later(60_000);
    set.node(0).report = None;
    set = set.silent(0, 3000);
    assert_eq!(set.decides(), Err(Hold::Silent(n(0))));
    let report = Set::of(3).moved(0).report(0).clone();
    set.node(0).report = Some(report);
    set.node(0).asked_ms = None;
    set = set.later(2000);
    assert_eq!(set.decides(), Err(Hold::Silent(n(0))), "5000 ms: the limit itself");
    set = set.later(1);
    assert_eq!(set.writes().phase, Phase::Failover);
}

#[test]
fn a_replica_that_its_master_hears_has_not_ended() {
    let dead = |set: &Set| {
        let view =
            View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
        view.is_dead(member(2))
    };
    let mut set = Set::of(3).later(60_000);
    let at_ms = set.now_ms;
    set.node(2).report = None;
    set.node(2).ended = Some(Ended { run_id: run(2, 1), by: EndedBy::FinThenRefused, at_ms });
    assert!(!dead(&set), "a firewall can do that");
    set.report(0).followers.retain(|follower| follower.node != n(2));
    assert!(dead(&set));
}

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
    let table: [Row<bool>; 9] = [
        ("it answers", |_| {}, false),
        ("silence", |set| *set = set.clone().down(0), false),
        ("its connection is gone", |set| set.node(0).report = None, false),
        ("another run answers", |set| *set = set.clone().restarted(0), true),
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

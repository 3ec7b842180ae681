//! Every reason not to act is produced by some input, and can be read.

use std::collections::BTreeSet;

use crate::sentinel::fixture::*;
use crate::sentinel::*;

/// The place of a reason in the list of all. A new one does not compile until it has a place.
fn place(hold: Hold) -> usize {
    match hold {
        Hold::NotLeading => 0,
        Hold::Superseded(_) => 1,
        Hold::Writing => 2,
        Hold::Listening => 3,
        Hold::Blind => 4,
        Hold::SeveralMasters(..) => 5,
        Hold::NoMaster => 6,
        Hold::EmptyMaster(_) => 7,
        Hold::OtherHistory(_) => 8,
        Hold::FollowsStranger(_) => 9,
        Hold::Silent(_) => 10,
        Hold::Heard { .. } => 11,
        Hold::Troubled(..) => 12,
        Hold::ScriptRuns(_) => 13,
        Hold::SwitchedOff => 14,
        Hold::NobodyAcknowledges => 15,
        Hold::Freezing => 16,
        Hold::WriterWindow { .. } => 17,
        Hold::NoQuorum { .. } => 18,
        Hold::Loading(_) => 19,
        Hold::NoCandidate => 20,
        Hold::NotInSync(_) => 21,
        Hold::Unreachable(_) => 22,
        Hold::NobodyElse => 23,
        Hold::HandoverUndone => 24,
        Hold::Retrying(_) => 25,
        Hold::SameServer(..) => 26,
        // Not from here: who takes wishes in takes one at a time.
        Hold::UnderWay => PLACES,
    }
}
const PLACES: usize = 27;

fn adopting(change: impl FnOnce(&mut Set)) -> Set {
    let mut set = Set::of(3);
    let record = set.record();
    record.phase = Phase::Adopt;
    record.master = None;
    record.epoch = 0;
    set.with(change)
}

/// An input for each reason.
fn inputs() -> Vec<(Set, Hold)> {
    let quiet = Set::of(3).later(60_000);
    let busy = |mut set: Set, node: usize| {
        set.node(node).busy = true;
        set
    };
    let trouble = |trouble| {
        quiet.clone().with(|set| {
            set.node(0).trouble = Some(trouble);
            set.node(0).report = None;
        })
    };
    vec![
        (quiet.clone().with(|set| set.seen.leading = false), Hold::NotLeading),
        (quiet.clone().with(|set| set.record().term = 3), Hold::Superseded(3)),
        (quiet.clone().with(|set| set.seen.writing = true), Hold::Writing),
        (adopting(|set| set.node(1).report = None), Hold::Listening),
        (quiet.clone().down(0).down(1).down(2), Hold::Blind),
        (adopting(|set| set.report(1).role = Role::Master), Hold::SeveralMasters(n(0), n(1))),
        (
            adopting(|set| {
                set.report(0).role = NOWHERE;
                set.seen.settings.may_appoint_first = false;
            }),
            Hold::NoMaster,
        ),
        (
            adopting(|set| {
                set.report(0).keys = 0;
                set.report(2).role = NOWHERE;
            }),
            Hold::EmptyMaster(n(2)),
        ),
        (
            adopting(|set| {
                set.report(2).history = history(9);
                set.report(2).role = NOWHERE;
            }),
            Hold::OtherHistory(n(2)),
        ),
        (
            adopting(|set| {
                let stranger = Link { upstream: Upstream::Stranger, ..link(0) };
                set.report(2).role = Role::Replica(stranger);
            }),
            Hold::FollowsStranger(n(2)),
        ),
        (quiet.clone().silent(0, 5000).with(|set| set.node(0).report = None), Hold::Silent(n(0))),
        (quiet.clone().silent(0, 5001), Hold::Heard { master: n(0), by: n(1) }),
        (trouble(Trouble::Refused), Hold::Troubled(n(0), Trouble::Refused)),
        (trouble(Trouble::Unkillable), Hold::ScriptRuns(n(0))),
        (
            quiet.clone().dead(0).with(|set| set.seen.settings.auto_failover = false),
            Hold::SwitchedOff,
        ),
        (quiet.clone().down(0).with(|set| set.record().w = 0), Hold::NobodyAcknowledges),
        (busy(quiet.clone().dead(0).frozen(1).failover(1), 2), Hold::Freezing),
        (
            quiet.clone().down(0).frozen(1).frozen(2).failover(1).with(|set| {
                // They heard it until now.
                (1..3).for_each(|node| set.local.nodes[node].quiet = None);
            }),
            Hold::WriterWindow { left_ms: 4000 },
        ),
        (
            quiet.clone().dead(0).dead(1).frozen(2).failover(2),
            Hold::NoQuorum { seen: 1, needed: 2 },
        ),
        (adopting(|set| set.report(0).loading = true), Hold::Loading(n(0))),
        (
            quiet.clone().dead(0).frozen(1).frozen(2).failover(1).with(|set| {
                (1..3).for_each(|node| set.report(node).priority = 0);
            }),
            Hold::NoCandidate,
        ),
        (
            quiet.clone().asks(Wish::Switchover(Some(n(1)))).with(|set| {
                set.report(1).role = Role::Replica(Link { syncing: true, ..link(0) });
            }),
            Hold::NotInSync(n(1)),
        ),
        (quiet.clone().dead(1).asks(Wish::Promote(n(1))), Hold::Unreachable(n(1))),
        (Set::of(1).asks(Wish::Switchover(None)), Hold::NobodyElse),
        (
            {
                let mut set = quiet.clone().asks(Wish::Switchover(None));
                let record = set.writes();
                set.seen.record = Some(Record {
                    phase: Phase::Stable,
                    target: None,
                    epoch: record.epoch + 1,
                    ..record
                });
                set
            },
            Hold::HandoverUndone,
        ),
        (busy(quiet.clone().switchover(1), 0), Hold::Retrying(n(0))),
        (quiet.clone().with(|set| set.report(2).run_id = run(1, 1)), Hold::SameServer(n(1), n(2))),
    ]
}

#[test]
fn every_reason_has_an_input_that_produces_it() {
    let mut places = BTreeSet::new();
    for (mut set, expected) in inputs() {
        let hold = match set.decides() {
            Err(hold) => hold,
            Ok(actions) => match actions[..] {
                [Action::Answer { outcome: Err(hold), .. }] => hold,
                _ => panic!("{expected:?}: {actions:?}"),
            },
        };
        assert_eq!(hold, expected);
        places.insert(place(hold));
    }
    assert_eq!(places.into_iter().collect::<Vec<_>>(), (0..PLACES).collect::<Vec<_>>());
}

#[test]
fn every_reason_can_be_read() {
    let name = |node: NodeId| format!("valkey-{}", node.0);
    let mut texts = BTreeSet::new();
    for (_, hold) in inputs() {
        let text = hold.describe(&name);
        assert!(text.len() > 20 && !text.ends_with('.'), "{text}");
        assert!(text.starts_with(|first: char| !first.is_uppercase()), "{text}");
        texts.insert(text);
    }
    assert_eq!(texts.len(), PLACES, "no two read the same");
}

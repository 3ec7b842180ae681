//! The arithmetic of the quorum against the plainest oracle there is: every way in which W of the
//! members may hold an acknowledged write.

use crate::sentinel::election::elect;
use crate::sentinel::fixture::*;
use crate::sentinel::view::View;
use crate::sentinel::*;

/// What the oracle says of the writes that may have been acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    /// None lies beyond this offset.
    At(u64),
    /// They may lie anywhere: members hold them who are not seen.
    Unknown,
}

/// A write that W members hold has an offset that each of them has reached. The members that are
/// seen have these positions; who is not seen may have reached anything.
fn oracle(positions: &[Option<u64>], w: u32) -> Bound {
    let mut bound = Bound::At(0);
    for holders in 0..1u32 << positions.len() {
        if holders.count_ones() != w {
            continue;
        }
        let held_by = |index: &usize| holders & (1 << index) != 0;
        let reached = (0..positions.len()).filter(held_by).filter_map(|index| positions[index]);
        match (reached.min(), bound) {
            (None, _) | (_, Bound::Unknown) => bound = Bound::Unknown,
            (Some(offset), Bound::At(before)) => bound = Bound::At(before.max(offset)),
        }
    }
    bound
}

/// A set of `members` replicas whose master is gone; those whose bit is set are seen, frozen.
fn set_of(members: usize, w: u8, seen: u32, offset_of: impl Fn(usize) -> u64) -> Set {
    let mut set = Set::of(members + 1).w(w).dead(0);
    set.seen.settings.min_replicas_to_write = w.max(1);
    for index in 0..members {
        set = if seen & (1 << index) == 0 {
            set.dead(index + 1)
        } else {
            set.frozen(index + 1).at(index + 1, offset_of(index))
        };
    }
    set
}

fn elected(set: &mut Set) -> Result<u64, Hold> {
    let record = set.record().clone();
    let view = View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
    elect(view, &record).map(|ballot| {
        let winner = view.report(ballot.winner).unwrap();
        assert!(!ballot.loss_possible);
        assert!(winner.offset >= ballot.bound, "the winner has reached the bound");
        ballot.bound
    })
}

#[test]
fn for_up_to_nine_members_and_every_w() {
    let mut cases = 0;
    for members in 1..=9 {
        for w in 0..=8_u8 {
            for seen in 0..1u32 << members {
                let distinct = |index: usize| 100 + 10 * ((index as u64 * 7 + 3) % 11);
                let ties = |index: usize| 100 + 10 * (index as u64 % 3);
                let mut set = set_of(members, w, seen, distinct);
                for ties_too in [false, true] {
                    let offset_of = |index| if ties_too { ties(index) } else { distinct(index) };
                    let is_seen = |index: usize| seen & (1 << index) != 0;
                    for index in (0..members).filter(|index| is_seen(*index)) {
                        set.report(index + 1).offset = offset_of(index);
                    }
                    let positions: Vec<Option<u64>> = (0..members)
                        .map(|index| is_seen(index).then(|| offset_of(index)))
                        .collect();
                    let r = u8::try_from(seen.count_ones()).unwrap();
                    let n = u8::try_from(members).unwrap();
                    let w = w.max(1);
                    let expected = match oracle(&positions, w.into()) {
                        Bound::Unknown => Err(Hold::NoQuorum { seen: r, needed: n + 1 - w }),
                        Bound::At(_) if r == 0 => Err(Hold::NoCandidate),
                        Bound::At(offset) => Ok(offset),
                    };
                    // The formula in words: R + W > N.
                    assert_eq!(expected.is_ok_and(|_| true), r > 0 && r + w > n);
                    assert_eq!(elected(&mut set), expected, "{members} W={w} {positions:?}");
                    cases += 1;
                }
            }
        }
    }
    assert_eq!(cases, 2 * 9 * (2 + 4 + 8 + 16 + 32 + 64 + 128 + 256 + 512));
}

#[test]
fn no_members_hold_nothing_and_prove_nothing() {
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2);
    set.record().in_sync.clear();
    for w in 0..=2 {
        set.record().w = w;
        assert_eq!(elected(&mut set), Err(Hold::NoQuorum { seen: 0, needed: 1 }), "{w}");
    }
}

#[test]
fn w_beyond_the_members_acknowledges_nothing() {
    // No rule writes such a record; people may.
    let mut set = Set::of(2).w(3).dead(0).frozen(1);
    assert_eq!(elected(&mut set), Ok(0));
}

#[test]
fn the_recorded_master_in_its_run_knows_it_all() {
    // Frozen, it holds every write it acknowledged; members beyond it hold nothing that counts.
    let table: [(&str, [u64; 3], Result<u64, Hold>); 3] = [
        ("level", [1000, 1000, 1000], Ok(1000)),
        ("one is behind", [1000, 900, 1000], Ok(1000)),
        ("both are behind", [1000, 900, 800], Ok(900)),
    ];
    for (name, offsets, expected) in table {
        let mut set = Set::of(3).frozen(0).frozen(1).frozen(2);
        for (node, offset) in offsets.into_iter().enumerate() {
            set = set.at(node, offset);
        }
        assert_eq!(elected(&mut set), expected, "{name}");
        let mut set = set.dead(1).dead(2);
        assert_eq!(elected(&mut set), Ok(1000), "{name}, alone");
    }
}

#[test]
fn without_w_one_who_has_the_data_suffices() {
    let mut set = Set::of(4).w(0).dead(0).dead(2).dead(3).frozen(1);
    assert_eq!(elected(&mut set), Ok(0));
    let mut set = set.dead(1);
    assert_eq!(elected(&mut set), Err(Hold::NoCandidate));
}

#[test]
fn a_member_that_restarted_is_not_seen() {
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2).restarted(2);
    assert_eq!(elected(&mut set), Err(Hold::NoQuorum { seen: 1, needed: 2 }));
    let mut set = Set::of(3).w(2).dead(0).frozen(1).frozen(2).restarted(2);
    assert_eq!(elected(&mut set), Ok(1000), "with W = 2 each write is on both");
}

#[test]
fn a_member_that_loads_does_not_say_how_far_it_is() {
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2);
    set.report(2).loading = true;
    assert_eq!(elected(&mut set), Err(Hold::NoQuorum { seen: 1, needed: 2 }));
}

#[test]
fn a_member_of_another_history_holds_nothing_of_this_one() {
    let mut set = Set::of(3).dead(0).frozen(1).frozen(2).at(1, 700);
    set.report(2).history = history(9);
    set.report(2).offset = 5000;
    assert_eq!(elected(&mut set), Ok(700));
}

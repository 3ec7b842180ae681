//! How many pods a set has while it becomes smaller: pure.
//!
//! A replica that is gone for good is still counted on until the record no longer names it. So the
//! next goes when the last is forgotten, and none before the writes that wait for it are told not to.
//! If the master dies before a pod that went is forgotten, that pod comes back until there is another
//! master: what it alone holds may be missed. So does the master's own.

use crate::api::{Election, ElectionPhase};
use crate::cluster::{ValidatedCluster, ordinal_of};

use super::cache::{ClusterObject, View};
use super::roll::set_status;

/// The size of a set now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// How many pods.
    pub replicas: u32,
    /// What it waits for to become smaller.
    pub waits_for: Option<String>,
}

/// Decides it.
#[must_use]
pub fn size(cluster: &ClusterObject, view: &View, sound: &ValidatedCluster) -> Size {
    let now = set_status(view).and_then(|set| set.spec_replicas);
    let election = cluster.status.election.as_ref();
    let wanted = Wanted { replicas: sound.replicas, w: sound.quorum.min_replicas_to_write };
    next(wanted, now, election, &sound.names.cluster)
}

/// Whether a set has another number of pods than it is to have.
#[must_use]
pub fn is_under_way(view: &View, sound: &ValidatedCluster, size: &Size) -> bool {
    let now = set_status(view).and_then(|set| set.spec_replicas);
    size.replicas != sound.replicas || now.is_some_and(|now| now > sound.replicas)
}

/// What people ask for.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    replicas: u32,
    /// How many replicas must hold a write.
    w: u32,
}

fn next(wanted: Wanted, now: Option<u32>, election: Option<&Election>, name: &str) -> Size {
    let settled = Size { replicas: wanted.replicas, waits_for: None };
    let (Some(now), Some(election)) = (now.filter(|now| *now >= wanted.replicas), election) else {
        return settled;
    };
    let too_far = |pod| {
        let place = ordinal_of(name, pod).map(|ordinal| (ordinal, pod));
        place.filter(|(ordinal, _)| *ordinal >= wanted.replicas)
    };
    let member = election.in_sync.iter().filter_map(|it| too_far(&it.pod)).max();
    let master = election.master.as_ref().and_then(|it| too_far(&it.pod));
    let Some((last, pod)) = member.max(master) else { return settled };
    if matches!(election.phase, ElectionPhase::Failover | ElectionPhase::Switchover) {
        // Who may hold what nobody else has comes back for as long as it may be missed.
        let waits_for = "a change of master is under way".to_owned();
        return Size { replicas: now.max(last + 1), waits_for: Some(waits_for) };
    }
    if let Some((ordinal, pod)) = master {
        let waits_for = format!("{pod} is master");
        return Size { replicas: now.max(ordinal + 1), waits_for: Some(waits_for) };
    }
    if now == wanted.replicas {
        return settled;
    }
    if i64::from(election.w) > i64::from(wanted.w) {
        let waits_for = format!("writes still wait for {} replicas", election.w);
        return Size { replicas: now, waits_for: Some(waits_for) };
    }
    let waits_for = format!("{pod} is still counted on");
    Size { replicas: last.clamp(wanted.replicas, now), waits_for: Some(waits_for) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{MasterRef, Member};

    /// The size of a set of so many pods that is to have `wanted`, its members by their ordinals.
    fn after(now: u32, wanted: u32, members: &[u32], w: i32) -> (u32, bool) {
        let member = |of: &u32| Member { pod: format!("shop-{of}"), ..Member::default() };
        let in_sync = members.iter().map(member).collect();
        let phase = ElectionPhase::Stable;
        let election = Election { phase, in_sync, w, ..Election::default() };
        let wanted = Wanted { replicas: wanted, w: u32::from(wanted > 1) };
        let Size { replicas, waits_for } = next(wanted, Some(now), Some(&election), "shop");
        (replicas, waits_for.is_some())
    }

    #[test]
    fn one_after_the_other_is_taken_off_the_end() {
        assert_eq!(after(5, 3, &[1, 2, 3, 4], 1), (4, true));
        assert_eq!(after(4, 3, &[1, 2, 3, 4], 1), (4, true), "4 is gone and not yet forgotten");
        assert_eq!(after(4, 3, &[1, 2, 3], 1), (3, true));
        assert_eq!(after(3, 3, &[1, 2, 3], 1), (3, false));
        assert_eq!(after(3, 3, &[1, 2], 1), (3, false));
    }

    #[test]
    fn who_was_never_a_member_is_not_missed() {
        assert_eq!(after(5, 3, &[1, 2], 1), (3, false));
        assert_eq!(after(5, 3, &[1, 2, 3], 1), (3, true));
        assert_eq!(after(5, 3, &[], 0), (3, false));
    }

    #[test]
    fn writes_stop_waiting_for_replicas_before_the_last_of_those_goes() {
        assert_eq!(after(3, 1, &[1, 2], 1), (3, true));
        assert_eq!(after(3, 1, &[1, 2], 0), (2, true));
        assert_eq!(after(2, 1, &[1], 0), (1, true));
    }

    #[test]
    fn who_may_be_missed_comes_back_while_the_master_changes() {
        let member = |of: u32| Member { pod: format!("shop-{of}"), ..Member::default() };
        let in_sync: Vec<Member> = (1..5).map(member).collect();
        let election =
            Election { phase: ElectionPhase::Failover, in_sync, w: 1, ..Election::default() };
        let wanted = Wanted { replicas: 3, w: 1 };
        let size = |now| next(wanted, Some(now), Some(&election), "shop");
        assert_eq!((size(3).replicas, size(4).replicas, size(5).replicas), (5, 5, 5));
        let settled = Election { phase: ElectionPhase::Stable, ..election.clone() };
        let size = next(wanted, Some(3), Some(&settled), "shop");
        assert_eq!(size.replicas, 3);
    }

    #[test]
    fn the_master_stays_until_there_is_another_and_comes_back_until_then() {
        let led_by = |pod: &str, phase| {
            let master = Some(MasterRef { pod: pod.to_owned(), ..MasterRef::default() });
            let election = Election { phase, master, ..Election::default() };
            move |now| {
                next(Wanted { replicas: 1, w: 0 }, Some(now), Some(&election), "shop").replicas
            }
        };
        for phase in [ElectionPhase::Stable, ElectionPhase::Failover] {
            let size = led_by("shop-1", phase);
            assert_eq!((size(3), size(2), size(1)), (3, 2, 2), "{phase:?}");
        }
        let size = led_by("shop-0", ElectionPhase::Stable);
        assert_eq!((size(3), size(1)), (1, 1));
    }

    #[test]
    fn a_record_that_was_edited_by_hand_makes_no_set_larger_than_one_can_be() {
        for pod in ["shop-4294967295", "shop-9", "shop-+8", "shop-08", "other-8"] {
            let in_sync = vec![Member { pod: pod.to_owned(), ..Member::default() }];
            let election =
                Election { phase: ElectionPhase::Failover, in_sync, ..Election::default() };
            let size = next(Wanted { replicas: 3, w: 1 }, Some(3), Some(&election), "shop");
            assert_eq!(size, Size { replicas: 3, waits_for: None }, "{pod}");
        }
    }

    #[test]
    fn a_set_grows_at_once_and_never_again_for_one_that_has_gone() {
        assert_eq!(after(3, 5, &[1, 2], 1), (5, false));
        // It became a member while it was taken away.
        assert_eq!(after(4, 3, &[1, 2, 4], 1), (4, true));
        let wanted = Wanted { replicas: 3, w: 1 };
        let size = next(wanted, None, None, "shop");
        assert_eq!(size, Size { replicas: 3, waits_for: None });
    }
}

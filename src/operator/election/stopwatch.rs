//! How long the parts of a change of master take, as this process sees it: pure.

use crate::sentinel::{Millis, Observation, Phase};

/// How long the parts of a change of master took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeline {
    /// The epoch that it began.
    pub epoch: u64,
    /// It was asked for, rather than forced by a fault.
    pub planned: bool,
    /// From the last answer of the old master until the intent was recorded, in ms.
    pub detect_ms: u64,
    /// Until a new master was recorded, in ms.
    pub promote_ms: u64,
    /// Until the Service pointed at it, in ms.
    pub point_ms: u64,
}

/// Takes the times of one cluster.
#[derive(Debug, Default)]
pub(super) struct Stopwatch {
    /// When the recorded master was last seen in its run.
    heard_ms: Option<Millis>,
    under_way: Option<UnderWay>,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    epoch: u64,
    planned: bool,
    heard_ms: Millis,
    recorded_ms: Millis,
    promoted_ms: Option<Millis>,
}

impl Stopwatch {
    /// Takes in what a step saw; the times of a change that has just ended.
    pub fn step(&mut self, seen: &Observation, now_ms: Millis) -> Option<Timeline> {
        let record = seen.record.as_ref()?;
        let changing = matches!(record.phase, Phase::Failover | Phase::Switchover);
        if changing {
            let it = self.under_way.get_or_insert(UnderWay {
                epoch: record.epoch,
                planned: record.phase == Phase::Switchover,
                heard_ms: self.heard_ms.unwrap_or(now_ms),
                recorded_ms: now_ms,
                promoted_ms: None,
            });
            // A change of mind is an epoch of its own, and the wait goes on.
            it.epoch = record.epoch;
            it.planned &= record.phase == Phase::Switchover;
            return None;
        }
        let answers = record.master.is_some_and(|master| {
            let node = seen.nodes.get(master.node.index());
            let report = node.and_then(|node| node.report.as_ref());
            report.is_some_and(|report| report.run_id == master.run_id)
        });
        if answers {
            self.heard_ms = Some(now_ms);
        }
        let it = self.under_way.as_mut()?;
        if record.epoch != it.epoch {
            // Something else has begun.
            self.under_way = None;
            return None;
        }
        let promoted_ms = *it.promoted_ms.get_or_insert(now_ms);
        let points = seen.service.is_some_and(|pointer| {
            pointer.epoch == it.epoch && record.master.is_some_and(|it| it.node == pointer.node)
        });
        if !points {
            return None;
        }
        let UnderWay { epoch, planned, heard_ms, recorded_ms, .. } = *it;
        self.under_way = None;
        Some(Timeline {
            epoch,
            planned,
            detect_ms: recorded_ms.saturating_sub(heard_ms),
            promote_ms: promoted_ms.saturating_sub(recorded_ms),
            point_ms: now_ms.saturating_sub(promoted_ms),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentinel::Pointer;
    use crate::sentinel::fixture::{Set, member, n};

    /// What comes of the steps that see these sets at these times.
    fn times(steps: impl IntoIterator<Item = (Millis, Set)>) -> Vec<Timeline> {
        let mut stopwatch = Stopwatch::default();
        steps.into_iter().filter_map(|(at, set)| stopwatch.step(&set.seen, at)).collect()
    }

    /// Node 1 leads in epoch 2; clients are sent to `to`.
    fn led(to: usize) -> Set {
        Set::of(3).dead(0).promoted(1, 2).with(|set| {
            let record = set.record();
            (record.epoch, record.master) = (2, Some(member(1)));
            set.seen.service = Some(Pointer { node: n(to), epoch: if to == 1 { 2 } else { 1 } });
        })
    }

    #[test]
    fn a_failover_is_told_once_clients_are_sent_to_the_new_master() {
        let lost = || Set::of(3).dead(0);
        let steps = [
            (1000, Set::of(3)),
            (1100, lost()),
            (1150, lost().failover(1)),
            (1180, led(0)),
            (1190, led(0)),
            (1200, led(1)),
            (1300, led(1)),
        ];
        let epoch = led(1).record().epoch;
        let expected =
            Timeline { epoch, planned: false, detect_ms: 150, promote_ms: 30, point_ms: 20 };
        assert_eq!(times(steps), [expected]);
    }

    #[test]
    fn a_handover_that_is_taken_back_is_none() {
        let mut back = Set::of(3);
        back.record().epoch = 9;
        assert_eq!(times([(1, Set::of(3)), (2, Set::of(3).switchover(1)), (3, back)]), []);
    }

    #[test]
    fn a_handover_that_a_fault_cuts_short_is_a_failover() {
        let steps = [
            (10, Set::of(3)),
            (20, Set::of(3).switchover(1)),
            (30, Set::of(3).dead(0).failover(1)),
            (40, led(1)),
        ];
        let told = times(steps);
        assert_eq!(told.len(), 1);
        assert!(!told[0].planned);
        assert_eq!((told[0].detect_ms, told[0].promote_ms), (10, 20));
    }
}

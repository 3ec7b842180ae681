//! What happens when: drawn from a seed, and made shorter where it fails.

use std::fmt;
use std::time::Duration;

use crate::chance::Chance;

/// A pod, by what it is when something happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    /// The one that clients are sent to.
    Master,
    /// One of the others, counted from the lowest ordinal.
    Replica(u8),
}

/// Something that happens. What takes a time is healed after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The server's process ends at once (−9); its kubelet starts another.
    Kill(Who),
    /// It stands still.
    Stop(Who, Duration),
    /// Its pod is deleted, with the time to hand over.
    Delete(Who),
    /// Its pod is deleted by force: the object is gone, the process for a while not.
    DeleteByForce(Who),
    /// Its pod is evicted, if the budget lets.
    Evict(Who),
    /// Its node loses power: what was not on the disk is gone.
    NodeDown(Who, Duration),
    /// Its node is cut off from everything.
    CutNode(Who, Duration),
    /// Nothing gets from the one to the other.
    CutOneWay(Who, Who, Duration),
    /// Its volume is full.
    DiskFull(Who, Duration),
    /// Its volume is gone together with its pod.
    LoseVolume(Who),
    /// People delete its volume's claim, which is there until its pod goes. Never drawn: when the pod
    /// goes for another reason, nothing is to be said against that.
    DeleteClaim(Who),
    /// The leading operator is asked to end, as for another release; another starts a while after it.
    EndOperator(Duration),
    /// The leading operator's process ends; another starts after a while.
    KillOperator(Duration),
    /// It stands still, and goes on with what it was at.
    StopOperator(Duration),
    /// It is cut off from the API server.
    CutOperatorFromApi(Duration),
    /// It is cut off from every server.
    CutOperatorFromServers(Duration),
    /// Every request takes seconds.
    SlowApi(Duration),
    /// Requests fail, are done and not answered; watches lag, repeat and break.
    UnreliableApi(Duration),
    /// Old events are forgotten: watches start over.
    Compact,
    /// People ask for another master.
    Switchover(Who),
    /// People change what a running server can take over.
    Reload,
    /// People change what needs a restart.
    Roll,
    /// People change how many pods there are.
    Scale(u8),
    /// People change a child by hand.
    EditChild,
    /// People delete a child.
    DeleteChild,
    /// People put the status back to what it was a while ago.
    RestoreStatus,
    /// People wipe the status.
    WipeStatus,
}

/// Something that happens at a time after the beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    pub at: Duration,
    pub action: Action,
}

/// All that happens in a run, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule(pub Vec<Event>);

/// How much happens at most.
const MOST_EVENTS: u64 = 6;
/// How long after the one before something happens.
const BETWEEN: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(8));
/// Some things happen together.
const TOGETHER_PER_MILLE: u64 = 300;

type Draw = fn(&Chance) -> Action;

/// What can happen, and how often it is chosen.
const TABLE: [(u64, Draw); 26] = [
    (12, |chance| Action::Kill(who(chance))),
    (8, |chance| Action::Stop(who(chance), long(chance))),
    (6, |chance| Action::Delete(who(chance))),
    (6, |chance| Action::DeleteByForce(who(chance))),
    (3, |chance| Action::Evict(who(chance))),
    (5, |chance| Action::NodeDown(who(chance), long(chance))),
    (8, |chance| Action::CutNode(who(chance), long(chance))),
    (6, |chance| Action::CutOneWay(who(chance), who(chance), long(chance))),
    (3, |chance| Action::DiskFull(who(chance), long(chance))),
    (3, |chance| Action::LoseVolume(who(chance))),
    (5, |chance| Action::EndOperator(short(chance))),
    (8, |chance| Action::KillOperator(short(chance))),
    (8, |chance| Action::StopOperator(long(chance))),
    (6, |chance| Action::CutOperatorFromApi(long(chance))),
    (5, |chance| Action::CutOperatorFromServers(long(chance))),
    (4, |chance| Action::SlowApi(long(chance))),
    (5, |chance| Action::UnreliableApi(long(chance))),
    (2, |_| Action::Compact),
    (8, |chance| Action::Switchover(who(chance))),
    (3, |_| Action::Reload),
    (5, |_| Action::Roll),
    (4, |chance| Action::Scale(*chance.one_of(&[1, 2, 3, 4, 5]))),
    (3, |_| Action::EditChild),
    (3, |_| Action::DeleteChild),
    (2, |_| Action::RestoreStatus),
    (2, |_| Action::WipeStatus),
];

fn who(chance: &Chance) -> Who {
    if chance.happens(600) {
        Who::Master
    } else {
        Who::Replica(u8::try_from(chance.below(2)).unwrap())
    }
}

/// Short beside the time until somebody counts as down.
fn short(chance: &Chance) -> Duration {
    chance.between(Duration::from_millis(50), Duration::from_secs(3))
}

/// From nothing to notice to longer than any patience.
fn long(chance: &Chance) -> Duration {
    let most = *chance.one_of(&[1, 6, 12, 45]);
    chance.between(Duration::from_millis(100), Duration::from_secs(most))
}

impl Schedule {
    /// What a seed has happen.
    pub fn draw(chance: &Chance) -> Self {
        let total: u64 = TABLE.iter().map(|(weight, _)| weight).sum();
        let count = 1 + chance.below(MOST_EVENTS);
        let mut at = Duration::ZERO;
        let event = |_| {
            if !chance.happens(TOGETHER_PER_MILLE) {
                at += chance.between(BETWEEN.0, BETWEEN.1);
            }
            let mut left = chance.below(total);
            let drawn = TABLE.iter().find(|(weight, _)| {
                let found = left < *weight;
                left = left.saturating_sub(*weight);
                found
            });
            let (_, draw) = drawn.expect("less than the sum of all weights was drawn");
            Event { at, action: draw(chance) }
        };
        Self((0..count).map(event).collect())
    }

    /// What is left of it when everything is taken away that is not needed for `fails`.
    pub fn shrunk(mut self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        let mut at = 0;
        while at < self.0.len() {
            let mut shorter = self.clone();
            shorter.0.remove(at);
            if fails(&shorter) {
                self = shorter;
                // What was needed for the one that is gone may be needed no more.
                at = 0;
            } else {
                at += 1;
            }
        }
        self
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Event { at, action } in &self.0 {
            writeln!(out, "{:>4}.{:03} {action:?}", at.as_secs(), at.subsec_millis())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::mem::discriminant;

    use super::*;

    #[test]
    fn a_seed_is_a_schedule_and_every_kind_of_thing_happens_in_some() {
        let draw = |seed| Schedule::draw(&Chance::new(seed));
        assert_eq!(draw(7), draw(7));
        let all: Vec<Event> = (0..500).flat_map(|seed| draw(seed).0).collect();
        let mut kinds = Vec::new();
        for event in &all {
            let kind = discriminant(&event.action);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        assert_eq!(kinds.len(), TABLE.len());
        let times: BTreeSet<Duration> = all.iter().map(|event| event.at).collect();
        assert!(times.len() > all.len() / 2);
    }

    #[test]
    fn what_is_not_needed_is_taken_away() {
        let event = |at, action| Event { at: Duration::from_secs(at), action };
        let kill = event(1, Action::Kill(Who::Master));
        let cut = event(3, Action::Compact);
        let schedule = Schedule(vec![
            event(0, Action::Reload),
            kill,
            event(2, Action::Roll),
            cut,
            event(4, Action::EditChild),
        ]);
        let fails = |it: &Schedule| it.0.contains(&kill) && it.0.contains(&cut);
        assert_eq!(schedule.shrunk(fails), Schedule(vec![kill, cut]));
    }
}

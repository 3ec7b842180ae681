//! Whether a step is one that may be taken, whatever comes of it.

use gungnir::sentinel::{Action, Command, Event, Hold, Phase};

use super::decision::Step;
use super::environment::State;
use super::packed::{Age, Asked, Entry};
use super::property::Property;
use super::server::Wire;

impl<const N: usize> State<N> {
    /// What a step must not be, whatever comes of it.
    pub fn judge(&mut self, decider: usize, step: &Step) {
        let recorded = self.read_by(decider);
        let it = self.deciders[decider];
        let superseded = it.term > 0
            && (recorded.term > it.term || it.seen.iter().any(|seen| seen.term > it.term));
        for action in &step.actions {
            match action {
                Action::Write(record) => {
                    let takes_over = record.term > step.seen.my_term && it.term == 0;
                    let own = takes_over || (it.term > 0 && recorded.term <= it.term);
                    self.facts.expect(Property::LeaderElectionSafety, own && !superseded);
                    if record.phase == Phase::Failover && recorded.phase == Phase::Stable {
                        let heard = self.is_heard(decider, &recorded) && it.asked.is_none();
                        self.facts.expect(Property::NoDoubleFailover, !heard);
                    }
                }
                Action::Send { node, command, .. } => {
                    let own = it.term > 0 && recorded.term == it.term && !superseded;
                    self.facts.expect(Property::LeaderElectionSafety, own);
                    self.judge_command(decider, step, &recorded, (node.0, *command));
                }
                Action::PointService { .. } => {
                    let own = it.term > 0 && recorded.term == it.term && !superseded;
                    self.facts.expect(Property::LeaderElectionSafety, own);
                }
                Action::Tell(Event::DataLossPossible(_)) => {
                    // Without a record more is told than need be; nothing is to be lost then either.
                    self.facts.lossy |= recorded.phase != Phase::Adopt;
                }
                Action::Answer { .. } | Action::Tell(_) | Action::WakeAt(_) => {}
            }
        }
        if !step.acts() {
            let settled =
                recorded.phase == Phase::Stable && self.is_seen_leading(decider, &recorded);
            let down = |place: usize| {
                let seen = &it.seen[place];
                seen.silent && seen.report.is_none() && seen.ended.is_none()
            };
            let cut_off = (0..N).all(down) && it.memory.trusted == Age::Old;
            let reason = step.local.hold;
            let own = it.leading && it.term > 0 && recorded.phase == Phase::Stable && !superseded;
            let told = !cut_off || !own || reason == Some(Hold::Blind) || it.asked.is_some();
            let says = (settled || reason.is_some()) && told;
            self.facts.expect(Property::EveryRefusalHasAReason, says);
        }
    }

    fn judge_command(
        &mut self,
        decider: usize,
        step: &Step,
        recorded: &Entry<N>,
        (place, command): (u8, Command),
    ) {
        match command {
            Command::Promote { .. } => {
                self.facts.elect(recorded.epoch, place);
                let is_target = recorded.phase != Phase::Stable && recorded.target == Some(place);
                self.facts.expect(Property::RecordBeforeAct, is_target);
                let leaves = self.deciders[decider].seen[usize::from(place)].report;
                let leaves = leaves.map(|(report, _)| report.history);
                let told = leaves == recorded.history || leaves == recorded.previous;
                let told = told || recorded.phase == Phase::Adopt;
                self.facts.expect(Property::RecordBeforeAct, told);
                let asked = matches!(self.deciders[decider].asked, Some(Asked::Promote(_)));
                let warns = |it: &Action| matches!(it, Action::Tell(Event::DataLossPossible(_)));
                let warned = step.actions.iter().any(warns);
                if !asked && recorded.phase != Phase::Adopt {
                    let newest = warned || self.is_newest(decider, recorded, place.into());
                    self.facts.expect(Property::MasterHoldsNewestData, newest);
                    let safe = if warned {
                        !self.somebody_lives_unseen(decider, recorded)
                    } else {
                        self.sees_quorum(decider, recorded)
                    };
                    self.facts.expect(Property::PartitionSafety, safe);
                }
                self.facts.lossy |= asked;
            }
            Command::Follow(master) => {
                let led = recorded.master.is_some_and(|(it, _)| it == master.0);
                let member = recorded.in_sync[usize::from(place)].is_some();
                self.facts.expect(Property::RecordBeforeAct, led && member);
            }
            _ => {}
        }
    }

    /// A replica that the process sees has its link to the recorded master, which leads.
    fn is_heard(&self, decider: usize, recorded: &Entry<N>) -> bool {
        let Some((master, run)) = recorded.master else { return false };
        let there = self.servers[usize::from(master)];
        let leads = there.answers() && there.leads() && there.run == run;
        let hears = |place: usize| {
            let seen = self.deciders[decider].seen[place];
            seen.report.is_some_and(|(it, at)| {
                at != Age::Old
                    && it.follows(master.into())
                    && it.wire == Wire::Up
                    && self.servers[place].wire == Wire::Up
                    && there.held[place].is_some()
                    && self.passes(master.into(), place)
            })
        };
        leads && (0..N).any(hears)
    }

    fn is_seen_leading(&self, decider: usize, recorded: &Entry<N>) -> bool {
        recorded.master.is_some_and(|(master, run)| {
            let report = self.deciders[decider].seen[usize::from(master)].report;
            report.is_some_and(|(it, _)| it.leads() && it.run == run)
        })
    }

    /// Nobody who is seen holds more of the history that the target was elected on.
    fn is_newest(&self, decider: usize, recorded: &Entry<N>, target: usize) -> bool {
        let on = |place: usize, history: u8| {
            let (report, _) = self.deciders[decider].seen[place].report?;
            if report.history == history {
                return Some(report.offset());
            }
            let (before, until) = report.previous?;
            (before == history).then_some(until.min(report.offset()))
        };
        let mut histories = [recorded.history, recorded.previous].into_iter().flatten();
        let Some(history) = histories.find(|history| on(target, *history).is_some()) else {
            return false;
        };
        (0..N).all(|place| on(place, history) <= on(target, history))
    }

    /// Whoever is seen meets every set that can have acknowledged a write.
    fn sees_quorum(&self, decider: usize, recorded: &Entry<N>) -> bool {
        let runs = |place: usize, run: u8| {
            let report = self.deciders[decider].seen[place].report;
            report.is_some_and(|(it, _)| it.run == run)
        };
        let by_master = recorded.master.is_some_and(|(it, run)| runs(it.into(), run));
        let members = recorded.in_sync.iter().flatten().count();
        let seen = recorded.in_sync.iter().enumerate();
        let seen = seen.filter(|(place, run)| run.is_some_and(|run| runs(*place, run))).count();
        by_master || seen + usize::from(recorded.w.max(1)) > members
    }

    /// The recorded master or a member lives in its recorded run, and nothing is seen of its node.
    fn somebody_lives_unseen(&self, decider: usize, recorded: &Entry<N>) -> bool {
        let members = recorded.in_sync.iter().enumerate();
        let members = members.filter_map(|(place, run)| Some((place, (*run)?)));
        let master = recorded.master.map(|(place, run)| (usize::from(place), run));
        members.chain(master).any(|(place, run)| {
            let lives = self.servers[place].up && self.servers[place].run == run;
            lives && self.deciders[decider].seen[place].report.is_none()
        })
    }
}

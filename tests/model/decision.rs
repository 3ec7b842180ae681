//! What deciding processes do to the world: they take a step, and what came of it arrives.

use gungnir::sentinel::{Action, Command, Event, Hold, Local, Observation, Phase, step_under};

use super::configuration::Configuration;
use super::decider::{Pause, Write, place_of};
use super::environment::State;
use super::packed::{Age, Asked, Entry, Memory, NOW_MS, Order, number};
use super::property::Property;
use super::server::Wire;

/// A step with what it was decided on.
pub struct Step {
    pub seen: Observation,
    pub local: Local,
    pub actions: Vec<Action>,
}

impl Step {
    /// Whether anything but words came of it.
    pub fn acts(&self) -> bool {
        self.actions.iter().any(|it| !matches!(it, Action::Tell(_) | Action::WakeAt(_)))
    }
}

impl<const N: usize> State<N> {
    /// Asks whom it asks, and decides.
    pub fn decide(&mut self, config: &Configuration, decider: usize) -> Step {
        if !config.looks_apart {
            for place in 0..N {
                if self.reaches(decider, place) {
                    self.look(config, decider, place, Age::Now);
                }
            }
        }
        let seen = self.observation(config, decider);
        let before = self.deciders[decider].memory.local();
        let (local, actions) = step_under(config.rules, &before, &seen, NOW_MS);
        Step { seen, local, actions }
    }

    /// One step of a deciding process, with all that is judged about it.
    pub fn step(&mut self, config: &Configuration, decider: usize) -> Step {
        let step = self.decide(config, decider);
        let it = &mut self.deciders[decider];
        it.memory = Memory::of(&step.local);
        for seen in &mut it.seen {
            seen.report = seen.report.map(|(report, at)| (report, at.min(Age::Recent)));
            seen.ended = seen.ended.map(|(run, at)| (run, at.min(Age::Recent)));
        }
        self.judge(decider, &step);
        for action in &step.actions {
            self.perform(config, decider, action);
        }
        step
    }

    fn perform(&mut self, config: &Configuration, decider: usize, action: &Action) {
        let it = &mut self.deciders[decider];
        let write = match action {
            Action::Write(record) => Write::Record(Entry::of(record)),
            Action::PointService { node, epoch } => {
                let to = (node.0, super::packed::small(*epoch));
                Write::Service { from: it.service, to }
            }
            Action::Send { node, run_id, command } => {
                it.seen[node.index()].sent = Some((number(*run_id), Order::of(*command)));
                if !config.late {
                    self.arrive(config, decider, node.index());
                }
                return;
            }
            Action::Answer { .. } => {
                it.asked = None;
                return;
            }
            Action::Tell(Event::DataLossPossible(_)) => {
                self.facts.lossy = true;
                return;
            }
            Action::Tell(_) | Action::WakeAt(_) => return,
        };
        let free = usize::from(it.writes[0].is_some());
        it.writes[free] = Some(write);
        if !config.late {
            self.land(config, decider, true);
        }
    }

    /// A command arrives, or turns out to have nobody to arrive at.
    pub fn arrive(&mut self, config: &Configuration, decider: usize, place: usize) {
        let Some((run, order)) = self.deciders[decider].seen[place].sent else { return };
        if !self.reaches(decider, place) {
            // Nothing comes back, so the connection is given up.
            self.deciders[decider].seen[place].lose();
            return;
        }
        self.deciders[decider].seen[place].sent = None;
        let term = self.deciders[decider].term;
        let shut_out = config.fence && self.servers[place].term > term;
        if self.servers[place].run == run && !shut_out {
            if config.fence {
                self.servers[place].term = term;
            }
            self.obey(place, order);
            let seen = &mut self.deciders[decider].seen[place];
            match order {
                Order::Pause => seen.pause = Pause::Held,
                Order::Resume => seen.pause = Pause::No,
                _ => {}
            }
        }
        self.look(config, decider, place, Age::Now);
    }

    /// The first write on its way reaches the store; the answer may get lost.
    pub fn land(&mut self, config: &Configuration, decider: usize, answered: bool) {
        let it = &mut self.deciders[decider];
        let Some(write) = it.writes[0] else { return };
        it.writes = [it.writes[1], None];
        match write {
            Write::Record(entry) => {
                if it.outdated.is_none() || !config.versions {
                    if answered {
                        it.term = it.term.max(entry.term);
                    }
                    self.facts.record(&self.record, &entry);
                    let before = self.record;
                    self.record = entry;
                    for other in &mut self.deciders {
                        other.outdated = other.outdated.or(Some(before));
                    }
                }
                self.deciders[decider].outdated = None;
            }
            Write::Service { from, to } => {
                if from == self.service || !config.versions {
                    self.facts.point(self.service, to);
                    self.service = Some(to);
                }
                self.deciders[decider].service = self.service;
            }
        }
    }

    /// What a step must not be, whatever comes of it.
    fn judge(&mut self, decider: usize, step: &Step) {
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
                let lossy = matches!(self.deciders[decider].asked, Some(Asked::Promote(_)))
                    || step
                        .actions
                        .iter()
                        .any(|it| matches!(it, Action::Tell(Event::DataLossPossible(_))));
                if !lossy && recorded.phase != Phase::Adopt {
                    let newest = self.is_newest(decider, recorded, place.into());
                    self.facts.expect(Property::MasterHoldsNewestData, newest);
                    let quorum = self.sees_quorum(decider, recorded);
                    self.facts.expect(Property::PartitionSafety, quorum);
                }
                self.facts.lossy |= lossy;
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

    /// A wish reaches the process that leads.
    pub fn ask(&mut self, asked: Asked) {
        let it = &mut self.deciders[usize::from(self.facts.leader)];
        it.asked = Some(asked);
        it.wishes += 1;
        if matches!(asked, Asked::Promote(_)) {
            self.facts.lossy = true;
        }
    }

    /// The nodes: the place and the number of each.
    pub fn places() -> impl Iterator<Item = (usize, u8)> {
        (0..N).map(|place| (place, place_of(place)))
    }
}

//! What deciding processes do to the world: they take a step, and what came of it arrives.

use gungnir::sentinel::{Action, Local, Observation, step_under};

use super::configuration::Configuration;
use super::decider::{Pause, Write, place_of};
use super::environment::State;
use super::packed::{Age, Asked, Entry, Memory, NOW_MS, Order, number};
use super::property::Property;

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
                let sent = &mut it.seen[node.index()].sent;
                self.facts.expect(Property::NoConcurrentUpdates, sent.is_none());
                *sent = Some((number(*run_id), Order::of(*command)));
                if !config.late {
                    self.arrive(config, decider, node.index());
                }
                return;
            }
            Action::Answer { .. } => {
                it.asked = None;
                return;
            }
            Action::Tell(_) | Action::WakeAt(_) => return,
        };
        let records = |write: &Write<N>| matches!(write, Write::Record(_));
        let alone = !records(&write) || !it.writes.iter().flatten().any(records);
        self.facts.expect(Property::NoConcurrentUpdates, alone);
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
        let meant = self.servers[place].run == run || !config.runs;
        if meant && !shut_out {
            if config.fence {
                self.servers[place].term = term;
            }
            self.obey(config, place, order);
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

//! The world as a graph that stateright searches.

use stateright::{Model, Property as Checked};

use super::closure;
use super::configuration::{Configuration, Faults, Start};
use super::decider::{Decider, Seen};
use super::environment::State;
use super::event::Do;
use super::facts::Facts;
use super::packed::{Age, Asked, Entry, Memory};
use super::property::Property;
use super::server::{Held, Log, Place, Server, Wire};
use gungnir::sentinel::Phase;

/// One configuration with sets of `N` nodes.
#[derive(Clone, Copy)]
pub struct World<const N: usize>(pub Configuration);

impl<const N: usize> World<N> {
    /// The record of a healthy set.
    pub fn beginning(&self) -> Entry<N> {
        let mut in_sync = [Some(1); N];
        in_sync[0] = None;
        Entry {
            term: 1,
            epoch: 1,
            phase: Phase::Stable,
            target: None,
            master: Some((0, 1)),
            history: Some(1),
            previous: None,
            base: 0,
            in_sync,
            w: self.0.w,
        }
    }

    fn start(&self) -> State<N> {
        let healthy = self.0.start == Start::Healthy;
        let holds = |place: usize| match self.0.start {
            Start::Healthy => true,
            Start::Unrecorded(holders) => place < holders,
            Start::EmptyLeads => place > 0,
        };
        let held = |place| (place > 0).then_some(Held { offset: 1, late: false });
        let server = |place: usize| Server {
            up: true,
            hung: false,
            paused: false,
            run: 1,
            place: match (healthy, place) {
                (false, 0) if self.0.start == Start::EmptyLeads => Place::Leads,
                (false, _) => Place::Nowhere,
                (true, 0) => Place::Leads,
                (true, _) => Place::Follows(0),
            },
            wire: if healthy && place > 0 { Wire::Up } else { Wire::Never },
            history: if holds(place) { 1 } else { 0xf0 + super::decider::place_of(place) },
            previous: None,
            log: if holds(place) { Log(1) } else { Log::default() },
            w: self.0.w,
            held: std::array::from_fn(|it| held(it).filter(|_| healthy && place == 0)),
            shut: 0,
            term: u8::from(healthy),
        };
        let seen = Seen { term: u8::from(healthy), ..Seen::NOTHING };
        let known = u8::from(self.0.start == Start::EmptyLeads);
        let none = Entry {
            term: known,
            epoch: known,
            phase: Phase::Adopt,
            master: None,
            history: None,
            in_sync: [None; N],
            w: 0,
            ..self.beginning()
        };
        let service = healthy.then_some((0, 1));
        let decider = Decider {
            active: true,
            leading: true,
            term: u8::from(healthy),
            service,
            memory: Memory { stepped: healthy.then_some(Age::Recent), ..Memory::EMPTY },
            seen: [seen; N],
            ..Decider::ABSENT
        };
        let mut state = State {
            servers: std::array::from_fn(server),
            ghost: None,
            cut: [0; N],
            record: if healthy { self.beginning() } else { none },
            service,
            deciders: [decider, Decider::ABSENT],
            facts: Facts::start(healthy),
            left: self.0.faults,
        };
        if self.0.looks_apart && healthy {
            for place in 0..N {
                state.look(&self.0, 0, place, Age::Recent);
            }
        }
        if healthy {
            let _ = state.step(&self.0, 0);
            state.forget_what_is_asked_again(&self.0);
        }
        for what in self.0.story {
            assert!(self.happen(&mut state, *what), "{what:?} cannot happen in this story");
            state.forget_what_is_asked_again(&self.0);
        }
        state
    }

    /// A long wait is possible only while nobody who steps has anything to do.
    fn may_wait(&self, state: &State<N>) -> bool {
        (0..2).all(|decider| {
            let it = &state.deciders[decider];
            !it.steps() || (it.is_idle() && !{ *state }.decide(&self.0, decider).acts())
        })
    }

    fn happen(&self, next: &mut State<N>, what: Do) -> bool {
        let at = usize::from;
        let config = &self.0;
        match what {
            Do::Step(decider) => {
                let _ = next.step(config, at(decider));
            }
            Do::Read(decider) => next.deciders[at(decider)].outdated = None,
            Do::Look(decider, node) => next.look(config, at(decider), at(node), Age::Now),
            Do::GiveUp(decider, node) => next.deciders[at(decider)].seen[at(node)].lose(),
            Do::Arrive(decider, node) => next.arrive(config, at(decider), at(node)),
            Do::Land(decider) => next.land(config, at(decider), true),
            Do::LandUnanswered(decider) => next.land(config, at(decider), false),
            Do::Sync(node) => return next.sync(at(node)),
            Do::Write(node) => return next.write(at(node)),
            Do::Wait => {
                if !self.may_wait(next) {
                    return false;
                }
                next.wait(config);
            }
            Do::Rest => {
                let why_not = closure::rest(next, &config.at_once());
                return why_not.is_none();
            }
            Do::Kill { node, proven } => next.kill(at(node), proven),
            Do::Start { node, keep } => next.start(config, at(node), keep),
            Do::Move { node, keep } => next.move_away(config, at(node), keep),
            Do::GhostEnds => next.ghost = None,
            Do::Hang(node) => next.hang(at(node)),
            Do::Continue(node) => next.servers[at(node)].hung = false,
            Do::Isolate { node, from_deciders } => next.isolate(at(node), from_deciders),
            Do::Cut(from, to) => next.cut[at(from)] |= 1 << to,
            Do::CutOff(decider, node) => next.cut_off(at(decider), at(node)),
            Do::HealLinks => next.heal_links(),
            Do::HealSight => next.heal_sight(),
            Do::Reset(node) => next.reset(at(node)),
            Do::Pretend(decider, node) => next.pretend_end(at(decider), at(node)),
            Do::StandStill(decider) => {
                (0..N).for_each(|place| next.overlook(at(decider), place));
                next.deciders[at(decider)].still = true;
            }
            Do::GoOn(decider) => next.deciders[at(decider)].still = false,
            Do::TakeOver => next.take_over(config),
            Do::Restore => next.restore(self.beginning()),
            Do::Ask(asked) => next.ask(asked),
        }
        true
    }
}

/// The budget after something has happened.
fn spend(left: &mut Faults, what: Do) {
    let spent = match what {
        Do::Kill { .. } => &mut left.kills,
        Do::Move { .. } => &mut left.moves,
        Do::Hang(_) => &mut left.hangs,
        Do::Isolate { .. } => &mut left.isolations,
        Do::Cut(..) => &mut left.cuts,
        Do::CutOff(..) => &mut left.losses,
        Do::Reset(_) => &mut left.resets,
        Do::Pretend(..) => &mut left.pretences,
        Do::StandStill(_) => &mut left.pauses,
        Do::TakeOver => &mut left.takeovers,
        Do::LandUnanswered(_) => &mut left.answers,
        Do::Restore => &mut left.restores,
        Do::Ask(Asked::SwitchTo(_)) => &mut left.handovers,
        Do::Ask(Asked::Promote(_)) => &mut left.promotions,
        _ => return,
    };
    *spent -= 1;
}

impl<const N: usize> Model for World<N> {
    type State = State<N>;
    type Action = Do;

    fn init_states(&self) -> Vec<State<N>> {
        vec![self.start()]
    }

    fn actions(&self, state: &State<N>, all: &mut Vec<Do>) {
        self.decisions(state, all);
        self.life(state, all);
        self.faults(state, all);
    }

    fn next_state(&self, state: &State<N>, what: Do) -> Option<State<N>> {
        let mut next = *state;
        if !self.happen(&mut next, what) {
            return None;
        }
        spend(&mut next.left, what);
        next.forget_what_is_asked_again(&self.0);
        (next != *state).then_some(next)
    }

    fn properties(&self) -> Vec<Checked<Self>> {
        fn holds<const N: usize>(world: &World<N>, state: &State<N>, property: Property) -> bool {
            if world.0.except.contains(&property) {
                return true;
            }
            !state.facts.is_broken(property)
                && match property {
                    Property::AtMostOneMaster => {
                        let all = state.servers.iter().chain(&state.ghost);
                        all.filter(|it| it.takes_writes()).count() < 2
                    }
                    Property::NoAcknowledgedWriteLost => !state.has_lost(),
                    Property::FailedNodeDetected
                    | Property::FailedMasterReplaced
                    | Property::EventuallyStableReconciliation
                    | Property::OldMasterRejoins
                    | Property::EveryRefusalHasAReason => {
                        !closure::breaks(&world.0, state, property)
                    }
                    _ => true,
                }
        }
        macro_rules! all {
            ($($property:ident)*) => {
                vec![$(Checked::always(Property::$property.name(), |world, state| {
                    holds(world, state, Property::$property)
                })),*]
            };
        }
        all!(
            AtMostOneMaster NoAcknowledgedWriteLost MasterHoldsNewestData ServiceConsistency
            NoDoubleFailover RecordBeforeAct LeaderElectionSafety PartitionSafety
            ResourceVersionConsistency NeverWipedByEmptyMaster FailedNodeDetected
            FailedMasterReplaced EventuallyStableReconciliation OldMasterRejoins
            EveryRefusalHasAReason NoConcurrentUpdates
        )
    }

    fn within_boundary(&self, state: &State<N>) -> bool {
        state.record.epoch <= self.0.epochs
    }
}

impl<const N: usize> State<N> {
    /// The recorded master leads without a write that was acknowledged.
    pub fn has_lost(&self) -> bool {
        let Some((place, run)) = self.record.master.filter(|_| self.record.phase == Phase::Stable)
        else {
            return false;
        };
        let master = &self.servers[usize::from(place)];
        let leads = master.up && master.leads() && master.run == run;
        leads && !self.facts.lossy && self.facts.acknowledged & !master.log.set() != 0
    }
}

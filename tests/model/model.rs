//! The world as a graph that stateright searches.

use stateright::{Model, Property as Checked};

use super::closure;
use super::configuration::{Configuration, Disk, Faults, Start};
use super::decider::{Decider, Seen};
use super::environment::State;
use super::facts::Facts;
use super::packed::{Age, Asked, Entry, Memory};
use super::property::Property;
use super::server::{Held, Log, Place, Server, Wire};
use gungnir::sentinel::Phase;

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Do {
    Step(u8),
    Read(u8),
    Look(u8, u8),
    GiveUp(u8, u8),
    Arrive(u8, u8),
    Land(u8),
    LandUnanswered(u8),
    Sync(u8),
    Write(u8),
    Wait,
    Kill { node: u8, proven: bool },
    Start { node: u8, keep: u8 },
    Move { node: u8, keep: u8 },
    GhostEnds,
    Hang(u8),
    Continue(u8),
    Isolate { node: u8, from_deciders: u8 },
    Cut(u8, u8),
    CutOff(u8, u8),
    HealLinks,
    HealSight,
    Reset(u8),
    Pretend(u8, u8),
    StandStill(u8),
    GoOn(u8),
    TakeOver,
    Restore,
    Ask(Asked),
}

/// One configuration with sets of `N` nodes.
#[derive(Clone, Copy)]
pub struct World<const N: usize>(pub Configuration);

impl<const N: usize> World<N> {
    fn beginning(&self) -> Entry<N> {
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

    fn decisions(&self, state: &State<N>, all: &mut Vec<Do>) {
        for decider in 0..2u8 {
            let it = &state.deciders[usize::from(decider)];
            if it.writes[0].is_some() {
                all.push(Do::Land(decider));
                if state.left.answers > 0 {
                    all.push(Do::LandUnanswered(decider));
                }
            } else if it.steps() {
                all.push(Do::Step(decider));
                if it.outdated.is_some() {
                    all.push(Do::Read(decider));
                }
            }
            for (place, node) in State::<N>::places() {
                let reached = state.reaches(decider.into(), place);
                if it.seen[place].sent.is_some() && (reached || it.steps()) {
                    all.push(Do::Arrive(decider, node));
                }
                if !it.steps() {
                    continue;
                }
                if reached && self.0.looks_apart {
                    all.push(Do::Look(decider, node));
                }
                if !reached && it.seen[place].report.is_some() {
                    all.push(Do::GiveUp(decider, node));
                }
            }
        }
    }

    fn life(&self, state: &State<N>, all: &mut Vec<Do>) {
        for (place, node) in State::<N>::places() {
            let server = &state.servers[place];
            if state.upstream(place).is_some() {
                all.push(Do::Sync(node));
            }
            if state.facts.writes <= self.0.writes && server.takes_writes() {
                all.push(Do::Write(node));
            }
            if !server.up {
                let whole = server.offset();
                let least = if self.0.disk == Disk::Whole { whole } else { 0 };
                let most = if self.0.disk == Disk::Empty { 0 } else { whole };
                all.extend((least..=most).map(|keep| Do::Start { node, keep }));
            }
            if server.hung {
                all.push(Do::Continue(node));
            }
        }
        if state.ghost.is_some() {
            all.push(Do::GhostEnds);
        }
        if state.cut != [0; N] {
            all.push(Do::HealLinks);
        }
        if state.deciders.iter().any(|it| it.cut != 0) {
            all.push(Do::HealSight);
        }
        for decider in 0..2u8 {
            let may_lead = self.0.leases_overlap || decider == state.facts.leader;
            if state.deciders[usize::from(decider)].still && may_lead {
                all.push(Do::GoOn(decider));
            }
        }
        all.push(Do::Wait);
    }

    fn faults(&self, state: &State<N>, all: &mut Vec<Do>) {
        let left = &state.left;
        for (place, node) in State::<N>::places() {
            let server = &state.servers[place];
            if server.up && left.kills > 0 {
                all.extend([true, false].map(|proven| Do::Kill { node, proven }));
            }
            if server.up && left.moves > 0 {
                all.extend([0, server.offset()].map(|keep| Do::Move { node, keep }));
            }
            if server.answers() && left.hangs > 0 {
                all.push(Do::Hang(node));
            }
            if left.isolations > 0 && state.cut[place] == 0 {
                let sides: &[u8] = if state.deciders[1].active { &[0, 1, 2, 3] } else { &[0, 1] };
                all.extend(sides.iter().map(|it| Do::Isolate { node, from_deciders: *it }));
            }
            if left.cuts > 0 {
                for (other, to) in State::<N>::places() {
                    let linked = server.follows(other) || state.servers[other].follows(place);
                    if linked && other != place && state.passes(place, other) {
                        all.push(Do::Cut(node, to));
                    }
                }
            }
            let wired = matches!(server.wire, Wire::Up | Wire::Silent);
            if left.resets > 0 && wired && state.upstream(place).is_some() {
                all.push(Do::Reset(node));
            }
            for decider in 0..2u8 {
                let sees = state.deciders[usize::from(decider)].steps()
                    && state.reaches(decider.into(), place);
                if sees && left.losses > 0 {
                    all.push(Do::CutOff(decider, node));
                }
                if sees && left.pretences > 0 {
                    all.push(Do::Pretend(decider, node));
                }
            }
            if left.handovers > 0 && state.deciders[usize::from(state.facts.leader)].asked.is_none()
            {
                all.push(Do::Ask(Asked::SwitchTo(node)));
            }
            if left.promotions > 0
                && state.deciders[usize::from(state.facts.leader)].asked.is_none()
            {
                all.push(Do::Ask(Asked::Promote(node)));
            }
        }
        for decider in 0..2u8 {
            if left.pauses > 0 && state.deciders[usize::from(decider)].steps() {
                all.push(Do::StandStill(decider));
            }
        }
        if left.takeovers > 0 {
            all.push(Do::TakeOver);
        }
        if left.restores > 0 && state.record != self.beginning() {
            all.push(Do::Restore);
        }
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
            !state.facts.is_broken(property)
                && match property {
                    Property::AtMostOneMaster => {
                        world.0.w == 0
                            || state
                                .servers
                                .iter()
                                .chain(&state.ghost)
                                .filter(|it| it.takes_writes())
                                .count()
                                < 2
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
            EveryRefusalHasAReason
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

//! All that can happen next in a state of the world.

use super::configuration::Disk;
use super::environment::State;
use super::model::World;
use super::packed::Asked;
use super::server::Wire;

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
    /// In stories: all goes on until nothing more is done.
    Rest,
    Kill {
        node: u8,
        proven: bool,
    },
    Start {
        node: u8,
        keep: u8,
    },
    Move {
        node: u8,
        keep: u8,
    },
    GhostEnds,
    Hang(u8),
    Continue(u8),
    Isolate {
        node: u8,
        from_deciders: u8,
    },
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

impl<const N: usize> World<N> {
    /// What deciding processes do, and what arrives of it.
    pub fn decisions(&self, state: &State<N>, all: &mut Vec<Do>) {
        for decider in 0..2u8 {
            let it = &state.deciders[usize::from(decider)];
            let writes = it.writes[0].is_some();
            if writes {
                all.push(Do::Land(decider));
                if state.left.answers > 0 {
                    all.push(Do::LandUnanswered(decider));
                }
            }
            if it.steps() && (!writes || self.0.steps_while_writing) {
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

    /// What needs no fault.
    pub fn life(&self, state: &State<N>, all: &mut Vec<Do>) {
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

    /// What the budget allows.
    pub fn faults(&self, state: &State<N>, all: &mut Vec<Do>) {
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
}

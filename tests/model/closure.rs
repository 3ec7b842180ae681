//! Liveness: from a state, every fault ends, and the process that leads is left to itself.
//!
//! stateright's `eventually` ignores cycles; this asks more anyway: that it comes to rest, and soon.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash, Hasher};

use gungnir::sentinel::{Hold, Phase};

use super::configuration::Configuration;
use super::decider::{Decider, Seen};
use super::environment::State;

use super::property::Property;
use super::server::Wire;

/// Within so many rounds of a step, or a wait where there is nothing to do, it is at rest.
const ROUNDS: usize = 60;

/// Whether a property is violated from a state on. One state of so many is looked at.
pub fn breaks<const N: usize>(
    config: &Configuration,
    state: &State<N>,
    property: Property,
) -> bool {
    thread_local! {
        static LAST: Cell<(u64, u16)> = const { Cell::new((0, 0)) };
    }
    let mut hasher = DefaultHasher::new();
    state.hash(&mut hasher);
    let hash = hasher.finish();
    if !hash.is_multiple_of(config.sample) {
        return false;
    }
    let (last, broken) = LAST.get();
    let broken = if last == hash { broken } else { verdict(config, state) };
    LAST.set((hash, broken));
    broken & property.bit() != 0
}

pub fn verdict<const N: usize>(config: &Configuration, state: &State<N>) -> u16 {
    let config = config.at_once();
    let mut state = *state;
    let mut broken = 0;
    let mut expect = |property: Property, holds: bool| {
        if !holds {
            broken |= property.bit();
        }
    };
    let old = state.record.master;
    connect(&mut state, &config);
    let hold = rest(&mut state, &config);
    let leader = usize::from(state.facts.leader);
    let local = { state }.decide(&config, leader).local;
    let detected = (0..N).all(|place| local.nodes[place].down != state.servers[place].up);
    expect(Property::FailedNodeDetected, detected);
    let missing = matches!(
        hold,
        Some(
            Hold::NoQuorum { .. }
                | Hold::NobodyAcknowledges
                | Hold::NoCandidate
                | Hold::Blind
                | Hold::Unreachable(_)
                | Hold::NoMaster
        )
    );
    let somebody_dead = state.servers.iter().any(|it| !it.up);
    let replaced = leads(&state) || (somebody_dead && missing);
    expect(Property::FailedMasterReplaced, replaced);
    expect(Property::EveryRefusalHasAReason, leads(&state) || hold.is_some());

    for place in 0..N {
        if !state.servers[place].up {
            let keep = state.servers[place].offset();
            state.start(&config, place, keep);
        }
    }
    let hold = rest(&mut state, &config);
    let stable = leads(&state) && all_follow(&state) && hold.is_none();
    expect(Property::EventuallyStableReconciliation, stable);
    expect(Property::EveryRefusalHasAReason, leads(&state) || hold.is_some());
    let place = old.map_or(0, |(place, _)| usize::from(place));
    let rejoined = state.servers[place].leads() || state.servers[place].wire == Wire::Up;
    expect(Property::OldMasterRejoins, rejoined);
    broken
}

/// Everybody who lives reaches everybody; only the process that was the last to lead decides.
fn connect<const N: usize>(state: &mut State<N>, config: &Configuration) {
    state.heal_links();
    state.heal_sight();
    state.ghost = None;
    state.servers.iter_mut().for_each(|it| it.hung = false);
    let leader = usize::from(state.facts.leader);
    state.deciders[1 - leader] = Decider::ABSENT;
    let it = &mut state.deciders[leader];
    it.outdated = None;
    (it.still, it.asked) = (false, None);
    it.seen.iter_mut().for_each(Seen::lose);
    while state.deciders[leader].writes[0].is_some() {
        state.land(config, leader, true);
    }
}

/// Runs until nothing more is done. Returns why not, if there is something to do.
pub fn rest<const N: usize>(state: &mut State<N>, config: &Configuration) -> Option<Hold> {
    let mut waits = 0;
    let mut hold = None;
    for _ in 0..ROUNDS {
        while (0..N).fold(false, |news, place| state.sync(place) | news) {}
        let leader = usize::from(state.facts.leader);
        let step = state.step(config, leader);
        hold = step.local.hold;
        if matches!(hold, Some(Hold::Superseded(_))) {
            // A process that was superseded gives the lease up, and the next one begins anew.
            state.take_over(config);
            state.deciders[1 - usize::from(state.facts.leader)] = Decider::ABSENT;
        } else if step.acts() {
            waits = 0;
        } else {
            if waits == 3 {
                return hold;
            }
            state.wait(config);
            waits += 1;
        }
    }
    hold.or(Some(Hold::Listening))
}

/// The recorded master leads, clients are sent there, and it takes their writes.
fn leads<const N: usize>(state: &State<N>) -> bool {
    let Some((place, run)) = state.record.master else { return false };
    let master = &state.servers[usize::from(place)];
    let told = state.service == Some((place, state.record.epoch));
    let stable = state.record.phase == Phase::Stable;
    stable && told && master.run == run && master.takes_writes()
}

fn all_follow<const N: usize>(state: &State<N>) -> bool {
    let Some((master, _)) = state.record.master else { return false };
    let there = &state.servers[usize::from(master)];
    (0..N).filter(|place| *place != usize::from(master)).all(|place| {
        let it = &state.servers[place];
        let level = (it.history, it.log) == (there.history, there.log);
        it.follows(master.into()) && it.wire == Wire::Up && level
    })
}

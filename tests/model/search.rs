//! Runs a search to its end. Each has one thread, so that what it finds is the same every time;
//! several run side by side.

use std::sync::Mutex;
use std::time::Instant;

use fastrand::Rng;
use stateright::{Checker, HasDiscoveries, Model};

use super::configuration::Configuration;
use super::environment::State;
use super::event::Do;
use super::model::World;
use super::property::Property;

/// How many searches run at once.
const WORKERS: usize = 2;

/// What a search came to.
#[derive(Debug, Clone)]
pub struct Found {
    pub name: &'static str,
    pub states: usize,
    pub depth: usize,
    pub seconds: f32,
    /// The names of violated properties, each with the way there.
    pub violations: Vec<(&'static str, Vec<Do>)>,
}

impl Found {
    /// How a property was violated, if it was.
    pub fn way_to(&self, property: Property) -> Option<&[Do]> {
        let violated = self.violations.iter().find(|(name, _)| *name == property.name());
        violated.map(|(_, way)| way.as_slice())
    }
}

/// Searches all that can happen, or until a property is violated.
pub fn explore(config: &Configuration, until: Option<Property>, at_most: Option<usize>) -> Found {
    match config.nodes {
        2 => explore_sets_of::<2>(config, until, at_most),
        3 => explore_sets_of::<3>(config, until, at_most),
        5 => explore_sets_of::<5>(config, until, at_most),
        other => panic!("{other} nodes are not modelled"),
    }
}

fn explore_sets_of<const N: usize>(
    config: &Configuration,
    until: Option<Property>,
    at_most: Option<usize>,
) -> Found {
    let started = Instant::now();
    let finish = match until {
        Some(property) => HasDiscoveries::AnyOf([property.name()].into()),
        None => HasDiscoveries::All,
    };
    let search = World::<N>(*config).checker().threads(1).finish_when(finish);
    let search = match at_most {
        Some(states) => search.target_state_count(states),
        None => search,
    };
    let search = search.spawn_bfs().join();
    let discoveries = search.discoveries().into_iter();
    let mut violations: Vec<(&str, Vec<Do>)> =
        discoveries.map(|(name, path)| (name, path.into_actions())).collect();
    violations.sort_by_key(|(name, _)| *name);
    Found {
        name: config.name,
        states: search.unique_state_count(),
        depth: search.max_depth(),
        seconds: started.elapsed().as_secs_f32(),
        violations,
    }
}

/// Walks as deep as a search in breadth never comes: so many walks, each of so many steps at most.
/// In `states` is how many were passed, whether they were passed before or not.
pub fn wander(config: &Configuration, walks: u64, steps: usize) -> Found {
    match config.nodes {
        2 => wander_sets_of::<2>(config, walks, steps),
        3 => wander_sets_of::<3>(config, walks, steps),
        5 => wander_sets_of::<5>(config, walks, steps),
        other => panic!("{other} nodes are not modelled"),
    }
}

fn wander_sets_of<const N: usize>(config: &Configuration, walks: u64, steps: usize) -> Found {
    let started = Instant::now();
    let world = World::<N>(*config);
    let properties = world.properties();
    let mut found =
        Found { name: config.name, states: 0, depth: 0, seconds: 0.0, violations: Vec::new() };
    for seed in 0..walks {
        let mut random = Rng::with_seed(seed);
        let mut state = world.init_states().swap_remove(0);
        let mut way = Vec::new();
        while way.len() < steps && world.within_boundary(&state) {
            let Some((what, next)) = any_next(&world, &state, &mut random) else { break };
            way.push(what);
            state = next;
            found.states += 1;
            let broken = properties.iter().find(|it| !(it.condition)(&world, &state));
            if let Some(property) = broken {
                found.violations.push((property.name, way.clone()));
                break;
            }
        }
        found.depth = found.depth.max(way.len());
        if !found.violations.is_empty() {
            break;
        }
    }
    found.seconds = started.elapsed().as_secs_f32();
    found
}

/// Something that can happen, and what it leads to. Faults are rare, so that what they lead to is seen.
fn any_next<const N: usize>(
    world: &World<N>,
    state: &State<N>,
    random: &mut Rng,
) -> Option<(Do, State<N>)> {
    const FAULTS_IN: u32 = 12;
    let mut choices = Vec::new();
    match random.u32(0..FAULTS_IN) {
        0 => world.faults(state, &mut choices),
        it if it % 2 == 0 => world.decisions(state, &mut choices),
        _ => world.life(state, &mut choices),
    }
    random.shuffle(&mut choices);
    // What is offered may come to nothing: then whatever does not.
    let preferred = choices.len();
    world.actions(state, &mut choices);
    random.shuffle(&mut choices[preferred..]);
    choices.into_iter().find_map(|what| Some((what, world.next_state(state, what)?)))
}

/// Does all jobs, so many at once, and keeps their order.
pub fn side_by_side<T: Sync, R: Send>(jobs: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(0);
    let done = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let index = {
                        let mut next = next.lock().expect("no worker panics while it counts");
                        *next += 1;
                        *next - 1
                    };
                    let Some(job) = jobs.get(index) else { return };
                    let result = work(job);
                    done.lock().expect("no worker panics while it writes").push((index, result));
                }
            });
        }
    });
    let mut done = done.into_inner().expect("no worker has panicked");
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

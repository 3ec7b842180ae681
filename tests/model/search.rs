//! Runs a search to its end. Each has one thread, so that what it finds is the same every time;
//! several run side by side.

use std::sync::Mutex;
use std::time::Instant;

use stateright::{Checker, HasDiscoveries, Model};

use super::configuration::Configuration;
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

//! One seed, one run: a world, what happens in it, and what has to hold at its end.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::chance::Chance;
use crate::clockwork;
use crate::schedule::{Action, Event, Schedule};
use crate::world::World;
use crate::writer::Writer;

/// How long after the last fault is healed everything may take to be as people want it.
const PATIENCE: Duration = Duration::from_secs(400);
/// For how long it has to stay so.
const STEADY: Duration = Duration::from_secs(10);
/// What may still be written then, and how long nothing may be changed after that.
const REST: (Duration, Duration) = (Duration::from_secs(8), Duration::from_secs(7));
/// A cluster that nothing happens to is whole sooner.
const CREATION: Duration = Duration::from_secs(60);

/// How a run went.
#[derive(Debug)]
pub struct Outcome {
    pub seed: u64,
    pub story: Story,
    /// To which pods clients were sent, one after the other.
    pub masters: Vec<String>,
    pub violations: Vec<String>,
    pub trace: Vec<String>,
    /// Writes that a replica had, too.
    pub held: usize,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "seed {}, {}\n{}", self.seed, self.story.spec, self.story.schedule)?;
        self.violations.iter().try_for_each(|violation| writeln!(out, "{violation}"))
    }
}

/// A cluster, and what happens to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub spec: Value,
    pub schedule: Schedule,
}

impl Story {
    /// The one of a seed.
    fn draw(chance: &Chance) -> Self {
        let replicas = *chance.one_of(&[3, 3, 3, 3, 3, 2, 5, 1]);
        let mode = *chance.one_of(&["both", "both", "aof"]);
        let spec = json!({ "replicas": replicas, "persistence": { "mode": mode } });
        Self { spec, schedule: Schedule::draw(chance) }
    }
}

/// Runs a seed; with another story than its own, if one is given.
pub fn simulate(seed: u64, story: Option<&Story>) -> Outcome {
    let chance = Chance::new(seed);
    // Drawn in any case, so that a shorter one changes nothing else.
    let own = Story::draw(&chance);
    let story = story.cloned().unwrap_or(own);
    clockwork::simulate(seed, live(seed, &chance, story))
}

async fn live(seed: u64, chance: &Chance, story: Story) -> Outcome {
    let world = World::start(chance, &story.spec);
    let began = match world.settled(CREATION, Duration::ZERO).await {
        Ok(()) => Instant::now(),
        Err(amiss) => {
            world.properties.violated("created", &amiss);
            return outcome(&world, seed, story);
        }
    };
    let mut happening = Vec::new();
    for Event { at, action } in &story.schedule.0 {
        sleep_until(began + *at).await;
        world.trace.note(format_args!("* {action:?}"));
        happening.push(tokio::task::spawn_local(Rc::clone(&world).happen(*action)));
    }
    for each in happening {
        each.await.unwrap();
    }
    world.trace.note(format_args!("* everything is healed"));
    let mut settled = world.settled(PATIENCE, STEADY).await;
    if settled.is_err() && world.help() {
        settled = world.settled(PATIENCE, STEADY).await;
    }
    if let Err(amiss) = settled {
        world.properties.violated("failedMasterReplaced", &amiss);
    } else {
        // What a client does keeps nobody from rest.
        world.end_writers();
        let rest = Instant::now() + REST.0;
        sleep_until(rest + REST.1).await;
        let last = world.properties.last_change().filter(|(at, _)| *at > rest);
        if let Some((_, what)) = last {
            world.properties.violated("eventuallyStableReconciliation", &what);
        }
    }
    outcome(&world, seed, story)
}

fn outcome(world: &World, seed: u64, story: Story) -> Outcome {
    let writers = world.writers.borrow();
    let taken: Vec<_> = writers.iter().flat_map(Writer::taken).collect();
    // Where one pod is all that is asked for, no replica has to hold a write, and silence elects.
    let scaled_to_one = |event: &Event| event.action == Action::Scale(1);
    if !story.schedule.0.iter().any(scaled_to_one) {
        world.properties.at_most_one_master(&taken);
    }
    let held = writers[0].held("held");
    let master = world.pods().into_iter().find(|pod| Some(&pod.name) == world.pointer().as_ref());
    let data = master.and_then(|pod| world.look(&pod)).map(|look| look.data);
    let lost: Vec<&String> = held
        .iter()
        .filter(|key| !data.as_ref().is_some_and(|data| data.contains_key(key.as_str())))
        .collect();
    // With too many losses at once somebody has to lead on what there is; then it is told.
    if !lost.is_empty() && !world.properties.loss_told() {
        let text = format!("{} of {} are gone, the first is {}", lost.len(), held.len(), lost[0]);
        world.properties.violated("noAcknowledgedWriteLost", &text);
    }
    Outcome {
        seed,
        story,
        masters: world.properties.masters(),
        violations: world.properties.violations(),
        trace: world.trace.lines(),
        held: held.len(),
    }
}

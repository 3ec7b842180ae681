//! One seed, one run: a world, what happens in it, and what has to hold at the end of each chapter.

use std::collections::BTreeSet;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::chance::Chance;
use crate::clockwork;
use crate::schedule::{Event, Schedule};
use crate::story::Story;
use crate::trace::Trace;
use crate::world::World;
use crate::writer::Writer;

/// How long after the last fault is healed everything may take to be as people want it.
const PATIENCE: Duration = Duration::from_secs(400);
/// For how long it has to stay so.
const STEADY: Duration = Duration::from_secs(10);
/// What may still be written then, and how long nothing may be changed after that.
const REST: (Duration, Duration) = (Duration::from_secs(15), Duration::from_secs(15));
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
    /// Writes that a replica had, too.
    pub held: usize,
}

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "seed {}, {}", self.seed, self.story)?;
        self.violations.iter().try_for_each(|violation| writeln!(out, "{violation}"))
    }
}

/// Runs a seed; with another story than its own, if one is given.
pub fn simulate(seed: u64, story: Option<&Story>) -> Outcome {
    clockwork::simulate(seed, async { told(seed, story, Trace::silent()).await })
}

/// [`simulate`], and what happened, line by line.
pub fn trace(seed: u64, story: Option<&Story>) -> (Outcome, Vec<String>) {
    clockwork::simulate(seed, async {
        let trace = Trace::start();
        let outcome = told(seed, story, trace.clone()).await;
        (outcome, trace.lines())
    })
}

async fn told(seed: u64, story: Option<&Story>, trace: Trace) -> Outcome {
    let chance = Chance::new(seed);
    // Drawn in any case, so that a shorter one changes nothing else.
    let own = Story::draw(&chance);
    let story = story.cloned().unwrap_or(own);
    let world = World::start(&chance, &story.spec, trace);
    let mut gone = BTreeSet::new();
    live(&world, &story, &mut gone).await;
    let held = world.writers.borrow()[0].held("held").len();
    let properties = &world.properties;
    let (masters, violations) = (properties.masters(), properties.violations());
    Outcome { seed, story, masters, violations, held }
}

/// Goes through a story until something does not hold.
async fn live(world: &Rc<World>, story: &Story, gone: &mut BTreeSet<String>) {
    if let Err(amiss) = world.settled(CREATION, Duration::ZERO).await {
        return world.properties.violated("created", &amiss);
    }
    for schedule in &story.chapters {
        happen(world, schedule).await;
        world.trace.note(format_args!("* everything is healed"));
        settle(world).await;
        // The next schedule finds as many pods as this one did.
        if world.scale_back(&story.spec) {
            settle(world).await;
        }
        judge(world, gone);
        if !world.properties.violations().is_empty() {
            return;
        }
    }
    // What a client does keeps nobody from rest.
    world.end_writers();
    let rest = Instant::now() + REST.0;
    sleep_until(rest + REST.1).await;
    let last = world.properties.last_change().filter(|(at, _)| *at > rest);
    if let Some((_, what)) = last {
        world.properties.violated("eventuallyStableReconciliation", &what);
    }
}

/// Has everything happen that a schedule says, and waits until it is healed.
async fn happen(world: &Rc<World>, schedule: &Schedule) {
    let began = Instant::now();
    let mut happening = Vec::new();
    for Event { at, action } in &schedule.0 {
        sleep_until(began + *at).await;
        world.trace.note(format_args!("* {action:?}"));
        happening.push(tokio::task::spawn_local(Rc::clone(world).happen(*action)));
    }
    for each in happening {
        each.await.unwrap();
    }
}

async fn settle(world: &World) {
    let mut settled = world.settled(PATIENCE, STEADY).await;
    if settled.is_err() && world.help() {
        settled = world.settled(PATIENCE, STEADY).await;
    }
    if let Err(amiss) = settled {
        world.properties.violated("failedMasterReplaced", &amiss);
    }
}

/// Looks at what clients were told. What is `gone` was said to be: with too many losses at once
/// somebody has to lead on what there is.
fn judge(world: &World, gone: &mut BTreeSet<String>) {
    let writers = world.writers.borrow();
    let taken: Vec<_> = writers.iter().flat_map(Writer::taken).collect();
    world.properties.at_most_one_master(&taken, &world.fleet.standstills());
    let held = writers[0].held("held");
    let master = world.pods().into_iter().find(|pod| Some(&pod.name) == world.pointer().as_ref());
    let data = master.and_then(|pod| world.look(&pod)).map(|look| look.data);
    let lost: Vec<&String> = held
        .iter()
        .filter(|key| !data.as_ref().is_some_and(|data| data.contains_key(key.as_str())))
        .filter(|key| !gone.contains(*key))
        .collect();
    let told = world.properties.take_loss_told();
    let Some(first) = lost.first() else { return };
    if !told {
        let text = format!("{} of {} are gone, the first is {first}", lost.len(), held.len());
        world.properties.violated("noAcknowledgedWriteLost", &text);
    }
    gone.extend(lost.into_iter().cloned());
}

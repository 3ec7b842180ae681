//! The controllers: each looks at all objects some time after a change, and does what is missing.
//!
//! What never happens here: a decision that rests on anything but the objects as they are, so that a
//! controller may be stopped and begun again at any time. (The deadlines of nodes then begin anew, as
//! they do when a real controller is restarted.)

mod budgets;
mod claims;
mod collector;
mod endpoints;
mod nodes;
mod scheduler;
mod statefulsets;

use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, sleep, sleep_until};

use crate::chance::Chance;

use super::api::Shared;
use super::api::kind::{Kind, Row};
use super::settings::Actor;

/// Runs all of them, for ever.
pub async fn run(shared: &Shared, chance: &Chance) {
    let mut nodes = nodes::Nodes::default();
    let scheduling = chance.fork();
    // Only whoever is woken is asked.
    let mut all: FuturesUnordered<_> = [
        drive(
            shared,
            chance,
            Actor::StatefulSets,
            &["StatefulSet", "Pod", "PersistentVolumeClaim"],
            |shared| {
                statefulsets::turn(&mut shared.store());
                None
            },
        )
        .boxed_local(),
        drive(shared, chance, Actor::Endpoints, &["Service", "Pod"], |shared| {
            endpoints::turn(&mut shared.store());
            None
        })
        .boxed_local(),
        drive(shared, chance, Actor::Collector, &[], |shared| {
            collector::turn(&mut shared.store());
            None
        })
        .boxed_local(),
        drive(shared, chance, Actor::Claims, &["PersistentVolumeClaim", "Pod"], |shared| {
            claims::turn(&mut shared.store());
            None
        })
        .boxed_local(),
        drive(shared, chance, Actor::Budgets, &["PodDisruptionBudget", "Pod"], |shared| {
            budgets::turn(&mut shared.store());
            None
        })
        .boxed_local(),
        drive(
            shared,
            chance,
            Actor::Scheduler,
            &["Pod", "Node", "PersistentVolumeClaim"],
            |shared| {
                let local = shared.settings().local_volumes;
                scheduler::turn(&mut shared.store(), &scheduling, local);
                None
            },
        )
        .boxed_local(),
        drive(shared, chance, Actor::Nodes, &["Node"], move |shared| nodes.turn(shared))
            .boxed_local(),
    ]
    .into_iter()
    .collect();
    while all.next().await.is_some() {}
}

/// Has `turn` look after each change of these kinds (of any, if none is named), and when it asks to.
async fn drive(
    shared: &Shared,
    chance: &Chance,
    actor: Actor,
    kinds: &[&str],
    mut turn: impl FnMut(&Shared) -> Option<Instant>,
) {
    let chance = chance.fork();
    let mut news = shared.store().any_news();
    let mut machines = shared.machine_news();
    // Nothing follows from these.
    let is_noise = |kind: &Kind| matches!(kind.name, "Lease" | "Event");
    let is_meant =
        |kind: &Kind| if kinds.is_empty() { !is_noise(kind) } else { kinds.contains(&kind.name) };
    let meant: Vec<Kind> = Row::all().filter(is_meant).collect();
    let mut seen: Vec<u64> = Vec::new();
    let mut due = Some(Instant::now());
    loop {
        let versions: Vec<u64> = {
            let store = shared.store();
            meant.iter().map(|kind| store.newest(kind)).collect()
        };
        let is_new = versions != seen;
        seen = versions;
        let is_due = due.is_some_and(|due| due <= Instant::now());
        let is_moved = actor == Actor::Nodes && machines.has_changed().unwrap_or(false);
        if !is_new && !is_due && !is_moved {
            tokio::select! {
                biased;
                changed = news.changed() => drop(changed),
                changed = machines.changed(), if actor == Actor::Nodes => {
                    machines.mark_changed();
                    drop(changed);
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
            continue;
        }
        let lag = shared.settings().lag(actor).draw(&chance);
        sleep(lag).await;
        news.borrow_and_update();
        machines.borrow_and_update();
        due = turn(shared);
    }
}

//! Three valkey-sentinels under the same faults: the harness sees what they lose.

use std::time::Duration;
use std::time::Instant;

use crate::harness::controller::Controller as _;
use crate::harness::directory::Directory;
use crate::harness::sentinels::Sentinels;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::world::World;
use crate::scenario::scenarios;

scenarios!(sentinels_replace_a_killed_master, a_suspended_master_comes_back_as_a_second_one,);

const DOWN_AFTER_MS: u32 = 1000;

/// As Valkey Sentinel is set up where nobody thinks of it.
fn usual() -> SetSetup {
    SetSetup { gate: false, replicas_to_write: 0, ..SetSetup::default() }
}

fn sentinels_replace_a_killed_master(world: &World) {
    let set = Set::start(world, &usual());
    let sentinels = Sentinels::start(world, &set, DOWN_AFTER_MS);
    let mut trial = Trial::start(&set, &sentinels, &Load::default());
    trial.fault(|| set.node(1).kill());
    trial.wait_until_it_names_another_than(1);
    trial.settle();
    let report = trial.report();
    world.report(&format!("kill -9: {report}"));
    report.is_safe();
    // Half of `down-after` is far below what it can be, and it asks and waits on top.
    let promoted = report.promoted.expect("a promotion");
    assert!(promoted > Duration::from_millis(500), "{report}");
}

fn a_suspended_master_comes_back_as_a_second_one(world: &World) {
    let set = Set::start(world, &usual());
    let sentinels = Sentinels::start(world, &set, DOWN_AFTER_MS);
    let load = Load::default();
    let mut writers = load.writers(&sentinels.directory());
    // One that nobody tells.
    let last = writers.last_mut().expect("a writer");
    last.directory = Directory::Fixed(set.node(1).address());
    let mut trial = Trial::start_with(&set, &sentinels, writers);
    trial.fault(|| set.node(1).suspend());
    trial.wait_until_it_names_another_than(1);
    trial.wait_until_all_write();
    let resumed = Instant::now();
    set.node(1).resume();
    trial.settle();
    let report = trial.report();
    world.report(&format!("SIGSTOP: {report}"));
    assert_eq!(report.writers_at_once, 2, "{report}");
    // It is told to follow after 8 seconds at the earliest, and takes writes until then.
    let until = report.stray_until.expect("a write");
    assert!(until.saturating_duration_since(resumed) > Duration::from_secs(8), "{report}");
    assert!(report.stray_lost > 0, "{report}");
}

//! Servers, and a controller, that are there and say nothing.

use std::thread;
use std::time::Duration;
use std::time::Instant;

use crate::harness::controller::Controller as _;
use crate::harness::directory::Directory;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::node::Role;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::stays;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::DOWN_AFTER;
use crate::scenario::count;
use crate::scenario::finish;
use crate::scenario::scenarios;
use crate::scenario::start;
use crate::scenario::start_usual;

scenarios!(
    a_suspended_master_is_replaced_and_comes_back_as_a_replica,
    a_suspended_master_is_told_before_its_replicas_old_acknowledgements_count,
    a_suspended_master_is_replaced_however_rarely_it_is_asked,
    a_master_that_is_suspended_for_a_moment_leads_on,
    a_script_that_runs_for_ever_is_stopped,
    a_script_that_wrote_and_runs_for_ever_is_left_to_people,
    a_controller_that_was_suspended_blames_nobody,
);

fn a_suspended_master_is_replaced_and_comes_back_as_a_replica(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(1).suspend());
    trial.wait_until_it_names_another_than(1);
    trial.wait_until_all_write();
    set.node(1).resume();
    trial.settle();
    let report = finish(world, "SIGSTOP and SIGCONT", trial, &gungnir);
    let promoted = report.promoted.expect("a promotion");
    assert!(promoted + Duration::from_millis(500) > DOWN_AFTER, "{report}");
}

/// What replicas acknowledged before they were frozen waits for it, and that they went does not
/// arrive. By itself it goes on taking writes for a second, counts those acknowledgements as new ones
/// then, and goes on for two more.
fn a_suspended_master_is_told_before_its_replicas_old_acknowledgements_count(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut writers = Load::default().writers(&gungnir.directory());
    // One that nobody tells.
    let last = writers.last_mut().expect("a writer");
    last.directory = Directory::Fixed(set.node(1).address());
    let mut trial = Trial::start_with(&set, &gungnir, writers);
    trial.fault(|| set.node(1).suspend());
    // A replica acknowledges once a second.
    let is_named = || gungnir.named() == Some(set.node(1).address());
    stays("node 1 is named", Duration::from_millis(1200), is_named);
    let address = |number| set.node(number).place().address.to_string();
    let cut = world.network().cut(&[address(1)], &[address(2), address(3)]);
    trial.wait_until_it_names_another_than(1);
    let resumed = Instant::now();
    set.node(1).resume();
    let is_told = || matches!(set.node(1).role(), Role::Replica { .. });
    wait_until("node 1 is a replica", DOWN_AFTER * 4, is_told);
    cut.heal();
    trial.wait_until_whole();
    let report = count(world, "SIGSTOP, cut off from replicas", trial, &gungnir);
    assert!(report.acknowledged > 0, "{report}");
    assert_eq!(report.acknowledged_lost, 0, "{report}");
    let until = report.stray_until.expect("a write");
    let told = until.saturating_duration_since(resumed);
    assert!(told < Duration::from_secs(1), "it took writes for {told:?}: {report}");
}

/// Between two questions there is nothing to do, for longer than a standstill is let pass.
fn a_suspended_master_is_replaced_however_rarely_it_is_asked(world: &World) {
    let options = ["--ping-interval", "4000"].map(str::to_owned).to_vec();
    let setup = GungnirSetup { down_after_ms: 5000, options, ..GungnirSetup::default() };
    let (set, gungnir) = start(world, &SetSetup::default(), &setup);
    gungnir.wait_until_writes_count();
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(1).suspend());
    trial.wait_until_it_names_another_than(1);
    assert!(!gungnir.log().contains("+tilt"), "{}", gungnir.log());
    set.node(1).resume();
    trial.settle();
    finish(world, "SIGSTOP, asked every 4 s", trial, &gungnir);
}

fn a_master_that_is_suspended_for_a_moment_leads_on(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(1).suspend());
    stays("node 1 is named", DOWN_AFTER / 2, || gungnir.named() == Some(set.node(1).address()));
    set.node(1).resume();
    assert_eq!(trial.settle().number, 1);
    let report = finish(world, "SIGSTOP for a moment", trial, &gungnir);
    assert_eq!(report.promoted, None, "{report}");
}

fn a_script_that_runs_for_ever_is_stopped(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let master = set.node(1).clone();
    let limit = Duration::from_secs(30);
    let mut script = None;
    trial.fault(|| {
        script = Some(thread::spawn(move || {
            master.ask_within::<redis::Value>(limit, &["EVAL", "while true do end", "0"])
        }));
    });
    let ended = script.expect("it was started").join().expect("it ends");
    let error = ended.expect_err("a script that is stopped");
    assert!(error.to_string().contains("killed"), "{error}");
    assert_eq!(trial.settle().number, 1);
    let report = finish(world, "a script", trial, &gungnir);
    assert_eq!(report.promoted, None, "{report}");
    assert_eq!(report.plain_lost, 0, "{report}");
}

/// Stopping it would lose what it wrote, and the master is alive.
fn a_script_that_wrote_and_runs_for_ever_is_left_to_people(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let master = set.node(1).clone();
    let text = "redis.call('SET', KEYS[1], '1') while true do end";
    let limit = Duration::from_secs(60);
    let mut script = None;
    trial.fault(|| {
        script = Some(thread::spawn(move || {
            master.ask_within::<redis::Value>(limit, &["EVAL", text, "1", "of-the-script"])
        }));
    });
    stays("node 1 is named", DOWN_AFTER * 2, || gungnir.named() == Some(set.node(1).address()));
    // What people do then: it loses nothing that a replica has.
    let ended = set.node(1).ask::<redis::Value>(&["SHUTDOWN", "NOSAVE"]);
    assert!(ended.is_err(), "{ended:?}");
    assert!(script.expect("it was started").join().expect("it ends").is_err());
    trial.wait_until_it_names_another_than(1);
    set.node(1).wait_for_its_end();
    set.node(1).start();
    trial.settle();
    finish(world, "a script that wrote", trial, &gungnir);
}

/// Its own silence looks like everybody's: it starts its clocks anew.
fn a_controller_that_was_suspended_blames_nobody(world: &World) {
    let setup = GungnirSetup { down_after_ms: 3000, ..GungnirSetup::default() };
    let (set, gungnir) = start(world, &SetSetup::default(), &setup);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| gungnir.suspend());
    stays("it is suspended", DOWN_AFTER * 2, || gungnir.runs());
    gungnir.resume();
    stays("node 1 is named", DOWN_AFTER, || gungnir.named() == Some(set.node(1).address()));
    // It is there again.
    set.node(1).kill();
    trial.wait_until_it_names_another_than(1);
    set.node(1).start();
    wait_until("node 1 is a replica", DOWN_AFTER * 4, || {
        matches!(set.node(1).role(), crate::harness::node::Role::Replica { linked: true, .. })
    });
    trial.settle();
    finish(world, "the controller suspended, then kill -9", trial, &gungnir);
}

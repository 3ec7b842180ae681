//! Clocks that jump under the controller.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use crate::harness::controller::Controller as _;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::stays;
use crate::harness::world::World;
use crate::scenario::DOWN_AFTER;
use crate::scenario::finish;
use crate::scenario::scenarios;
use crate::scenario::start;

scenarios!(
    a_clock_that_jumps_fails_nobody_over,
    a_machine_that_slept_for_an_hour_fails_nobody_over,
);

/// The wall clock: set by hand, or by NTP after a long while.
fn a_clock_that_jumps_fails_nobody_over(world: &World) {
    jumps(world, "wall clock", &["+3600", "-7200", "+0"], true);
}

/// Every clock: what a machine's sleep, or a guest that was moved, looks like.
fn a_machine_that_slept_for_an_hour_fails_nobody_over(world: &World) {
    jumps(world, "every clock", &["+3600", "+7200"], false);
}

fn jumps(world: &World, name: &str, jumps: &[&str], wall_only: bool) {
    let offset = world.folder("clock").join("offset");
    set_offset(&offset, "+0");
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut env = vec![
        variable("LD_PRELOAD", &library().display().to_string()),
        variable("FAKETIME_TIMESTAMP_FILE", &offset.display().to_string()),
        variable("FAKETIME_NO_CACHE", "1"),
    ];
    if wall_only {
        env.push(variable("FAKETIME_DONT_FAKE_MONOTONIC", "1"));
    }
    let setup = GungnirSetup { env, ..GungnirSetup::default() };
    let (set, gungnir) = start(world, &SetSetup::default(), &setup);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    for jump in jumps {
        trial.fault(|| set_offset(&offset, jump));
        stays("node 1 is named", DOWN_AFTER, || {
            gungnir.runs() && gungnir.named() == Some(set.node(1).address())
        });
        assert_eq!(trial.watcher().promotion_after(trial.fault_at()), None, "after {jump}");
    }
    // It still does what it is for.
    trial.fault(|| set.node(1).kill());
    trial.wait_until_it_names_another_than(1);
    set.node(1).start();
    trial.settle();
    let report = finish(world, &format!("{name} jumped, then kill -9"), trial, &gungnir);
    assert!(report.promoted.is_some_and(|promoted| promoted < DOWN_AFTER), "{report}");
}

fn set_offset(file: &Path, offset: &str) {
    let new = file.with_extension("new");
    fs::write(&new, offset).expect("a file");
    fs::rename(&new, file).expect("a file");
}

/// Debian's libfaketime, in the folder of whatever architecture this is.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib").flatten();
    let library = |folder: fs::DirEntry| folder.path().join("faketime/libfaketimeMT.so.1");
    let found = folders.map(library).find(|path| path.exists());
    found.expect("Debian's package libfaketime")
}

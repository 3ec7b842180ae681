//! A scenario is a function of a world; here it becomes a test, and here is what most of them
//! begin and end with.

use std::time::Duration;

use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::report::Report;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::trial::Trial;
use crate::harness::world::World;

/// How long a scenario may run, whatever it waits for.
pub const LIMIT: Duration = Duration::from_secs(150);

/// `--down-after` of most scenarios: what a lag of one second needs.
pub const DOWN_AFTER: Duration = Duration::from_secs(3);

/// A set with `gungnir sentinel` over it.
pub fn start(world: &World, set: &SetSetup, gungnir: &GungnirSetup) -> (Set, Gungnir) {
    let set = Set::start(world, set);
    let gungnir = Gungnir::start(world, &set, gungnir);
    (set, gungnir)
}

/// [`start`] with what most scenarios want: replicas hold what is acknowledged, and that is recorded.
pub fn start_usual(world: &World) -> (Set, Gungnir) {
    let (set, gungnir) = start(world, &SetSetup::default(), &GungnirSetup::default());
    gungnir.wait_until_writes_count();
    (set, gungnir)
}

/// The end of a scenario: nothing acknowledged is gone, one node took writes at a time, the
/// controller ends when it is asked to, and decides the same again from what it recorded.
pub fn finish(world: &World, name: &str, trial: Trial<'_>, gungnir: &Gungnir) -> Report {
    let report = count(world, name, trial, gungnir);
    report.is_safe();
    report
}

/// [`finish`], where something is expected to be lost.
pub fn count(world: &World, name: &str, trial: Trial<'_>, gungnir: &Gungnir) -> Report {
    let report = trial.report();
    world.report(&format!("{name}: {report}"));
    let status = gungnir.terminate();
    assert_eq!(status.code(), Some(0), "after SIGTERM: {status}\n{}", gungnir.log());
    gungnir.replay();
    report
}

/// Makes each function of a world (`&World`) a test: `NAME::in_a_world`.
macro_rules! scenarios {
    ($($scenario:ident),+ $(,)?) => {$(
        mod $scenario {
            #[test]
            fn in_a_world() {
                let test = concat!(module_path!(), "::in_a_world");
                crate::scenario::run(test, super::$scenario);
            }
        }
    )+};
}
pub(crate) use scenarios;

/// Makes each function of a world and a series (`&World, &str`) a test a version.
macro_rules! on_every_version {
    ($($scenario:ident),+ $(,)?) => {$(
        mod $scenario {
            crate::scenario::on_version!($scenario, redis_7_0, "7.0");
            crate::scenario::on_version!($scenario, valkey_8_0, "8.0");
            crate::scenario::on_version!($scenario, valkey_8_1, "8.1");
            crate::scenario::on_version!($scenario, valkey_9, "9");
        }
    )+};
}
pub(crate) use on_every_version;

/// One test of [`on_every_version`].
macro_rules! on_version {
    ($scenario:ident, $name:ident, $series:literal) => {
        #[test]
        fn $name() {
            let test = concat!(module_path!(), "::", stringify!($name));
            crate::scenario::run(test, |world| super::$scenario(world, $series));
        }
    };
}
pub(crate) use on_version;

/// Runs a scenario by the path of its test.
pub fn run(path: &str, scenario: impl FnOnce(&World)) {
    // The test runner leaves out the name of the program.
    let test = path.split_once("::").map_or(path, |(_, rest)| rest);
    crate::harness::world::in_own_world(test, LIMIT, scenario);
}

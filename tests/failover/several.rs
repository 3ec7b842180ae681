//! More than one controller at once.

use crate::harness::controller::Controller as _;
use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::stays;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::DOWN_AFTER;
use crate::scenario::finish;
use crate::scenario::scenarios;
use crate::scenario::start;
use crate::scenario::start_usual;

scenarios!(
    a_second_process_on_the_same_files_is_refused,
    two_controllers_with_files_of_their_own_lose_nothing,
);

/// Its state file is locked: the second says so and ends, and the first goes on.
fn a_second_process_on_the_same_files_is_refused(world: &World) {
    let (set, gungnir) = start_usual(world);
    let setup = GungnirSetup { number: 2, files_of: Some(1), ..GungnirSetup::default() };
    let second = Gungnir::new(world, &set, &setup);
    second.spawn();
    let status = second.wait();
    assert!(matches!(status.code(), Some(2 | 3)), "{status}\n{}", second.log());
    let state = gungnir.state_file().display().to_string();
    assert!(second.log().contains(&state), "{}", second.log());
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(1).kill());
    trial.wait_until_it_names_another_than(1);
    set.node(1).start();
    trial.settle();
    finish(world, "a second process, then kill -9", trial, &gungnir);
}

/// Nobody should do this. Still: no second master, nothing acknowledged lost. Whoever was started
/// last leads; the other one stands aside until it is started again.
fn two_controllers_with_files_of_their_own_lose_nothing(world: &World) {
    let (set, first) = start(world, &SetSetup::default(), &GungnirSetup::default());
    let second =
        Gungnir::start(world, &set, &GungnirSetup { number: 2, ..GungnirSetup::default() });
    let stands_aside = |it: &Gungnir| it.log().contains("another process took over with term");
    wait_until("the first stands aside", DOWN_AFTER, || stands_aside(&first));
    let mut trial = Trial::start(&set, &second, &Load::default());
    for _ in 0..3 {
        let master = named(&set, &second);
        trial.fault(|| set.node(master).kill());
        trial.wait_until_it_names_another_than(master);
        set.node(master).start();
        trial.settle();
        stays("the set stays whole", DOWN_AFTER, || first.runs() && second.runs());
        trial.settle();
    }
    assert!(!stands_aside(&second), "{}", second.log());
    // Its record is older than what the nodes know: it finds out who leads by looking.
    assert_eq!(first.terminate().code(), Some(0), "{}", first.log());
    first.spawn();
    wait_until("both name the same", DOWN_AFTER * 3, || first.named() == second.named());
    wait_until("the second stands aside", DOWN_AFTER, || stands_aside(&second));
    finish(world, "two controllers", trial, &second);
    assert_eq!(first.terminate().code(), Some(0), "{}", first.log());
    first.replay();
}

fn named(set: &Set, gungnir: &Gungnir) -> u8 {
    set.at(gungnir.named().expect("a master")).number
}

//! The controller is killed at every point of a failover and of a handover, one after the other:
//! before and after each command that it sends, and before each step of each file that it replaces.
//! Whoever is started in its place finishes or undoes it.
//!
//! Points are counted, not sampled: a round kills at the next point until one is over with nobody
//! killed.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use crate::harness::controller::Controller as _;
use crate::harness::gungnir::Gungnir;
use crate::harness::network::controller_address;
use crate::harness::node::Node;
use crate::harness::report::Report;
use crate::harness::set::Set;
use crate::harness::tap::KillPoint;
use crate::harness::tap::Moment;
use crate::harness::tap::Taps;
use crate::harness::tracer::Tracer;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::scenarios;
use crate::scenario::start_usual;

scenarios!(
    before_each_command_of_a_failover,
    after_each_command_of_a_failover,
    before_each_command_of_a_handover,
    after_each_command_of_a_handover,
    at_each_step_of_the_files_of_a_failover,
    at_each_step_of_the_files_of_a_handover,
);

/// How long a round may take to reach its point, or its end.
const DEADLINE: Duration = Duration::from_secs(30);
/// A round in which nobody was killed for this long after all was well is the last.
const SETTLED: Duration = Duration::from_millis(500);

/// What the controller is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Failover,
    Handover,
}

/// What a round came to.
struct Round {
    killed: bool,
    report: Report,
}

fn before_each_command_of_a_failover(world: &World) {
    commands(world, Work::Failover, Moment::Before);
}

fn after_each_command_of_a_failover(world: &World) {
    commands(world, Work::Failover, Moment::After);
}

fn before_each_command_of_a_handover(world: &World) {
    commands(world, Work::Handover, Moment::Before);
}

fn after_each_command_of_a_handover(world: &World) {
    commands(world, Work::Handover, Moment::After);
}

fn at_each_step_of_the_files_of_a_failover(world: &World) {
    files(world, Work::Failover);
}

fn at_each_step_of_the_files_of_a_handover(world: &World) {
    files(world, Work::Handover);
}

fn commands(world: &World, work: Work, moment: Moment) {
    let (set, gungnir) = start_usual(world);
    gungnir.kill();
    let mut taps = Taps::open(world, &set, controller_address(1));
    gungnir.spawn();
    let mut number = 0;
    loop {
        number += 1;
        let command = KillPoint { process_id: gungnir.process_id(), command: number, moment };
        let master = named(&set, &gungnir);
        let arm = |taps: &Taps<'_>| {
            taps.arm(command);
            None
        };
        let round = round(&set, &gungnir, work, &master, &mut taps, arm);
        let passed = taps.commands();
        let last = passed.last().map_or("-", String::as_str);
        world.report(&format!("{work:?}, {moment:?} command {number} ({last}): {}", round.report));
        if !round.killed {
            assert!(passed.len() < number, "nobody was killed: {passed:#?}");
            break;
        }
    }
    // A handover pauses, freezes, promotes, re-attaches; a failover freezes each, promotes, …
    assert!(number > 4, "{work:?} takes {number} commands");
}

fn files(world: &World, work: Work) {
    let (set, gungnir) = start_usual(world);
    gungnir.kill();
    let mut taps = Taps::open(world, &set, controller_address(1));
    gungnir.spawn();
    let mut number = 0;
    loop {
        number += 1;
        let master = named(&set, &gungnir);
        let round = round(&set, &gungnir, work, &master, &mut taps, |_| {
            Some(Tracer::attach(world, gungnir.process_id(), number))
        });
        world.report(&format!("{work:?}, before step {number} of its files: {}", round.report));
        if !round.killed {
            break;
        }
    }
    // At least the record's intent and outcome, and the endpoint, are each renamed.
    assert!(number > 3, "{work:?} takes {number} steps");
}

/// The controller works under clients, is killed or not, and another one comes.
fn round<'a>(
    set: &Set,
    gungnir: &Gungnir,
    work: Work,
    master: &Node,
    taps: &mut Taps<'a>,
    arm: impl FnOnce(&Taps<'a>) -> Option<Tracer>,
) -> Round {
    let mut trial = Trial::start(set, gungnir, &Load { plain: 2, ..Load::default() });
    let tracer = arm(taps);
    trial.fault(|| match work {
        Work::Failover => {
            // From now on its machine answers for it.
            taps.close(master);
            master.kill();
        }
        Work::Handover => {
            let _ = gungnir.switchover(None);
        }
    });
    let mut whole_since = None;
    wait_until("the controller is killed, or done", DEADLINE, || {
        let is_whole = || {
            let named = gungnir.named().map(|address| Arc::clone(set.at(address)));
            named.is_some_and(|named| named.number != master.number && set.is_whole_under(&named))
        };
        if !gungnir.runs() {
            return true;
        }
        whole_since = if is_whole() { whole_since.or(Some(Instant::now())) } else { None };
        whole_since.is_some_and(|since| since.elapsed() > SETTLED)
    });
    // What comes now is no part of the round: nobody is killed by it.
    drop(tracer);
    taps.disarm();
    let killed = !gungnir.runs();
    if killed {
        gungnir.kill();
        gungnir.spawn();
    }
    if !master.runs() {
        taps.reopen(master);
        master.start();
    }
    trial.settle();
    let report = trial.report();
    report.is_safe();
    if work == Work::Handover {
        assert_eq!(report.plain_lost, 0, "{report}");
    }
    gungnir.replay();
    Round { killed, report }
}

fn named(set: &Set, gungnir: &Gungnir) -> Arc<Node> {
    Arc::clone(set.at(gungnir.named().expect("a master")))
}

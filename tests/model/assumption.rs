//! What the rules rely on: a world without it, in which a property breaks, a row each.

use super::configuration::{BASE, Configuration, Disk, Faults, Start};
use super::event::Do;
use super::property::Property;

/// Something that is relied on, switched off.
pub struct Assumption {
    pub breaks: &'static [Property],
    pub configuration: Configuration,
}

const fn row(breaks: &'static [Property], configuration: Configuration) -> Assumption {
    Assumption { breaks, configuration }
}

const NONE: Faults = Faults::NONE;
const KILL: Faults = Faults { kills: 1, ..NONE };
const WHOLE: Configuration = Configuration { disk: Disk::Whole, ..BASE };

/// What is assumed of servers, of stores, and of what people ask for.
pub const ASSUMPTIONS: [Assumption; 10] = [
    row(
        &[Property::NeverWipedByEmptyMaster],
        Configuration {
            name: "servers start as replicas of nowhere",
            gate: false,
            disk: Disk::Empty,
            faults: KILL,
            ..BASE
        },
    ),
    row(
        &[Property::ResourceVersionConsistency],
        Configuration {
            name: "the store compares versions",
            versions: false,
            faults: Faults { takeovers: 1, ..KILL },
            late: true,
            ..WHOLE
        },
    ),
    row(
        &[Property::ServiceConsistency],
        Configuration {
            name: "the store compares versions",
            versions: false,
            faults: NONE,
            late: true,
            // What the first process writes of the Service arrives when another has moved it on.
            story: &[
                Do::Kill { node: 0, proven: true },
                Do::Step(0),
                Do::Land(0),
                Do::Step(0),
                Do::Arrive(0, 1),
                Do::Arrive(0, 2),
                Do::Step(0),
                Do::Arrive(0, 1),
                Do::Step(0),
                Do::Land(0),
                Do::Step(0),
                Do::TakeOver,
                Do::Rest,
                Do::Kill { node: 1, proven: true },
                Do::Rest,
            ],
            ..WHOLE
        },
    ),
    row(
        &[Property::NoAcknowledgedWriteLost],
        Configuration {
            name: "a new term shuts out the ones before at the servers",
            fence: false,
            faults: NONE,
            late: true,
            // What the first process has told node 0 arrives when another one has replaced node 1.
            story: &[
                Do::Isolate { node: 0, from_deciders: 1 },
                Do::Rest,
                Do::HealLinks,
                Do::HealSight,
                Do::Step(0),
                Do::Arrive(0, 0),
                Do::Step(0),
                Do::Land(0),
                Do::Step(0),
                Do::TakeOver,
                Do::Step(1),
                Do::Land(1),
                Do::Hang(1),
                Do::GiveUp(1, 1),
                Do::Wait,
            ],
            ..WHOLE
        },
    ),
    row(
        &[Property::EventuallyStableReconciliation],
        Configuration {
            name: "a command is done only by the run that it was sent to",
            runs: false,
            faults: NONE,
            late: true,
            start: Start::Unrecorded(2),
            // The promotion of node 0 is on its way when that one is made anew, without data.
            story: &[
                Do::Step(0),
                Do::Land(0),
                Do::Step(0),
                Do::Land(0),
                Do::Step(0),
                Do::CutOff(0, 0),
                Do::Kill { node: 0, proven: false },
                Do::Start { node: 0, keep: 0 },
                Do::HealSight,
            ],
            sample: 1,
            ..WHOLE
        },
    ),
    row(
        &[Property::AtMostOneMaster],
        Configuration {
            name: "writes wait for a replica (W = 0)",
            w: 0,
            faults: Faults { isolations: 1, ..NONE },
            ..WHOLE
        },
    ),
    row(
        &[Property::FailedNodeDetected],
        Configuration {
            name: "who is dead is silent for longer than downAfter",
            down_after_ms: 3_600_000,
            faults: KILL,
            sample: 1,
            ..WHOLE
        },
    ),
    row(
        &[Property::FailedMasterReplaced],
        Configuration {
            name: "failover is automatic",
            auto_failover: false,
            faults: KILL,
            sample: 1,
            ..WHOLE
        },
    ),
    row(
        &[Property::OldMasterRejoins],
        Configuration {
            name: "a server attaches where it is told to",
            attaches: false,
            faults: KILL,
            sample: 1,
            ..WHOLE
        },
    ),
    row(
        &[Property::EventuallyStableReconciliation],
        Configuration {
            name: "a set that nobody leads may be given its first master",
            may_appoint_first: false,
            start: Start::Unrecorded(2),
            faults: NONE,
            sample: 1,
            ..WHOLE
        },
    ),
];

/// What no rule can tell from the end of a process: it is out of the budget, and happens.
pub const OUT_OF_BUDGET: Assumption = row(
    &[Property::AtMostOneMaster],
    Configuration {
        name: "a firewall pretends an end while no replica is connected",
        faults: Faults { pretences: 1, ..NONE },
        story: &[Do::Reset(1), Do::Reset(2), Do::Wait],
        ..WHOLE
    },
);

//! What each rule is for: a world in which its loss breaks a property, a row a rule.

use gungnir::sentinel::{Policy, Rule};

use super::configuration::{BASE, Configuration, Disk, Faults, Start};
use super::event::Do;
use super::property::Property;

/// A rule, the properties that miss it, and a configuration in which that shows.
pub struct Ablation {
    pub rule: Rule,
    pub breaks: &'static [Property],
    pub configuration: Configuration,
}

const fn row(
    rule: Rule,
    breaks: &'static [Property],
    faults: Faults,
    configuration: Configuration,
) -> Ablation {
    Ablation { rule, breaks, configuration: Configuration { faults, ..configuration } }
}

const NONE: Faults = Faults::NONE;
const WHOLE: Configuration = Configuration { disk: Disk::Whole, ..BASE };

/// One row a rule, in the order of [`Rule::ALL`].
pub const ABLATIONS: [Ablation; 28] = [
    row(
        Rule::TakeOver,
        &[Property::LeaderElectionSafety],
        Faults { kills: 1, takeovers: 1, ..NONE },
        WHOLE,
    ),
    row(
        Rule::StepDown,
        &[Property::LeaderElectionSafety],
        Faults { kills: 1, takeovers: 1, ..NONE },
        Configuration { leases_overlap: true, ..WHOLE },
    ),
    row(
        Rule::StaleRecord,
        &[Property::NoAcknowledgedWriteLost],
        Faults { restores: 1, ..NONE },
        Configuration {
            story: &[
                Do::TakeOver,
                Do::Step(1),
                Do::Kill { node: 0, proven: true },
                Do::Step(1),
                Do::Step(1),
                Do::Step(1),
                Do::Step(1),
                Do::Step(1),
                Do::Start { node: 0, keep: 1 },
            ],
            ..WHOLE
        },
    ),
    row(Rule::Blind, &[Property::EveryRefusalHasAReason], Faults { losses: 3, ..NONE }, WHOLE),
    row(Rule::Witness, &[Property::NoDoubleFailover], Faults { losses: 1, ..NONE }, WHOLE),
    row(Rule::DeathWitness, &[Property::NoDoubleFailover], Faults { pretences: 1, ..NONE }, WHOLE),
    row(Rule::SameHome, &[Property::AtMostOneMaster], Faults { moves: 1, ..NONE }, WHOLE),
    row(
        Rule::SilenceElectsNobody,
        &[Property::AtMostOneMaster],
        Faults { kills: 1, isolations: 1, ..NONE },
        Configuration { nodes: 2, writes: 0, ..WHOLE },
    ),
    row(Rule::RecordFirst, &[Property::RecordBeforeAct], Faults { kills: 1, ..NONE }, WHOLE),
    row(
        Rule::FreezeFirst,
        &[Property::NoAcknowledgedWriteLost],
        Faults { isolations: 1, ..NONE },
        Configuration { late: true, ..WHOLE },
    ),
    row(
        Rule::WriterWindow,
        &[Property::AtMostOneMaster],
        Faults { promotions: 1, isolations: 1, ..NONE },
        WHOLE,
    ),
    row(
        Rule::Quorum,
        &[Property::NoAcknowledgedWriteLost, Property::PartitionSafety],
        Faults { kills: 1, losses: 1, ..NONE },
        WHOLE,
    ),
    row(
        Rule::ProvenDead,
        &[Property::PartitionSafety],
        Faults { isolations: 1, kills: 1, ..NONE },
        Configuration { policy: Policy::Availability, writes: 0, ..WHOLE },
    ),
    row(
        Rule::RestartedIsUnseen,
        &[Property::NoAcknowledgedWriteLost],
        Faults { kills: 2, ..NONE },
        BASE,
    ),
    row(
        Rule::SameHistory,
        &[Property::NoAcknowledgedWriteLost],
        Faults { kills: 1, ..NONE },
        Configuration {
            story: &[
                Do::Write(0),
                Do::Write(0),
                Do::Kill { node: 0, proven: true },
                Do::Step(0),
                Do::Step(0),
                Do::Step(0),
                Do::Step(0),
                Do::Step(0),
                Do::Start { node: 0, keep: 3 },
            ],
            writes: 3,
            ..WHOLE
        },
    ),
    row(
        Rule::EmptyNeverLeads,
        &[Property::NeverWipedByEmptyMaster],
        NONE,
        Configuration { start: Start::EmptyLeads, ..WHOLE },
    ),
    row(Rule::BaseOffset, &[Property::NoAcknowledgedWriteLost], Faults { kills: 2, ..NONE }, WHOLE),
    row(
        Rule::ConfirmPromotion,
        &[Property::NoAcknowledgedWriteLost],
        Faults { kills: 2, ..NONE },
        WHOLE,
    ),
    row(
        Rule::RecordHistory,
        &[Property::RecordBeforeAct],
        Faults { kills: 2, ..NONE },
        Configuration { w: 2, writes: 0, ..WHOLE },
    ),
    row(Rule::MemberFirst, &[Property::RecordBeforeAct], Faults { kills: 1, ..NONE }, WHOLE),
    row(
        Rule::HandoverEqual,
        &[Property::NoAcknowledgedWriteLost, Property::MasterHoldsNewestData],
        Faults { handovers: 1, ..NONE },
        WHOLE,
    ),
    row(Rule::FreezeOld, &[Property::RecordBeforeAct], Faults { handovers: 1, ..NONE }, WHOLE),
    row(
        Rule::DropShutOut,
        &[Property::NoAcknowledgedWriteLost],
        Faults { kills: 1, ..NONE },
        Configuration {
            story: &[
                Do::Isolate { node: 2, from_deciders: 1 },
                Do::Wait,
                Do::Wait,
                Do::Step(0),
                Do::Wait,
                Do::Step(0),
                Do::Step(0),
            ],
            ..WHOLE
        },
    ),
    row(
        Rule::DropAcknowledged,
        &[Property::NoAcknowledgedWriteLost],
        Faults { kills: 2, ..NONE },
        WHOLE,
    ),
    row(
        Rule::RaiseAcknowledged,
        &[Property::NoAcknowledgedWriteLost],
        Faults { kills: 1, losses: 1, ..NONE },
        Configuration {
            w: 2,
            story: &[
                Do::Cut(0, 1),
                Do::Cut(1, 0),
                Do::Wait,
                Do::Wait,
                Do::Step(0),
                Do::Wait,
                Do::Step(0),
                Do::Step(0),
                Do::HealLinks,
                Do::Sync(1),
            ],
            ..WHOLE
        },
    ),
    row(
        Rule::LowerRecorded,
        &[Property::NoAcknowledgedWriteLost],
        Faults { kills: 1, losses: 1, ..NONE },
        Configuration {
            w: 2,
            story: &[
                Do::Cut(0, 1),
                Do::Cut(1, 0),
                Do::Wait,
                Do::Wait,
                Do::Step(0),
                Do::Wait,
                Do::Step(0),
            ],
            ..WHOLE
        },
    ),
    row(
        Rule::OneWrite,
        &[Property::NoConcurrentUpdates],
        Faults { kills: 1, ..NONE },
        Configuration { late: true, steps_while_writing: true, ..WHOLE },
    ),
    row(
        Rule::OneCommand,
        &[Property::NoConcurrentUpdates],
        Faults { kills: 1, ..NONE },
        Configuration { late: true, ..WHOLE },
    ),
];

//! Why a condition is as it is, in one word: one table, with the condition of each.

use super::condition::ConditionType;

/// A reason, as programs read it. None is ever renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// All is as it should be.
    Running,
    /// No pod has been made yet.
    Creating,
    /// Pods are ready, and none is master yet.
    NoMaster,
    /// Some pods are not ready.
    PodsNotReady,
    /// A master that died is being replaced.
    Failover,
    /// A master is handing over.
    Switchover,
    /// Pods are restarted one after the other.
    Restarting,
    /// A request failed, and is tried again.
    Failing,
    /// Nothing is amiss.
    AsExpected,
    /// The spec is at fault.
    Invalid,
    /// An object belongs to somebody else.
    NameTaken,
    /// Git still has an object, and would delete it.
    StillInGit,
    /// The same field was repaired too often.
    RepairedTooOften,
    /// An apply would take fields of others.
    OwnedByOthers,
    /// A field was taken, and repaired.
    Repaired,
    /// The Secret lost its passwords.
    PasswordLost,
    /// The Secret holds no text.
    Unreadable,
    /// A Secret that the spec names, or its key, is not there.
    SecretMissing,
    /// A certificate is of no use.
    TlsUnusable,
    /// A pod finds no node.
    NoNode,
    /// A pod finds no image.
    NoImage,
    /// A pod lacks an object that it names.
    NoConfig,
    /// A container ends again and again.
    Crashes,
    /// The API server refuses what was sent.
    Refused,
    /// Volumes never shrink.
    VolumesCannotShrink,
    /// The class of the volumes does not let them grow.
    VolumesCannotGrow,
    /// The claim of a volume is being deleted while its pod uses it.
    ClaimDeleted,
    /// A version of Gungnir has changed the pods' template.
    TemplateChanged,
    /// Git does not apply all of the set yet.
    NotInGitYet,
    /// What is in Git would make smaller volumes.
    GitMakesSmallerVolumes,
    /// The API server does not serve a kind.
    KindNotServed,
    /// The schema that is served lacks fields.
    SchemaLacksFields,
    /// The cluster has fields that this operator lacks.
    OperatorLacksFields,
    /// The record is not to be understood.
    RecordUnreadable,
    /// The record names another operator's lease.
    ForeignLease,
    /// Too few members were seen by an election.
    NoQuorum,
    /// Too few replicas hold a write.
    TooFewReplicas,
    /// A server refuses a directive.
    ConfigRefused,
    /// People have stopped every change.
    Paused,
}

impl Reason {
    /// Its name, and the condition that it is the reason of; of those of a whole cluster, `Ready`.
    const fn row(self) -> (&'static str, ConditionType) {
        match self {
            Self::Running => ("Running", ConditionType::Ready),
            Self::Creating => ("Creating", ConditionType::Ready),
            Self::NoMaster => ("NoMaster", ConditionType::Ready),
            Self::PodsNotReady => ("PodsNotReady", ConditionType::Ready),
            Self::Failover => ("Failover", ConditionType::Ready),
            Self::Switchover => ("Switchover", ConditionType::Ready),
            Self::Restarting => ("Restarting", ConditionType::Ready),
            Self::Failing => ("Failing", ConditionType::Ready),
            Self::AsExpected => ("AsExpected", ConditionType::Degraded),
            Self::Invalid => ("Invalid", ConditionType::Invalid),
            Self::NameTaken => ("NameTaken", ConditionType::NameTaken),
            Self::StillInGit => ("StillInGit", ConditionType::NameTaken),
            Self::RepairedTooOften => ("RepairedTooOften", ConditionType::FieldConflict),
            Self::OwnedByOthers => ("OwnedByOthers", ConditionType::FieldConflict),
            Self::Repaired => ("Repaired", ConditionType::Drifted),
            Self::PasswordLost => ("PasswordLost", ConditionType::PasswordLost),
            Self::Unreadable => ("Unreadable", ConditionType::PasswordLost),
            Self::SecretMissing => ("SecretMissing", ConditionType::SecretMissing),
            Self::TlsUnusable => ("TlsUnusable", ConditionType::SecretMissing),
            Self::NoNode => ("NoNode", ConditionType::PodsBlocked),
            Self::NoImage => ("NoImage", ConditionType::PodsBlocked),
            Self::NoConfig => ("NoConfig", ConditionType::PodsBlocked),
            Self::Crashes => ("Crashes", ConditionType::PodsBlocked),
            Self::Refused => ("Refused", ConditionType::ImmutableChange),
            Self::VolumesCannotShrink => ("VolumesCannotShrink", ConditionType::ImmutableChange),
            Self::VolumesCannotGrow => ("VolumesCannotGrow", ConditionType::ImmutableChange),
            Self::ClaimDeleted => ("ClaimDeleted", ConditionType::VolumeTerminating),
            Self::TemplateChanged => ("TemplateChanged", ConditionType::RestartPending),
            Self::NotInGitYet => ("NotInGitYet", ConditionType::ReleasePending),
            Self::GitMakesSmallerVolumes => {
                ("GitMakesSmallerVolumes", ConditionType::ReleasePending)
            }
            Self::KindNotServed => ("KindNotServed", ConditionType::KindNotServed),
            Self::SchemaLacksFields => ("SchemaLacksFields", ConditionType::CrdOutdated),
            Self::OperatorLacksFields => ("OperatorLacksFields", ConditionType::CrdOutdated),
            Self::RecordUnreadable => ("RecordUnreadable", ConditionType::RecordUnreadable),
            Self::ForeignLease => ("ForeignLease", ConditionType::ManagedElsewhere),
            Self::NoQuorum => ("NoQuorum", ConditionType::DataLossPossible),
            Self::TooFewReplicas => ("TooFewReplicas", ConditionType::WritesRefused),
            Self::ConfigRefused => ("ConfigRefused", ConditionType::ConfigRefused),
            Self::Paused => ("Paused", ConditionType::Paused),
        }
    }

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The condition that holds for it.
    #[must_use]
    pub const fn condition(self) -> ConditionType {
        self.row().1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The last one: those before it are counted by their place.
    const LAST: Reason = Reason::Paused;

    const ALL: [Reason; 39] = [
        Reason::Running,
        Reason::Creating,
        Reason::NoMaster,
        Reason::PodsNotReady,
        Reason::Failover,
        Reason::Switchover,
        Reason::Restarting,
        Reason::Failing,
        Reason::AsExpected,
        Reason::Invalid,
        Reason::NameTaken,
        Reason::StillInGit,
        Reason::RepairedTooOften,
        Reason::OwnedByOthers,
        Reason::Repaired,
        Reason::PasswordLost,
        Reason::Unreadable,
        Reason::SecretMissing,
        Reason::TlsUnusable,
        Reason::NoNode,
        Reason::NoImage,
        Reason::NoConfig,
        Reason::Crashes,
        Reason::Refused,
        Reason::VolumesCannotShrink,
        Reason::VolumesCannotGrow,
        Reason::ClaimDeleted,
        Reason::TemplateChanged,
        Reason::NotInGitYet,
        Reason::GitMakesSmallerVolumes,
        Reason::KindNotServed,
        Reason::SchemaLacksFields,
        Reason::OperatorLacksFields,
        Reason::RecordUnreadable,
        Reason::ForeignLease,
        Reason::NoQuorum,
        Reason::TooFewReplicas,
        Reason::ConfigRefused,
        Reason::Paused,
    ];

    #[test]
    fn every_condition_is_told_by_the_readme_and_has_a_reason() {
        for (place, reason) in ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, place, "{reason:?}");
            assert!(ConditionType::is_one(reason.condition().name()), "{reason:?}");
        }
        assert_eq!(LAST as usize + 1, ALL.len(), "one is left out");
        let names: BTreeSet<&str> = ALL.into_iter().map(Reason::name).collect();
        assert_eq!(names.len(), ALL.len(), "two have one name");

        let whole = ["Ready", "Progressing", "Degraded", "Stalled"];
        let held = ALL.into_iter().map(|reason| reason.condition().name());
        let held: BTreeSet<&str> = held.filter(|name| !whole.contains(name)).collect();
        let readme = include_str!("../../README.md");
        let table = readme.split("| condition | ").nth(1).unwrap().split("\n\n").next().unwrap();
        let row = |line: &'static str| line.strip_prefix("| `")?.split('`').next();
        let told: Vec<&str> = table.lines().filter_map(row).collect();
        assert_eq!(told.len(), held.len(), "each has one row: {told:?}");
        assert_eq!(BTreeSet::from_iter(told), held);
    }
}

//! The conditions of a cluster, and what each means for the whole.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use k8s_openapi::jiff::Timestamp;

use super::reason::Reason;

/// The longest message that Kubernetes takes, in bytes.
const MAX_MESSAGE_BYTES: usize = 32_768;

/// The type of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConditionType {
    /// Every pod is ready and the master is known.
    Ready,
    /// What people ask for is not reached yet.
    Progressing,
    /// Something is not as it should be, though it may work.
    Degraded,
    /// Only people can help: kstatus takes the object for failed.
    Stalled,
    /// The spec is at fault.
    Invalid,
    /// A name that is needed belongs to somebody else.
    NameTaken,
    /// Somebody else writes a field of ours again and again.
    FieldConflict,
    /// A field of ours was taken, and repaired.
    Drifted,
    /// The passwords of pods that run are gone.
    PasswordLost,
    /// A Secret that the spec names is not there.
    SecretMissing,
    /// Pods cannot start.
    PodsBlocked,
    /// A change cannot be made to what exists.
    ImmutableChange,
    /// A volume goes with the pod that uses it.
    VolumeTerminating,
    /// Pods run with an older template, which only Gungnir itself changed.
    RestartPending,
    /// Objects are still the operator's, though Git is to have them.
    ReleasePending,
    /// A kind that the spec needs is not served.
    KindNotServed,
    /// The API server serves another schema than this version knows.
    CrdOutdated,
    /// `status.election` cannot be understood: somebody wrote it by hand, or a later version did.
    RecordUnreadable,
    /// Another operator claims this cluster.
    ManagedElsewhere,
    /// Acknowledged writes may have been lost.
    DataLossPossible,
    /// The master refuses writes.
    WritesRefused,
    /// A server does not take over what the spec sets it to.
    ConfigRefused,
    /// People have stopped every change.
    Paused,
}

impl ConditionType {
    /// Every one.
    const ALL: [Self; 23] = [
        Self::Ready,
        Self::Progressing,
        Self::Degraded,
        Self::Stalled,
        Self::Invalid,
        Self::NameTaken,
        Self::FieldConflict,
        Self::Drifted,
        Self::PasswordLost,
        Self::SecretMissing,
        Self::PodsBlocked,
        Self::ImmutableChange,
        Self::VolumeTerminating,
        Self::RestartPending,
        Self::ReleasePending,
        Self::KindNotServed,
        Self::CrdOutdated,
        Self::RecordUnreadable,
        Self::ManagedElsewhere,
        Self::DataLossPossible,
        Self::WritesRefused,
        Self::ConfigRefused,
        Self::Paused,
    ];

    /// Whether a condition of this name in the API is one of Gungnir's.
    #[must_use]
    pub fn is_one(name: &str) -> bool {
        Self::ALL.iter().any(|kind| kind.name() == name)
    }

    /// Its name in the API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ready => "Ready",
            Self::Progressing => "Progressing",
            Self::Degraded => "Degraded",
            Self::Stalled => "Stalled",
            Self::Invalid => "Invalid",
            Self::NameTaken => "NameTaken",
            Self::FieldConflict => "FieldConflict",
            Self::Drifted => "Drifted",
            Self::PasswordLost => "PasswordLost",
            Self::SecretMissing => "SecretMissing",
            Self::PodsBlocked => "PodsBlocked",
            Self::ImmutableChange => "ImmutableChange",
            Self::VolumeTerminating => "VolumeTerminating",
            Self::RestartPending => "RestartPending",
            Self::ReleasePending => "ReleasePending",
            Self::KindNotServed => "KindNotServed",
            Self::CrdOutdated => "CRDOutdated",
            Self::RecordUnreadable => "RecordUnreadable",
            Self::ManagedElsewhere => "ManagedElsewhere",
            Self::DataLossPossible => "DataLossPossible",
            Self::WritesRefused => "WritesRefused",
            Self::ConfigRefused => "ConfigRefused",
            Self::Paused => "Paused",
        }
    }

    /// Whether it stands there when it does not hold, too.
    #[must_use]
    pub const fn always_shown(self) -> bool {
        matches!(self, Self::Ready | Self::Progressing | Self::Degraded)
    }

    /// Whether nothing gets better by waiting while it holds.
    #[must_use]
    pub const fn stalls(self) -> bool {
        match self {
            Self::Invalid
            | Self::NameTaken
            | Self::FieldConflict
            | Self::PasswordLost
            | Self::RecordUnreadable
            | Self::ImmutableChange => true,
            Self::Ready
            | Self::Progressing
            | Self::Degraded
            | Self::Stalled
            | Self::Drifted
            | Self::SecretMissing
            | Self::PodsBlocked
            | Self::VolumeTerminating
            | Self::RestartPending
            | Self::ReleasePending
            | Self::KindNotServed
            | Self::CrdOutdated
            | Self::ManagedElsewhere
            | Self::DataLossPossible
            | Self::WritesRefused
            | Self::ConfigRefused
            | Self::Paused => false,
        }
    }

    /// Whether the cluster is less than it should be while it holds.
    #[must_use]
    pub const fn degrades(self) -> bool {
        match self {
            Self::Invalid
            | Self::NameTaken
            | Self::FieldConflict
            | Self::PasswordLost
            | Self::SecretMissing
            | Self::PodsBlocked
            | Self::ImmutableChange
            | Self::VolumeTerminating
            | Self::KindNotServed
            | Self::RecordUnreadable
            | Self::DataLossPossible
            | Self::WritesRefused
            | Self::ConfigRefused => true,
            Self::Ready
            | Self::Progressing
            | Self::Degraded
            | Self::Stalled
            | Self::Drifted
            | Self::RestartPending
            | Self::ReleasePending
            | Self::CrdOutdated
            | Self::ManagedElsewhere
            | Self::Paused => false,
        }
    }
}

/// Something that was found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Why, and so what.
    pub reason: Reason,
    /// In a sentence, with the cure.
    pub message: String,
}

impl Finding {
    /// The condition that holds.
    #[must_use]
    pub const fn kind(&self) -> ConditionType {
        self.reason.condition()
    }
}

/// A condition as it is written, of what was found; it keeps the time of its last change of status.
#[must_use]
pub fn condition(
    old: &[Condition],
    kind: ConditionType,
    finding: &Finding,
    holds: bool,
    generation: i64,
    now: Timestamp,
) -> Condition {
    let Finding { reason, message } = finding;
    let status = if holds { "True" } else { "False" };
    let before = old.iter().find(|old| old.type_ == kind.name() && old.status == status);
    let mut message = message.clone();
    while message.len() > MAX_MESSAGE_BYTES {
        message.pop();
    }
    // The API has whole seconds.
    let now = Timestamp::from_second(now.as_second()).unwrap_or(now);
    Condition {
        type_: kind.name().to_owned(),
        status: status.to_owned(),
        reason: reason.name().to_owned(),
        message,
        observed_generation: Some(generation),
        last_transition_time: before.map_or(Time(now), |old| old.last_transition_time.clone()),
    }
}

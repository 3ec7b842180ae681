//! The safety rules, by name.
//!
//! [`step`](super::step) runs under all of them. The model checker runs the same code with one of
//! them left out and shows what breaks: a rule that nothing misses is not worth its lines.

/// One safety rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Rule {
    /// The target is recorded before it is promoted.
    RecordFirst,
    /// Everybody who can be reached stops following the lost master before anybody is elected.
    FreezeFirst,
    /// Enough members are seen that each acknowledged write is held by one of them.
    Quorum,
    /// Only who holds the recorded history may win, and offsets compare on it alone.
    SameHistory,
    /// A node is recorded as a member before it is attached.
    MemberFirst,
    /// A member that restarted is not seen as a holder: it may have loaded older data.
    RestartedIsUnseen,
    /// A process that answers from another home proves no death: a pod that was deleted by force
    /// may still run.
    SameHome,
    /// Nobody wins who holds less than the lost master began with.
    BaseOffset,
    /// A target that is already master counts only if the election confirms it.
    ConfirmPromotion,
    /// A second promotion waits until the history of the first is recorded.
    RecordHistory,
    /// A new leader raises the term before it does anything else.
    TakeOver,
    /// Whoever sees a higher term than its own does nothing more.
    StepDown,
    /// A record that is older than what the nodes know elects nobody.
    StaleRecord,
    /// Promotion waits until the lost master must have stopped taking writes.
    WriterWindow,
    /// A refused connection proves a death only if no replica still has its link up.
    DeathWitness,
    /// A master that a replica still hears is not failed over.
    Witness,
    /// While nobody acknowledges, silence elects nobody.
    SilenceElectsNobody,
    /// When everybody is silent, it is this process that is cut off.
    Blind,
    /// A planned handover waits until the target has all that the held master has.
    HandoverEqual,
    /// The old master is frozen before the target is promoted.
    FreezeOld,
    /// A master without data never gets replicas that have some.
    EmptyNeverLeads,
    /// A member is dropped only when it cannot come back by itself.
    DropShutOut,
    /// A member is dropped, or its new run taken for it, only when others hold what it held.
    DropAcknowledged,
    /// W counts only when it was in force before the offset that W members acknowledged.
    RaiseAcknowledged,
    /// W is lowered in the record before it is lowered on the master.
    LowerRecorded,
    /// Without a quorum only who is proven dead is gone on without: silence proves nothing.
    ProvenDead,
    /// Nothing is decided while the record is being written.
    OneWrite,
    /// A node has one command under way.
    OneCommand,
}

impl Rule {
    /// All of them, in the order in which a failover meets them.
    pub const ALL: [Self; 28] = [
        Self::TakeOver,
        Self::StepDown,
        Self::StaleRecord,
        Self::Blind,
        Self::Witness,
        Self::DeathWitness,
        Self::SameHome,
        Self::SilenceElectsNobody,
        Self::RecordFirst,
        Self::FreezeFirst,
        Self::WriterWindow,
        Self::Quorum,
        Self::ProvenDead,
        Self::RestartedIsUnseen,
        Self::SameHistory,
        Self::EmptyNeverLeads,
        Self::BaseOffset,
        Self::ConfirmPromotion,
        Self::RecordHistory,
        Self::MemberFirst,
        Self::HandoverEqual,
        Self::FreezeOld,
        Self::DropShutOut,
        Self::DropAcknowledged,
        Self::RaiseAcknowledged,
        Self::LowerRecorded,
        Self::OneWrite,
        Self::OneCommand,
    ];
}

/// Which rules are in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rules(u32);

impl Rules {
    /// Every rule: what production runs under.
    pub const ALL: Self = Self(u32::MAX);

    /// All but one, for the model checker.
    #[must_use]
    pub const fn without(rule: Rule) -> Self {
        Self(!(1 << rule as u8))
    }

    /// Whether a rule is in force.
    #[must_use]
    pub const fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }
}

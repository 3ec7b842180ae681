//! What has to hold, by name. Every name is a row of the README's table.

/// A property that the checker looks after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Property {
    AtMostOneMaster,
    NoAcknowledgedWriteLost,
    MasterHoldsNewestData,
    ServiceConsistency,
    NoDoubleFailover,
    RecordBeforeAct,
    LeaderElectionSafety,
    PartitionSafety,
    ResourceVersionConsistency,
    NeverWipedByEmptyMaster,
    FailedNodeDetected,
    FailedMasterReplaced,
    EventuallyStableReconciliation,
    OldMasterRejoins,
    EveryRefusalHasAReason,
    NoConcurrentUpdates,
}

use Property::{
    AtMostOneMaster, EventuallyStableReconciliation, EveryRefusalHasAReason, FailedMasterReplaced,
    FailedNodeDetected, LeaderElectionSafety, MasterHoldsNewestData, NeverWipedByEmptyMaster,
    NoAcknowledgedWriteLost, NoConcurrentUpdates, NoDoubleFailover, OldMasterRejoins,
    PartitionSafety, RecordBeforeAct, ResourceVersionConsistency, ServiceConsistency,
};

/// Each property, its name, and what is looked at.
pub const PROPERTIES: [(Property, &str, &str); 16] = [
    (AtMostOneMaster, "atMostOneMaster", "no two nodes take writes at one instant"),
    (
        NoAcknowledgedWriteLost,
        "noAcknowledgedWriteLost",
        "the recorded master, when it leads, has every write that W replicas held",
    ),
    (
        MasterHoldsNewestData,
        "masterHoldsNewestData",
        "nobody who is seen holds more of the recorded history than who is promoted",
    ),
    (
        ServiceConsistency,
        "serviceConsistency",
        "the Service points to a master of its epoch, and never back",
    ),
    (
        NoDoubleFailover,
        "noDoubleFailover",
        "one master an epoch, and no failover of a master that a replica in sight hears",
    ),
    (
        RecordBeforeAct,
        "recordBeforeAct",
        "who is promoted is the recorded target and leaves a recorded history, who attaches is a \
         recorded member",
    ),
    (
        LeaderElectionSafety,
        "leaderElectionSafety",
        "only who has written the present term acts, and nobody who sees a higher one",
    ),
    (
        PartitionSafety,
        "partitionSafety",
        "who elects sees a member of every set that can have acknowledged a write; or says that \
         writes may be lost, and nobody of them lives unseen",
    ),
    (
        ResourceVersionConsistency,
        "resourceVersionConsistency",
        "a write of the record follows the version it was decided on; terms and epochs only grow",
    ),
    (
        NeverWipedByEmptyMaster,
        "neverWipedByEmptyMaster",
        "no node with data is synced from a master without",
    ),
    (
        FailedNodeDetected,
        "failedNodeDetected",
        "once it is connected, exactly the nodes that are dead are down to whoever decides",
    ),
    (
        FailedMasterReplaced,
        "failedMasterReplaced",
        "with what is dead left dead, a master takes writes, or a quorum is really missing",
    ),
    (
        EventuallyStableReconciliation,
        "eventuallyStableReconciliation",
        "with every fault healed, one master leads, all follow, and nothing more is done",
    ),
    (OldMasterRejoins, "oldMasterRejoins", "with every fault healed, the old master follows"),
    (
        EveryRefusalHasAReason,
        "everyRefusalHasAReason",
        "who does nothing says why, and says the right thing",
    ),
    (
        NoConcurrentUpdates,
        "noConcurrentUpdates",
        "a process has one write of the record under way, and one command a node",
    ),
];

impl Property {
    pub fn bit(self) -> u16 {
        1 << self as u8
    }

    pub fn name(self) -> &'static str {
        PROPERTIES[self as usize].1
    }
}

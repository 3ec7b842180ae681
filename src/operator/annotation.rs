//! The annotations by which people and the operator talk about one object.

/// An annotation under `valkey.verilean.io/`. What people write is never removed: what was served
/// is recorded elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Annotation {
    /// On a cluster, by people: `paused` stops every change of it.
    Reconcile,
    /// On a cluster, by people: a time; pods that started before it are restarted in order.
    Restart,
    /// On a cluster, by people: a pod that is to become master by a planned handover.
    SwitchoverTo,
    /// On a cluster, by people: a pod that is to be promoted although data may be lost.
    Promote,
    /// On a cluster, by people: a pod that serves no reads and does not lead until the annotation is
    /// gone.
    Fence,
    /// On a child, by the operator: the hash of the manifest that was applied.
    Applied,
    /// On the `StatefulSet`, by the operator: the generation of the spec that it was rendered from.
    Generation,
    /// On `N-client` and on volume claims, by the sentinel: the epoch.
    Epoch,
}

impl Annotation {
    /// The key.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Reconcile => "valkey.verilean.io/reconcile",
            Self::Restart => "valkey.verilean.io/restart",
            Self::SwitchoverTo => "valkey.verilean.io/switchover-to",
            Self::Promote => "valkey.verilean.io/promote",
            Self::Fence => "valkey.verilean.io/fence",
            Self::Applied => "valkey.verilean.io/applied",
            Self::Generation => "valkey.verilean.io/generation",
            Self::Epoch => "valkey.verilean.io/epoch",
        }
    }
}

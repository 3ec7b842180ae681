//! How long everything that acts by itself takes.

use super::link::Lag;

/// What acts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    StatefulSets,
    Endpoints,
    Collector,
    Claims,
    Budgets,
    Scheduler,
    Nodes,
    /// A kubelet that hears of a pod's beginning or end.
    Kubelet,
}

/// How long everything takes.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long after a change its actor looks; very long for one that is away.
    pub lags: [(Actor, Lag); 8],
    /// From a pod that a node has to its sandbox with an address.
    pub sandbox: Lag,
    /// From there, or from the end of the backoff, to the process.
    pub container: Lag,
    /// How long a container waits whose Secret or ConfigMap is not as it has to be.
    pub config_retry: Lag,
    /// How long a pod that was deleted by force still runs.
    pub forced_end: Lag,
    /// How long a node may be silent before it is unreachable.
    pub node_patience: Lag,
    /// Whether a volume is on the node of its first pod.
    pub local_volumes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            lags: [
                (Actor::StatefulSets, Lag::ms(5, 100)),
                (Actor::Endpoints, Lag::ms(5, 200)),
                (Actor::Collector, Lag::ms(50, 1000)),
                (Actor::Claims, Lag::ms(5, 200)),
                (Actor::Budgets, Lag::ms(5, 100)),
                (Actor::Scheduler, Lag::ms(1, 50)),
                (Actor::Nodes, Lag::ms(1, 100)),
                (Actor::Kubelet, Lag::ms(1, 100)),
            ],
            sandbox: Lag::ms(200, 1000),
            container: Lag::ms(100, 500),
            config_retry: Lag::ms(2_000, 12_000),
            forced_end: Lag::ms(1_000, 30_000),
            node_patience: Lag::ms(40_000, 45_000),
            local_volumes: false,
        }
    }
}

impl Settings {
    pub fn lag(&self, actor: Actor) -> Lag {
        let found = self.lags.iter().find(|(own, _)| *own == actor);
        found.map_or(Lag::ms(0, 0), |(_, lag)| *lag)
    }
}

//! What a change does to a running cluster, from nothing to lost data.

use std::fmt;
use std::str::FromStr;

/// The worst that a change does, from harmless to worst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Impact {
    /// No server notices.
    #[default]
    None,
    /// Running servers, or the operator, take it over.
    Reload,
    /// Every pod restarts, one at a time; the master is handed over first.
    RollingRestart,
    /// The master goes away, or its traffic moves, without a handover.
    Failover,
    /// An object is deleted and made again.
    Recreate,
    /// Data that nothing else holds is deleted or out of reach.
    DataLoss,
}

impl Impact {
    /// Every impact, the harmless one first.
    pub const ALL: [Self; 6] = [
        Self::None,
        Self::Reload,
        Self::RollingRestart,
        Self::Failover,
        Self::Recreate,
        Self::DataLoss,
    ];

    /// Its name in reports and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Reload => "reload",
            Self::RollingRestart => "rolling-restart",
            Self::Failover => "failover",
            Self::Recreate => "recreate",
            Self::DataLoss => "data-loss",
        }
    }
}

impl fmt::Display for Impact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A word that names no impact.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no impact: expected none, reload, rolling-restart, failover, recreate or data-loss"
)]
pub struct UnknownImpact(String);

impl FromStr for Impact {
    type Err = UnknownImpact;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|impact| impact.name() == name);
        found.ok_or_else(|| UnknownImpact(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impacts_rise_and_are_read_back_by_name() {
        assert!(Impact::ALL.is_sorted());
        for impact in Impact::ALL {
            assert_eq!(impact.to_string().parse(), Ok(impact));
        }
        assert_eq!(
            "restart".parse::<Impact>().unwrap_err().to_string(),
            "`restart` is no impact: expected none, reload, rolling-restart, failover, recreate or data-loss"
        );
    }
}

//! What came of a scenario in which nobody writes: how long something took, and what it cost.

use std::fmt;
use std::time::{Duration, Instant};

use crate::audit::Audit;
use crate::figures::seconds;

/// What took how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Took {
    /// What was waited for.
    pub what: &'static str,
    /// How long.
    pub time: Duration,
    /// Requests of the operator that changed something meanwhile; `None` where nobody counts them.
    pub api_writes: Option<usize>,
}

impl Took {
    /// Measures what is done until then.
    pub fn until<T>(what: &'static str, act: impl FnOnce() -> T) -> (Self, T) {
        let (audit, began) = (Audit::start(), Instant::now());
        let done = act();
        let time = began.elapsed();
        (Self { what, time, api_writes: audit.map(|audit| audit.writes()) }, done)
    }

    /// The requests as people read them.
    pub fn writes(&self) -> String {
        self.api_writes.map_or_else(|| "–".to_owned(), |writes| writes.to_string())
    }
}

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} after {}, API writes {}", self.what, seconds(self.time), self.writes())
    }
}

//! What an operator takes from its surroundings beside the API server: the way to servers, and the
//! time of day.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::valkey::Network;

/// The surroundings. By default those of the process; a test brings its own.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// The way to the servers.
    pub network: Network,
    /// The time of day.
    pub clock: WallClock,
}

/// The time of day: for people, and for what other machines wrote. How long something took is the
/// matter of [`Instant`].
#[derive(Debug, Clone, Copy, Default)]
pub enum WallClock {
    /// The system's.
    #[default]
    System,
    /// It was that time at that instant, and goes on with the runtime's clock.
    Since(Timestamp, Instant),
}

impl WallClock {
    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Since(then, at) => {
                let passed = SignedDuration::try_from(at.elapsed()).unwrap_or(SignedDuration::MAX);
                then.checked_add(passed).unwrap_or(Timestamp::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_goes_on_with_the_clock_of_the_runtime() {
        let then: Timestamp = "2026-01-31T23:59:59Z".parse().unwrap();
        let clock = WallClock::Since(then, Instant::now());
        assert_eq!(clock.now(), then);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!(clock.now().to_string(), "2026-02-01T00:00:00.5Z");
    }
}

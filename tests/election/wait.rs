//! Waiting for something to come true.

use std::time::Duration;
use std::time::Instant;

use tokio::time::sleep;

/// How long anything may take on a machine that is busy with other tests.
pub const DEADLINE: Duration = Duration::from_secs(60);
/// How often it is looked at.
const POLL_PERIOD: Duration = Duration::from_millis(10);

/// Waits until `holds`, and says how long that took.
///
/// # Panics
/// When it does not in time; `what` says what was waited for, `now` how it is instead.
pub async fn until(
    what: &str,
    mut holds: impl AsyncFnMut() -> bool,
    now: impl AsyncFn() -> String,
) -> Duration {
    let began = Instant::now();
    while !holds().await {
        let late = began.elapsed() > DEADLINE;
        assert!(!late, "{what}: not within {DEADLINE:?}; it is\n{}", now().await);
        sleep(POLL_PERIOD).await;
    }
    began.elapsed()
}

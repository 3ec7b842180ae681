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
    let (mut looks, mut slowest) = (0_u32, Duration::ZERO);
    loop {
        let looked = Instant::now();
        if holds().await {
            return began.elapsed();
        }
        (looks, slowest) = (looks + 1, slowest.max(looked.elapsed()));
        if began.elapsed() > DEADLINE {
            let now = now().await;
            panic!(
                "{what}: not within {DEADLINE:?}, in {looks} looks, the slowest {slowest:?}\n{now}"
            );
        }
        sleep(POLL_PERIOD).await;
    }
}

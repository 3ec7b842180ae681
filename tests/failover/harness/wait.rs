//! Conditions with deadlines: the only way in which a scenario waits.

use std::thread;
use std::time::Duration;
use std::time::Instant;

/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(10);

/// Looks until there is something to see, and answers it.
///
/// # Panics
/// When there is nothing within `limit`; `what` says what was waited for.
#[track_caller]
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
        thread::sleep(PERIOD);
    }
}

/// Looks until it is true.
///
/// # Panics
/// When it is not within `limit`.
#[track_caller]
pub fn wait_until(what: &str, limit: Duration, mut holds: impl FnMut() -> bool) {
    wait_for(what, limit, || holds().then_some(()));
}

/// Watches that it stays true for all of `span`: for what must not happen.
///
/// # Panics
/// When it is false once.
#[track_caller]
pub fn stays(what: &str, span: Duration, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while began.elapsed() < span {
        assert!(holds(), "no more after {:?}: {what}", began.elapsed());
        thread::sleep(PERIOD);
    }
}

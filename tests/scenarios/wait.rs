//! Conditions with deadlines: the only way in which a scenario waits.

use std::thread;
use std::time::{Duration, Instant};

/// How long anything may take on a machine that is busy with other things.
pub const DEADLINE: Duration = Duration::from_secs(120);
/// How often a condition is looked at.
const PERIOD: Duration = Duration::from_millis(50);

/// Looks until there is something to see, and gives it.
///
/// # Panics
/// When there is nothing within `limit`, with why not.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<T, String>) -> T {
    let began = Instant::now();
    loop {
        match look() {
            Ok(found) => return found,
            Err(why) => assert!(began.elapsed() < limit, "not within {limit:?}: {what}: {why}"),
        }
        thread::sleep(PERIOD);
    }
}

/// Watches that it stays so for all of `span`: for what must not happen.
///
/// # Panics
/// When it is not so once.
#[track_caller]
pub fn stays(what: &str, span: Duration, mut look: impl FnMut() -> Result<(), String>) {
    let began = Instant::now();
    while began.elapsed() < span {
        if let Err(why) = look() {
            panic!("no more after {:?}: {what}: {why}", began.elapsed());
        }
        thread::sleep(PERIOD);
    }
}

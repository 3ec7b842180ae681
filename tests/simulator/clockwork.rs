//! The runtime of a run: one thread, virtual time, and every chance from the seed.

use tokio::runtime::Builder;
use tokio::task::LocalSet;

/// Runs a story in virtual time: when nobody has anything to do, it is the time of who waits next.
///
/// Which branch of a `select!` is looked at first is a chance of the runtime's. It follows from the
/// seed where tokio lets it (`--cfg tokio_unstable`, which `tests/run simulator` sets).
pub fn simulate<T>(seed: u64, story: impl Future<Output = T>) -> T {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true);
    #[cfg(tokio_unstable)]
    builder.rng_seed(tokio::runtime::RngSeed::from_bytes(&seed.to_le_bytes()));
    #[cfg(not(tokio_unstable))]
    let _ = seed;
    LocalSet::new().block_on(&builder.build().unwrap(), story)
}

//! The simulator's servers against real ones: the same script on both, and the same transcript.
//!
//! ```text
//! scripts ─▶ Stage ─▶ simulated (virtual time) ─▶ Transcript ┐
//!              └────▶ real (processes, SIGKILL …) ─▶ Transcript ┴─▶ compared line by line
//! ```
//!
//! Ids become symbols and ports become servers; offsets are compared to the byte, for masters here
//! are told not to ping. What is known to differ is in `transcript::NOT_COMPARED`, with its reason.
//! What never happens here: an expected value that somebody wrote down.
#![allow(clippy::expect_used, clippy::unwrap_used, missing_docs)]

#[allow(dead_code)]
#[path = "../simulator/chance.rs"]
mod chance;
#[allow(dead_code)]
#[path = "../simulator/network/mod.rs"]
mod network;
#[allow(dead_code)]
#[path = "../support/valkey.rs"]
mod support;
#[allow(dead_code)]
#[path = "../simulator/trace.rs"]
mod trace;
#[allow(dead_code)]
#[path = "../simulator/valkey/mod.rs"]
mod valkey;

mod real;
mod scripts;
mod simulated;
mod stage;
mod transcript;

use stage::Stage;
use transcript::Transcript;

/// Plays a script on both stages and compares what came of it.
fn compare(script: fn(&mut Transcript<'_>)) {
    let play = |stage: &mut dyn Stage| {
        let mut transcript = Transcript::new(stage);
        script(&mut transcript);
        transcript.lines()
    };
    let simulated = play(&mut simulated::Simulated::new());
    let real = play(&mut real::Real::new());
    let lines = real.iter().zip(&simulated);
    let differing: Vec<String> = lines
        .filter(|(real, simulated)| real != simulated)
        .map(|(real, simulated)| format!("real      {real}\nsimulated {simulated}"))
        .collect();
    assert!(
        differing.is_empty() && real.len() == simulated.len(),
        "{}\n\nof\n{}",
        differing.join("\n"),
        real.join("\n")
    );
}

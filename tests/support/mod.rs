//! What several test files need. Each of them uses a part.
#![allow(clippy::expect_used, clippy::unwrap_used, dead_code)]

pub mod answers;
pub mod container;
pub mod fields;
pub mod folder;
pub mod looks;
pub mod network;
pub mod rule_cases;
pub mod run;
pub mod stream;
pub mod valkey;

//! What several test files need. Each of them uses a part.
#![allow(clippy::expect_used, clippy::unwrap_used, dead_code)]

pub mod answers;
pub mod container;
pub mod folder;
pub mod looks;
pub mod network;
pub mod readme;
pub mod rule_cases;
pub mod run;
pub mod spec_fields;
pub mod stream;
pub mod update;
pub mod valkey;

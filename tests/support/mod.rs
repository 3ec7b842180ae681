//! What several test files need. Each of them uses a part.
#![allow(dead_code)]

pub mod container;
pub mod run;
pub mod valkey;

//! Whatever a server sends, through the very edge that a connection uses; no sockets.
//!
//! ```text
//! seed ─ tree ─▶ bytes (whole, spoilt or random), cut anywhere ─ Connection ─▶ answers or Lost
//!                  └────────────── reference reader ──────────────▶ must agree
//! ```
//!
//! A million replies and more a run. What never happens here: a clock that is waited for, or a
//! failure without the seed that makes it again.

#![allow(clippy::expect_used, clippy::unwrap_used)]

#[path = "valkey_replies/arbitrary.rs"]
mod arbitrary;
#[path = "valkey_replies/hostile.rs"]
mod hostile;
#[path = "valkey_replies/reference.rs"]
mod reference;
#[path = "valkey_replies/script.rs"]
mod script;
#[path = "valkey_replies/seed.rs"]
mod seed;

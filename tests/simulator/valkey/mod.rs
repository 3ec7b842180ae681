//! Valkey servers that exist in virtual time, as far as Gungnir, its clients and its replicas can
//! tell them from real ones.
//!
//! ```text
//! Fleet ─ start, kill, stop, terminate, cut ─▶ House ─ Event ─▶ Server ─ answers, stream ─▶ Wire
//!   └─ network(ip) ─▶ gungnir::valkey::Network      └─ Volume: what outlives a process
//! ```
//!
//! Clients speak RESP2 in bytes; servers speak to each other in messages whose lengths are those of
//! the bytes, so that offsets are a real server's. `compare` runs one script against these and
//! against real servers. What never happens here: a decision about who leads, a thread, or chance
//! that does not come from the seed.

mod administration;
mod answers;
mod client;
mod command;
mod directives;
mod downstream;
mod fleet;
mod history;
mod info;
mod journal;
mod known;
mod look;
mod persist;
mod resp;
mod room;
mod server;
mod session;
mod settings;
mod standstill;
mod stream;
mod upstream;
mod users;
mod volume;

#[allow(unused_imports, reason = "one target compares, the other does not")]
pub use client::{Client, reply_bytes, shown};
pub use fleet::Fleet;
pub use look::Look;
pub use room::{Exit, Pace};
#[allow(unused_imports, reason = "one target judges, the other does not")]
pub use standstill::Standstill;
pub use volume::Volume;

#[cfg(test)]
mod tests;

//! Links between hosts, in memory and in virtual time: what TCP and two kernels make of them.
//!
//! ```text
//! Link (the operator's or a client's end) ◀─▶ Wire: paths, hosts, connections ◀─▶ a process's end
//!                                              └─ next() ─▶ Event: an end is ready, a timer is due
//! ```
//!
//! Order within a connection is kept. A packet on a path that is cut is held and sent again as TCP
//! does, with its backoff, so that what was sent before a cut arrives after it. A process's end is
//! told apart from its process: a kernel goes on accepting for one that is stopped, and says FIN or
//! RST for one that was killed. What never happens here: a socket, a task of a connection's own, or
//! a look at what the bytes mean.

mod connection;
mod delivery;
mod path;
mod pipe;
#[cfg(test)]
mod tests;
mod wire;

pub use connection::{EndId, Ended, Frame};
pub use pipe::{Ground, Way};
pub use wire::{Event, ProcessId, Wire};

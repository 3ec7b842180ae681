//! Answers Valkey Sentinel's own protocol, so that the clients written for it find the master.
//!
//! ```text
//! Publisher ─ Directory, then Event ─▶ Feed ─▶ Server ─ a task a client ─▶ connection
//!                                                                            │ bytes
//!        request (guard, codec) ─▶ session ─ command table ─▶ reply ◀────────┘
//! ```
//!
//! Whoever decides about masters publishes what is so ([`Directory`]) and what has happened
//! ([`Event`]) through a [`Publisher`]; the [`Server`] reads. A client that hears `+switch-master`
//! and then asks gets the new address: [`Publisher::publish`] changes the directory first.
//!
//! Whatever bytes come in, a client costs bounded memory ([`limits`]) and nobody else any time: it
//! is read only while its replies are taken, and closed when it takes its messages too slowly.
//!
//! **Never here:** a decision about a master, a connection to a server, a write of any kind but
//! the wish for a handover, which somebody else grants or not.

mod about;
mod announce;
mod client;
mod command;
mod config;
mod connection;
mod directory;
mod edge;
mod error;
mod event;
mod feed;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod fuzz;
mod glob;
mod handover;
mod info;
mod inline;
mod instance;
pub mod limits;
mod pubsub;
mod refusal;
mod reply;
mod request;
mod sentinel;
mod server;
mod session;
mod shared;

pub use announce::Announcer;
pub use config::{Config, Secret};
pub use directory::{Directory, FailoverState, Flag, Instance, ReplicaState, Role, Set, SetName};
pub use error::ServerError;
pub use event::{Address, Event, Happening, Subject};
pub use feed::{Feed, Publisher};
pub use handover::{HandoverReply, HandoverRequest};
pub use server::{Server, serve};

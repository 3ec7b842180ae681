//! One Valkey server as a client sees it: how to reach it, what it says, what it can be told.
//!
//! ```text
//! Dial ─ Connection::open ─▶ Connection ─ request([Command]) ─▶ [Value | ErrorReply] ─▶ Info, Role…
//!                                 └─ closed() ─▶ Fin | Reset
//! ```
//!
//! A server may be hostile or broken: whatever it sends costs one [`Connection`], and memory up to
//! [`MAX_REPLY_BYTES`] at a time. A connection has no task of its own, so thousands are watched from
//! one thread. What never happens here: a decision, a retry, a second command that nobody asked for,
//! a log line; and no secret reaches an error or a `Debug`.

mod address;
mod command;
mod config;
mod connection;
mod dial;
mod error_reply;
mod id;
mod info;
mod lost;
mod network;
mod open;
mod reply;
mod role;
mod scan;
mod secret;
mod stream;
mod tls;
mod transaction;
mod users;

pub use address::{Address, AddressError};
pub use command::Command;
pub use config::{ConfigError, ServerConfig, values};
pub use connection::{Answer, Connection};
pub use dial::{Credentials, Dial};
pub use error_reply::ErrorReply;
pub use id::{Id, IdError};
pub use info::{Follower, Info, InfoError, Link, Mode, Replica, Replication, Role};
pub use lost::{Closed, Lost};
pub use network::{Connect, Connecting, Network, Pipe, Transport};
pub use open::{OpenError, Stage};
pub use reply::{ReplyError, bytes, info_bytes};
pub use role::{LinkState, RoleReplica, RoleReply};
pub use scan::{MAX_REPLY_BYTES, MAX_REPLY_DEPTH, MAX_REPLY_VALUES, Malformed, TooLarge};
pub use secret::Secret;
pub use stream::Stream;
pub use tls::{TlsConfigError, client_config};
pub use transaction::{Transaction, TransactionError};
pub use users::{AclRule, User};

//! How much one client, and all of them, may cost.
//!
//! An idle client has no buffer: its task, its name and its subscriptions stay within
//! [`IDLE_CLIENT_BYTES`], beside its socket and what TLS keeps. A busy one adds at most one request
//! and one read ([`MAX_REQUEST_BYTES`] and 4 KiB), and what it has not taken of its replies: until
//! [`OUTPUT_HIGH_WATER_BYTES`] and one reply wait nothing more is read, events end at the limits of
//! the [`Config`](super::Config). All that waits is at most its `total_output_limit_bytes`, and
//! [`FREE_OUTPUT_BYTES`] for each client.

use std::time::Duration;

/// What an idle client without TLS costs at most, beside its socket (4 KiB), when its name and
/// subscriptions are as short as usual ones.
pub const IDLE_CLIENT_BYTES: usize = 4 << 10;

/// The most bytes of one request (16 KiB).
pub const MAX_REQUEST_BYTES: usize = 16 << 10;

/// The most bytes of one request before the client has signed in (1 KiB).
pub const MAX_REQUEST_BYTES_BEFORE_AUTH: usize = 1 << 10;

/// The most words of one request.
pub const MAX_ARGUMENTS: usize = 64;

/// The most channels and patterns of one client.
pub const MAX_SUBSCRIPTIONS: usize = 128;

/// The most bytes that all channels and patterns of one client have together.
pub const MAX_SUBSCRIPTION_BYTES: usize = 4 << 10;

/// The most bytes of a client's name, and of the name and version of its library, each.
pub const MAX_NAME_BYTES: usize = 256;

/// The wrong passwords after which a connection is closed.
pub const MAX_WRONG_PASSWORDS: u8 = 8;

/// The events that a client may be behind before it is closed; it then asks anew.
pub const MAX_EVENTS_BEHIND: usize = 1024;

/// No request is read while this many bytes of replies wait for the client (64 KiB).
pub const OUTPUT_HIGH_WATER_BYTES: usize = 64 << 10;

/// What may wait for a client however much waits for all others (4 KiB).
pub const FREE_OUTPUT_BYTES: usize = 4 << 10;

/// How long a TLS handshake may take.
pub const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);

/// How long a client may take to sign in, where there is a password.
pub const AUTH_DEADLINE: Duration = Duration::from_secs(30);

/// How long a request that has begun may take to arrive.
pub const REQUEST_DEADLINE: Duration = Duration::from_secs(30);

/// How long a client may leave what is sent to it without taking a byte.
pub const WRITE_DEADLINE: Duration = Duration::from_secs(10);

/// How long a wish for a handover waits for its answer.
pub const HANDOVER_DEADLINE: Duration = Duration::from_secs(10);

/// How long nobody is accepted after the machine ran out of descriptors or memory.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

//! What goes wrong with a control socket.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a control socket cannot be listened on, or gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// There is something else in its place.
    #[error("`{path}` is there already and is no socket; name another place with `--control FILE`")]
    NotASocket {
        /// The socket's path.
        path: PathBuf,
    },
    /// Another process answers there.
    #[error(
        "another process listens at `{path}`; is it a `gungnir sentinel`? Each needs a socket of \
         its own: name another place with `--control FILE`"
    )]
    Taken {
        /// The socket's path.
        path: PathBuf,
    },
    /// It cannot be made.
    #[error("cannot listen at `{path}`; `--control FILE` names another place")]
    Listen {
        /// The socket's path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no socket, or no process behind it.
    #[error("nobody listens at `{path}`: is `gungnir sentinel` running with that endpoint file?")]
    NobodyListens {
        /// The socket's path.
        path: PathBuf,
        /// How that is known.
        source: io::Error,
    },
    /// It cannot be connected to.
    #[error("cannot ask at `{path}`")]
    Connect {
        /// The socket's path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The connection ended without an answer.
    #[error("the process that listens at `{path}` ended before it answered")]
    Ended {
        /// The socket's path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The answer did not come in time.
    #[error("no answer from `{path}` within {} s", limit.as_secs_f64())]
    Late {
        /// The socket's path.
        path: PathBuf,
        /// How long it was waited for.
        limit: Duration,
    },
    /// The answer is none, or none that this release knows.
    #[error("what `{path}` answers is not understood; is it a `gungnir sentinel` of this release?")]
    NotUnderstood {
        /// The socket's path.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The answer is too long to be one.
    #[error("what `{path}` answers is longer than {limit_bytes} bytes")]
    TooLong {
        /// The socket's path.
        path: PathBuf,
        /// The limit.
        limit_bytes: u64,
    },
}

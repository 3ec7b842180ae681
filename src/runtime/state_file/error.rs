//! Why a state file cannot be used, with the cure.

use std::io;
use std::path::PathBuf;

/// Why a state file cannot be used. Nothing has been changed then, neither here nor on a server.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It, or its folder, cannot be reached or read.
    #[error("cannot use the state file `{path}`")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The lock beside it cannot be taken.
    #[error("cannot lock `{lock}`")]
    CannotLock {
        /// The lock.
        lock: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Another process decides by it.
    #[error(
        "the state file `{path}` is in use by {holder}; end that one first, or give each set a \
         file of its own"
    )]
    Locked {
        /// The file.
        path: PathBuf,
        /// Who.
        holder: String,
    },
    /// The endpoint file cannot be one.
    #[error("cannot use the endpoint file `{path}`")]
    Endpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It ends in the middle, or is not JSON at all.
    #[error(
        "{path}:{line}:{column}: the state file is not whole: {cause}; put a copy of it in its \
         place, or move it away while one master leads: then that one is adopted"
    )]
    NotJson {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
        /// What is there.
        cause: String,
    },
    /// It is JSON, but does not say what a state file says.
    #[error(
        "{path}:{line}:{column}: the state file says what this version does not know: {cause}; \
         undo what was edited, or move the file away while one master leads: then that one is \
         adopted"
    )]
    Content {
        /// The file.
        path: PathBuf,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
        /// What is wrong.
        cause: String,
    },
    /// A later release wrote it.
    #[error(
        "the state file `{path}` is of version {found}, and this gungnir knows version {known}; \
         run the release that wrote it, or a later one"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The latest that is known.
        known: u64,
    },
    /// It belongs to a set of another name.
    #[error(
        "the state file `{path}` belongs to the set `{found}`, not to `{expected}`; name that set, \
         or another file"
    )]
    AnotherName {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// Whose it should be.
        expected: String,
    },
    /// Its nodes are not those that were named.
    #[error(
        "the state file `{path}` is about other nodes: {difference}; name the same nodes, in any \
         order, or another file"
    )]
    AnotherSet {
        /// The file.
        path: PathBuf,
        /// Which are missing and which are new.
        difference: String,
    },
    /// It says what can never have been true.
    #[error(
        "the state file `{path}` contradicts itself: {cause}; undo what was edited, or move the \
         file away while one master leads: then that one is adopted"
    )]
    Impossible {
        /// The file.
        path: PathBuf,
        /// What.
        cause: String,
    },
}

impl StateError {
    /// Whether what people gave is at fault, rather than a disk or another process.
    #[must_use]
    pub fn is_input(&self) -> bool {
        match self {
            Self::NotJson { .. }
            | Self::Content { .. }
            | Self::Newer { .. }
            | Self::AnotherName { .. }
            | Self::AnotherSet { .. }
            | Self::Impossible { .. } => true,
            Self::Unreadable { .. }
            | Self::CannotLock { .. }
            | Self::Locked { .. }
            | Self::Endpoint { .. } => false,
        }
    }
}

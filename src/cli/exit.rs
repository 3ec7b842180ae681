//! How a command ends.

use std::fmt;
use std::io;
use std::process::ExitCode;

use crate::input::Report;

/// How a command ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Done, or nothing differs.
    Done,
    /// Something differs.
    Differs,
    /// A `--fail-on` gate was hit.
    GateHit,
}

impl Outcome {
    /// 0, 1 or 4.
    pub(super) fn code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Differs => ExitCode::from(1),
            Self::GateHit => ExitCode::from(4),
        }
    }
}

/// Why a command did not do its work.
#[derive(Debug)]
pub(super) enum Failure {
    /// People's files are at fault, each fault at its place.
    Input(Box<Report>),
    /// The command line, or the input as a whole, is at fault.
    Usage(anyhow::Error),
    /// A file, a folder or another program could not be used.
    Io(anyhow::Error),
    /// The reader of stdout has gone: what it wanted, it has.
    ClosedPipe,
}

impl Failure {
    /// 2 for what the caller can mend in the input, 3 for the rest.
    pub(super) fn code(&self) -> ExitCode {
        match self {
            Self::Input(_) | Self::Usage(_) => ExitCode::from(2),
            Self::Io(_) => ExitCode::from(3),
            Self::ClosedPipe => ExitCode::SUCCESS,
        }
    }

    /// A usage fault from a sentence.
    pub(super) fn usage(message: impl fmt::Display) -> Self {
        Self::Usage(anyhow::anyhow!("{message}"))
    }

    /// What went wrong with a file, and which.
    pub(super) fn io(error: io::Error, what: impl fmt::Display) -> Self {
        Self::Io(anyhow::Error::new(error).context(what.to_string()))
    }

    /// What went wrong while writing to stdout or stderr.
    pub(super) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ClosedPipe
        } else {
            Self::io(error, "cannot write the output")
        }
    }
}

//! How a connection ends.

use std::io;

use tokio_rustls::rustls;

use super::scan::{Malformed, ScanError, TooLarge};

/// Why a connection can no longer be used. It stays so: a new one has to be opened.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Lost {
    /// The server ended the connection in order (FIN).
    #[error("the server closed the connection")]
    Closed,
    /// The connection was reset (RST): by the server, or by something in between.
    #[error("the connection was reset")]
    Reset,
    /// No whole answer came in time.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The answer is beyond a bound.
    #[error("the server's reply is too large: {0}")]
    TooLarge(TooLarge),
    /// The answer is none.
    #[error("the server's reply cannot be read: {0}")]
    Malformed(Malformed),
    /// The server sent more than it was asked for.
    #[error("the server sent something that nobody asked for")]
    Unasked,
    /// A request was given up before its answer was there, so the next answer would be taken for
    /// its own.
    #[error("an earlier request was given up half-way")]
    Abandoned,
    /// TLS ended with a fault.
    #[error("TLS failed: {0}")]
    Tls(rustls::Error),
    /// The network gave up for another reason.
    #[error("the connection failed: {0}")]
    Network(io::ErrorKind),
}

/// What happened to a connection on which nothing was asked.
#[derive(Debug, Clone, PartialEq)]
pub enum Closed {
    /// The server ended it in order. A process that dies does this by its kernel; so does
    /// `CLIENT KILL` and the server's `timeout`.
    Fin,
    /// It was reset, perhaps by something in between: this proves nothing about the server.
    Reset,
    /// The server sent something that nobody asked for.
    Unasked,
    /// Anything else: the network gave up, TLS failed, or the connection was lost before.
    Failed(Lost),
}

impl From<Lost> for Closed {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Closed => Self::Fin,
            Lost::Reset => Self::Reset,
            Lost::Unasked => Self::Unasked,
            Lost::TimedOut
            | Lost::TooLarge(_)
            | Lost::Malformed(_)
            | Lost::Abandoned
            | Lost::Tls(_)
            | Lost::Network(_) => Self::Failed(lost),
        }
    }
}

impl From<ScanError> for Lost {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Malformed(fault) => Self::Malformed(fault),
            ScanError::TooLarge(bound) => Self::TooLarge(bound),
        }
    }
}

impl From<io::Error> for Lost {
    /// What an error of a stream means.
    ///
    /// A process that dies sends a FIN but no `close_notify`; rustls reports that, and nothing
    /// else, as an unexpected end once a handshake is done. A write that finds the pipe broken
    /// comes after a FIN: a reset is reported first as such.
    fn from(error: io::Error) -> Self {
        if let Some(fault) = tls_fault(&error) {
            return Self::Tls(fault.clone());
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::WriteZero => {
                Self::Closed
            }
            io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Self::Reset,
            io::ErrorKind::TimedOut => Self::TimedOut,
            kind => Self::Network(kind),
        }
    }
}

/// The fault of TLS inside an error of its stream.
pub(super) fn tls_fault(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_end_in_order_is_a_fin() {
        use io::ErrorKind;
        for (kind, closed) in [
            (ErrorKind::UnexpectedEof, Closed::Fin),
            (ErrorKind::ConnectionReset, Closed::Reset),
            (ErrorKind::ConnectionAborted, Closed::Reset),
            (ErrorKind::TimedOut, Closed::Failed(Lost::TimedOut)),
            (ErrorKind::HostUnreachable, Closed::Failed(Lost::Network(ErrorKind::HostUnreachable))),
        ] {
            assert_eq!(Closed::from(Lost::from(io::Error::from(kind))), closed, "{kind}");
        }
        let bad_record = rustls::Error::DecryptError;
        let error = io::Error::new(ErrorKind::InvalidData, bad_record.clone());
        assert_eq!(Closed::from(Lost::from(error)), Closed::Failed(Lost::Tls(bad_record)));
    }
}

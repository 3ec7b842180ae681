//! A server that says what it is told to, in the pieces it is told to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::seed::Seed;

/// What comes after the last byte.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum End {
    Fin,
    Reset,
    Silence,
}

/// A stream that takes every write and gives its bytes, cut at places that a seed decides.
pub struct Script {
    bytes: Vec<u8>,
    at: usize,
    cuts: Cuts,
    end: End,
}

enum Cuts {
    /// Never wider than this.
    Every(usize),
    /// Up to this wide.
    Random(Seed, usize),
}

impl Script {
    pub fn new(bytes: Vec<u8>, seed: &mut Seed, end: End) -> Self {
        let cuts = match seed.below(4) {
            0 => Cuts::Every(usize::MAX),
            1 if bytes.len() < 4096 => Cuts::Every(1),
            2 => Cuts::Random(Seed::new(seed.next()), 16 + bytes.len() / 16),
            _ => Cuts::Random(Seed::new(seed.next()), 1 + bytes.len()),
        };
        Self { bytes, at: 0, cuts, end }
    }
}

impl AsyncRead for Script {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let script = self.get_mut();
        let rest = &script.bytes[script.at..];
        if rest.is_empty() {
            return match script.end {
                End::Fin => Poll::Ready(Ok(())),
                End::Reset => Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                // Nobody wakes it: the deadline of the request has to.
                End::Silence => Poll::Pending,
            };
        }
        let widest = match &mut script.cuts {
            Cuts::Every(width) => *width,
            Cuts::Random(seed, width) => 1 + seed.below(*width),
        };
        let piece = &rest[..widest.min(rest.len()).min(buffer.remaining())];
        buffer.put_slice(piece);
        script.at += piece.len();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Script {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

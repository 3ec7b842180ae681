//! The end of somebody outside: the operator, or a client.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use gungnir::valkey::{Connect, Connecting, Pipe};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::connection::{EndId, Ended, Frame, Owner, State};
use super::wire::Wire;

/// The network as all share it, and how whoever drives it is told that something is due earlier.
pub struct Ground<M, T> {
    wire: Mutex<Wire<M, T>>,
    earlier: Notify,
}

impl<M, T> fmt::Debug for Ground<M, T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Ground")
    }
}

impl<M, T> Ground<M, T> {
    pub fn new(wire: Wire<M, T>) -> Self {
        Self { wire: Mutex::new(wire), earlier: Notify::new() }
    }

    /// Does something with the network now.
    pub fn with<R>(&self, act: impl FnOnce(&mut Wire<M, T>) -> R) -> R {
        let mut wire = self.wire.lock().unwrap();
        wire.catch_up();
        let before = wire.next_at();
        let result = act(&mut wire);
        if wire.next_at() != before {
            self.earlier.notify_one();
        }
        result
    }

    /// Waits until the next thing is due, which may become earlier meanwhile.
    pub async fn due(&self) {
        loop {
            let next: Option<Instant> = self.wire.lock().unwrap().next_at();
            let earlier = self.earlier.notified();
            let Some(at) = next else {
                earlier.await;
                continue;
            };
            tokio::select! {
                biased;
                () = earlier => {}
                () = tokio::time::sleep_until(at) => return,
            }
        }
    }
}

/// How one host connects.
#[derive(Debug)]
pub struct Way<M, T> {
    pub from: IpAddr,
    pub ground: Arc<Ground<M, T>>,
}

impl<M: fmt::Debug + Send + 'static, T: fmt::Debug + Send + 'static> Connect for Way<M, T> {
    fn connect(&self, peer: SocketAddr) -> Connecting<'_> {
        Box::pin(async move {
            let end = self.ground.with(|wire| wire.connect(self.from, peer, Owner::Link));
            let link = Link { ground: Arc::clone(&self.ground), end, peer };
            std::future::poll_fn(|context| link.poll_connected(context)).await?;
            Ok(Box::new(link) as Box<dyn Pipe>)
        })
    }
}

/// An open connection.
#[derive(Debug)]
struct Link<M, T> {
    ground: Arc<Ground<M, T>>,
    end: EndId,
    peer: SocketAddr,
}

/// What an end that was ended by RST, or with its host, says.
fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl<M, T> Link<M, T> {
    fn poll_connected(&self, context: &Context<'_>) -> Poll<io::Result<()>> {
        self.ground.with(|wire| {
            let Some(end) = wire.end_mut(self.end) else { return Poll::Ready(Err(reset())) };
            match (end.state, end.ended) {
                (State::Open, _) => Poll::Ready(Ok(())),
                (_, Some(Ended::Refused)) => {
                    Poll::Ready(Err(io::ErrorKind::ConnectionRefused.into()))
                }
                (State::Gone, _) => Poll::Ready(Err(reset())),
                _ => {
                    end.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }
}

impl<M: fmt::Debug + Send, T: fmt::Debug + Send> Pipe for Link<M, T> {
    fn peer(&self) -> SocketAddr {
        self.peer
    }
}

impl<M, T> AsyncRead for Link<M, T> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.ground.with(|wire| {
            let Some(end) = wire.end_mut(self.end) else { return Poll::Ready(Err(reset())) };
            while let Some(frame) = end.inbox.pop_front() {
                // A message is of no use to somebody outside.
                let Frame::Bytes(mut bytes) = frame else { continue };
                let rest = bytes.split_off(bytes.len().min(buffer.remaining()));
                buffer.put_slice(&bytes);
                if !rest.is_empty() {
                    end.inbox.push_front(Frame::Bytes(rest));
                }
                return Poll::Ready(Ok(()));
            }
            match (end.state, end.ended) {
                (State::Open, None) => {
                    end.waker = Some(context.waker().clone());
                    Poll::Pending
                }
                (State::Open, Some(Ended::Fin)) => Poll::Ready(Ok(())),
                _ => Poll::Ready(Err(reset())),
            }
        })
    }
}

impl<M, T> AsyncWrite for Link<M, T> {
    fn poll_write(
        self: Pin<&mut Self>,
        _context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.ground.with(|wire| {
            let Some(end) = wire.end(self.end) else { return Poll::Ready(Err(reset())) };
            match (end.state, end.ended) {
                (State::Open, None | Some(Ended::Fin)) if !end.shut => {
                    wire.send(self.end, Frame::Bytes(bytes.to_owned()));
                    Poll::Ready(Ok(bytes.len()))
                }
                (State::Open, _) => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
                _ => Poll::Ready(Err(reset())),
            }
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.ground.with(|wire| wire.shut(self.end));
        Poll::Ready(Ok(()))
    }
}

impl<M, T> Drop for Link<M, T> {
    fn drop(&mut self) {
        self.ground.with(|wire| wire.close(self.end));
    }
}

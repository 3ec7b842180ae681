//! A connection: requests and their answers, one after the other.
//!
//! It has no task, no queue and no buffer of its own while nothing is asked. Once it is lost it
//! stays lost: an answer can then never be taken for that of another question.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use redis::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;

use super::command::Command;
use super::error_reply::ErrorReply;
use super::lost::{Closed, Lost};
use super::scan::{MAX_REPLY_BYTES, Malformed, Scanner};
use super::stream::Stream;

/// The most that is read at once, in bytes; a light `INFO` fits.
const READ_STEP_BYTES: usize = 4096;

/// A connection to one server, over a [`Stream`] or, in tests, over anything else.
///
/// One request at a time; nothing is read or written but while one of its futures is polled.
#[derive(Debug)]
pub struct Connection<S = Stream> {
    stream: S,
    /// Set when it is lost, and while a request is under way: who gives that up finds it set.
    lost: Option<Lost>,
    /// The most that was ever reserved for answers, in bytes.
    peak_buffer_bytes: usize,
}

/// What a server answers to one command.
pub type Answer = Result<Value, ErrorReply>;

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    /// A connection over a stream that is open already; it sends no greeting.
    pub fn over(stream: S) -> Self {
        Self { stream, lost: None, peak_buffer_bytes: 0 }
    }

    /// Sends all commands in one write and reads an answer to each, in their order.
    ///
    /// `limit` is for all of it. All answers together may be [`MAX_REPLY_BYTES`]; the memory for
    /// them is at most twice that, and is given back at the end.
    ///
    /// # Errors
    /// [`Lost`] when not every answer came. The connection is of no more use then; so it is when
    /// this future is dropped before its end. What did take effect on the server is unknown.
    pub async fn request(
        &mut self,
        commands: &[Command],
        limit: Duration,
    ) -> Result<Vec<Answer>, Lost> {
        let mut answers = Vec::with_capacity(commands.len());
        self.request_into(commands, limit, &mut answers).await?;
        Ok(answers)
    }

    /// As [`Connection::request`], and the answers before a loss are kept.
    pub(super) async fn request_into(
        &mut self,
        commands: &[Command],
        limit: Duration,
        answers: &mut Vec<Answer>,
    ) -> Result<(), Lost> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        self.lost = Some(Lost::Abandoned);
        let outcome = match timeout(limit, self.exchange(commands, answers)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Lost::TimedOut),
        };
        self.lost = outcome.clone().err();
        outcome
    }

    /// What the connection runs over.
    pub fn stream(&self) -> &S {
        &self.stream
    }

    /// Why the connection can no longer be used; `None` while it can.
    #[must_use]
    pub fn lost(&self) -> Option<&Lost> {
        self.lost.as_ref()
    }

    /// The most memory that was reserved for answers at any time, in bytes.
    #[must_use]
    pub fn peak_buffer_bytes(&self) -> usize {
        self.peak_buffer_bytes
    }

    /// Waits until the server ends a connection on which nothing is asked.
    ///
    /// It has no deadline: that is for who waits. It may be dropped and called again. The
    /// connection is lost afterwards.
    pub async fn closed(&mut self) -> Closed {
        if let Some(lost) = &self.lost {
            return lost.clone().into();
        }
        let mut byte = [0];
        let lost = match self.stream.read(&mut byte).await {
            Ok(0) => Lost::Closed,
            Ok(_) => Lost::Unasked,
            Err(error) => error.into(),
        };
        self.lost = Some(lost.clone());
        lost.into()
    }

    async fn exchange(
        &mut self,
        commands: &[Command],
        answers: &mut Vec<Answer>,
    ) -> Result<(), Lost> {
        let unsent = self.send(commands).await.err();
        let mut received = BytesMut::new();
        let mut scanner = Scanner::new();
        for command in commands {
            // A server that hangs up has often said why; that is worth more than the failed write.
            let value = match self.value(&mut scanner, &mut received).await {
                Err(Lost::Closed | Lost::Reset) if unsent.is_some() => {
                    return Err(unsent.unwrap_or(Lost::Closed));
                }
                value => value?,
            };
            answers.push(match value {
                Value::ServerError(error) => {
                    let error = ErrorReply::new(&error);
                    Err(if command.holds_secret() { error.withheld() } else { error })
                }
                value => Ok(value),
            });
        }
        match unsent {
            Some(lost) => Err(lost),
            None if received.is_empty() => Ok(()),
            None => Err(Lost::Unasked),
        }
    }

    async fn send(&mut self, commands: &[Command]) -> Result<(), Lost> {
        match commands {
            [] => return Ok(()),
            [command] => self.stream.write_all(command.packed()).await?,
            commands => {
                let bytes: Vec<&[u8]> = commands.iter().map(Command::packed).collect();
                self.stream.write_all(&bytes.concat()).await?;
            }
        }
        Ok(self.stream.flush().await?)
    }

    /// The next reply, once it is complete.
    async fn value(
        &mut self,
        scanner: &mut Scanner,
        received: &mut BytesMut,
    ) -> Result<Value, Lost> {
        loop {
            if let Some(length) = scanner.reply_bytes(received)? {
                let value = redis::parse_redis_value(&received[..length]);
                received.advance(length);
                return value.map_err(|_| Lost::Malformed(Malformed::Text));
            }
            if self.read(received).await? == 0 {
                return Err(Lost::Closed);
            }
        }
    }

    /// Reads once. Memory grows with what has arrived, never with what a header promises, and none
    /// is held while nothing has: when servers are slow, thousands of answers are waited for.
    async fn read(&mut self, received: &mut BytesMut) -> io::Result<usize> {
        let room = MAX_REPLY_BYTES + 1 - received.len().min(MAX_REPLY_BYTES);
        poll_fn(|context| {
            let mut step = [0; READ_STEP_BYTES];
            let mut step = ReadBuf::new(&mut step[..room.min(READ_STEP_BYTES)]);
            ready!(Pin::new(&mut self.stream).poll_read(context, &mut step))?;
            received.extend_from_slice(step.filled());
            self.peak_buffer_bytes = self.peak_buffer_bytes.max(received.capacity());
            Poll::Ready(Ok(step.filled().len()))
        })
        .await
    }
}

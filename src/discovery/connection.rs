//! One client's connection: the only place that reads and writes its socket.

use std::future::{pending, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::{broadcast, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

use super::edge::Edge;
use super::feed::Message;
use super::handover::HandoverReply;
use super::limits::{AUTH_DEADLINE, HANDOVER_DEADLINE, REQUEST_DEADLINE, WRITE_DEADLINE};

/// How much is read at once. It is on the stack while it is read, and nowhere while nothing comes.
const READ_BYTES: usize = 4 << 10;

/// What woke the connection.
enum Woken {
    /// So many bytes came; 0 when no more will.
    Read(usize),
    Wrote,
    Heard(Result<Arc<Message>, broadcast::error::RecvError>),
    Answered(Option<HandoverReply>),
    Late(Due),
}

/// What a client, or somebody for it, is late with.
#[derive(Clone, Copy, Debug)]
enum Due {
    /// It takes nothing of what is sent to it.
    Taking,
    /// Its wish for a handover is not answered.
    Handover,
    /// It has not signed in.
    SigningIn,
    /// The request it began is not whole.
    Request,
    /// It asks nothing.
    Asking,
}

/// Since when something is due.
struct Since {
    accepted: Instant,
    asked: Instant,
    taking: Option<Instant>,
    wishing: Option<Instant>,
    beginning: Option<Instant>,
}

impl Since {
    fn new(now: Instant) -> Self {
        Self { accepted: now, asked: now, taking: None, wishing: None, beginning: None }
    }

    /// What is due first, and when.
    fn due(&self, edge: &Edge, idle_timeout: Option<Duration>) -> Option<(Instant, Due)> {
        let quiet = edge.session.events.is_none().then_some(self.asked);
        let signing_in = (!edge.session.authenticated).then_some(self.accepted);
        let all = [
            (self.taking, Some(WRITE_DEADLINE), Due::Taking),
            (self.wishing, Some(HANDOVER_DEADLINE), Due::Handover),
            (signing_in, Some(AUTH_DEADLINE), Due::SigningIn),
            (self.beginning, Some(REQUEST_DEADLINE), Due::Request),
            (quiet, idle_timeout, Due::Asking),
        ];
        let all = all.into_iter().filter_map(|(since, limit, due)| Some((since? + limit?, due)));
        all.min_by_key(|(at, _)| *at)
    }

    /// Notes what changed by what `woken` did; `asked`: a whole request came.
    fn note(&mut self, edge: &Edge, took: bool, asked: bool) {
        let now = Instant::now();
        let since = |begins_anew: bool, before: Option<Instant>| {
            Some(before.filter(|_| !begins_anew).unwrap_or(now))
        };
        if asked {
            self.asked = now;
        }
        self.taking = if edge.output.is_empty() { None } else { since(took, self.taking) };
        self.wishing =
            if edge.session.handover.is_none() { None } else { since(false, self.wishing) };
        // Behind full output or a wish it is not the client who is late.
        let waits = edge.input.is_empty() || !edge.may_read();
        self.beginning = if waits { None } else { since(asked, self.beginning) };
    }
}

/// Serves a client until it goes, is closed, or the task is dropped.
pub(super) async fn serve<S>(mut stream: S, mut edge: Edge, idle_timeout: Option<Duration>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut since = Since::new(Instant::now());
    let mut unflushed = false;
    while !edge.is_over() {
        let due = since.due(&edge, idle_timeout);
        let may_read = edge.may_read();
        let Edge { session, input, output, .. } = &mut edge;
        let woken = tokio::select! {
            moved = exchange(&mut stream, input, output, may_read, &mut unflushed) => match moved {
                Ok(woken) => woken,
                Err(error) => {
                    tracing::debug!(client = session.id, %error, "the connection broke");
                    return;
                }
            },
            heard = hear(session.events.as_mut()) => Woken::Heard(heard),
            answer = answer(session.handover.as_mut()) => Woken::Answered(answer),
            due = late(due) => Woken::Late(due),
        };
        let took = matches!(woken, Woken::Wrote);
        let asked = act(&mut edge, woken);
        since.note(&edge, took, asked);
    }
    if !edge.cut {
        // What was said last arrives, unless the client takes it too late.
        let _ = timeout(WRITE_DEADLINE, stream.shutdown()).await;
    }
}

/// Does what follows; tells whether a whole request was taken.
fn act(edge: &mut Edge, woken: Woken) -> bool {
    match woken {
        Woken::Read(0) => {
            edge.session.closing = true;
            edge.input.clear();
            false
        }
        Woken::Read(_) | Woken::Wrote => edge.work(),
        Woken::Heard(Ok(message)) => {
            edge.hear(&message);
            false
        }
        Woken::Heard(Err(_)) => {
            edge.fell_behind();
            false
        }
        Woken::Answered(reply) => {
            edge.session.handover_answered(reply, &mut edge.output);
            edge.work()
        }
        Woken::Late(Due::Handover) => {
            edge.session.handover_answered(None, &mut edge.output);
            edge.work()
        }
        Woken::Late(Due::Taking) => {
            edge.too_slow("it takes nothing of what is sent to it");
            false
        }
        Woken::Late(due @ (Due::SigningIn | Due::Request | Due::Asking)) => {
            let (client, peer) = (edge.session.id, edge.session.peer);
            tracing::info!(client, %peer, late_with = ?due, "closed");
            edge.cut = true;
            false
        }
    }
}

/// Moves bytes one way or the other, whichever can be first; writing comes first.
///
/// A read needs memory only while there is something to read.
async fn exchange<S>(
    stream: &mut S,
    input: &mut BytesMut,
    output: &mut BytesMut,
    may_read: bool,
    unflushed: &mut bool,
) -> io::Result<Woken>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|context| {
        if !output.is_empty()
            && let Poll::Ready(count) = Pin::new(&mut *stream).poll_write(context, output)
        {
            let count = count?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            output.advance(count);
            *unflushed = true;
            return Poll::Ready(Ok(Woken::Wrote));
        }
        if *unflushed && let Poll::Ready(flushed) = Pin::new(&mut *stream).poll_flush(context) {
            flushed?;
            *unflushed = false;
        }
        if may_read {
            return poll_read(stream, context, input);
        }
        Poll::Pending
    })
    .await
}

fn poll_read<S: AsyncRead + Unpin>(
    stream: &mut S,
    context: &mut Context<'_>,
    input: &mut BytesMut,
) -> Poll<io::Result<Woken>> {
    let mut place = [const { MaybeUninit::<u8>::uninit() }; READ_BYTES];
    let mut buffer = ReadBuf::uninit(&mut place);
    ready!(Pin::new(stream).poll_read(context, &mut buffer))?;
    input.extend_from_slice(buffer.filled());
    Poll::Ready(Ok(Woken::Read(buffer.filled().len())))
}

async fn hear(
    events: Option<&mut broadcast::Receiver<Arc<Message>>>,
) -> Result<Arc<Message>, broadcast::error::RecvError> {
    match events {
        Some(events) => events.recv().await,
        None => pending().await,
    }
}

async fn answer(handover: Option<&mut oneshot::Receiver<HandoverReply>>) -> Option<HandoverReply> {
    match handover {
        Some(handover) => handover.await.ok(),
        None => pending().await,
    }
}

async fn late(due: Option<(Instant, Due)>) -> Due {
    match due {
        Some((at, due)) => {
            sleep_until(at).await;
            due
        }
        None => pending().await,
    }
}

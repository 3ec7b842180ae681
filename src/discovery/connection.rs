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
    if !edge.session.hung_up {
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
            edge.session.hung_up = true;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::fixture::{ask, client, config, hear, publisher, shared, switch, to_end};
    use crate::discovery::limits::{MAX_EVENTS_BEHIND, OUTPUT_HIGH_WATER_BYTES};
    use crate::discovery::shared::Shared;
    use crate::discovery::{Config, HandoverReply, Publisher, Secret};
    use tokio::io::{AsyncReadExt as _, DuplexStream, duplex};
    use tokio::sync::mpsc;

    /// More than any deadline here; the clock is the runtime's, and nobody waits for it.
    const LONG: Duration = Duration::from_secs(24 * 3600);

    /// A client of a server with these settings, whose pipe holds `pipe` bytes.
    fn connect(config: Config, pipe: usize) -> (Publisher, DuplexStream, Arc<Shared>) {
        let publisher = publisher();
        let shared = shared(&publisher, config);
        let (near, far) = duplex(pipe);
        let idle_timeout = shared.config.idle_timeout;
        tokio::spawn(serve(far, client(&shared), idle_timeout));
        (publisher, near, shared)
    }

    #[tokio::test(start_paused = true)]
    async fn who_hears_of_a_move_and_asks_is_told_the_new_address() {
        let (publisher, mut near, _) = connect(config(), 1024);
        near.write_all(b"HELLO 3\r\n").await.unwrap();
        let hello = "%6\r\n$6\r\nserver\r\n$6\r\nvalkey\r\n$7\r\nversion\r\n$5\r\n9.1.2\r\n$5\r\n\
                     proto\r\n:3\r\n$2\r\nid\r\n:1\r\n$4\r\nmode\r\n$8\r\nsentinel\r\n$7\r\nmodules\r\n*0\r\n";
        hear(&mut near, hello).await;
        let subscribed = ">3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n";
        ask(&mut near, "SUBSCRIBE +switch-master", subscribed).await;
        let old = "*2\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n";
        ask(&mut near, "SENTINEL GET-MASTER-ADDR-BY-NAME demo", old).await;
        switch(&publisher);
        hear(
            &mut near,
            ">3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$32\r\ndemo 10.0.0.1 6379 10.0.0.2 6380\r\n",
        )
        .await;
        let new = "*2\r\n$8\r\n10.0.0.2\r\n$4\r\n6380\r\n";
        ask(&mut near, "SENTINEL GET-MASTER-ADDR-BY-NAME demo", new).await;
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_sign_in_is_closed() {
        let guarded = || Config { password: Some(Secret::new("sesame")), ..config() };
        let (_publisher, mut near, _) = connect(guarded(), 1024);
        ask(&mut near, "PING", "-NOAUTH Authentication required.\r\n").await;
        let began = Instant::now();
        assert_eq!(to_end(&mut near).await, "");
        assert!(began.elapsed() <= AUTH_DEADLINE + Duration::from_secs(1));

        let (_publisher, mut near, _) = connect(guarded(), 1024);
        ask(&mut near, "AUTH sesame", "+OK\r\n").await;
        tokio::time::sleep(LONG).await;
        ask(&mut near, "PING", "+PONG\r\n").await;

        let (_publisher, mut near, _) = connect(guarded(), 1024);
        near.write_all("AUTH x\r\n".repeat(20).as_bytes()).await.unwrap();
        let told = to_end(&mut near).await;
        assert_eq!(told.matches("-WRONGPASS").count(), 8, "{told}");
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_request_is_not_waited_for() {
        let (_publisher, mut near, _) = connect(config(), 1024);
        ask(&mut near, "PING", "+PONG\r\n").await;
        tokio::time::sleep(LONG).await;
        near.write_all(b"*1\r\n$4\r\nPI").await.unwrap();
        let began = Instant::now();
        assert_eq!(to_end(&mut near).await, "");
        assert!(began.elapsed() >= REQUEST_DEADLINE);
        assert!(began.elapsed() <= REQUEST_DEADLINE + Duration::from_secs(1));
    }

    #[tokio::test(start_paused = true)]
    async fn only_who_has_not_subscribed_may_be_idle_too_long() {
        let hour = Duration::from_secs(3600);
        let idle = || Config { idle_timeout: Some(hour), ..config() };
        let (_publisher, mut near, _) = connect(idle(), 1024);
        let began = Instant::now();
        assert_eq!(to_end(&mut near).await, "");
        assert!(began.elapsed() >= hour && began.elapsed() < 2 * hour);

        let (publisher, mut near, _) = connect(idle(), 1024);
        let subscribed = "*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n";
        ask(&mut near, "PSUBSCRIBE *", subscribed).await;
        tokio::time::sleep(LONG).await;
        switch(&publisher);
        hear(&mut near, "*4\r\n$8\r\npmessage\r\n$1\r\n*\r\n$14\r\n+switch-master\r\n").await;
    }

    /// A subscriber that takes nothing is closed by the clock, by its bytes or by its events.
    #[tokio::test(start_paused = true)]
    async fn a_slow_subscriber_is_closed() {
        let few_bytes = Config { client_output_limit_bytes: 1024, ..config() };
        let few_in_all = Config { total_output_limit_bytes: 1024, ..config() };
        for (config, events, limit) in [
            (config(), 10, WRITE_DEADLINE + Duration::from_secs(1)),
            (few_bytes, 100, Duration::from_secs(1)),
            (few_in_all, 100, Duration::from_secs(1)),
            (config(), 3 * MAX_EVENTS_BEHIND, Duration::from_secs(1)),
        ] {
            let (publisher, mut near, shared) = connect(config, 64);
            let subscribed = "*3\r\n$10\r\npsubscribe\r\n$1\r\n*\r\n:1\r\n";
            ask(&mut near, "PSUBSCRIBE *", subscribed).await;
            let began = Instant::now();
            for _ in 0..events {
                switch(&publisher);
            }
            while shared.clients.load(std::sync::atomic::Ordering::Relaxed) > 0 {
                assert!(began.elapsed() < limit, "{events} events");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            assert_eq!(shared.too_slow.load(std::sync::atomic::Ordering::Relaxed), 1);
            assert_eq!(shared.output_bytes.load(std::sync::atomic::Ordering::Relaxed), 0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_read_is_not_read() {
        let (_publisher, mut near, shared) = connect(config(), 4096);
        near.write_all(b"SENTINEL HELP\r\n").await.unwrap();
        let mut reply = vec![0; 4096];
        let reply_bytes = near.read(&mut reply).await.unwrap();
        let requests = "SENTINEL HELP\r\n".repeat(1000);
        let written = timeout(Duration::from_secs(1), near.write_all(requests.as_bytes())).await;
        assert!(written.is_err(), "all requests were taken though no reply was");
        let waiting = shared.output_bytes.load(std::sync::atomic::Ordering::Relaxed);
        assert!((OUTPUT_HIGH_WATER_BYTES..2 * OUTPUT_HIGH_WATER_BYTES).contains(&waiting));
        let told = to_end(&mut near).await.len();
        assert!(told > waiting && told % reply_bytes == 0, "{told} of {reply_bytes} each");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_asked_before_the_end_is_answered() {
        let (_publisher, mut near, _) = connect(config(), 1024);
        near.write_all(b"PING\r\nPING\r\nPI").await.unwrap();
        near.shutdown().await.unwrap();
        assert_eq!(to_end(&mut near).await, "+PONG\r\n+PONG\r\n");

        let (_publisher, mut near, _) = connect(config(), 1024);
        near.write_all(b"PING\r\nQUIT\r\nPING\r\n").await.unwrap();
        assert_eq!(to_end(&mut near).await, "+PONG\r\n+OK\r\n");

        let (_publisher, mut near, _) = connect(config(), 1024);
        near.write_all(b"PING\r\n*1\r\n+x\r\nPING\r\n").await.unwrap();
        let told = to_end(&mut near).await;
        assert_eq!(told, "+PONG\r\n-ERR Protocol error: expected '$', got '+'\r\n");
    }

    #[tokio::test(start_paused = true)]
    async fn a_handover_is_granted_by_somebody_else() {
        let (_publisher, mut near, _) = connect(config(), 1024);
        near.write_all(b"SENTINEL FAILOVER demo\r\n").await.unwrap();
        let mut refused = [0; 256];
        let count = near.read(&mut refused).await.unwrap();
        let refused = String::from_utf8_lossy(&refused[..count]).into_owned();
        assert!(refused.starts_with("-ERR this is Gungnir; SENTINEL FAILOVER"), "{refused}");
        for cure in ["`gungnir switchover`", "--listen-password-file", "--listen-allow-failover"] {
            assert!(refused.contains(cure), "{refused}");
        }

        let (sender, mut wishes) = mpsc::channel(1);
        let granting = Config { handover: Some(sender), ..config() };
        let (publisher, mut near, _) = connect(granting, 1024);
        for (reply, told) in [
            (HandoverReply::Accepted, "+OK\r\n"),
            (HandoverReply::InProgress, "-INPROG Failover already in progress\r\n"),
            (HandoverReply::NoGoodReplica, "-NOGOODSLAVE No suitable replica to promote\r\n"),
            (HandoverReply::Refused("paused".into()), "-ERR paused\r\n"),
        ] {
            // What is asked behind it waits for it.
            near.write_all(b"SENTINEL FAILOVER demo COORDINATED\r\nPING\r\n").await.unwrap();
            let wish = wishes.recv().await.unwrap();
            assert_eq!(wish.set, "demo");
            wish.reply.send(reply).unwrap();
            hear(&mut near, told).await;
            hear(&mut near, "+PONG\r\n").await;
        }
        near.write_all(b"SENTINEL FAILOVER demo\r\n").await.unwrap();
        let began = Instant::now();
        let unanswered = wishes.recv().await.unwrap();
        hear(&mut near, "-ERR the handover was not answered in time").await;
        assert!(began.elapsed() >= HANDOVER_DEADLINE);
        drop((unanswered, publisher));
    }
}

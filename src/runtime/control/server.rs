//! Answers whoever asks at the control socket.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::{sleep, timeout};

use super::{ControlError, ControlReply, ControlRequest};

/// How many questions are answered at once; more wait in the kernel.
const MAX_CONNECTIONS: usize = 16;
/// The longest question.
const MAX_REQUEST_BYTES: u64 = 4 << 10;
/// How long a question may take to come, and its answer to be taken.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long nobody is accepted after that has failed, as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Whoever may write the socket may hand over: nobody but who started the sentinel.
const MODE: u32 = 0o600;

/// A control socket. It is removed when this goes, unless another one is in its place by then.
#[derive(Debug)]
pub struct ControlServer {
    listener: UnixListener,
    path: PathBuf,
    inode: (u64, u64),
}

impl ControlServer {
    /// Listens at `path`. A socket that a killed process has left behind is replaced.
    ///
    /// # Errors
    ///
    /// When another process answers there, something else is in its place, or it cannot be made.
    pub async fn bind(path: &Path) -> Result<Self, ControlError> {
        let fault = |source| ControlError::Listen { path: path.to_owned(), source };
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path).await?;
                UnixListener::bind(path)
            }
            bound => bound,
        };
        let listener = listener.map_err(fault)?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE)).map_err(fault)?;
        let inode = inode(path).map_err(fault)?;
        Ok(Self { listener, path: path.to_owned(), inode })
    }

    /// Answers for ever, several at once: whoever waits for one answer keeps nobody else waiting.
    /// Nothing is spawned; when the future is dropped, all connections end.
    pub async fn serve(self, answer: impl AsyncFn(ControlRequest) -> ControlReply) {
        let mut connections = FuturesUnordered::new();
        loop {
            tokio::select! {
                stream = accept(&self.listener), if connections.len() < MAX_CONNECTIONS => {
                    connections.push(converse(stream, &answer));
                }
                Some(ended) = connections.next() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection to the control socket broke");
                    }
                }
            }
        }
    }
}

impl Drop for ControlServer {
    fn drop(&mut self) {
        if inode(&self.path).is_ok_and(|inode| inode == self.inode) {
            // What cannot be removed is replaced by the next one.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn inode(path: &Path) -> io::Result<(u64, u64)> {
    let about = fs::symlink_metadata(path)?;
    Ok((about.dev(), about.ino()))
}

/// Removes a socket that nobody answers on.
async fn remove_stale(path: &Path) -> Result<(), ControlError> {
    let fault = |source| ControlError::Listen { path: path.to_owned(), source };
    let is_socket = fs::symlink_metadata(path).map_err(fault)?.file_type().is_socket();
    if !is_socket {
        return Err(ControlError::NotASocket { path: path.to_owned() });
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(fault)
        }
        // One with too many waiting, or of another kind, is somebody's too.
        _ => Err(ControlError::Taken { path: path.to_owned() }),
    }
}

async fn accept(listener: &UnixListener) -> UnixStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                tracing::warn!(%error, "no connection to the control socket can be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// One question, and its answer.
async fn converse(
    stream: UnixStream,
    answer: &impl AsyncFn(ControlRequest) -> ControlReply,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = Vec::new();
    let mut limited = (&mut stream).take(MAX_REQUEST_BYTES);
    timeout(PATIENCE, limited.read_until(b'\n', &mut line)).await??;
    if line.is_empty() {
        // Somebody only wanted to know whether anybody is here.
        return Ok(());
    }
    let reply = match serde_json::from_slice(&line) {
        Ok(request) => tokio::select! {
            // Who asks and closes at once still gets an answer that needs no waiting.
            biased;
            reply = answer(request) => reply,
            () = hung_up(&mut stream) => return Ok(()),
        },
        Err(error) => ControlReply::Invalid(format!("the question is not understood: {error}")),
    };
    let mut text = serde_json::to_vec(&reply)?;
    text.push(b'\n');
    timeout(PATIENCE, stream.write_all(&text)).await??;
    Ok(())
}

/// Waits until whoever asked has gone; nothing more is heard of that side.
async fn hung_up(stream: &mut BufReader<UnixStream>) {
    while let Ok(bytes) = stream.fill_buf().await {
        let count = bytes.len();
        if count == 0 {
            return;
        }
        stream.consume(count);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use tokio::sync::{Notify, oneshot};
    use tokio::time::Instant;

    use super::super::ask;
    use super::*;

    const LIMIT: Duration = Duration::from_secs(30);

    fn explain() -> ControlRequest {
        ControlRequest::Explain {}
    }

    fn switchover() -> ControlRequest {
        ControlRequest::Switchover { to: None }
    }

    fn refused(why: &str) -> ControlReply {
        ControlReply::Refused(why.to_owned())
    }

    /// Counts whoever waits.
    struct Waits<'a>(&'a Cell<u32>, &'a Notify);

    impl Drop for Waits<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() - 1);
            self.1.notify_one();
        }
    }

    /// Does `work` while a server answers.
    async fn beside<T>(
        server: ControlServer,
        answer: impl AsyncFn(ControlRequest) -> ControlReply,
        work: impl Future<Output = T>,
    ) -> T {
        tokio::select! {
            () = server.serve(answer) => panic!("a server answers for ever"),
            done = work => done,
        }
    }

    /// Sends these bytes and reads the answer until the end.
    async fn raw(path: &Path, bytes: &[u8]) -> String {
        let mut stream = UnixStream::connect(path).await.unwrap();
        let _ = stream.write_all(bytes).await;
        let mut reply = String::new();
        // With more than it wants to read still unread, the end is a reset.
        let _ = stream.read_to_string(&mut reply).await;
        reply
    }

    #[tokio::test]
    async fn a_wait_keeps_nobody_from_asking_and_ends_with_its_client() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let server = ControlServer::bind(&path).await.unwrap();
        let waiting = Cell::new(0);
        let (come, go) = (Notify::new(), Notify::new());
        let answer = async |request| {
            if request == explain() {
                return refused(&format!("{} wait", waiting.get()));
            }
            waiting.set(waiting.get() + 1);
            let _waits = Waits(&waiting, &go);
            come.notify_one();
            std::future::pending().await
        };
        let work = async {
            let request = switchover();
            let mut first = Box::pin(ask(&path, &request, LIMIT));
            tokio::select! {
                _ = &mut first => panic!("nobody answers it"),
                () = come.notified() => {}
            }
            let mut second = Box::pin(ask(&path, &request, LIMIT));
            tokio::select! {
                _ = &mut second => panic!("nobody answers it"),
                () = come.notified() => {}
            }
            assert_eq!(ask(&path, &explain(), LIMIT).await.unwrap(), refused("2 wait"));
            drop(first);
            go.notified().await;
            assert_eq!(ask(&path, &explain(), LIMIT).await.unwrap(), refused("1 wait"));
            drop(second);
            go.notified().await;
            assert_eq!(ask(&path, &explain(), LIMIT).await.unwrap(), refused("0 wait"));
        };
        beside(server, answer, work).await;
    }

    #[tokio::test]
    async fn no_more_than_sixteen_are_answered_at_once_and_the_next_is_not_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let server = ControlServer::bind(&path).await.unwrap();
        let waiting: RefCell<Vec<oneshot::Sender<()>>> = RefCell::default();
        let changed = Notify::new();
        let answer = async |_| {
            let (sender, receiver) = oneshot::channel();
            waiting.borrow_mut().push(sender);
            changed.notify_one();
            let _ = receiver.await;
            refused("at last")
        };
        let work = async {
            let request = switchover();
            let mut asked: FuturesUnordered<_> =
                (0..20).map(|_| ask(&path, &request, LIMIT)).collect();
            let all = async {
                while let Some(reply) = asked.next().await {
                    assert_eq!(reply.unwrap(), refused("at last"));
                }
            };
            let release = async {
                for wanted in [MAX_CONNECTIONS, 20 - MAX_CONNECTIONS] {
                    while waiting.borrow().len() < wanted {
                        changed.notified().await;
                        assert!(waiting.borrow().len() <= wanted);
                    }
                    waiting.take();
                }
            };
            tokio::join!(all, release);
        };
        beside(server, answer, work).await;
    }

    #[tokio::test]
    async fn what_is_no_question_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let server = ControlServer::bind(&path).await.unwrap();
        let answer = async |_| panic!("nothing was asked");
        let work = async {
            for wrong in [&b"PING\r\n"[..], b"\n", b"{\"ask\":\"stop\"}\n", b"\xff\n"] {
                let reply = raw(&path, wrong).await;
                let start = "{\"invalid\":\"the question is not understood: ";
                assert!(reply.starts_with(start) && reply.ends_with("\"}\n"), "{reply}");
            }
            // Without an end it is read no further than the limit.
            let long = raw(&path, &vec![b' '; 1 << 20]).await;
            assert!(long.is_empty() || long.contains("not understood"), "{long}");
        };
        beside(server, answer, work).await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_nothing_does_not_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let server = ControlServer::bind(&path).await.unwrap();
        let started = Instant::now();
        let answer = async |_| refused("yes?");
        let work = async {
            for silent in [&b""[..], b"{\"ask\":"] {
                assert_eq!(raw(&path, silent).await, "");
            }
        };
        beside(server, answer, work).await;
        let waited = started.elapsed();
        assert!((2 * PATIENCE..2 * PATIENCE + PATIENCE / 2).contains(&waited), "{waited:?}");
    }

    #[tokio::test]
    async fn a_question_by_hand_may_close_its_side() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let server = ControlServer::bind(&path).await.unwrap();
        let answer = async |_| refused("here");
        let work = async {
            let mut stream = UnixStream::connect(&path).await.unwrap();
            stream.write_all(b"{\"ask\":\"explain\"}").await.unwrap();
            stream.shutdown().await.unwrap();
            let mut reply = String::new();
            stream.read_to_string(&mut reply).await.unwrap();
            assert_eq!(reply, "{\"refused\":\"here\"}\n");
        };
        beside(server, answer, work).await;
    }

    #[tokio::test]
    async fn the_socket_is_for_its_owner_and_goes_with_its_server() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let server = ControlServer::bind(&path).await.unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
        drop(server);
        assert!(!path.exists());
        // Another one in its place stays.
        let old = ControlServer::bind(&path).await.unwrap();
        fs::remove_file(&path).unwrap();
        let new = ControlServer::bind(&path).await.unwrap();
        drop(old);
        assert!(path.exists());
        drop(new);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn the_socket_of_a_killed_process_is_replaced_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("control");
        let shown = path.display().to_string();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = ControlServer::bind(&path).await.unwrap();
        let second = ControlServer::bind(&path).await.unwrap_err().to_string();
        assert_eq!(
            second,
            format!(
                "another process listens at `{shown}`; is it a `gungnir sentinel`? Each needs a \
                 socket of its own: name another place with `--control FILE`"
            )
        );
        drop(first);
        fs::write(&path, "people's").unwrap();
        let file = ControlServer::bind(&path).await.unwrap_err().to_string();
        assert_eq!(
            file,
            format!(
                "`{shown}` is there already and is no socket; name another place with `--control \
                 FILE`"
            )
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), "people's");
        for nowhere in [folder.path().join("no/such"), folder.path().join("a".repeat(200))] {
            let error = ControlServer::bind(&nowhere).await.unwrap_err().to_string();
            assert!(error.ends_with("; `--control FILE` names another place"), "{error}");
        }
    }
}

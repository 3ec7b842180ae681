//! Our server, on a thread of its own.

use std::sync::mpsc;
use std::thread::JoinHandle;

use gungnir::discovery::{Config, Feed, Server};
use tokio::sync::oneshot;

/// What `SENTINEL MYID` answers.
pub const ID: &str = "0123456789abcdef0123456789abcdef01234567";

/// A running server; it is stopped when dropped.
pub struct Ours {
    pub port: u16,
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Settings for a free port of 127.0.0.1.
pub fn config() -> Config {
    Config::new("127.0.0.1:0".parse().unwrap(), ID)
}

impl Ours {
    /// Starts one.
    pub fn start(config: Config, feed: Feed) -> Self {
        let (shutdown, asked) = oneshot::channel::<()>();
        let (bound, port) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let server = Server::bind(config, feed).unwrap();
                bound.send(server.address().port()).unwrap();
                let stop = async {
                    let _ = asked.await;
                };
                server.run(stop).await;
            });
        });
        let port = port.recv().unwrap();
        Self { port, shutdown: Some(shutdown), thread: Some(thread) }
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        // It may have failed already, which its thread tells.
        let _ = self.shutdown.take().map(|shutdown| shutdown.send(()));
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(std::thread::panicking() || ended.is_none_or(|ended| ended.is_ok()), "it failed");
    }
}

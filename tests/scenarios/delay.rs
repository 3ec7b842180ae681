//! A slow way to the API server: every request on it takes seconds, its answers and watches do not.
//!
//! It runs on a node, and what the operator's pod there asks is led through it.

use std::io;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::agent::{say, until_input_ends};

/// The word that makes this program such a way.
pub const WORD: &str = "--delay";
/// What is sent waits for these, in turn: 3 s ± 1 s.
const DELAYS: [Duration; 3] =
    [Duration::from_secs(3), Duration::from_secs(2), Duration::from_secs(4)];
/// How many pieces may be on their way on one connection.
const MOST_PIECES: usize = 256;

/// The process of such a way to `target`: it says its port, and ends with its input.
pub fn serve(target: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("0.0.0.0:0").await.expect("a port");
        let port = listener.local_addr().expect("it has an address").port();
        say(&json!(port));
        let accept = async {
            let mut connections = JoinSet::new();
            loop {
                let (client, _) = listener.accept().await.expect("a connection");
                connections.spawn(relay(client, target.to_owned()));
            }
        };
        tokio::select! {
            () = until_input_ends() => {}
            () = accept => {}
        }
    });
    say(&json!("ended"));
}

/// Ends with either side.
async fn relay(client: TcpStream, target: String) -> io::Result<()> {
    let server = TcpStream::connect(target).await?;
    let (from_client, mut to_client) = client.into_split();
    let (mut from_server, to_server) = server.into_split();
    let (pieces, waiting) = mpsc::channel(MOST_PIECES);
    tokio::select! {
        done = read(from_client, pieces) => done,
        done = write_late(waiting, to_server) => done,
        done = copy(&mut from_server, &mut to_client) => done.map(|_| ()),
    }
}

type Piece = (Instant, Vec<u8>);

async fn read(mut from: OwnedReadHalf, pieces: mpsc::Sender<Piece>) -> io::Result<()> {
    for delay in DELAYS.into_iter().cycle() {
        let mut buffer = vec![0; 1 << 14];
        let count = from.read(&mut buffer).await?;
        buffer.truncate(count);
        if count == 0 || pieces.send((Instant::now() + delay, buffer)).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// In the order in which they came.
async fn write_late(mut pieces: mpsc::Receiver<Piece>, mut to: OwnedWriteHalf) -> io::Result<()> {
    while let Some((at, piece)) = pieces.recv().await {
        sleep_until(at).await;
        to.write_all(&piece).await?;
    }
    Ok(())
}

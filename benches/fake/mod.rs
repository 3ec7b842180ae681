//! Servers that answer as Valkey does, thousands of them on one thread: they lead, follow and know
//! their users, and hold no data.
//!
//! What never happens here: that one is slow or fails; for that there are real ones.

#[path = "node.rs"]
mod node;
#[path = "request.rs"]
mod request;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

pub use node::Begin;
use node::Nodes;

/// Listens on every address and answers for ever; the addresses are sets of `in_a_set` one after
/// the other. Port 0 becomes one that is free. Says where they listen before it answers. All start
/// with the settings of one file, beside their own.
pub async fn serve(
    addresses: impl IntoIterator<Item = SocketAddr>,
    in_a_set: usize,
    begin: Begin,
    file: &[(String, String)],
    tell: impl FnOnce(&[SocketAddr]),
) {
    let (mut listeners, mut bound) = (Vec::new(), Vec::new());
    for address in addresses {
        let listener = TcpListener::bind(address).await.unwrap();
        bound.push(listener.local_addr().unwrap());
        listeners.push(listener);
    }
    tell(&bound);
    let nodes = Rc::new(RefCell::new(Nodes::new(bound, in_a_set, begin, file)));
    let local = tokio::task::LocalSet::new();
    for (index, listener) in listeners.into_iter().enumerate() {
        let nodes = Rc::clone(&nodes);
        local.spawn_local(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::task::spawn_local(answer(stream, index, Rc::clone(&nodes)));
            }
        });
    }
    local.await;
}

/// Answers one connection as one node, until it ends.
async fn answer(mut stream: TcpStream, index: usize, nodes: Rc<RefCell<Nodes>>) {
    let mut received = Vec::new();
    loop {
        let mut chunk = [0_u8; 4096];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return,
            Ok(length) => received.extend_from_slice(&chunk[..length]),
        }
        let mut out = Vec::new();
        while let Some((words, length)) = request::first(&received) {
            received.drain(..length);
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            out.extend_from_slice(nodes.borrow_mut().reply(index, &words).as_bytes());
        }
        if stream.write_all(&out).await.is_err() {
            return;
        }
    }
}

//! What the tests of this room start from: one set, `demo`, and a client of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::edge::Edge;
use super::session::Session;
use super::shared::Shared;
use super::{Address, Config, Directory, Event, Instance, Publisher, Set};

/// A set whose master is there.
pub(super) fn set_led_by(master: &Address) -> Set {
    let mut set = Set::new(Instant::now());
    set.master = Some(Instance::at(master.host.as_str(), master.port));
    set.replicas = vec![Instance::at("10.0.0.9", 6379)];
    set
}

/// A directory whose set `demo` has its master there.
pub(super) fn directory(master: &Address) -> Arc<Directory> {
    let mut directory = Directory::default();
    directory.sets.insert("demo".into(), Arc::new(set_led_by(master)));
    Arc::new(directory)
}

/// The master at the start.
pub(super) fn first() -> Address {
    Address::new("10.0.0.1", 6379)
}

/// The master after [`switch`].
pub(super) fn second() -> Address {
    Address::new("10.0.0.2", 6380)
}

/// A publisher of the set at its start.
pub(super) fn publisher() -> Publisher {
    let publisher = Publisher::new();
    publisher.publish(directory(&first()), &[]);
    publisher
}

/// Moves the master from [`first`] to [`second`].
pub(super) fn switch(publisher: &Publisher) {
    let event = Event::SwitchMaster { set: "demo".into(), old: first(), new: second() };
    publisher.publish(directory(&second()), &[event]);
}

/// Settings for a free port.
pub(super) fn config() -> Config {
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    Config::new(listen, "0123456789abcdef0123456789abcdef01234567")
}

/// What the clients of one server share.
pub(super) fn shared(publisher: &Publisher, config: Config) -> Arc<Shared> {
    Arc::new(Shared::new(config, publisher.feed(), 26379))
}

/// A client that has just come.
pub(super) fn client(shared: &Arc<Shared>) -> Edge {
    let peer = SocketAddr::from(([127, 0, 0, 1], 50_000));
    Edge::new(Session::new(shared.accept(), peer, peer, shared), Arc::clone(shared))
}

/// Sends `line` and reads exactly what is expected.
pub(super) async fn ask<S>(stream: &mut S, line: &str, expected: &str)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(line.as_bytes()).await.unwrap();
    stream.write_all(b"\r\n").await.unwrap();
    hear(stream, expected).await;
}

/// Reads exactly what is expected.
pub(super) async fn hear<S: AsyncRead + Unpin>(stream: &mut S, expected: &str) {
    let mut found = vec![0; expected.len()];
    let mut read = 0;
    while read < found.len() {
        match stream.read(&mut found[read..]).await.unwrap() {
            0 => break,
            count => read += count,
        }
        assert_eq!(String::from_utf8_lossy(&found[..read]), expected[..read]);
    }
    assert_eq!(String::from_utf8_lossy(&found[..read]), expected);
}

/// Reads to the end of the connection, which must come.
pub(super) async fn to_end<S: AsyncRead + Unpin>(stream: &mut S) -> String {
    let mut rest = Vec::new();
    // A connection that is cut may be reset; it is over either way.
    let _ = stream.read_to_end(&mut rest).await;
    String::from_utf8_lossy(&rest).into_owned()
}

//! How connections end: a FIN is told from a reset, on plain connections and on TLS.

use std::thread::JoinHandle;
use std::time::Duration;

use gungnir::valkey::Address;
use gungnir::valkey::Closed;
use gungnir::valkey::Command;
use gungnir::valkey::Dial;
use gungnir::valkey::Lost;
use gungnir::valkey::OpenError;
use tokio::io::copy_bidirectional;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::client::Client;
use crate::client::LIMIT;
use crate::client::dial;
use crate::client::server;
use crate::support::valkey::Installed;
use crate::support::valkey::Server;
use crate::support::valkey::send_signal;
use crate::support::valkey::wait_until;
use crate::tls::tls_server;
use crate::version::on_every_version;

on_every_version!(
    a_killed_process_ends_its_idle_connections_by_a_fin,
    a_process_that_ends_in_order_does_so_too,
    a_reset_is_none,
    idle_connections_are_closed_by_the_servers_timeout,
);

/// A server and an idle connection to it, plain and with TLS.
fn both(version: &Installed, conf: &str, then: impl Fn(Server, Client, Dial)) {
    let plain = server(version, conf);
    let dial = dial(plain.port);
    then(plain, Client::try_open(&dial).expect("a connection"), dial);
    let (secure, dial) = tls_server(version, conf);
    then(secure, Client::try_open(&dial).expect("a connection"), dial);
}

fn a_killed_process_ends_its_idle_connections_by_a_fin(version: &Installed) {
    both(version, "", |server, mut idle, dial| {
        let mut busy = Client::try_open(&dial).expect("a connection");
        assert!(idle.stays_open(Duration::from_millis(50)));
        send_signal("KILL", server.process_id());
        assert_eq!(idle.closed(), Closed::Fin);
        assert_eq!(idle.request(&[Command::ping()], LIMIT), Err(Lost::Closed));
        // The other one hears of it by its next question.
        let lost = busy.request(&[Command::ping()], LIMIT);
        assert!(matches!(lost, Err(Lost::Closed | Lost::Reset)), "{lost:?}");
        // A dying process closes one socket after the other: it may still listen for a moment.
        let refused =
            wait_until(LIMIT, || matches!(Client::try_open(&dial), Err(OpenError::Refused { .. })));
        assert!(refused, "somebody still listens");
    });
}

fn a_process_that_ends_in_order_does_so_too(version: &Installed) {
    both(version, "", |mut server, mut idle, _| {
        server.terminate(LIMIT);
        assert_eq!(idle.closed(), Closed::Fin);
    });
}

fn idle_connections_are_closed_by_the_servers_timeout(version: &Installed) {
    // The process lives: a FIN alone proves nothing.
    both(version, "timeout 1", |_server, mut idle, dial| {
        assert_eq!(idle.closed(), Closed::Fin);
        assert!(Client::try_open(&dial).is_ok());
    });
}

fn a_reset_is_none(version: &Installed) {
    both(version, "", |server, _, mut dial| {
        let (port, cut, between) = resetting_proxy(server.port);
        dial.address = Address::new(dial.address.host(), port).expect("an address");
        let mut idle = Client::try_open(&dial).expect("a connection");
        assert!(idle.stays_open(Duration::from_millis(50)));
        cut.send(()).expect("it waits");
        assert_eq!(idle.closed(), Closed::Reset);
        assert_eq!(idle.request(&[Command::ping()], LIMIT), Err(Lost::Reset));
        between.join().expect("the proxy ends");
        // The server was there all the time.
        assert!(server.cli(&["PING"]).status.success());
    });
}

/// Something between us and the server at `upstream`, on a port of its own. It passes one
/// connection on, and resets it when it is told to.
fn resetting_proxy(upstream: u16) -> (u16, oneshot::Sender<()>, JoinHandle<()>) {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let proxy = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let port = proxy.local_addr().expect("its address").port();
    let (cut, told) = oneshot::channel();
    let between = std::thread::spawn(move || {
        runtime.block_on(async {
            let (mut theirs, _) = proxy.accept().await.expect("a client");
            let mut ours = TcpStream::connect(("127.0.0.1", upstream)).await.expect("the server");
            tokio::select! {
                ended = copy_bidirectional(&mut theirs, &mut ours) => panic!("{ended:?}"),
                _ = told => theirs.set_zero_linger().expect("a reset"),
            }
        });
    });
    (port, cut, between)
}

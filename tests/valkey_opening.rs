//! Opening a connection to things that listen and are no sound server, on loopback.
//!
//! ```text
//! a listener that does one thing ─ Connection::open ─▶ which OpenError, and how soon
//! ```
//!
//! What a real server says is the matter of `valkey_client`. What never happens here: a wait
//! without a deadline.

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use gungnir::valkey::{
    Address, Closed, Command, Connection, Credentials, Dial, ErrorReply, Lost, Malformed, Network,
    OpenError, Secret, Stage, TooLarge, client_config,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Long enough for anything on loopback, however busy the machine is.
const AMPLE: Duration = Duration::from_secs(20);
/// How long is waited for what never comes.
const SHORT: Duration = Duration::from_millis(150);

fn dial(address: SocketAddr) -> Dial {
    Dial {
        address: address.into(),
        server_name: None,
        tls: None,
        credentials: None,
        connect_timeout: AMPLE,
        network: Network::Tcp,
    }
}

async fn listener() -> (TcpListener, Dial) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let dial = dial(listener.local_addr().unwrap());
    (listener, dial)
}

/// What becomes of a connection after the bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    /// It stays open until the client goes.
    Stay,
    /// It ends by a FIN, once something has been read: with bytes unread it would be a reset.
    HangUp,
    Reset,
}

/// Accepts connections and does the same with each of them.
fn saying(listener: TcpListener, bytes: &'static [u8], then: Then) {
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(bytes).await.unwrap();
            tokio::spawn(async move {
                let ended = match then {
                    Then::Stay => stream.read_to_end(&mut Vec::new()).await,
                    Then::HangUp => stream.read(&mut [0; 4096]).await,
                    Then::Reset => stream.set_zero_linger().map(|()| 0),
                };
                drop((ended, stream));
            });
        }
    });
}

fn lost(dial: &Dial, lost: Lost) -> OpenError {
    OpenError::Lost { address: dial.address.clone(), lost }
}

fn reply(dial: &Dial, reply: ErrorReply) -> OpenError {
    OpenError::Reply { address: dial.address.clone(), reply }
}

async fn fault(dial: &Dial) -> OpenError {
    Connection::open(dial).await.expect_err("nothing sound is there")
}

#[tokio::test]
async fn what_ends_at_once_tells_how() {
    type Case = (&'static [u8], Then, fn(&Dial) -> OpenError);
    let cases: [Case; 9] = [
        (b"", Then::HangUp, |dial| lost(dial, Lost::Closed)),
        (b"", Then::Reset, |dial| lost(dial, Lost::Reset)),
        (b"+OK\r\n+O", Then::HangUp, |dial| lost(dial, Lost::Closed)),
        (b"HTTP/1.1 400 Bad Request\r\n", Then::Stay, |dial| {
            lost(dial, Lost::Malformed(Malformed::Type(b'H')))
        }),
        (b"\x15\x03\x03\0\x02\x02\x46", Then::Stay, |dial| {
            lost(dial, Lost::Malformed(Malformed::Tls))
        }),
        (b"$9999999999\r\n", Then::Stay, |dial| lost(dial, Lost::TooLarge(TooLarge::Bytes))),
        (b"-ERR max number of clients reached\r\n", Then::HangUp, |dial| {
            reply(dial, ErrorReply::MaxClients)
        }),
        (b"-ERR max number of clients reached\r\n", Then::Reset, |dial| {
            reply(dial, ErrorReply::MaxClients)
        }),
        (b"-DENIED Valkey is running in protected mode\r\n", Then::HangUp, |dial| {
            reply(dial, ErrorReply::Denied)
        }),
    ];
    for (bytes, then, expected) in cases {
        let (listener, dial) = listener().await;
        saying(listener, bytes, then);
        let found = fault(&dial).await;
        // A reset may overtake what was sent before it.
        let overtaken = found == lost(&dial, Lost::Reset) && then == Then::Reset;
        assert!(found == expected(&dial) || overtaken, "{found:?} of {}", bytes.escape_ascii());
    }
}

#[tokio::test]
async fn the_greeting_may_be_refused_but_not_the_password() {
    let no_perm = b"-NOPERM no client|setname\r\n-NOPERM no client|no-evict\r\n";
    let (one, dial) = listener().await;
    saying(one, no_perm, Then::Stay);
    assert!(Connection::open(&dial).await.is_ok());

    for (answers, expected) in [
        (&b"+OK\r\n-NOPERM x\r\n-ERR x\r\n"[..], None),
        (b"-WRONGPASS x\r\n-NOAUTH x\r\n-NOAUTH x\r\n", Some(ErrorReply::WrongPass)),
        (b"-LOADING x\r\n-LOADING x\r\n-LOADING x\r\n", Some(ErrorReply::Loading)),
        (b"+OK\r\n-NOAUTH x\r\n-NOAUTH x\r\n", Some(ErrorReply::NoAuth)),
    ] {
        let (listener, mut dial) = listener().await;
        saying(listener, answers, Then::Stay);
        let password = Secret::new("hunter2".to_owned());
        dial.credentials = Some(Credentials { user: None, password });
        let outcome = Connection::open(&dial).await.err();
        assert_eq!(outcome, expected.map(|error| reply(&dial, error)));
    }
}

#[tokio::test]
async fn the_greeting_is_one_write() {
    let (listener, mut dial) = listener().await;
    let password = Secret::new("hunter2".to_owned());
    dial.credentials = Some(Credentials { user: Some("gungnir".to_owned()), password });
    let opening = tokio::spawn(async move { Connection::open(&dial).await });
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut greeting = [0; 512];
    let length = stream.read(&mut greeting).await.unwrap();
    assert_eq!(
        String::from_utf8_lossy(&greeting[..length]),
        "*3\r\n$4\r\nAUTH\r\n$7\r\ngungnir\r\n$7\r\nhunter2\r\n\
         *3\r\n$6\r\nCLIENT\r\n$7\r\nSETNAME\r\n$7\r\ngungnir\r\n\
         *3\r\n$6\r\nCLIENT\r\n$8\r\nNO-EVICT\r\n$2\r\nON\r\n"
    );
    stream.write_all(b"+OK\r\n+OK\r\n+OK\r\n").await.unwrap();
    let mut connection = opening.await.unwrap().unwrap();
    assert_eq!(connection.peer(), Some(stream.local_addr().unwrap()));
    // Reset while nothing is asked: told as what it is.
    stream.set_zero_linger().unwrap();
    drop(stream);
    assert_eq!(connection.closed().await, Closed::Reset);
    assert_eq!(connection.request(&[Command::ping()], AMPLE).await, Err(Lost::Reset));
}

#[tokio::test]
async fn silence_ends_at_the_deadline_with_what_was_waited_for() {
    let (quiet, mut greeting) = listener().await;
    saying(quiet, b"", Then::Stay);
    greeting.connect_timeout = SHORT;

    let mut tls = greeting.clone();
    tls.tls = Some(client_config(AUTHORITY.as_bytes(), None).unwrap());

    // A queue for one that is full: the kernel drops whoever else knocks.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let full = socket.listen(1).unwrap();
    let address = full.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = tokio::time::timeout(SHORT, TcpStream::connect(address)).await {
        waiting.push(stream.unwrap());
    }
    let connect = Dial { connect_timeout: SHORT, ..dial(address) };

    for (dial, stage) in [(greeting, Stage::Greeting), (tls, Stage::Tls), (connect, Stage::Connect)]
    {
        let began = Instant::now();
        let error = fault(&dial).await;
        let address = dial.address.clone();
        assert_eq!(error, OpenError::TimedOut { address, stage, limit: SHORT });
        assert!(began.elapsed() >= SHORT && began.elapsed() < AMPLE);
        assert!(!error.proves_alive());
    }
}

#[tokio::test]
async fn names_are_looked_up_and_every_address_is_tried() {
    let (listener, mut dial) = listener().await;
    saying(listener, b"+OK\r\n+OK\r\n", Then::Stay);
    dial.address = Address::new("localhost", dial.address.port()).unwrap();
    // More than are looked up at once.
    let openings: Vec<_> = (0..100)
        .map(|_| {
            let dial = dial.clone();
            tokio::spawn(async move { Connection::open(&dial).await })
        })
        .collect();
    for opening in openings {
        assert!(opening.await.unwrap().is_ok());
    }

    // No resolver takes a label of more than 63 characters, so none is asked.
    dial.address = Address::new(&"a".repeat(64), 6379).unwrap();
    let error = fault(&dial).await;
    assert!(matches!(&error, OpenError::NoSuchName { .. }), "{error:?}");
}

#[tokio::test]
async fn what_is_no_tls_is_a_fault_of_tls() {
    type Case = (&'static [u8], Then, fn(&OpenError) -> bool);
    let cases: [Case; 3] = [
        (b"-ERR x\r\n", Then::Stay, |error| matches!(error, OpenError::Tls { .. })),
        (b"", Then::HangUp, |error| matches!(error, OpenError::Lost { lost: Lost::Closed, .. })),
        (b"", Then::Reset, |error| matches!(error, OpenError::Lost { lost: Lost::Reset, .. })),
    ];
    for (bytes, then, expected) in cases {
        let (listener, mut dial) = listener().await;
        saying(listener, bytes, then);
        dial.tls = Some(client_config(AUTHORITY.as_bytes(), None).unwrap());
        let error = fault(&dial).await;
        assert!(expected(&error), "{error:?} of {}", bytes.escape_ascii());
    }
}

/// Any authority: nobody gets so far as to show a certificate.
const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBfjCCASWgAwIBAgIUXYh7weQZtsSi2ZFc4+3t2yjrP7AwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJYXV0aG9yaXR5MCAXDTI2MTEyMzIzMTcyOFoYDzIxMjYxMDMw
MjMxNzI4WjAUMRIwEAYDVQQDDAlhdXRob3JpdHkwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAATjL3OR/WJKLCmsXojv6ptkuu6eA3qe1gjrU8c8UcJmFuCuBGKFWBjm
2qYxZvu3cJEcW6grmHZdtcJKszE4ChLko1MwUTAdBgNVHQ4EFgQUgw4Zp/BQ+L+p
CyM6uoqDMR3eP8IwHwYDVR0jBBgwFoAUgw4Zp/BQ+L+pCyM6uoqDMR3eP8IwDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiA7S1BxYTIsnpvsnTMSX+uj
kxJcsuOZUza7A/8EAmS2VAIgX2KKR9Q7KfqZae3dRNFkWrsIl5WsrIlKRKkp7Z14
c94=
-----END CERTIFICATE-----
";

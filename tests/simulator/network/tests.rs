//! What TCP does, in virtual time.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use gungnir::valkey::{Connect, Pipe};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep, timeout};

use crate::chance::Chance;

use super::path::next_attempt;
use super::{Event, Frame, Ground, ProcessId, Way, Wire};

const ECHO: ProcessId = ProcessId(1);
const OWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const THERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
const LIMIT: Duration = Duration::from_secs(1);

type Net = Ground<(), ()>;

fn at(port: u16) -> SocketAddr {
    SocketAddr::new(THERE, port)
}

/// Two hosts; on the other one a process says back what it is told.
fn ground(latency_ms: (u64, u64)) -> Arc<Net> {
    let latency = (Duration::from_millis(latency_ms.0), Duration::from_millis(latency_ms.1));
    let ground = Arc::new(Net::new(Wire::new(Chance::new(1), latency)));
    ground.with(|wire| {
        wire.add_host(OWN);
        wire.add_host(THERE);
        wire.listen(at(1), ECHO);
    });
    let driven = Arc::clone(&ground);
    tokio::spawn(async move {
        loop {
            driven.due().await;
            driven.with(|wire| {
                while let Some(event) = wire.next(Instant::now()) {
                    if let Event::Ready(_, end) = event {
                        while let Some(frame) = wire.receive(end) {
                            wire.send(end, frame);
                        }
                    }
                }
            });
        }
    });
    ground
}

async fn connect(ground: &Arc<Net>, port: u16) -> std::io::Result<Box<dyn Pipe>> {
    Way { from: OWN, ground: Arc::clone(ground) }.connect(at(port)).await
}

#[tokio::test(start_paused = true)]
async fn bytes_come_back_in_order_whatever_each_packet_takes() {
    let ground = ground((1, 500));
    let mut pipe = connect(&ground, 1).await.unwrap();
    for number in 0..50_u8 {
        pipe.write_all(&[number]).await.unwrap();
    }
    let mut found = [0; 50];
    pipe.read_exact(&mut found).await.unwrap();
    assert!(found.is_sorted());
    assert_eq!(pipe.peer(), at(1));
}

#[tokio::test(start_paused = true)]
async fn where_nobody_listens_it_is_refused_and_where_nobody_is_it_hangs() {
    let ground = ground((1, 1));
    let refused = connect(&ground, 2).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    ground.with(|wire| wire.change_path(OWN, THERE, |path| path.refuses = true));
    assert!(connect(&ground, 1).await.is_err());
    ground.with(|wire| wire.remove_host(THERE));
    assert!(timeout(LIMIT, connect(&ground, 1)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_being_made_is_there_after_the_cut() {
    let ground = ground((1, 1));
    ground.with(|wire| wire.change_path(OWN, THERE, |path| path.cut = true));
    let healer = Arc::clone(&ground);
    tokio::spawn(async move {
        sleep(2 * LIMIT).await;
        healer.with(|wire| wire.change_path(OWN, THERE, |path| path.cut = false));
    });
    let began = Instant::now();
    connect(&ground, 1).await.unwrap();
    // The second retry of a SYN.
    assert_eq!(began.elapsed().as_millis(), 3002);
}

#[tokio::test(start_paused = true)]
async fn a_cut_in_one_direction_lets_the_other_through() {
    let ground = ground((1, 1));
    let mut pipe = connect(&ground, 1).await.unwrap();
    ground.with(|wire| wire.change_path(THERE, OWN, |path| path.cut = true));
    pipe.write_all(b"a").await.unwrap();
    assert!(timeout(LIMIT, pipe.read_u8()).await.is_err());
    ground.with(|wire| wire.change_path(THERE, OWN, |path| path.cut = false));
    assert_eq!(pipe.read_u8().await.unwrap(), b'a');
}

#[tokio::test(start_paused = true)]
async fn a_process_that_ends_says_fin_and_a_word_after_it_is_reset() {
    let ground = ground((1, 1));
    let mut pipe = connect(&ground, 1).await.unwrap();
    ground.with(|wire| wire.end_process(ECHO));
    assert_eq!(pipe.read(&mut [0]).await.unwrap(), 0);
    pipe.write_all(b"a").await.unwrap();
    sleep(LIMIT).await;
    assert_eq!(pipe.write_all(b"a").await.unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(pipe.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_closes_with_words_unread_resets() {
    let ground = ground((1, 1));
    let mut pipe = connect(&ground, 1).await.unwrap();
    pipe.write_all(b"a").await.unwrap();
    sleep(LIMIT).await;
    let end = ground.with(|wire| wire.ends_of(ECHO)[0]);
    ground.with(|wire| wire.send(end, Frame::Message(())));
    drop(pipe);
    sleep(LIMIT).await;
    assert_eq!(ground.with(|wire| wire.ended(end)), Some(super::Ended::Reset));
}

#[tokio::test(start_paused = true)]
async fn each_wait_is_twice_the_one_before() {
    let first = Instant::now();
    let after = |passed_s: u64| {
        let now = first + Duration::from_secs(passed_s);
        next_attempt(first, LIMIT, now).duration_since(first).as_secs()
    };
    assert_eq!([0, 1, 2, 4, 8, 16].map(after), [1, 1, 3, 7, 15, 31]);
}

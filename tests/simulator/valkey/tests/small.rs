//! One seed is one run, and a run costs little.

use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::sleep;

use super::{World, at, shown};

/// A minute of three servers that are asked each second, as Gungnir asks.
async fn minute() -> Vec<String> {
    let world = World::led(3, "min-replicas-to-write 1\n").await;
    let mut seen = Vec::new();
    let mut clients = Vec::new();
    for number in 0..3 {
        clients.push(world.client(number).await);
    }
    for second in 0..60 {
        for client in &mut clients {
            client.send(&["PING"]).await.unwrap();
            client.send(&["INFO", "server", "replication"]).await.unwrap();
            assert_eq!(shown(&client.answer().await.unwrap()), "PONG");
            seen.push(shown(&client.answer().await.unwrap()));
        }
        let set = clients[0].ask(&["SET", "a", &second.to_string()]).await.unwrap();
        assert_eq!(shown(&set), "OK");
        sleep(Duration::from_secs(1)).await;
    }
    assert!(world.fleet.at(at(0)).is_some());
    seen
}

fn run() -> Vec<String> {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(minute())
}

#[test]
fn two_runs_of_one_seed_are_alike() {
    assert_eq!(run(), run());
}

#[test]
#[ignore = "for who measures what a run costs"]
fn a_thousand_runs() {
    for _ in 0..1000 {
        run();
    }
}

//! One seed is one run, and a run costs little.

use std::time::Duration;

use tokio::time::sleep;

use super::{World, at};

async fn minute() -> Vec<String> {
    let world = World::led(3, "min-replicas-to-write 1\n").await;
    let mut seen = Vec::new();
    let mut clients = Vec::new();
    for number in 0..3 {
        clients.push(world.client(number).await);
    }
    for second in 0..60 {
        for client in &mut clients {
            client.ask(&["PING"]).await.unwrap();
            let info = client.ask(&["INFO", "server", "replication"]).await.unwrap();
            seen.push(super::shown(&info));
        }
        let set = clients[0].ask(&["SET", "a", &second.to_string()]).await.unwrap();
        assert_eq!(super::shown(&set), "OK");
        sleep(Duration::from_secs(1)).await;
    }
    assert!(world.fleet.at(at(0)).is_some());
    seen
}

#[tokio::test(start_paused = true)]
async fn two_runs_of_one_seed_are_alike() {
    assert_eq!(minute().await, minute().await);
}

//! Ends of processes, hosts and paths, as the operator meets them.

use std::time::Duration;

use tokio::time::sleep;

use crate::valkey::{Client, Exit};

use super::{LIMIT, OWN, World, at, ip, say};

#[tokio::test(start_paused = true)]
async fn who_is_killed_says_fin_and_then_refuses() {
    let world = World::led(2, "").await;
    let mut idle = world.client(0).await;
    assert_eq!(say(&mut idle, "PING").await, "PONG");
    world.fleet.kill(world.processes[0]);
    let ended = idle.answer().await.unwrap_err();
    assert_eq!(ended.kind(), std::io::ErrorKind::UnexpectedEof);
    let refused = Client::connect(&world.fleet.network(OWN), at(0)).await.unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    assert_eq!(world.fleet.exit(world.processes[0]), Some(Exit::Signal(9)));
    sleep(LIMIT).await;
    assert_eq!(world.field(1, "master_link_status").await, "down");
}

#[tokio::test(start_paused = true)]
async fn who_is_stopped_takes_connections_and_answers_later() {
    let world = World::led(1, "").await;
    world.fleet.stop(world.processes[0]);
    let mut client = world.client(0).await;
    assert_eq!(say(&mut client, "SET a 1").await, "silence");
    drop(client);
    world.fleet.resume(world.processes[0]);
    // What was sent before the client gave up still takes effect.
    assert_eq!(world.look(0).data.len(), 1);
    assert_eq!(world.say(0, "PING").await, "PONG");
}

#[tokio::test(start_paused = true)]
async fn who_is_stopped_and_killed_resets_what_it_has_not_read() {
    let world = World::led(1, "").await;
    world.fleet.stop(world.processes[0]);
    let mut client = world.client(0).await;
    client.send(&["PING"]).await.unwrap();
    sleep(LIMIT).await;
    world.fleet.kill(world.processes[0]);
    let ended = client.answer().await.unwrap_err();
    assert_eq!(ended.kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn a_cut_path_delivers_later_and_a_lost_host_never() {
    let world = World::led(1, "").await;
    let mut client = world.client(0).await;
    world.fleet.cut(ip(0), OWN, true);
    assert_eq!(say(&mut client, "SET a 1").await, "silence");
    assert_eq!(world.look(0).data.len(), 1);
    world.fleet.cut(ip(0), OWN, false);
    assert_eq!(super::shown(&client.answer().await.unwrap()), "OK");
    world.fleet.remove_host(ip(0));
    assert_eq!(say(&mut client, "PING").await, "silence");
    let network = world.fleet.network(OWN);
    let connecting = tokio::time::timeout(LIMIT, Client::connect(&network, at(0))).await;
    assert!(connecting.is_err());
    // Another host gets the address: it knows nothing of the connection.
    world.fleet.add_host(ip(0));
    sleep(Duration::from_secs(5)).await;
    assert_eq!(client.answer().await.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(start_paused = true)]
async fn a_master_that_is_told_to_end_waits_for_its_replicas() {
    let world = World::led(2, "").await;
    world.say(0, "SET a 1").await;
    world.fleet.terminate(world.processes[0]);
    assert_eq!(world.fleet.ended(world.processes[0]).await, Exit::Code(0));
    assert_eq!(world.look(1).data.len(), 1);
    world.fleet.terminate(world.processes[1]);
    assert_eq!(world.fleet.exit(world.processes[1]), Some(Exit::Code(0)));
}

#[tokio::test(start_paused = true)]
async fn a_master_that_is_told_to_end_waits_no_longer_than_it_may() {
    let world = World::led(2, "").await;
    world.fleet.stop(world.processes[1]);
    world.say(0, "SET a 1").await;
    let began = tokio::time::Instant::now();
    world.fleet.terminate(world.processes[0]);
    assert_ne!(world.field(0, "shutdown_in_milliseconds").await, "none");
    assert_eq!(world.say(0, "SET a 2").await, "silence");
    world.fleet.ended(world.processes[0]).await;
    let took = began.elapsed();
    assert!(took > Duration::from_secs(9) && took < Duration::from_secs(11), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn who_is_stopped_ends_no_sooner_than_it_goes_on() {
    let world = World::led(1, "").await;
    world.fleet.stop(world.processes[0]);
    world.fleet.terminate(world.processes[0]);
    assert_eq!(world.fleet.exit(world.processes[0]), None);
    world.fleet.resume(world.processes[0]);
    assert_eq!(world.fleet.exit(world.processes[0]), Some(Exit::Code(0)));
}

//! Histories, links and acknowledgements.

use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::{World, at, ip, number, say};

#[tokio::test(start_paused = true)]
async fn a_gated_server_follows_nobody_and_a_promotion_begins_a_history() {
    let world = World::gated(1, "");
    assert_eq!(world.say(0, "ROLE").await, "[slave 127.0.0.1 1 connect -1]");
    assert_eq!(world.field(0, "master_link_down_since_seconds").await, "-1");
    assert!(world.say(0, "SET a 1").await.starts_with("READONLY"));
    let before = world.look(0).history;
    assert_eq!(world.say(0, "REPLICAOF NO ONE").await, "OK");
    let look = world.look(0);
    assert_eq!((look.earlier_history, look.earlier_until), (before, 1));
    assert_ne!(look.history, before);
    assert_eq!(world.say(0, "SET a 1").await, "OK");
    assert_eq!(
        world.field(0, "db0").await,
        "keys=1,expires=0,avg_ttl=0,keys_with_volatile_items=0"
    );
}

#[tokio::test(start_paused = true)]
async fn replicas_get_everything_and_then_the_stream() {
    let world = World::led(3, "").await;
    let history = world.look(0).history;
    let mut client = world.client(0).await;
    assert_eq!(say(&mut client, "SET a 1").await, "OK");
    assert_eq!(number(&client.ask(&["WAIT", "2", "1000"]).await.unwrap()), 2);
    for follower in [1, 2] {
        let look = world.look(follower);
        assert!(look.link_is_up);
        assert_eq!((look.history, look.data.len()), (history, 1));
    }
    assert_eq!(world.field(0, "connected_slaves").await, "2");
    assert_eq!(world.field(1, "master_link_status").await, "up");
    assert_eq!(world.say(1, "GET a").await, "1");
    let line = world.field(0, "slave0").await;
    assert!(line.starts_with(&format!("ip={},port=6379,state=online,offset=", ip(1))), "{line}");
}

#[tokio::test(start_paused = true)]
async fn who_has_no_more_than_a_history_goes_on_with_a_part_of_it() {
    let mut world = World::led(3, "").await;
    let mut client = world.client(0).await;
    say(&mut client, "SET a 1").await;
    say(&mut client, "WAIT 2 1000").await;
    // Frozen, then one is promoted; the old master and the other go on from there.
    world.say(1, "REPLICAOF 127.0.0.1 1").await;
    world.say(2, "REPLICAOF 127.0.0.1 1").await;
    assert_eq!(world.field(1, "master_link_down_since_seconds").await, "0");
    world.say(0, "REPLICAOF 127.0.0.1 1").await;
    let (old, stood_at) = (world.look(0).history, world.look(1).offset);
    world.say(1, "REPLICAOF NO ONE").await;
    world.follow(0, 1).await;
    world.follow(2, 1).await;
    world.settle().await;
    let look = world.look(1);
    assert_eq!(look.earlier_history, old);
    assert_eq!(look.earlier_until, i64::try_from(stood_at).unwrap() + 1);
    for other in [0, 2] {
        let other = world.look(other);
        assert_eq!((other.history, other.data.len()), (look.history, 1));
    }
    let stats = [world.field(1, "sync_full").await, world.field(1, "sync_partial_ok").await];
    let ahead = world.field(1, "sync_partial_err").await;
    // The old master was not ahead: its last ping had arrived.
    assert_eq!((stats[0].as_str(), stats[1].as_str(), ahead.as_str()), ("0", "2", "0"));
}

#[tokio::test(start_paused = true)]
async fn who_is_ahead_of_a_promotion_is_sent_everything() {
    let mut world = World::led(2, "").await;
    world.say(1, "REPLICAOF 127.0.0.1 1").await;
    world.say(0, "SET lost 1").await;
    world.say(1, "REPLICAOF NO ONE").await;
    world.follow(0, 1).await;
    world.settle().await;
    assert_eq!(world.look(0).data.len(), 0);
    assert_eq!(world.field(1, "sync_full").await, "1");
    assert_eq!(world.field(1, "sync_partial_err").await, "1");
}

#[tokio::test(start_paused = true)]
async fn writes_stop_when_replicas_are_not_heard() {
    let world = World::led(2, "min-replicas-to-write 1\n").await;
    assert_eq!(world.say(0, "SET a 1").await, "OK");
    world.fleet.stop(world.processes[1]);
    let stopped = Instant::now();
    while world.say(0, "SET a 2").await == "OK" {
        sleep(Duration::from_millis(20)).await;
    }
    let after = stopped.elapsed();
    assert!(after > Duration::from_secs(1) && after < Duration::from_secs(5), "{after:?}");
    assert!(world.say(0, "SET a 3").await.starts_with("NOREPLICAS"));
    assert!(!world.look(0).takes_writes);
    world.fleet.resume(world.processes[1]);
    world.settle().await;
    assert_eq!(world.say(0, "SET a 4").await, "OK");
}

#[tokio::test(start_paused = true)]
async fn who_stood_still_counts_old_acknowledgements_as_new_ones_for_a_while() {
    // Another is elected while it stands still, or where nobody has heard that it goes on.
    for other_led_after_ms in [5_000, 15_400] {
        let world = World::led(2, "min-replicas-to-write 1\n").await;
        world.fleet.stop(world.processes[0]);
        let stopped = Instant::now();
        sleep(Duration::from_secs(5)).await;
        world.fleet.cut(ip(1), ip(0), true);
        let other_led = stopped + Duration::from_millis(other_led_after_ms);
        let resumes = stopped + Duration::from_secs(15);
        let elect = async {
            sleep_until(other_led).await;
            // The replica is told to follow nobody, and its FIN does not arrive.
            world.say(1, "REPLICAOF 127.0.0.1 1").await;
        };
        let write = async {
            sleep_until(resumes).await;
            world.fleet.resume(world.processes[0]);
            let mut last = None;
            while resumes.elapsed() < Duration::from_secs(8) {
                if world.say(0, "SET a 1").await == "OK" {
                    last = Some(Instant::now());
                }
                sleep(Duration::from_millis(20)).await;
            }
            last.expect("a write that no replica gets")
        };
        let ((), last) = tokio::join!(elect, write);
        let [still] = world.fleet.standstills()[..] else { panic!("one standstill") };
        assert!(still.explains(ip(0), other_led, last), "{:?}", last - still.until);
        assert!(last > still.until + Duration::from_secs(2), "{:?}", last - still.until);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_link_counts_as_up_until_its_time_is_over() {
    let world = World::led(2, "").await;
    world.fleet.cut(ip(0), ip(1), true);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(world.field(1, "master_link_status").await, "up");
    let silent_s: u64 = world.field(1, "master_last_io_seconds_ago").await.parse().unwrap();
    assert!((9..=11).contains(&silent_s), "{silent_s}");
    sleep(Duration::from_secs(13)).await;
    assert_eq!(world.field(1, "master_link_status").await, "down");
    world.fleet.cut(ip(0), ip(1), false);
    sleep(Duration::from_secs(30)).await;
    assert_eq!(world.field(1, "master_link_status").await, "up");
    assert_eq!(world.field(0, "sync_partial_ok").await, "1");
}

#[tokio::test(start_paused = true)]
async fn a_replica_of_a_replica_gets_the_same_stream() {
    let mut world = World::led(2, "").await;
    let third = world.fleet.start(at(2), &world.configuration, &super::Volume::new());
    world.processes.push(third);
    world.follow(2, 1).await;
    world.settle().await;
    world.say(0, "SET a 1").await;
    world.settle().await;
    assert_eq!(world.look(2).history, world.look(0).history);
    assert_eq!(world.look(2).data.len(), 1);
    // A replica without link feeds nobody.
    world.say(1, "REPLICAOF 127.0.0.1 1").await;
    world.say(2, "REPLICAOF 127.0.0.1 1").await;
    world.follow(2, 1).await;
    world.settle().await;
    assert_eq!(world.say(2, "ROLE").await, "[slave 10.0.0.1 6379 connect -1]");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_its_role_or_its_time() {
    let world = World::led(2, "").await;
    let mut client = world.client(0).await;
    world.fleet.stop(world.processes[1]);
    say(&mut client, "SET a 1").await;
    assert_eq!(say(&mut client, "WAIT 1 300").await, "0");
    client.send(&["WAIT", "1", "0"]).await.unwrap();
    sleep(Duration::from_millis(10)).await;
    world.say(0, "REPLICAOF 127.0.0.1 1").await;
    assert!(super::shown(&client.answer().await.unwrap()).starts_with("UNBLOCKED"));
    assert!(client.answer().await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_pause_keeps_writes_until_it_ends() {
    let world = World::led(1, "").await;
    world.say(0, "CLIENT PAUSE 500 WRITE").await;
    let mut client = world.client(0).await;
    client.send(&["SET", "a", "1"]).await.unwrap();
    assert_eq!(world.say(0, "GET a").await, "nil");
    let asked = Instant::now();
    assert_eq!(super::shown(&client.answer().await.unwrap()), "OK");
    assert!(asked.elapsed() > Duration::from_millis(400));
    world.say(0, "CLIENT PAUSE 5000 WRITE").await;
    client.send(&["SET", "a", "2"]).await.unwrap();
    world.say(0, "REPLICAOF 127.0.0.1 1").await;
    world.say(0, "CLIENT UNPAUSE").await;
    assert!(super::shown(&client.answer().await.unwrap()).starts_with("READONLY"));
}

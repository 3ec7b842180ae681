//! What a volume gives back.

use tokio::time::sleep;

use crate::valkey::Exit;

use super::{LIMIT, World};

#[tokio::test(start_paused = true)]
async fn memory_alone_gives_nothing_back() {
    let mut world = World::led(1, "").await;
    world.say(0, "SET a 1").await;
    world.fleet.kill(world.processes[0]);
    world.restart(0);
    sleep(LIMIT).await;
    assert_eq!(world.look(0).data.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_append_only_file_gives_back_data_but_no_history() {
    let mut world = World::led(2, "appendonly yes\n").await;
    world.say(0, "SET a 1").await;
    world.settle().await;
    let history = world.look(0).history;
    for number in [0, 1] {
        world.fleet.kill(world.processes[number]);
        world.restart(number);
        sleep(LIMIT).await;
        let look = world.look(number);
        assert_eq!((look.data.len(), look.offset), (1, 0));
        assert_ne!(look.history, history);
    }
}

#[tokio::test(start_paused = true)]
async fn a_loss_of_power_takes_what_was_not_synced() {
    for (policy, left) in [("always", 1), ("everysec", 0)] {
        let mut world = World::led(1, &format!("appendonly yes\nappendfsync {policy}\n")).await;
        world.say(0, "SET a 1").await;
        world.fleet.kill(world.processes[0]);
        world.volumes[0].lose_power(0);
        world.restart(0);
        sleep(LIMIT).await;
        assert_eq!(world.look(0).data.len(), left, "{policy}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_gives_back_data_and_history_after_an_orderly_end() {
    let mut world = World::led(2, "save \"3600 1\"\n").await;
    world.say(0, "SET a 1").await;
    world.settle().await;
    let before = world.look(1);
    world.fleet.terminate(world.processes[1]);
    world.fleet.ended(world.processes[1]).await;
    world.restart(1);
    sleep(LIMIT).await;
    let look = world.look(1);
    assert_eq!(look.data.len(), 1);
    assert_eq!(look.history, before.history);
    assert!(look.offset >= before.offset);
    world.follow(1, 0).await;
    world.settle().await;
    assert_eq!(world.field(0, "sync_partial_ok").await, "1");
}

#[tokio::test(start_paused = true)]
async fn a_full_disk_stops_writes_or_the_server() {
    let world = World::led(1, "appendonly yes\n").await;
    world.volumes[0].set_full(true);
    assert_eq!(world.say(0, "SET a 1").await, "OK");
    assert!(world.say(0, "SET a 2").await.starts_with("MISCONF Errors writing to the AOF"));
    assert!(world.say(0, "PING").await.starts_with("MISCONF"));
    assert_eq!(world.field(0, "aof_last_write_status").await, "err");
    world.volumes[0].set_full(false);
    sleep(2 * LIMIT).await;
    assert_eq!(world.say(0, "SET a 2").await, "OK");

    let strict = World::led(1, "appendonly yes\nappendfsync always\n").await;
    strict.volumes[0].set_full(true);
    assert_eq!(strict.say(0, "SET a 1").await, "UnexpectedEof");
    assert_eq!(strict.fleet.exit(strict.processes[0]), Some(Exit::Code(1)));
}

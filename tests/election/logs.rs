//! Each log line of a cluster's election says which cluster, and in which epoch.

use tokio::task::LocalSet;

use crate::failover::moved;
use crate::log_lines::LogLines;
use crate::operator::Operator;
use crate::world::World;

#[tokio::test]
async fn every_line_of_a_failover_carries_its_cluster_and_epoch() {
    let logged = LogLines::keep();
    LocalSet::new().run_until(failed_over(&logged)).await;
}

async fn failed_over(logged: &LogLines) {
    let world = World::running("logged").await;
    let _operator = Operator::start(&world, "test/one", true);
    let master = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    world.pods[master].kill();
    let (_, higher) = moved(&world, master, epoch).await;
    world.pods[master].start().await;
    world.settled(2).await;

    let lines = logged.of(&["runtime", "operator::election"]);
    let cluster = format!("{}/shop", world.namespace);
    let mut now = None;
    for line in &lines {
        assert_eq!(line["span"]["cluster"], *cluster, "{line}");
        let epoch = line["span"]["epoch"].as_u64();
        assert!(epoch >= now, "after epoch {now:?}: {line}");
        now = epoch;
    }
    assert_eq!(now, Some(higher), "{lines:#?}");
    for room in ["gungnir::runtime", "gungnir::operator::election"] {
        let of_room = |line: &&serde_json::Value| line["target"].as_str().unwrap().contains(room);
        assert!(lines.iter().any(|line| of_room(&line)), "{room}: {lines:#?}");
    }
}

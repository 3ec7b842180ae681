//! Clients that come back to the old master before they are led elsewhere.

use std::time::Duration;

use tokio::task::LocalSet;

use crate::failover::moved;
use crate::operator::Operator;
use crate::pod::{PORT, Pod};
use crate::wait::until;
use crate::world::World;

/// How long a server may take for an answer.
const LIMIT: Duration = Duration::from_secs(5);

/// A client as many libraries are: it stays as long as it is let, whatever it is answered.
fn client(pod: &Pod) -> redis::Connection {
    let client = redis::Client::open((pod.address().to_string(), PORT)).unwrap();
    let connection = client.get_connection_with_timeout(LIMIT).unwrap();
    connection.set_read_timeout(Some(LIMIT)).unwrap();
    connection
}

fn answers(connection: &mut redis::Connection) -> bool {
    redis::cmd("PING").query::<String>(connection).is_ok()
}

#[tokio::test]
async fn who_comes_back_to_the_old_master_is_sent_away_and_who_is_right_stays() {
    LocalSet::new().run_until(sent_away()).await;
}

async fn sent_away() {
    let world = World::running("stragglers").await;
    let operator = Operator::start(&world, "test/one", true);
    let first = world.settled(2).await;
    let (_, epoch) = world.pointer().await.unwrap();
    operator.hand_over_to((first + 1) % 3);
    let (second, _) = moved(&world, first, epoch).await;
    // The handover itself has ended its connections by then.
    world.settled(2).await;
    let mut straggler = client(&world.pods[first]);
    let mut right = client(&world.pods[second]);
    let refused: redis::RedisResult<String> =
        redis::cmd("SET").arg("key").arg("value").query(&mut straggler);
    assert_eq!(refused.unwrap_err().code(), Some("READONLY"));
    until(
        "the straggler is sent away",
        async || !answers(&mut straggler),
        async || world.told().await,
    )
    .await;
    assert!(answers(&mut right), "a client of the master is not sent away");
}

//! What servers are set to while they run.

use std::time::Duration;

use gungnir::runtime::LiveSettings;
use tokio::task::LocalSet;
use tokio::time::sleep;

use crate::operator::Operator;
use crate::wait::until;
use crate::world::World;

fn want(operator: &Operator, directives: &[(&str, &str)]) {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let live = LiveSettings::new(directives.iter().map(pair).collect());
    *operator.edit.borrow_mut() = Box::new(move |facts| facts.live = live.clone());
}

/// The maximum of memory that each server has.
fn maxima(world: &World) -> Vec<String> {
    let maximum = |info: String| {
        let line = info.lines().find_map(|line| line.strip_prefix("maxmemory:"));
        line.unwrap_or_default().to_owned()
    };
    let info = |pod: &crate::pod::Pod| pod.ask(&["INFO", "memory"]).unwrap_or_default();
    world.pods.iter().map(|pod| maximum(info(pod))).collect()
}

async fn until_all_have(world: &World, maximum: &str) {
    until(
        "every server has that maximum of memory",
        async || maxima(world).iter().all(|found| found == maximum),
        async || format!("{:?}, not {maximum}\n{}", maxima(world), world.told().await),
    )
    .await;
}

#[tokio::test]
async fn servers_are_set_while_they_run_and_whoever_sets_them_otherwise_is_overruled() {
    LocalSet::new().run_until(set_and_overruled()).await;
}

async fn set_and_overruled() {
    let world = World::running("settings").await;
    let operator = Operator::start(&world, "test/one", true);
    let standby = Operator::start(&world, "test/one", false);
    let master = world.settled(2).await;
    want(&standby, &[("maxmemory", "3gb")]);
    want(&operator, &[("maxmemory", "2gb"), ("no-such-directive", "1"), ("save", "60 5")]);
    until_all_have(&world, "2147483648").await;
    until(
        "what is refused is told",
        async || operator.view().settings_refused.len() == world.pods.len(),
        async || format!("{:?}", operator.view()),
    )
    .await;
    for (pod, name, error) in operator.view().settings_refused {
        assert_eq!(name, "no-such-directive", "{pod}: {error}");
        assert!(error.to_lowercase().contains("no-such-directive"), "{error}");
    }
    let told = |reason: &str| {
        let news = operator.news.borrow();
        let told = news.iter().filter(|item| item.reason == reason);
        told.map(|item| item.text.clone()).collect::<Vec<String>>()
    };
    let mut set = told("+set");
    set.sort_unstable();
    assert_eq!(set, ["shop-0 maxmemory save", "shop-1 maxmemory save", "shop-2 maxmemory save"]);
    assert_eq!(told("-set").len(), world.pods.len());

    // Somebody who has the right, by hand.
    let administrator = ["ACL", "SETUSER", "administrator", "on", "nopass", "+@all"];
    let () = world.pods[master].ask_as_operator(&administrator).unwrap();
    let by_hand = ["CONFIG", "SET", "maxmemory", "1gb"];
    let () = world.pods[master].ask_as(("administrator", "any"), &by_hand).unwrap();
    until(
        "it is overruled, and that is told",
        async || told("+set").len() == 4,
        async || format!("{:?}", told("+set")),
    )
    .await;
    until_all_have(&world, "2147483648").await;

    // A run that knows nothing of it is set anew; what is refused is no hot loop.
    let heard = told("-set").len();
    world.pods[master].kill();
    world.pods[master].start().await;
    world.settled(2).await;
    until_all_have(&world, "2147483648").await;
    sleep(Duration::from_secs(2)).await;
    assert!(told("-set").len() <= heard + 2, "{:?}", told("-set"));
    want(&operator, &[("maxmemory", "1gb")]);
    until_all_have(&world, "1073741824").await;
    until(
        "nothing is refused any more",
        async || operator.view().settings_refused.is_empty(),
        async || format!("{:?}", operator.view()),
    )
    .await;
    assert!(!standby.heard("+set"), "who does not lead sets nothing");
}

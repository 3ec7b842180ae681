//! Each log line about a cluster says which, and in which epoch.

use serde_json::{Value, json};

use crate::log_lines::LogLines;
use crate::world::{World, with_operator};

#[tokio::test]
async fn every_line_of_what_is_made_and_mended_carries_its_cluster_and_epoch() {
    let logged = LogLines::keep();
    with_operator("logged", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        world.recorded_by(None).await;
        world.rest().await;
        let edit = json!({ "spec": { "replicas": 7 } });
        world.edit("kubectl-edit", "StatefulSet", "shop", edit).await;
        world.until("repaired", "StatefulSet", "shop", |set| set["spec"]["replicas"] == 3).await;
        world.condition("Drifted", "True").await;

        let rooms = ["apply", "passwords", "events"].map(|room| format!("operator::{room}"));
        for room in &rooms {
            let lines = logged.of(&[room]);
            assert_ne!(lines, Vec::<Value>::new(), "{room}");
            for line in lines {
                let cluster = format!("{}/shop", world.namespace);
                assert_eq!(line["span"]["cluster"], *cluster, "{line}");
            }
        }
        let is_drift = |line: &&Value| line["fields"]["reason"] == "Drifted";
        let events = logged.of(&["operator::events"]);
        let drift = events.iter().find(is_drift).expect("it is logged");
        assert_eq!(drift["span"]["epoch"], 1, "{drift}");
    })
    .await;
}

//! The schema that is served is not that of this version.

use gungnir::api;
use serde_json::{Value, json};

use crate::tap::{Fault, Seen};
use crate::world::{FORCED, World, find};

#[tokio::test]
async fn a_definition_that_lacks_fields_is_told_until_it_has_them() {
    let mut older = api::crd().clone();
    let spec = older
        .pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties")
        .unwrap();
    spec.as_object_mut().unwrap().remove("networkPolicy");
    let older: &'static str = older.to_string().leak();
    let world = World::new("older").await;
    let reads = |seen: &Seen| seen.path.contains("/customresourcedefinitions/");
    world.tap.spoil(move |seen: &Seen| reads(seen).then_some(Fault::Answered(older)));
    world
        .operated(async {
            world.shop(json!({})).await;
            let message = world.condition("CRDOutdated", "True").await;
            assert!(message.contains("lacks `spec.networkPolicy`"), "{message}");
            assert!(message.contains("gungnir crd | kubectl apply"), "{message}");
            world.created().await;
        })
        .await;
    // It is upgraded, and the operator starts anew.
    world.tap.spoil(|_| None);
    world
        .operated(async {
            world
                .until("as it should be", "ValkeyCluster", "shop", |cluster| {
                    find(cluster, "CRDOutdated").is_none()
                })
                .await;
        })
        .await;
}

#[tokio::test]
async fn a_field_of_a_later_version_is_told() {
    // What a later version's definition would let in, on the way of the watch.
    let world = World::new("later").await;
    let mut later = api::crd().clone();
    let name = "valkeyclusters.valkey.verilean.io";
    later["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        ["sharding"] =
        json!({ "type": "object", "properties": { "slots": { "type": "integer" } } });
    assert_eq!(later["metadata"]["name"], name);
    world.server.apply("later", &later, FORCED).await.unwrap();
    world.server.established(&json!(name)).await;
    world
        .operated(async {
            let told = |cluster: &Value| find(cluster, "CRDOutdated").is_some();
            // It may take a moment until every handler has heard of the field.
            let start = std::time::Instant::now();
            loop {
                let spec = json!({ "replicas": 3, "sharding": { "slots": 16384 } });
                let applied = world.try_cluster("shop", spec).await;
                if applied.is_ok_and(|it| it["spec"]["sharding"]["slots"] == 16384) {
                    break;
                }
                assert!(start.elapsed() < crate::world::DEADLINE, "the field is not served");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
            world.until("told", "ValkeyCluster", "shop", told).await;
            let message = world.condition("CRDOutdated", "True").await;
            assert!(message.contains("does not know `spec.sharding`"), "{message}");
            world.created().await;
        })
        .await;
}

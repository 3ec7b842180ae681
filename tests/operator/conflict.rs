//! What belongs to others, and what cannot be changed: said, never forced.

use gungnir::cluster::Roles;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::examples::rendered;
use crate::server::Apply;
use crate::world::{DEADLINE, REST, World, every_kind, find, with_operator};

#[tokio::test]
async fn an_object_of_somebody_else_is_never_touched() {
    let world = World::new("foreign").await;
    let foreign = |kind: &str, name: &str, labels: Value| {
        let mut object = json!({
            "apiVersion": "v1", "kind": kind,
            "metadata": { "name": name, "namespace": world.namespace, "labels": labels },
        });
        match kind {
            "Service" => object["spec"] = json!({ "ports": [{ "port": 1 }] }),
            _ => object["data"] = json!({ "valkey.conf": "theirs" }),
        }
        object
    };
    let labelled = json!({ "valkey.verilean.io/cluster": "shop" });
    let objects = [
        foreign("ConfigMap", "shop-config", json!({})),
        foreign("Service", "shop-client", labelled),
    ];
    let mut before = Vec::new();
    for object in &objects {
        before.push(world.server.apply("them", object, Apply::default()).await.unwrap().object);
    }
    world
        .operated(async {
            world.shop(json!({})).await;
            let message = world.condition("NameTaken", "True").await;
            assert!(message.contains("ConfigMap `shop-config` belongs to"), "{message}");
            assert!(message.contains("Service `shop-client` is applied by"), "{message}");
            assert!(message.contains("field manager `them`"), "{message}");
            world.condition("Stalled", "True").await;
            sleep(REST).await;
            for before in &before {
                assert_eq!(world.server.current(before).await, *before);
            }
            // It goes on by itself once the name is free.
            world.delete("ConfigMap", "shop-config").await;
            world.delete("Service", "shop-client").await;
            world.created().await;
        })
        .await;
}

#[tokio::test]
async fn no_kind_of_object_is_taken_from_somebody_else() {
    let world = World::new("taken").await;
    let spec = every_kind();
    let cluster = json!({
        "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster",
        "metadata": { "name": "shop", "namespace": world.namespace }, "spec": spec,
    });
    let mut theirs = Vec::new();
    for mut object in rendered(&cluster, Roles::Elected) {
        object["metadata"].as_object_mut().unwrap().remove("labels");
        theirs.push(world.server.apply("them", &object, Apply::default()).await.unwrap().object);
    }
    world
        .operated(async {
            world.shop(spec.clone()).await;
            let message = world.condition("NameTaken", "True").await;
            for object in &theirs {
                let kind = object["kind"].as_str().unwrap();
                let name = object["metadata"]["name"].as_str().unwrap();
                assert!(message.contains(&format!("{kind} `{name}`")), "{kind}: {message}");
                assert_eq!(world.server.current(object).await, *object);
            }
        })
        .await;
}

#[tokio::test]
async fn names_that_are_too_long_never_reach_the_operator() {
    let world = World::new("long").await;
    for name in ["a".repeat(53), "1shop".to_owned()] {
        let object = json!({
            "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster",
            "metadata": { "name": name, "namespace": world.namespace },
        });
        let refused = world.server.apply("people", &object, Apply::default()).await.unwrap_err();
        assert_eq!(refused.code, 422, "{refused:?}");
    }
}

#[tokio::test]
async fn a_spec_that_an_older_schema_let_in_is_a_condition_of_that_cluster_alone() {
    with_operator("invalid", |world: World| async move {
        // The schema knows directives only as text; validation knows them by name.
        world.shop(json!({ "config": { "port": "1" } })).await;
        world.cluster("fine", json!({})).await;
        let message = world.condition("Invalid", "True").await;
        assert!(message.contains("spec.config.port: is set by Gungnir"), "{message}");
        world.until("the other one", "StatefulSet", "fine", |_| true).await;
        assert!(world.get("StatefulSet", "shop").await.is_none());
        let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
        assert_eq!(cluster["status"]["observedGeneration"], 1);
        assert_eq!(cluster["status"]["phase"], "Invalid");
        world.rest().await;
        world.shop(json!({ "replicas": 3 })).await;
        world.created().await;
        let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
        assert!(find(&cluster, "Invalid").is_none() && find(&cluster, "Stalled").is_none());
    })
    .await;
}

/// What somebody asks for that nobody can change is told, and asked of the API server now and then.
async fn is_no_hot_loop(world: &World) {
    world.tap.take();
    sleep(DEADLINE / 3).await;
    let seen = world.tap.take();
    assert!(seen.len() <= 6, "{} requests in {:?}: {seen:#?}", seen.len(), DEADLINE / 3);
}

#[tokio::test]
async fn the_class_of_a_load_balancer_cannot_be_changed_and_that_is_told() {
    with_operator("class", |world: World| async move {
        let service = |class: &str| {
            json!({ "service": { "type": "LoadBalancer", "loadBalancerClass": class },
                    "labels": { "class": class.replace('/', "-") } })
        };
        world.shop(service("example.com/one")).await;
        world.created().await;
        world.shop(service("example.com/two")).await;
        let message = world.condition("ImmutableChange", "True").await;
        assert!(message.contains("shop-client"), "{message}");
        assert!(message.contains("spec.loadBalancerClass"), "{message}");
        world.condition("Stalled", "True").await;
        // All else is carried out.
        let labelled = |object: &Value| object["metadata"]["labels"]["class"] == "example.com-two";
        world.until("the rest", "ConfigMap", "shop-config", labelled).await;
        is_no_hot_loop(&world).await;
        let client = world.get("Service", "shop-client").await.unwrap();
        assert_eq!(client["spec"]["loadBalancerClass"], "example.com/one");
        world.shop(service("example.com/one")).await;
        world.created().await;
        let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
        assert_eq!(find(&cluster, "ImmutableChange"), None);
    })
    .await;
}

#[tokio::test]
async fn another_certificate_by_name_is_taken_and_asked_for() {
    with_operator("cert", |world: World| async move {
        let spec = |name: &str| json!({ "tls": { "enabled": true, "certSecretName": name } });
        let mounts = |name: &'static str| {
            move |set: &Value| {
                let volumes = set["spec"]["template"]["spec"]["volumes"].as_array();
                volumes.unwrap().iter().any(|volume| volume["secret"]["secretName"] == name)
            }
        };
        world.shop(spec("one")).await;
        world.until("the first", "StatefulSet", "shop", mounts("one")).await;
        world.shop(spec("two")).await;
        let set = world.until("the second", "StatefulSet", "shop", mounts("two")).await;
        assert!(!mounts("one")(&set), "{set:#}");
        let told = |cluster: &Value| {
            let missing = find(cluster, "SecretMissing").map(|it| it["message"].to_string());
            missing.is_some_and(|message| message.contains("Secret `two`"))
        };
        world.until("told of the second", "ValkeyCluster", "shop", told).await;
    })
    .await;
}

#[tokio::test]
async fn what_the_api_server_refuses_is_a_condition_and_no_hot_loop() {
    with_operator("refused", |world: World| async move {
        // Two volumes of one name: a fault that only the API server finds.
        let volume = json!({ "name": "x", "emptyDir": {}, "configMap": { "name": "y" } });
        world.shop(json!({ "extraVolumes": [volume] })).await;
        let message = world.condition("ImmutableChange", "True").await;
        assert!(message.contains("StatefulSet"), "{message}");
        is_no_hot_loop(&world).await;
        assert!(world.get("ConfigMap", "shop-config").await.is_some(), "the rest is made");
        world.shop(json!({ "replicas": 3 })).await;
        world.created().await;
    })
    .await;
}

//! Passwords: made once, never overwritten, restored; and Secrets that the spec names.

use serde_json::{Value, json};
use tokio::time::sleep;

use crate::server::Apply;
use crate::world::{REST, World, find, with_operator};

async fn data(world: &World) -> Value {
    world.get("Secret", "shop-secret").await.unwrap()["data"].clone()
}

async fn make_pod(world: &World) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": "shop-0", "namespace": world.namespace,
            "labels": { "valkey.verilean.io/cluster": "shop" },
        },
        "spec": { "containers": [{ "name": "valkey", "image": "valkey" }] },
    });
    world.server.apply("statefulset-controller", &pod, Apply::default()).await.unwrap();
    let status = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "shop-0", "namespace": world.namespace },
        "status": {
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [{
                "name": "valkey", "image": "valkey", "imageID": "", "ready": true,
                "restartCount": 0, "containerID": "test://shop-0", "state": { "running": {} },
            }],
        },
    });
    let apply = Apply { subresource: Some("status"), ..Apply::default() };
    world.server.apply("kubelet", &status, apply).await.unwrap();
    world
        .until("the server is seen", "ValkeyCluster", "shop", |cluster| {
            cluster["status"]["readyReplicas"] == 1
        })
        .await;
}

#[tokio::test]
async fn passwords_that_vanish_are_restored_from_memory() {
    with_operator("restored", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        make_pod(&world).await;
        let made = data(&world).await;
        world.delete("Secret", "shop-secret").await;
        world.until("restored", "Secret", "shop-secret", |secret| secret["data"] == made).await;
        let without = json!({ "data": { "operator-password": null } });
        world.edit("kubectl-edit", "Secret", "shop-secret", without).await;
        world
            .until("one key restored", "Secret", "shop-secret", |secret| secret["data"] == made)
            .await;
        world.rest().await;
    })
    .await;
}

#[tokio::test]
async fn an_applications_password_that_people_change_stays_theirs() {
    with_operator("theirs", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        let theirs = json!({ "data": { "password": "dGhlaXJz" } });
        world.edit("kubectl-edit", "Secret", "shop-secret", theirs).await;
        sleep(REST).await;
        assert_eq!(data(&world).await["password"], "dGhlaXJz");
        world.rest().await;
    })
    .await;
}

#[tokio::test]
async fn passwords_that_pods_run_with_are_put_back() {
    with_operator("replaced", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        make_pod(&world).await;
        let made = data(&world).await;
        let theirs = json!({ "data": {
            "password": "dGhlaXJz", "operator-password": "dGhlaXJz", "replication-password": "dGhlaXJz",
        } });
        world.edit("kubectl-edit", "Secret", "shop-secret", theirs).await;
        let secret = world
            .until("put back", "Secret", "shop-secret", |secret| {
                secret["data"]["operator-password"] == made["operator-password"]
            })
            .await;
        assert_eq!(secret["data"]["replication-password"], made["replication-password"]);
        assert_eq!(secret["data"]["password"], "dGhlaXJz", "the applications' own is people's");
        world.rest().await;
    })
    .await;
}

#[tokio::test]
async fn nobody_makes_new_passwords_for_pods_that_run() {
    let world = World::new("lost").await;
    let made = async {
        world.shop(json!({})).await;
        world.created().await;
        make_pod(&world).await;
    };
    world.operated(made).await;
    world.delete("Secret", "shop-secret").await;
    world
        .operated(async {
            let message = world.condition("PasswordLost", "True").await;
            assert!(message.contains("delete all pods"), "{message}");
            world.rest().await;
            assert!(data(&world).await.is_null());
            world.condition("Stalled", "True").await;
            world.delete("Pod", "shop-0").await;
            world.created().await;
            let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
            assert!(find(&cluster, "PasswordLost").is_none());
        })
        .await;
}

#[tokio::test]
async fn secrets_that_the_spec_names_are_asked_for_until_they_are_there() {
    with_operator("named", |world: World| async move {
        world
            .shop(json!({
                "auth": { "existingSecret": { "name": "mine", "key": "pw" } },
                "tls": { "enabled": true, "certSecretName": "cert" },
            }))
            .await;
        let message = world.condition("SecretMissing", "True").await;
        assert!(message.contains("Secret `mine` does not exist"), "{message}");
        assert!(message.contains("Secret `cert`"), "{message}");
        let secret = |name: &str, data: Value| {
            json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": { "name": name, "namespace": world.namespace }, "stringData": data,
            })
        };
        let apply = |object: Value| {
            let server = world.server.clone();
            async move { server.apply("people", &object, Apply::default()).await.unwrap() }
        };
        apply(secret("mine", json!({ "other": "x" }))).await;
        apply(secret("cert", json!({ "tls.crt": "c", "tls.key": "k", "ca.crt": "a" }))).await;
        world
            .until("the key is missing", "ValkeyCluster", "shop", |cluster| {
                find(cluster, "SecretMissing").is_some_and(|condition| {
                    condition["message"] == "Secret `mine` has no key `pw`"
                })
            })
            .await;
        apply(secret("mine", json!({ "pw": "x" }))).await;
        world
            .until("found", "ValkeyCluster", "shop", |cluster| {
                find(cluster, "SecretMissing").is_none()
            })
            .await;
        world.rest().await;
    })
    .await;
}

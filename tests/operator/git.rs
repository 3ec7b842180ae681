//! The set in Git: what the operator still does, and how a cluster comes and goes between the two.

use std::collections::BTreeMap;

use gungnir::cluster::Roles;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::examples::rendered;
use crate::server::Apply;
use crate::world::{CHILDREN, FORCED, REST, World, find, with_operator};

/// What `gungnir render` prints of `shop` when the set is in Git, with a mark of the tool.
fn in_git(world: &World, annotations: &Value) -> Vec<Value> {
    let cluster = json!({
        "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster",
        "metadata": { "name": "shop", "namespace": world.namespace },
        "spec": { "management": "GitOps", "annotations": annotations },
    });
    rendered(&cluster, Roles::Elected)
}

/// What tells Argo CD not to delete what leaves Git.
pub const KEPT_BY_ARGO_CD: (&str, &str) = ("argocd.argoproj.io/sync-options", "Prune=false");
/// The same for Flux.
const KEPT_BY_FLUX: (&str, &str) = ("kustomize.toolkit.fluxcd.io/prune", "disabled");
/// The word of Flux that keeps nothing.
const NOT_KEPT_BY_FLUX: (&str, &str) = (KEPT_BY_FLUX.0, "enabled");

/// Argo CD applies the set, with such annotations.
pub async fn sync(world: &World, marks: &[(&str, &str)]) {
    let annotations: BTreeMap<&str, &str> = marks.iter().copied().collect();
    for object in in_git(world, &json!(annotations)) {
        let applied = world.server.apply("argocd-controller", &object, Apply::default()).await;
        applied.unwrap_or_else(|refusal| panic!("{}: {refusal:?}", object["metadata"]["name"]));
    }
}

/// Who has written fields of an object.
pub fn managers(object: &Value) -> Vec<&str> {
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    entries.iter().filter_map(|entry| entry["manager"].as_str()).collect()
}

#[tokio::test]
async fn a_cluster_goes_to_git_and_comes_back() {
    with_operator("git", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        let cluster = world.shop(json!({ "management": "GitOps" })).await;
        let message = world.condition("ReleasePending", "True").await;
        assert!(message.contains("ConfigMap `shop-config`: `"), "{message}");
        let owned = |object: &Value| {
            object["metadata"]["ownerReferences"][0]["uid"] == cluster["metadata"]["uid"]
        };
        let config = world.get("ConfigMap", "shop-config").await.unwrap();
        assert!(owned(&config), "nobody else has it yet");

        sync(&world, &[]).await;
        for (kind, name) in CHILDREN {
            let object = world.until("let go", kind, name, |object| !owned(object)).await;
            assert!(!managers(&object).contains(&"gungnir"), "{kind} {name}");
        }
        world
            .until("all of it", "ValkeyCluster", "shop", |cluster| {
                find(cluster, "ReleasePending").is_none()
            })
            .await;
        world.rest().await;
        let edit = json!({ "spec": { "replicas": 5 } });
        world.edit("kubectl-edit", "StatefulSet", "shop", edit).await;
        sleep(REST).await;
        let set = world.get("StatefulSet", "shop").await.unwrap();
        assert_eq!(set["spec"]["replicas"], 5, "that is the tool's to repair");
        let back = json!({ "spec": { "replicas": 3 } });
        world.edit("argocd-controller", "StatefulSet", "shop", back).await;

        world.shop(json!({ "management": "Operator" })).await;
        let message = world.condition("NameTaken", "True").await;
        assert!(message.contains("Prune=false"), "{message}");
        let set = world.get("StatefulSet", "shop").await.unwrap();
        assert!(!owned(&set), "leaving Git would delete it");
        sync(&world, &[KEPT_BY_ARGO_CD]).await;
        for (kind, name) in CHILDREN {
            world.until("taken in", kind, name, owned).await;
        }
        world.created().await;
    })
    .await;
}

#[tokio::test]
async fn flux_keeps_what_leaves_git_by_a_word_of_its_own() {
    with_operator("flux", |world: World| async move {
        world.shop(json!({ "management": "GitOps" })).await;
        sync(&world, &[]).await;
        world.created().await;
        world.shop(json!({ "management": "Operator" })).await;
        let message = world.condition("NameTaken", "True").await;
        assert!(message.contains("`kustomize.toolkit.fluxcd.io/prune: disabled`"), "{message}");
        // Another word than that keeps nothing.
        sync(&world, &[NOT_KEPT_BY_FLUX]).await;
        sleep(REST).await;
        let is_owned = |object: &Value| !object["metadata"]["ownerReferences"].is_null();
        let set = world.get("StatefulSet", "shop").await.unwrap();
        assert!(!is_owned(&set), "leaving Git would delete it");
        sync(&world, &[KEPT_BY_FLUX]).await;
        for (kind, name) in CHILDREN {
            world.until("taken in", kind, name, is_owned).await;
        }
        world.created().await;
    })
    .await;
}

#[tokio::test]
async fn passwords_are_the_operators_wherever_the_set_is() {
    with_operator("git-first", |world: World| async move {
        world.shop(json!({ "management": "GitOps" })).await;
        world
            .until("reported", "ValkeyCluster", "shop", |cluster| {
                cluster["status"]["observedGeneration"] == 1
            })
            .await;
        world.rest().await;
        assert!(world.get("ConfigMap", "shop-config").await.is_none());
        sync(&world, &[]).await;
        world.created().await;
        let config = world.get("ConfigMap", "shop-config").await.unwrap();
        assert_eq!(managers(&config), ["argocd-controller"]);
        // A forced sync of the tool changes nothing.
        let before = world.get("Secret", "shop-secret").await.unwrap();
        for object in in_git(&world, &json!({})) {
            let apply = Apply { force: true, ..Apply::default() };
            world.server.apply("argocd-controller", &object, apply).await.unwrap();
        }
        let after = world.get("Secret", "shop-secret").await.unwrap();
        assert_eq!(before["data"], after["data"]);
        world.rest().await;
    })
    .await;
}

#[tokio::test]
async fn volumes_grow_under_a_set_in_git() {
    with_operator("git-grow", |world: World| async move {
        let class = json!({
            "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
            "metadata": { "name": world.namespace }, "provisioner": "example.com/x",
            "allowVolumeExpansion": true,
        });
        world.server.apply("people", &class, Apply::default()).await.unwrap();
        let spec = |size: &str| {
            let storage = json!({ "storageSize": size, "storageClassName": world.namespace });
            json!({ "management": "GitOps", "persistence": storage })
        };
        let sync = async |size: &str| {
            let mut cluster = world.get("ValkeyCluster", "shop").await.unwrap();
            cluster["spec"] = spec(size);
            for object in rendered(&cluster, Roles::Elected) {
                world.server.apply("argocd-controller", &object, FORCED).await.unwrap();
            }
        };
        world.shop(spec("1Gi")).await;
        sync("1Gi").await;
        world.claim(0, "1Gi", &world.namespace).await;
        world.created().await;

        // The cluster's object comes first, as its kind does in any tool.
        world.shop(spec("2Gi")).await;
        world
            .until("grown", "PersistentVolumeClaim", "data-shop-0", |claim| {
                claim["spec"]["resources"]["requests"]["storage"] == "2Gi"
            })
            .await;
        let orphans = |set: &Value| set["metadata"]["finalizers"] == json!(["orphan"]);
        let free = json!({ "metadata": { "finalizers": null } });
        world.until("let go", "StatefulSet", "shop", orphans).await;
        world.edit("garbage-collector", "StatefulSet", "shop", free).await;
        world.gone("StatefulSet", "shop").await;

        // Git is behind: the set is made as it was, and that is said, not undone for ever.
        sync("1Gi").await;
        let message = world.condition("ReleasePending", "True").await;
        assert!(message.contains("still makes smaller volumes"), "{message}");
        let set = world.get("StatefulSet", "shop").await.unwrap();
        assert!(set["metadata"]["deletionTimestamp"].is_null());
        world.delete("StatefulSet", "shop").await;
        sync("2Gi").await;
        world
            .until("all of it", "ValkeyCluster", "shop", |cluster| {
                find(cluster, "ReleasePending").is_none()
            })
            .await;
        world.rest().await;
    })
    .await;
}

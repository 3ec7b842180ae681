//! The command line with a cluster that is running: what it says, and how it ends.
//!
//! The program runs as people run it, with the kubeconfig of these tests.

use std::ffi::OsString;
use std::fs;

use gungnir::operator::{ClusterKey, Inquiry};
use kube::Client;
use serde_json::{Value, json};

use crate::folder::Folder;
use crate::run::{Finished, Run};
use crate::server::Apply;
use crate::world::{World, with_operator};

/// Runs the program against the API server, beside the operator.
async fn gungnir(arguments: &[&str]) -> Finished {
    let kubeconfig = std::env::var_os("KUBECONFIG").expect("these tests have a cluster");
    gungnir_with(kubeconfig, arguments).await
}

async fn gungnir_with(kubeconfig: OsString, arguments: &[&str]) -> Finished {
    let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
    let run = move || Run::gungnir(arguments).env("KUBECONFIG", kubeconfig).finish();
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn said(finished: &Finished) -> (&str, &str, i32) {
    (&finished.stdout, &finished.stderr, finished.status)
}

/// A file that says another spec of `shop`.
fn file(spec: &Value) -> (Folder, String) {
    let folder = Folder::new();
    let object = json!({
        "apiVersion": "valkey.verilean.io/v1",
        "kind": "ValkeyCluster",
        "metadata": { "name": "shop" },
        "spec": spec,
    });
    folder.write("shop.yaml", &object.to_string());
    let path = folder.path().join("shop.yaml").to_str().unwrap().to_owned();
    (folder, path)
}

impl World {
    async fn diff(&self, more: &[&str]) -> Finished {
        let mut arguments = vec!["diff", "--live", "-n", self.namespace.as_str()];
        arguments.extend(more);
        gungnir(&arguments).await
    }

    /// Stops the operator's repairs.
    async fn pause(&self) {
        let paused = json!({ "metadata": { "annotations": {
            "valkey.verilean.io/reconcile": "paused",
        } } });
        self.edit("people", "ValkeyCluster", "shop", paused).await;
        self.condition("Paused", "True").await;
    }
}

#[tokio::test]
async fn a_converged_cluster_shows_nothing() {
    with_operator("live-converged", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        let finished = world.diff(&[]).await;
        assert_eq!(said(&finished), ("", "", 0));
        let (_folder, path) = file(&json!({}));
        let finished = world.diff(&[&path]).await;
        assert_eq!(said(&finished), ("", "", 0));
        // A dry run leaves no trace: the operator has nothing to do.
        world.rest().await;
    })
    .await;
}

#[tokio::test]
async fn a_hand_edit_is_shown_with_who_made_it_and_what_repairing_it_does() {
    with_operator("live-edit", |world: World| async move {
        world.shop(json!({})).await;
        world.created().await;
        world.pause().await;
        world.edit("kubectl-edit", "StatefulSet", "shop", json!({ "spec": { "replicas": 5 } })).await;
        world.edit("kubectl-edit", "ConfigMap", "shop-config", json!({ "data": { "start.sh": null } })).await;
        let secret = json!({
            "metadata": { "labels": { "app.kubernetes.io/name": "mine" } },
            "stringData": { "extra": "hunter2" },
        });
        world.edit("kubectl-edit", "Secret", "shop-secret", secret).await;
        let finished = world.diff(&[]).await;
        let namespace = &world.namespace;
        assert_eq!(finished.status, 1, "{finished:?}");
        assert_eq!(
            finished.stderr,
            format!("note: {namespace}/shop is paused: nothing of this is done\n")
        );
        let told = &finished.stdout;
        for line in [
            &format!("--- a/apps/v1/StatefulSet/{namespace}/shop\n"),
            "@@ spec.replicas @@ failover: ",
            "set by `kubectl-edit` at 20",
            "-5\n+3\n",
            "@@ metadata.labels[\"app.kubernetes.io/name\"] @@ none: set by `kubectl-edit` at 20",
            "-mine\n+valkey\n",
            "@@ data[\"start.sh\"] @@ rolling-restart: is read when a pod starts; was removed by hand\n",
            "Plan: 0 to add, 3 to change, 0 to delete; impact: ",
        ] {
            assert!(told.contains(line), "{line}: {told}");
        }
        let secret = world.get("Secret", "shop-secret").await.unwrap();
        for value in secret["data"].as_object().unwrap().values() {
            assert!(!told.contains(value.as_str().unwrap()), "{told}");
        }
        // A gate, and one object alone.
        let gated = world.diff(&["--fail-on", "rolling-restart", "-o", "summary"]).await;
        assert_eq!(gated.status, 4, "{gated:?}");
        let one = world.diff(&["--only", "Service", "--fail-on", "reload"]).await;
        assert_eq!((one.stdout.as_str(), one.status), ("", 0), "{one:?}");
        let json = world.diff(&["-o", "json"]).await;
        let report: Value = serde_json::from_str(&json.stdout).unwrap();
        assert_eq!(report["plan"]["change"], 3);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_the_spec_shows_that_value_and_what_it_does() {
    with_operator("live-spec", |world: World| async move {
        world.shop(json!({ "auth": { "enabled": true } })).await;
        world.created().await;
        let (_folder, path) = file(&json!({ "image": "valkey/valkey:8.1.3" }));
        let finished = world.diff(&[&path]).await;
        let namespace = &world.namespace;
        let expected = format!(
            "--- a/apps/v1/StatefulSet/{namespace}/shop\n+++ b/apps/v1/StatefulSet/{namespace}/shop\n\
             @@ spec.template.spec.containers[valkey].image @@ rolling-restart: restarts every pod: \
             replicas first, then a handover, the old master last\n\
             -docker.io/valkey/valkey:8.1.4\n+valkey/valkey:8.1.3\n\
             Plan: 0 to add, 1 to change, 0 to delete; impact: rolling-restart\n"
        );
        assert_eq!(said(&finished), (expected.as_str(), "", 1));

        // What no StatefulSet changes is shown all the same.
        let (_folder, path) = file(&json!({ "persistence": { "storageSize": "9Gi" } }));
        let finished = world.diff(&[&path, "-o", "summary"]).await;
        assert_eq!(finished.status, 1, "{finished:?}");
        assert!(finished.stdout.contains("StatefulSet"), "{finished:?}");
        assert_eq!(finished.stderr, "");

        // So is what changes no object of the set.
        let (_folder, path) = file(&json!({ "sentinel": { "policy": "Availability" } }));
        let finished = world.diff(&[&path, "-o", "json"]).await;
        assert_eq!((finished.stderr.as_str(), finished.status), ("", 1), "{finished:?}");
        let report: Value = serde_json::from_str(&finished.stdout).unwrap();
        assert_eq!(report["plan"]["change"], 1, "{report}");
        assert_eq!(report["objects"][0]["kind"], "ValkeyCluster", "{report}");
        assert_eq!(report["objects"][0]["changes"][0]["path"], "spec.sentinel.policy", "{report}");
    })
    .await;
}

#[tokio::test]
async fn what_is_no_longer_of_the_set_is_shown_as_deleted_and_what_is_new_as_added() {
    with_operator("live-prune", |world: World| async move {
        world.shop(json!({ "networkPolicy": { "enabled": true } })).await;
        world.created().await;
        world.until("made", "NetworkPolicy", "shop", |_| true).await;
        world.rest().await;
        let (_folder, path) = file(&json!({}));
        let finished = world.diff(&[&path, "-o", "summary"]).await;
        assert_eq!(finished.status, 1, "{finished:?}");
        let namespace = &world.namespace;
        let row = finished.stdout.lines().find(|line| line.starts_with("NetworkPolicy"));
        let words: Vec<&str> = row.unwrap().split_whitespace().collect();
        assert_eq!(words[1..4], [format!("{namespace}/shop").as_str(), "delete", "all"]);
        assert!(finished.stdout.contains("0 to add, 0 to change, 1 to delete"), "{finished:?}");

        // Nothing of another cluster is there yet.
        world.server.namespace("live-prune-new", json!({})).await;
        let other = format!("live-prune-new-{}", std::process::id());
        let finished = gungnir(&["diff", "--live", "-n", &other, &path, "-o", "summary"]).await;
        assert_eq!(finished.status, 1, "{finished:?}");
        assert!(
            finished.stdout.contains("Plan: 7 to add, 0 to change, 0 to delete"),
            "{finished:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn what_people_apply_themselves_is_compared_with_what_they_applied() {
    with_operator("live-gitops", |world: World| async move {
        world.shop(json!({ "management": "GitOps" })).await;
        let (_folder, path) = file(&json!({ "management": "GitOps" }));
        let render = ["render", &path, "-n", &world.namespace, "-o", "json"];
        let rendered: Value = serde_json::from_str(&gungnir(&render).await.stdout).unwrap();
        for object in rendered["items"].as_array().unwrap() {
            let apply = Apply { force: true, ..Apply::default() };
            world.server.apply("argocd-controller", object, apply).await.unwrap();
        }
        let finished = world.diff(&[]).await;
        assert_eq!(said(&finished), ("", "", 0));
        // Without the operator's eyes: what is rendered no more leaves by who applied it.
        let spec = json!({ "management": "GitOps", "labels": { "team": "core" } });
        let (_folder, path) = file(&spec);
        let finished = world.diff(&[&path]).await;
        assert!(
            finished.stdout.contains("@@ metadata.labels.team @@ none\n+core\n"),
            "{finished:?}"
        );
        world
            .edit(
                "kubectl-edit",
                "Service",
                "shop-client",
                json!({ "spec": { "type": "NodePort" } }),
            )
            .await;
        let finished = world.diff(&[]).await;
        assert!(finished.stdout.contains("@@ spec.type @@"), "{finished:?}");
        assert!(finished.stdout.contains("set by `kubectl-edit` at 20"), "{finished:?}");
    })
    .await;
}

#[tokio::test]
async fn what_is_somebody_elses_and_what_nobody_serves_is_told() {
    let world = World::new("live-foreign").await;
    let foreign = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": { "name": "shop-client", "namespace": world.namespace },
        "spec": { "ports": [{ "port": 80 }] },
    });
    world.server.apply("somebody", &foreign, Apply::default()).await.unwrap();
    world
        .clone()
        .operated(async {
            world.shop(json!({})).await;
            world.condition("NameTaken", "True").await;
            let finished = world.diff(&[]).await;
            assert_eq!((finished.stdout.as_str(), finished.status), ("", 1));
            let namespace = &world.namespace;
            assert_eq!(
                finished.stderr,
                format!(
                    "note: v1/Service/{namespace}/shop-client belongs to field manager `somebody` \
                     and stays as it is: rename the cluster, or delete that object\n"
                )
            );
        })
        .await;
}

#[tokio::test]
async fn who_may_not_or_names_nothing_is_told_why_and_what_helps() {
    let world = World::new("live-refused").await;
    let namespace = &world.namespace;
    for (arguments, stderr) in [
        (
            &["diff", "--live", "-n", "nowhere"][..],
            "error: there is no namespace `nowhere`; `kubectl create namespace nowhere` makes it\n",
        ),
        (
            &[
                "diff",
                "--live",
                "-n",
                "nowhere",
                "examples/minimal.yaml",
                "--set",
                "metadata.namespace=nowhere",
            ],
            "error: there is no namespace `nowhere`; `kubectl create namespace nowhere` makes it\n",
        ),
        (
            &["status", "none", "-n", namespace],
            &format!(
                "error: there is no ValkeyCluster `none` in namespace `{namespace}`: there is none; \
                 name another namespace by `-n`\n"
            ),
        ),
        (
            &["explain", "none", "-n", "nowhere"],
            "error: there is no namespace `nowhere`; `kubectl create namespace nowhere` makes it\n",
        ),
        (
            &["switchover", "none", "-n", namespace],
            &format!(
                "error: there is no ValkeyCluster `none` in namespace `{namespace}`: there is none; \
                 name another namespace by `-n`\n"
            ),
        ),
    ] {
        let finished = gungnir(arguments).await;
        assert_eq!(said(&finished), ("", stderr, 3), "{arguments:?}");
    }
    let empty = world.diff(&[]).await;
    let note = format!("note: there is no ValkeyCluster in `{namespace}`\n");
    assert_eq!(said(&empty), ("", note.as_str(), 0));

    // Somebody who may do nothing at all.
    world.shop(json!({})).await;
    let (_folder, kubeconfig) = as_nobody();
    let arguments = ["diff", "--live", "-n", namespace.as_str()];
    let finished = gungnir_with(kubeconfig, &arguments).await;
    assert_eq!((finished.stdout.as_str(), finished.status), ("", 3), "{finished:?}");
    assert!(finished.stderr.contains("cannot list resource \"valkeyclusters\""), "{finished:?}");
    assert!(finished.stderr.ends_with("; ask for that right\n"), "{finished:?}");
}

/// The kubeconfig of these tests, as a user without any right.
fn as_nobody() -> (Folder, OsString) {
    let mut config: Value =
        serde_yaml::from_str(&fs::read_to_string(std::env::var("KUBECONFIG").unwrap()).unwrap())
            .unwrap();
    for user in config["users"].as_array_mut().unwrap() {
        user["user"]["as"] = json!("nobody");
    }
    let folder = Folder::new();
    folder.write("kubeconfig", &config.to_string());
    let path = folder.path().join("kubeconfig").into_os_string();
    (folder, path)
}

#[tokio::test]
async fn a_cluster_without_an_operator_is_described_by_what_is_recorded() {
    let world = World::new("live-status").await;
    let namespace = &world.namespace;
    world.shop(json!({})).await;
    let status = gungnir(&["status", "shop", "-n", namespace]).await;
    let expected = format!(
        "cluster        {namespace}/shop\nphase          nothing reported yet\nmaster         none\n\
         to be applied  7 to add, 0 to change, 0 to delete; impact: none (`gungnir diff --live -n \
         {namespace}` says more)\n\nnote: no operator has reported on it yet\n"
    );
    assert_eq!(said(&status), (expected.as_str(), "", 0));
    let explained = gungnir(&["explain", "shop", "-n", namespace]).await;
    assert_eq!(explained.status, 0, "{explained:?}");
    assert!(
        explained.stderr.starts_with(
            "warning: only what is recorded is shown: no operator has elected a master here yet; "
        ),
        "{explained:?}"
    );
    assert!(explained.stdout.contains("phase             nothing recorded yet\n"), "{explained:?}");

    world.elected(0).await;
    let status = gungnir(&["status", "-n", namespace, "-o", "json"]).await;
    let report: Value = serde_json::from_str(&status.stdout).unwrap();
    let shop = &report["clusters"][0];
    assert_eq!(shop["members"], json!(["shop-1", "shop-2"]));
    assert_eq!((&shop["w"], &shop["epoch"]), (&json!(1), &json!(3)));
    let explained = gungnir(&["explain", "shop", "-n", namespace]).await;
    assert!(explained.stdout.contains("master            shop-0\n"), "{explained:?}");
    assert!(explained.stderr.contains("nobody holds the lease `nowhere/lease`"), "{explained:?}");
}

impl World {
    /// The record of an election, without one.
    async fn elected(&self, master: u8) {
        let member = |node: u8| json!({ "pod": format!("shop-{node}"), "uid": "u", "runId": "r" });
        let object = json!({
            "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster",
            "metadata": { "name": "shop", "namespace": self.namespace },
            "status": { "election": {
                "term": 2, "epoch": 3, "phase": "Stable", "w": 1, "baseOffset": 0, "runId": "r",
                "master": { "pod": format!("shop-{master}"), "uid": "u" },
                "inSync": (0..3).filter(|node| *node != master).map(member).collect::<Vec<_>>(),
                "operator": "nowhere/lease",
            } },
        });
        let apply = Apply { force: true, subresource: Some("status"), ..Apply::default() };
        self.server.apply("gungnir-sentinel", &object, apply).await.unwrap();
    }

    async fn pods(&self) {
        for node in 0..3 {
            let object = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {
                    "name": format!("shop-{node}"), "namespace": self.namespace,
                    "labels": { "valkey.verilean.io/cluster": "shop" },
                },
                "spec": { "containers": [{ "name": "valkey", "image": "valkey" }] },
                "status": { "conditions": [{ "type": "Ready", "status": "True" }] },
            });
            self.server.apply("test", &object, Apply::default()).await.unwrap();
            let apply = Apply { force: true, subresource: Some("status"), ..Apply::default() };
            self.server.apply("test", &object, apply).await.unwrap();
        }
    }

    /// `N-client` as the sentinel points it.
    async fn points_at(&self, pod: &str) {
        let object = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": { "name": "shop-client", "namespace": self.namespace },
            "spec": {
                "ports": [{ "port": 6379 }],
                "selector": { "statefulset.kubernetes.io/pod-name": pod },
            },
        });
        let apply = Apply { force: true, ..Apply::default() };
        self.server.apply("gungnir-sentinel", &object, apply).await.unwrap();
    }
}

/// The place of the annotation by which people ask for a handover.
const TO: &str = "/metadata/annotations/valkey.verilean.io~1switchover-to";

/// What the cluster `shop` is asked for.
async fn asked_for(world: &World) -> Option<String> {
    let cluster = world.get("ValkeyCluster", "shop").await.unwrap();
    cluster.pointer(TO).and_then(Value::as_str).map(str::to_owned)
}

#[tokio::test]
async fn a_switchover_is_asked_for_by_the_annotation_and_awaited() {
    let world = World::new("live-switchover").await;
    let namespace = &world.namespace;
    world.shop(json!({})).await;
    world.pods().await;
    world.elected(0).await;
    world.points_at("shop-0").await;

    // Who leads already need not be asked for.
    let done = gungnir(&["switchover", "shop", "-n", namespace, "--to", "shop-0"]).await;
    assert_eq!(said(&done), ("shop-0\n", "", 0));
    let wrong = gungnir(&["switchover", "shop", "-n", namespace, "--to", "shop-7"]).await;
    assert_eq!(wrong.status, 2, "{wrong:?}");
    assert!(wrong.stderr.contains("there are shop-0, shop-1, shop-2"), "{wrong:?}");

    let arguments = ["switchover", "shop", "-n", namespace];
    let ask = gungnir(&arguments);
    let serve = async {
        let asks = |cluster: &Value| {
            let value = cluster.pointer(TO).and_then(Value::as_str);
            value.is_some_and(|value| value.starts_with("shop-1/"))
        };
        let cluster = world.until("asked for", "ValkeyCluster", "shop", asks).await;
        let managers = cluster["metadata"]["managedFields"].as_array().unwrap();
        assert!(managers.iter().any(|entry| entry["manager"] == "gungnir-cli"), "{managers:?}");
        world.elected(1).await;
        world.points_at("shop-1").await;
    };
    let (done, ()) = tokio::join!(ask, serve);
    assert_eq!(said(&done), ("shop-1\n", "", 0));
    world.until("taken back", "ValkeyCluster", "shop", |it| it.pointer(TO).is_none()).await;

    // Nobody serves it: it is not left to be served at another hour.
    let late =
        gungnir(&["switchover", "shop", "-n", namespace, "--to", "shop-2", "--timeout", "1"]).await;
    assert_eq!((late.stdout.as_str(), late.status), ("", 3));
    assert!(late.stderr.contains("`shop-2` is not master after 1 s: nobody holds"), "{late:?}");
    assert!(late.stderr.contains("nothing is asked for any more"), "{late:?}");
    assert_eq!(asked_for(&world).await, None);
}

#[tokio::test]
async fn a_request_is_taken_back_though_others_write_and_what_they_ask_for_stays() {
    let world = World::new("live-withdrawal").await;
    world.shop(json!({})).await;
    let inquiry = Inquiry::new(Client::try_default().await.unwrap());
    let key = ClusterKey { namespace: world.namespace.clone(), name: "shop".to_owned() };
    let turn = async |turn: usize| {
        let annotations = json!({ "example.com/turn": turn.to_string() });
        let change = json!({ "metadata": { "annotations": annotations } });
        world.edit("people", "ValkeyCluster", "shop", change).await;
    };
    for round in 0..20 {
        inquiry.ask_for_switchover(&key, "shop-1/1").await.unwrap();
        let write = async {
            for each in 0..4 {
                turn(round * 4 + each).await;
            }
        };
        let (withdrawn, ()) = tokio::join!(inquiry.withdraw_switchover(&key, "shop-1/1"), write);
        withdrawn.unwrap();
        assert_eq!(asked_for(&world).await, None);
    }
    inquiry.ask_for_switchover(&key, "shop-2/1").await.unwrap();
    inquiry.withdraw_switchover(&key, "shop-1/1").await.unwrap();
    assert_eq!(asked_for(&world).await.as_deref(), Some("shop-2/1"));
}

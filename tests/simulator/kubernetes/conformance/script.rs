//! What is asked of both.

use std::fs;
use std::path::Path;

use kube::Client;
use serde::Deserialize as _;
use serde_json::{Value, json};
use tokio::time::{Duration, sleep};

use crate::kubernetes::api::kind::Row;

use super::{Side, normal, path_of};

/// All of it, and what was answered.
pub async fn script(client: Client) -> Vec<(String, Value)> {
    let mut side = Side { client, answers: Vec::new() };
    side.send(
        "PATCH",
        &format!("{}?fieldManager=kubectl", path_of(gungnir::api::crd())),
        "apply",
        gungnir::api::crd(),
    )
    .await;
    let folder = "/apis/valkey.verilean.io/v1/valkeyclusters";
    while side.send("GET", folder, "", &Value::Null).await.0 != 200 {
        sleep(Duration::from_millis(50)).await;
    }
    sets(&mut side).await;
    quarrels(&mut side).await;
    others(&mut side).await;
    side.answers
}

fn goldens() -> Vec<(String, Vec<Value>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let read = |path: &std::path::PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let objects = serde_yaml::Deserializer::from_str(&text);
        let objects = objects.map(|object| Value::deserialize(object).unwrap());
        let served = |object: &Value| Row::all().any(|row| object["kind"] == row.name);
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, objects.filter(served).collect())
    };
    files.iter().map(read).collect()
}

fn find<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    objects.iter().find(|it| it["kind"] == kind && it["metadata"]["name"] == name).unwrap()
}

async fn namespace(side: &Side, name: &str) {
    let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
    side.send("POST", "/api/v1/namespaces", "", &object).await;
}

/// Every golden, twice.
async fn sets(side: &mut Side) {
    for (name, mut objects) in goldens() {
        let own = format!("sim-{name}");
        namespace(side, &own).await;
        for object in &mut objects {
            object["metadata"]["namespace"] = json!(own);
            // The cluster has each port of the nodes once.
            let ports = object.pointer_mut("/spec/ports").and_then(Value::as_array_mut);
            for port in ports.into_iter().flatten() {
                port.as_object_mut().unwrap().remove("nodePort");
            }
            let first = side.apply("first", "gungnir", true, object).await;
            let second = side.apply("second", "gungnir", true, object).await;
            let same =
                first["metadata"]["resourceVersion"] == second["metadata"]["resourceVersion"];
            side.note(&format!("{} is left alone", path_of(object)), json!(same));
        }
    }
}

#[allow(clippy::too_many_lines)] // a script
/// What several managers do to each other, and all that is refused.
async fn quarrels(side: &mut Side) {
    namespace(side, "sim-quarrels").await;
    let mut objects = goldens().into_iter().find(|(name, _)| name == "everything").unwrap().1;
    for object in &mut objects {
        object["metadata"]["namespace"] = json!("sim-quarrels");
        side.apply("made", "gungnir", true, object).await;
    }
    let set = find(&objects, "StatefulSet", "everything").clone();
    let service = find(&objects, "Service", "everything-headless").clone();
    let client = find(&objects, "Service", "everything-client").clone();
    let config = find(&objects, "ConfigMap", "everything-config").clone();
    let secret = find(&objects, "Secret", "everything-secret").clone();

    let mut less = set.clone();
    let containers = &mut less["spec"]["template"]["spec"]["containers"];
    containers[0].as_object_mut().unwrap().remove("readinessProbe");
    containers[0]["env"].as_array_mut().unwrap().remove(2);
    less["spec"]["template"]["metadata"].as_object_mut().unwrap().remove("annotations");
    side.apply("less", "gungnir", true, &less).await;
    side.apply("less again", "gungnir", true, &less).await;
    side.apply("more", "gungnir", true, &set).await;
    let mut fewer = config.clone();
    fewer["data"].as_object_mut().unwrap().remove("cli.sh");
    side.apply("fewer", "gungnir", false, &fewer).await;

    let mut rival = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": set["metadata"],
        "spec": { "replicas": 7, "template": { "spec": { "containers": [
            { "name": "valkey", "image": "rival" }, { "name": "other", "image": "x:1" },
        ] } } },
    });
    rival["metadata"]["labels"] = json!({ "rival": "yes" });
    side.apply("a rival asks", "rival", false, &rival).await;
    side.apply("a rival takes", "rival", true, &rival).await;
    side.apply("ours asks", "gungnir", false, &set).await;
    side.apply("ours takes back", "gungnir", true, &set).await;
    side.apply(
        "the rival lets go",
        "rival",
        true,
        &json!({
            "apiVersion": "apps/v1", "kind": "StatefulSet",
            "metadata": { "name": "everything", "namespace": "sim-quarrels" },
        }),
    )
    .await;

    let edit = json!({ "spec": { "replicas": 9 }, "metadata": { "labels": { "app.kubernetes.io/name": "x" } } });
    let path = format!("{}?fieldManager=kubectl-edit", path_of(&set));
    side.ask("somebody edits", "PATCH", &path, "merge", &edit).await;
    side.apply("ours asks again", "gungnir", false, &set).await;
    let path = format!("{}/scale?fieldManager=scaler", path_of(&set));
    side.ask("scale", "GET", &path, "", &Value::Null).await;
    let immutable = json!({ "spec": { "serviceName": "other" } });
    let (code, _) = side.send("PATCH", &path_of(&set), "merge", &immutable).await;
    side.note("immutable", json!(code));

    for (pod, epoch) in [(1, 7), (2, 8)] {
        let seen = side.ask("seen", "GET", &path_of(&client), "", &Value::Null).await;
        let pointer = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": "everything-client", "namespace": "sim-quarrels",
                "resourceVersion": seen["metadata"]["resourceVersion"],
                "annotations": { "valkey.verilean.io/epoch": epoch.to_string() },
            },
            "spec": { "selector": { "a": "b", "pod": format!("p-{pod}") } },
        });
        side.apply("point", "gungnir-sentinel", true, &pointer).await;
        side.apply("point of an old version", "gungnir-sentinel", true, &pointer).await;
        side.apply("the set again", "gungnir", true, &client).await;
    }
    let renumber = json!([{ "op": "replace", "path": "/spec/ports/0/port", "value": 6380 }]);
    side.ask("a port", "PATCH", &path_of(&service), "json", &renumber).await;
    side.apply("a port back", "gungnir", true, &service).await;
    let passwords = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "everything-secret", "namespace": "sim-quarrels" },
        "data": { "password": "c2VjcmV0" },
    });
    side.apply("passwords", "gungnir-secrets", false, &passwords).await;
    side.apply("the set again", "gungnir", true, &secret).await;

    let mut only = config.clone();
    only["metadata"]["name"] = json!("only-created");
    only["metadata"]["resourceVersion"] = json!("1");
    side.apply("create only", "gungnir", false, &only).await;
    side.apply("create only, once", "gungnir", false, &only).await;
    for name in ["only-created", "missing"] {
        let mut other = config.clone();
        other["metadata"]["name"] = json!(name);
        other["metadata"]["uid"] = json!("6f2d3d6e-0000-4000-8000-000000000000");
        side.apply("of another uid", "gungnir", true, &other).await;
    }
    let old = side.ask("read", "GET", &path_of(&only), "", &Value::Null).await;
    let change = json!({ "data": { "cli.sh": "x" } });
    side.ask("change", "PATCH", &path_of(&only), "merge", &change).await;
    side.ask("replace an old version", "PUT", &path_of(&only), "", &old).await;
    let wrong = json!({ "preconditions": { "uid": "6f2d3d6e-0000-4000-8000-000000000000" } });
    side.ask("delete another uid", "DELETE", &path_of(&only), "", &wrong).await;
    let orphan = json!({ "propagationPolicy": "Orphan" });
    side.ask("orphan", "DELETE", &path_of(&set), "", &orphan).await;
    side.ask("metadata", "GET", &path_of(&config), "metadata", &Value::Null).await;
    side.ask("missing", "GET", &format!("{}x", path_of(&set)), "", &Value::Null).await;
    let (code, _) = side.send("GET", "/apis/nobody.example.com/v1", "", &Value::Null).await;
    side.note("a group that nobody serves", json!(code));
}

#[allow(clippy::too_many_lines)] // a script
/// A cluster and its status, pods, claims, and the watch of a kind.
async fn others(side: &mut Side) {
    namespace(side, "sim-others").await;
    let place = json!({ "name": "demo", "namespace": "sim-others" });
    let mut cluster = json!({
        "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster", "metadata": place,
        "spec": { "replicas": 3 },
    });
    side.apply("cluster", "people", true, &cluster).await;
    let path = |manager: &str| {
        format!(
            "{}/status?fieldManager={manager}&force=true",
            path_of(&json!({ "kind": "ValkeyCluster", "metadata": place }))
        )
    };
    let condition = |kind: &str| {
        json!({
            "type": kind, "status": "True", "reason": "R", "message": "m",
            "lastTransitionTime": "2026-01-01T00:00:00Z", "observedGeneration": 1,
        })
    };
    let mut status = cluster.clone();
    status.as_object_mut().unwrap().remove("spec");
    for conditions in [vec!["Ready", "Progressing"], vec!["Ready"], vec!["Drifted", "Ready"]] {
        let conditions: Vec<Value> = conditions.into_iter().map(condition).collect();
        status["status"] =
            json!({ "observedGeneration": 1, "readyReplicas": 3, "conditions": conditions });
        side.ask("status", "PATCH", &path("gungnir-status"), "apply", &status).await;
    }
    cluster["spec"]["replicas"] = json!(5);
    let changed = side.apply("spec", "people", true, &cluster).await;
    side.note("generation", changed["metadata"]["generation"].clone());
    status["status"] = json!({ "readyReplicas": 4 });
    side.ask("less status", "PATCH", &path("gungnir-status"), "apply", &status).await;

    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": { "name": "data", "namespace": "sim-others", "labels": { "a": "b" } },
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": "standard",
            "resources": { "requests": { "storage": "1Gi" } },
        },
    });
    let folder =
        "/api/v1/namespaces/sim-others/persistentvolumeclaims?fieldManager=kube-controller-manager";
    side.ask("claim", "POST", folder, "", &claim).await;
    let epoch =
        json!({ "metadata": { "annotations": { "valkey.verilean.io/epoch": "7/master" } } });
    let path = format!("{}?fieldManager=gungnir-sentinel", path_of(&claim));
    side.ask("epoch", "PATCH", &path, "merge", &epoch).await;
    side.ask("epoch again", "PATCH", &path, "merge", &epoch).await;
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "p", "namespace": "sim-others", "labels": { "a": "b" } },
        "spec": { "containers": [{ "name": "valkey", "image": "valkey:8" }] },
    });
    side.send("POST", "/api/v1/namespaces/sim-others/pods", "", &pod).await;
    let role = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "p", "namespace": "sim-others", "labels": { "role": "master" } },
    });
    let labelled = side
        .send(
            "PATCH",
            &format!("{}?fieldManager=gungnir-sentinel&force=true", path_of(&pod)),
            "apply",
            &role,
        )
        .await;
    let mut metadata = serde_json::from_str::<Value>(&labelled.1).unwrap()["metadata"].clone();
    normal(&mut metadata);
    side.note("a role", metadata);

    let other = "6f2d3d6e-0000-4000-8000-000000000000";
    let mut role = role.clone();
    role["metadata"]["uid"] = json!(other);
    side.apply("a role of another pod", "gungnir-sentinel", true, &role).await;
    status["metadata"]["uid"] = json!(other);
    let path = path_of(&cluster) + "/status?fieldManager=gungnir-status&force=true";
    side.ask("status of another cluster", "PATCH", &path, "apply", &status).await;
    status["metadata"] = json!({
        "name": "demo", "namespace": "sim-others", "resourceVersion": "2",
    });
    side.ask("status of an old version", "PATCH", &path, "apply", &status).await;
    let folder = "/api/v1/namespaces/sim-others/configmaps";
    let list =
        side.ask("list", "GET", &format!("{folder}?labelSelector=w"), "", &Value::Null).await;
    let from = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    let map = |labels: Value| {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "m", "namespace": "sim-others", "labels": labels }, "data": { "a": "b" },
        })
    };
    for labels in [json!({ "w": "1" }), json!({ "w": "2" }), json!({}), json!({ "w": "3" })] {
        side.apply("watched", "gungnir", true, &map(labels)).await;
    }
    side.ask("gone", "DELETE", &path_of(&map(json!({}))), "", &Value::Null).await;
    let path =
        format!("{folder}?watch=true&labelSelector=w&timeoutSeconds=1&resourceVersion={from}");
    let (code, lines) = side.send("GET", &path, "", &Value::Null).await;
    let events: Vec<Value> = lines
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).unwrap();
            json!([event["type"], event["object"]["metadata"]["labels"]])
        })
        .collect();
    side.note("watch", json!([code, events]));
}

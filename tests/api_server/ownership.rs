//! Who owns which field: no re-apply of the rendered set, by whomever, takes the master pointer
//! or a password away, and managers that apply in turns change nothing.

use gungnir::cluster::Roles;
use serde_json::Value;
use serde_json::json;

use crate::differences::differences;
use crate::examples::examples;
use crate::examples::moved_to;
use crate::examples::rendered;
use crate::kubectl::kubectl;
use crate::server::Answer;
use crate::server::Apply;
use crate::server::Refusal;
use crate::server::Server;

const NONE: [&str; 0] = [];
const FORCED: Apply = Apply { dry_run: false, force: true, subresource: None };
const EPOCH: &str = "valkey.verilean.io/epoch";

/// Clusters that kubectl applies too, client-side; it takes a tenth of a second an object.
const BY_HAND: [&str; 2] = ["everything", "shop"];

/// A GitOps tool: its field manager, and the mark that it leaves on every object.
const TOOLS: [(&str, &str, &str); 2] = [
    ("argocd-controller", "annotations", "argocd.argoproj.io/tracking-id"),
    ("kustomize-controller", "labels", "kustomize.toolkit.fluxcd.io/name"),
];

/// A cluster that asks for every kind of object.
fn whole_cluster(namespace: &str) -> Value {
    json!({
        "apiVersion": "valkey.verilean.io/v1",
        "kind": "ValkeyCluster",
        "metadata": { "name": "shop", "namespace": namespace },
        "spec": {
            "tls": { "enabled": true, "issuerRef": { "name": "ca" } },
            "metrics": {
                "enabled": true,
                "serviceMonitor": { "enabled": true },
                "podMonitor": { "enabled": true },
                "prometheusRule": { "enabled": true },
            },
            "networkPolicy": { "enabled": true },
            "serviceAccount": { "create": true },
            "service": { "type": "LoadBalancer", "annotations": { "example.com/pool": "a" } },
        },
    })
}

async fn apply_all(server: &Server, manager: &str, objects: &[Value], apply: Apply) {
    for object in objects {
        server.apply(manager, object, apply).await.unwrap_or_else(|refusal| {
            panic!("{manager}: {} {}: {refusal:?}", object["kind"], object["metadata"]["name"])
        });
    }
}

async fn all_now(server: &Server, objects: &[Value]) -> Vec<Value> {
    let mut current = Vec::new();
    for object in objects {
        current.push(server.current(object).await);
    }
    current
}

fn find<'a>(objects: &'a [Value], kind: &str, name: &str) -> &'a Value {
    let found = |object: &&Value| object["kind"] == kind && object["metadata"]["name"] == name;
    objects.iter().find(found).unwrap_or_else(|| panic!("no {kind} {name}"))
}

fn selector(cluster: &str, ordinal: u32) -> Value {
    json!({
        "valkey.verilean.io/cluster": cluster,
        "statefulset.kubernetes.io/pod-name": format!("{cluster}-{ordinal}"),
    })
}

/// Points the client Service at a pod, as the sentinel does: in one write that carries the version
/// it was decided on.
async fn point(
    server: &Server,
    observed: &Value,
    selector: &Value,
    epoch: u32,
) -> Result<Answer, Refusal> {
    let metadata = &observed["metadata"];
    let write = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "resourceVersion": metadata["resourceVersion"],
            "annotations": { EPOCH: epoch.to_string() },
        },
        "spec": { "selector": selector },
    });
    server.apply("gungnir-sentinel", &write, Apply::default()).await
}

/// Writes the passwords, as the operator does: once.
async fn write_passwords(server: &Server, secret: &Value) -> Value {
    let data = json!({
        "password": "c2VjcmV0",
        "operator-password": "c2VjcmV0",
        "replication-password": "c2VjcmV0",
    });
    let write = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret["metadata"]["name"],
            "namespace": secret["metadata"]["namespace"],
        },
        "data": data,
    });
    server.apply("gungnir-secrets", &write, Apply::default()).await.unwrap();
    data
}

/// Each manager in turn applies everything, as it does at every synchronisation; people apply `by_hand`.
async fn everybody_applies(server: &Server, objects: &[Value], by_hand: &[Value]) {
    for (manager, part, mark) in TOOLS {
        let mut marked = objects.to_vec();
        for object in &mut marked {
            object["metadata"][part][mark] = json!("shop");
        }
        apply_all(server, manager, &marked, FORCED).await;
    }
    kubectl(&["apply", "--server-side=false", "-f", "-"], by_hand);
    // Not forced: all of them say the same, so nobody stands in Gungnir's way.
    apply_all(server, "gungnir", objects, Apply::default()).await;
}

/// Every example, and one with every kind of object, in namespaces of their own.
async fn clusters(server: &Server) -> Vec<Value> {
    let mut clusters = vec![whole_cluster(&server.namespace("owned", json!({})).await)];
    for example in examples() {
        let namespace = server.namespace(&format!("owned-{}", example.name), json!({})).await;
        let own = example.clusters.into_iter().map(|cluster| moved_to(&namespace, cluster));
        clusters.extend(own);
    }
    clusters
}

/// Up to 1.33 Kubernetes adds a `creationTimestamp: null` to the templates of volumes, which have
/// one owner as a whole; from 1.34 on it does not. No text suits both, so there the last one to
/// force owns them. (They are immutable.) For all else the same must hold as on 1.34.
fn note_null_timestamps(object: &mut Value, current: &Value) {
    let kept = current["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten();
    for (index, template) in kept.enumerate() {
        if let Some(null @ Value::Null) = template["metadata"].get("creationTimestamp") {
            object["spec"]["volumeClaimTemplates"][index]["metadata"]["creationTimestamp"] =
                null.clone();
        }
    }
}

/// One cluster, and what becomes of it.
struct Owned {
    name: String,
    client_service: Value,
    secret: Value,
    passwords: Value,
}

impl Owned {
    fn pointer(&self, ordinal: u32) -> Value {
        selector(&self.name, ordinal)
    }

    async fn assert_points_at(&self, server: &Server, ordinal: u32, epoch: &str) -> Value {
        let service = server.current(&self.client_service).await;
        assert_eq!(service["spec"]["selector"], self.pointer(ordinal), "{}", self.name);
        assert_eq!(service["metadata"]["annotations"][EPOCH], epoch, "{}", self.name);
        service
    }
}

#[tokio::test]
async fn no_reapply_of_the_set_takes_the_master_pointer_or_a_password_away() {
    let server = Server::connect().await;
    let mut objects = Vec::new();
    let mut by_hand = Vec::new();
    let mut owned = Vec::new();
    for cluster in clusters(&server).await {
        let name = cluster["metadata"]["name"].as_str().unwrap().to_owned();
        let mut set = rendered(&cluster, Roles::Elected);
        apply_all(&server, "gungnir", &set, Apply::default()).await;
        for object in &mut set {
            note_null_timestamps(object, &server.current(object).await);
        }

        let client_service = find(&set, "Service", &format!("{name}-client")).clone();
        let observed = server.current(&client_service).await;
        assert_eq!(observed["spec"].get("selector"), None, "{name}: it points at nobody yet");
        point(&server, &observed, &selector(&name, 1), 7).await.unwrap();
        let secret = find(&set, "Secret", &format!("{name}-secret")).clone();
        let passwords = write_passwords(&server, &secret).await;
        if BY_HAND.contains(&name.as_str()) {
            by_hand.extend(set.clone());
        }
        objects.extend(set);
        owned.push(Owned { name, client_service, secret, passwords });
    }

    everybody_applies(&server, &objects, &by_hand).await;
    let settled = all_now(&server, &objects).await;
    everybody_applies(&server, &objects, &by_hand).await;
    let again = all_now(&server, &objects).await;
    for (before, after) in settled.iter().zip(&again) {
        // The resourceVersion and the owners are in it.
        let metadata = &after["metadata"];
        let shown = format!("{} {}/{}", after["kind"], metadata["namespace"], metadata["name"]);
        assert_eq!(differences(before, after), NONE, "managers undo each other: {shown}");
    }
    for cluster in &owned {
        let service = cluster.assert_points_at(&server, 1, "7").await;
        let data = &server.current(&cluster.secret).await["data"];
        assert_eq!(data, &cluster.passwords, "{}", cluster.name);
        // A failover is as possible as before.
        point(&server, &service, &cluster.pointer(2), 8).await.unwrap();
    }

    everybody_applies(&server, &objects, &by_hand).await;
    for cluster in &owned {
        cluster.assert_points_at(&server, 2, "8").await;
    }
}

#[tokio::test]
async fn a_pointer_that_was_decided_on_an_older_observation_is_refused() {
    let server = Server::connect().await;
    let namespace = server.namespace("stale", json!({})).await;
    let objects = rendered(&whole_cluster(&namespace), Roles::Elected);
    let service = find(&objects, "Service", "shop-client");
    server.apply("gungnir", service, Apply::default()).await.unwrap();
    let observed = server.current(service).await;
    point(&server, &observed, &selector("shop", 1), 1).await.unwrap();

    let refusal = point(&server, &observed, &selector("shop", 0), 1).await.unwrap_err();
    assert_eq!(refusal.code, 409, "{refusal:?}");
    let service = server.current(service).await;
    assert_eq!(service["spec"]["selector"], selector("shop", 1));
}

/// A set with a static master takes nothing from a sentinel by accident.
#[tokio::test]
async fn a_static_master_conflicts_with_the_sentinel() {
    let server = Server::connect().await;
    let namespace = server.namespace("static-master", json!({})).await;
    let mut cluster = whole_cluster(&namespace);
    let elected = rendered(&cluster, Roles::Elected);
    let service = find(&elected, "Service", "shop-client");
    server.apply("gungnir", service, Apply::default()).await.unwrap();
    let observed = server.current(service).await;
    point(&server, &observed, &selector("shop", 1), 1).await.unwrap();

    cluster["spec"]["auth"] = json!({ "enabled": false });
    let fixed = rendered(&cluster, Roles::Static { master: 0 });
    let service = find(&fixed, "Service", "shop-client");
    let refusal = server.apply("gungnir", service, Apply::default()).await.unwrap_err();
    assert_eq!(refusal.code, 409, "{refusal:?}");
    assert!(refusal.message.contains("gungnir-sentinel"), "{refusal:?}");
    assert_eq!(server.current(service).await["spec"]["selector"], selector("shop", 1));
}

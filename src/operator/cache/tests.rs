use super::*;
use serde_json::json;

fn kind(name: &str) -> KindId {
    KindId::all().find(|kind| kind.row().resource.kind == name).unwrap()
}

fn metadata(name: &str, version: &str, more: &Value) -> ObjectMeta {
    let mut metadata = json!({
        "name": name, "namespace": "ns", "uid": format!("uid-{name}"), "resourceVersion": version,
    });
    metadata.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    serde_json::from_value(metadata).unwrap()
}

fn key(name: &str) -> ClusterKey {
    ClusterKey { namespace: "ns".to_owned(), name: name.to_owned() }
}

fn labelled(cluster: &str) -> Value {
    json!({ "labels": { "valkey.verilean.io/cluster": cluster } })
}

#[test]
fn what_belongs_to_a_cluster_is_found_under_its_name() {
    let cache = Cache::default();
    cache.put(kind("ValkeyCluster"), metadata("shop", "1", &json!({})), &json!({ "spec": {} }));
    cache.put(kind("Pod"), metadata("shop-0", "2", &labelled("shop")), &json!({}));
    cache.put(kind("ConfigMap"), metadata("shop-config", "3", &labelled("shop")), &Value::Null);
    cache.put(
        kind("PersistentVolumeClaim"),
        metadata("data-shop-0", "4", &labelled("shop")),
        &json!({}),
    );
    let view = cache.view(&key("shop"));
    assert!(view.cluster.is_some());
    assert_eq!((view.children.len(), view.pods.len(), view.claims.len()), (1, 1, 1));
    assert_eq!(cache.take_touched(), BTreeSet::from([key("shop")]));
    assert!(cache.take_touched().is_empty());
}

#[test]
fn an_owner_counts_more_than_a_label_that_somebody_changed() {
    let cache = Cache::default();
    let mut more = labelled("other");
    more["ownerReferences"] = json!([{
        "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster", "name": "shop",
        "uid": "u", "controller": true,
    }]);
    cache.put(kind("ConfigMap"), metadata("shop-config", "3", &more), &Value::Null);
    assert_eq!(cache.view(&key("shop")).children.len(), 1);
    assert_eq!(cache.view(&key("other")).children.len(), 0);
}

#[test]
fn a_list_drops_what_is_not_in_it() {
    let cache = Cache::default();
    let pod = kind("Pod");
    for name in ["shop-0", "shop-1"] {
        cache.put(pod, metadata(name, "2", &labelled("shop")), &json!({}));
    }
    let seen = place(pod, &metadata("shop-1", "2", &json!({}))).into_iter().collect();
    cache.keep_only(pod, &seen);
    let view = cache.view(&key("shop"));
    assert_eq!(view.pods.keys().collect::<Vec<_>>(), ["shop-1"]);
}

#[test]
fn an_object_that_changes_its_cluster_leaves_the_old_one() {
    let cache = Cache::default();
    let pod = kind("Pod");
    cache.put(pod, metadata("shop-0", "2", &labelled("shop")), &json!({}));
    cache.put(pod, metadata("shop-0", "3", &labelled("other")), &json!({}));
    assert!(cache.view(&key("shop")).pods.is_empty());
    assert_eq!(cache.view(&key("other")).pods.len(), 1);
}

#[test]
fn the_answer_to_an_own_write_is_taken_unless_the_watch_was_faster() {
    let cache = Cache::default();
    let config = kind("ConfigMap");
    let object = |version: &str| metadata("shop-config", version, &labelled("shop"));
    let version = || {
        let view = cache.view(&key("shop"));
        view.children.values().next().map(|child| child.resource_version.clone())
    };
    cache.put_answer(config, object("5"), &Value::Null);
    assert_eq!(version().as_deref(), Some("5"));
    cache.put_watched(config, object("12"), &Value::Null);
    cache.put_answer(config, object("9"), &Value::Null);
    assert_eq!(version().as_deref(), Some("12"));
    // Somebody deleted it before the answer to our write was read.
    cache.remove_watched(config, &object("14"));
    cache.put_answer(config, object("13"), &Value::Null);
    assert_eq!(version(), None);
}

#[test]
fn nothing_is_concluded_before_every_list_is_complete() {
    let cache = Cache::default();
    let served: Vec<KindId> = KindId::all().filter(|kind| kind.row().always_served).collect();
    for (index, kind) in served.iter().enumerate() {
        assert!(!cache.is_ready(), "{index}");
        cache.keep_only(*kind, &BTreeSet::new());
    }
    assert!(cache.is_ready(), "kinds that nobody serves are not waited for");
    let certificate = kind("Certificate");
    cache.mark_served(certificate, true);
    cache.count_lists();
    assert!(!cache.is_ready(), "one that came to be served is");
}

//! The answer to a request, but for watches.

use http::Method;
use serde_json::{Value, json};

use super::delete::{Deletion, delete, evict};
use super::discovery;
use super::json_patch;
use super::kind::Kind;
use super::refusal::{Refusal, about};
use super::request::{Asked, Target};
use super::selector::Selector;
use super::store::Store;
use super::write::Write;

/// Does what is asked.
pub fn answer(store: &mut Store, who: &str, asked: &Asked) -> Result<(u16, Value), Refusal> {
    if asked.method == Method::GET
        && let Some(found) = discovery::answer(store, &asked.path)
    {
        return Ok((200, found));
    }
    let target = asked.target()?;
    match &target.subresource {
        None => whole(store, who, asked, &target),
        Some(part) if part == "status" => written(store, who, asked, &target, true),
        Some(part) if part == "eviction" => {
            let (namespace, name) = place(&target);
            let deletion = Deletion::of(&asked.body["deleteOptions"]);
            evict(store, who, namespace, name, &deletion)?;
            Ok((201, success()))
        }
        Some(part) if part == "scale" => scale(store, who, asked, &target),
        Some(_) => Err(Refusal::not_served()),
    }
}

fn place(target: &Target) -> (&str, &str) {
    (target.namespace.as_deref().unwrap_or_default(), target.name.as_deref().unwrap_or_default())
}

fn success() -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success" })
}

fn whole(
    store: &mut Store,
    who: &str,
    asked: &Asked,
    target: &Target,
) -> Result<(u16, Value), Refusal> {
    let (namespace, name) = place(target);
    match (&asked.method, &target.name) {
        (&Method::GET, Some(_)) => read(store, asked, target),
        (&Method::GET, None) => Ok((200, list(store, asked, target)?)),
        (&Method::POST, None) => {
            let write = write_of(who, asked, target, false);
            let name = asked.body["metadata"]["name"].as_str().unwrap_or_default();
            let made = Write { name, ..write }.create(store, asked.body.clone())?;
            Ok((201, shown(asked, &made)))
        }
        (&Method::DELETE, Some(_)) => {
            let mut deletion = Deletion::of(&asked.body);
            if let Some(seconds) = asked.query.get("gracePeriodSeconds") {
                deletion.grace_seconds = seconds.parse().ok();
            }
            if let Some(policy) = asked.query.get("propagationPolicy") {
                deletion.propagation = Some(policy.clone());
            }
            let uid = store
                .get(target.kind.name, namespace, name)
                .map(|object| object["metadata"]["uid"].clone());
            let left = delete(store, who, target.kind, namespace, name, &deletion)?;
            let done = || {
                let mut status = success();
                status["details"] = about(target.kind, name);
                status["details"]["uid"] = json!(uid);
                status
            };
            Ok((200, left.map_or_else(done, |left| shown(asked, &left))))
        }
        _ => written(store, who, asked, target, false),
    }
}

fn write_of<'a>(who: &'a str, asked: &'a Asked, target: &'a Target, status: bool) -> Write<'a> {
    let (namespace, name) = place(target);
    Write {
        who,
        manager: &asked.manager,
        kind: target.kind,
        namespace,
        name,
        status,
        dry_run: asked.says("dryRun"),
    }
}

fn written(
    store: &mut Store,
    who: &str,
    asked: &Asked,
    target: &Target,
    status: bool,
) -> Result<(u16, Value), Refusal> {
    if status && !target.kind.has_status {
        return Err(Refusal::not_served());
    }
    let (namespace, name) = place(target);
    let existed = store.get(target.kind.name, namespace, name).is_some();
    let write = write_of(who, asked, target, status);
    let object = match (&asked.method, asked.content_type.as_str()) {
        (&Method::GET, _) => return read(store, asked, target),
        (&Method::PUT, _) => write.replace(store, asked.body.clone())?,
        (&Method::PATCH, kind) if kind.starts_with("application/apply-patch") => {
            write.apply(store, &asked.body, asked.says("force"))?
        }
        (&Method::PATCH, kind) if kind.starts_with("application/json-patch") => {
            write.edit(store, &Value::Null, |object| json_patch::apply(object, &asked.body))?
        }
        (&Method::PATCH, _) => write.merge(store, &asked.body)?,
        _ => {
            let text = "the server does not allow this method on the requested resource";
            return Err(Refusal::new(405, "MethodNotAllowed", text));
        }
    };
    Ok((if existed { 200 } else { 201 }, shown(asked, &object)))
}

fn read(store: &Store, asked: &Asked, target: &Target) -> Result<(u16, Value), Refusal> {
    let (namespace, name) = place(target);
    match store.get(target.kind.name, namespace, name) {
        Some(object) => Ok((200, shown(asked, object))),
        None => Err(Refusal::not_found(target.kind, name)),
    }
}

/// An object as it was asked for.
pub fn shown(asked: &Asked, object: &Value) -> Value {
    if asked.metadata_only {
        json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
            "metadata": object["metadata"],
        })
    } else {
        object.clone()
    }
}

/// The metadata of an object alone, as JSON.
pub fn metadata_text(object: &Value) -> String {
    let metadata = &object["metadata"];
    format!(
        "{{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/v1\",\
         \"metadata\":{metadata}}}"
    )
}

/// The selector of a request.
pub fn selector(asked: &Asked) -> Selector {
    let text = |name: &str| asked.query.get(name).map(String::as_str).unwrap_or_default();
    Selector::default().labels(text("labelSelector")).fields(text("fieldSelector"))
}

fn list(store: &Store, asked: &Asked, target: &Target) -> Result<Value, Refusal> {
    let selector = selector(asked);
    let limit = asked.query.get("limit").and_then(|limit| limit.parse::<usize>().ok());
    let limit = limit.filter(|limit| *limit > 0).unwrap_or(usize::MAX);
    // The token says where the page before ended, and in which version the list began.
    let token = asked.query.get("continue").filter(|token| !token.is_empty());
    let (version, after) = match token.map(|token| token.split_once(':')) {
        None => (store.version(), None),
        Some(Some((version, after))) => (version.parse().unwrap_or_default(), Some(after)),
        Some(None) => return Err(Refusal::new(400, "BadRequest", "continue key is not valid")),
    };
    if token.is_some() && store.since(target.kind, version).is_err() {
        return Err(Refusal::new(410, "Expired", "The provided continue parameter is too old"));
    }
    let path = |namespace: &str, name: &str| format!("{namespace}/{name}");
    let objects = store
        .of_kind(target.kind.name, target.namespace.as_deref())
        .filter(|(key, _)| {
            after.is_none_or(|after| path(&key.namespace, &key.name).as_str() > after)
        })
        .filter(|(_, object)| selector.matches(object));
    let mut items: Vec<_> = objects.take(limit.saturating_add(1)).collect();
    let mut metadata = json!({ "resourceVersion": version.to_string() });
    if items.len() > limit {
        items.pop();
        let (key, _) = items.last().unwrap();
        metadata["continue"] = json!(format!("{version}:{}", path(&key.namespace, &key.name)));
    }
    let items: Vec<Value> = items.iter().map(|(_, object)| shown(asked, object)).collect();
    let (api_version, kind) = names_of_list(asked, target.kind);
    Ok(json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items }))
}

fn names_of_list(asked: &Asked, kind: Kind) -> (String, String) {
    if asked.metadata_only {
        ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned())
    } else {
        (kind.api_version(), format!("{}List", kind.name))
    }
}

/// Reads or sets how many replicas there are to be.
fn scale(
    store: &mut Store,
    who: &str,
    asked: &Asked,
    target: &Target,
) -> Result<(u16, Value), Refusal> {
    if asked.method != Method::GET {
        let write = write_of(who, asked, target, false);
        let replicas = &asked.body["spec"]["replicas"];
        write.merge(store, &json!({ "spec": { "replicas": replicas } }))?;
    }
    let (_, object) = read(store, &Asked { metadata_only: false, ..asked.clone() }, target)?;
    let metadata = &object["metadata"];
    let labels = object["spec"]["selector"]["matchLabels"].as_object().into_iter().flatten();
    let selector: Vec<String> = labels
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
            "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": { "replicas": object["spec"]["replicas"] },
        "status": { "replicas": object["status"]["replicas"], "selector": selector.join(",") },
    });
    Ok((200, scale))
}

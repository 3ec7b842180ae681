//! What a container is given: variables and files out of the pod, Secrets and `ConfigMap`s.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use serde_json::Value;

use crate::kubernetes::api::store::Store;
use crate::kubernetes::object::{namespace, text};

/// Why a container cannot start: the reason and the message of its `waiting` state.
pub type Waits = (&'static str, String);

/// The variables of a container.
pub fn variables(
    store: &Store,
    pod: &Value,
    container: &Value,
) -> Result<BTreeMap<String, String>, Waits> {
    let mut variables = BTreeMap::new();
    for variable in container["env"].as_array().into_iter().flatten() {
        let from = &variable["valueFrom"];
        let value = if let Some(path) = from["fieldRef"]["fieldPath"].as_str() {
            Some(field(pod, path))
        } else if from["secretKeyRef"].is_object() {
            key(store, pod, "Secret", &from["secretKeyRef"])?
        } else if from["configMapKeyRef"].is_object() {
            key(store, pod, "ConfigMap", &from["configMapKeyRef"])?
        } else {
            Some(text(&variable["value"]).to_owned())
        };
        if let Some(value) = value {
            variables.insert(text(&variable["name"]).to_owned(), value);
        }
    }
    Ok(variables)
}

fn field(pod: &Value, path: &str) -> String {
    let named = path.strip_suffix("']").and_then(|path| path.split_once("['"));
    let value = match named {
        Some((path, key)) => &at(pod, path)[key],
        None => at(pod, path),
    };
    text(value).to_owned()
}

fn at<'v>(pod: &'v Value, path: &str) -> &'v Value {
    path.split('.').fold(pod, |value, field| &value[field])
}

fn key(store: &Store, pod: &Value, kind: &str, reference: &Value) -> Result<Option<String>, Waits> {
    let (source, key) = (text(&reference["name"]), text(&reference["key"]));
    let is_optional = reference["optional"] == true;
    let Some(object) = store.get(kind, namespace(pod), source) else {
        let message = format!("{} \"{source}\" not found", kind.to_lowercase());
        return if is_optional { Ok(None) } else { Err(("CreateContainerConfigError", message)) };
    };
    match data(kind, object).remove(key) {
        Some(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        None if is_optional => Ok(None),
        None => {
            let place = format!("{}/{source}", namespace(pod));
            let message = format!("couldn't find key {key} in {kind} {place}");
            Err(("CreateContainerConfigError", message))
        }
    }
}

fn data(kind: &str, object: &Value) -> BTreeMap<String, Vec<u8>> {
    let mut data = BTreeMap::new();
    for (name, value) in object["data"].as_object().into_iter().flatten() {
        let bytes = if kind == "Secret" {
            serde_json::from_value::<ByteString>(value.clone()).unwrap_or_default().0
        } else {
            text(value).as_bytes().to_vec()
        };
        data.insert(name.clone(), bytes);
    }
    data
}

/// What a pod mounts.
#[derive(Debug, Default)]
pub struct Mounts {
    /// Contents by whole path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Uids of volume claims by where they are.
    pub volumes: BTreeMap<String, String>,
}

/// What a container has mounted.
pub fn mounts(store: &Store, pod: &Value, container: &Value) -> Result<Mounts, Waits> {
    let mut mounts = Mounts::default();
    let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    for mount in container["volumeMounts"].as_array().into_iter().flatten() {
        let path = text(&mount["mountPath"]).trim_end_matches('/');
        let Some(volume) = volumes.iter().find(|volume| volume["name"] == mount["name"]) else {
            continue;
        };
        if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str() {
            let bound = store
                .get("PersistentVolumeClaim", namespace(pod), claim)
                .filter(|claim| claim["spec"]["volumeName"].is_string());
            let Some(claim) = bound else { return Err(not_yet(claim)) };
            let uid = text(&claim["metadata"]["uid"]).to_owned();
            mounts.volumes.insert(path.to_owned(), uid);
            continue;
        }
        for (kind, source, own) in sources(volume) {
            let Some(object) = store.get(kind, namespace(pod), &own) else {
                if source["optional"] == true {
                    continue;
                }
                return Err(not_yet(&own));
            };
            let mut data = data(kind, object);
            if let Some(items) = source["items"].as_array() {
                let chosen = items.iter().filter_map(|item| {
                    let bytes = data.get(text(&item["key"]))?.clone();
                    Some((text(&item["path"]).to_owned(), bytes))
                });
                data = chosen.collect();
            }
            for (file, bytes) in data {
                match mount["subPath"].as_str() {
                    Some(part) if part == file => drop(mounts.files.insert(path.to_owned(), bytes)),
                    Some(_) => {}
                    None => drop(mounts.files.insert(format!("{path}/{file}"), bytes)),
                }
            }
        }
    }
    Ok(mounts)
}

/// The Secrets and `ConfigMap`s of a volume.
fn sources(volume: &Value) -> Vec<(&'static str, Value, String)> {
    let mut found = Vec::new();
    let mut take = |holder: &Value| {
        for (kind, field, by) in [
            ("ConfigMap", "configMap", "name"),
            ("Secret", "secret", "secretName"),
            ("Secret", "secret", "name"),
        ] {
            if let Some(own) = holder[field][by].as_str() {
                found.push((kind, holder[field].clone(), own.to_owned()));
            }
        }
    };
    take(volume);
    volume["projected"]["sources"].as_array().into_iter().flatten().for_each(&mut take);
    found
}

fn not_yet(what: &str) -> Waits {
    ("ContainerCreating", format!("{what} cannot be mounted"))
}

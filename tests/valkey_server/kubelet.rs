//! What a kubelet makes of a rendered pod: command, environment and volumes of a container.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::Value;

use crate::rendered::Rendered;
use crate::support::container::Attachment;
use crate::support::container::ContainerSetup;
use crate::support::container::Volume;
use crate::support::valkey::certificate_files;

/// Where a pod runs, and with what.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// Its number in the set.
    pub ordinal: u32,
    /// Its data; an `emptyDir` if none.
    pub data: Option<PathBuf>,
    /// The network, and the pod's address in it.
    pub network: Attachment,
    /// Names that its host knows.
    pub hosts: Vec<(String, String)>,
    /// Values of keys of Secrets; every other key has a value made of its name.
    pub secrets: BTreeMap<String, String>,
    /// The files of its TLS Secret; those of a good certificate if none.
    pub tls: Option<Vec<(String, Vec<u8>)>>,
    /// Volumes that no manifest names.
    pub volumes: Vec<(String, Volume)>,
}

/// What a kubelet makes of the server's container.
pub fn container_setup(rendered: &Rendered, place: &Place) -> ContainerSetup {
    let template = rendered.pod_template();
    let server = rendered.server();
    let name = format!(
        "{}-{}",
        rendered.object("StatefulSet", "")["metadata"]["name"].as_str().unwrap_or_default(),
        place.ordinal
    );
    let mut volumes = place.volumes.clone();
    for mount in server["volumeMounts"].as_array().into_iter().flatten() {
        let volume = volume(rendered, place, mount["name"].as_str().unwrap_or_default());
        let target = mount["mountPath"].as_str().unwrap_or_default();
        volumes.push((target.trim_end_matches('/').to_owned(), volume));
    }
    let address = match &place.network {
        Attachment::Switch { address, .. } => address.clone(),
        Attachment::None | Attachment::Host => "127.0.0.1".to_owned(),
    };
    let mut env = BTreeMap::new();
    for variable in server["env"].as_array().into_iter().flatten() {
        let value = match variable.pointer("/valueFrom") {
            None => expand(variable["value"].as_str().unwrap_or_default(), &env),
            Some(source) => {
                if let Some(path) = source["fieldRef"]["fieldPath"].as_str() {
                    field(path, &name, &address, template)
                } else if let Some(key) = source["secretKeyRef"]["key"].as_str() {
                    secret(place, source["secretKeyRef"]["name"].as_str().unwrap_or_default(), key)
                } else {
                    panic!("{}: this kubelet does not know {source}", rendered.name)
                }
            }
        };
        env.insert(variable["name"].as_str().unwrap_or_default().to_owned(), value);
    }
    ContainerSetup {
        command: [words(&server["command"]), words(&server["args"])].concat(),
        env: env.into_iter().collect(),
        volumes,
        hostname: name,
        network: place.network.clone(),
        hosts: place.hosts.clone(),
    }
}

/// The value of a key of a Secret.
fn secret(place: &Place, name: &str, key: &str) -> String {
    let own = place.secrets.get(key).cloned();
    own.unwrap_or_else(|| format!("secret-value-of-{name}-{key}"))
}

fn volume(rendered: &Rendered, place: &Place, name: &str) -> Volume {
    if name == "data" {
        return place.data.clone().map_or(Volume::Empty, Volume::Folder);
    }
    let volumes = rendered.pod_template()["spec"]["volumes"].as_array();
    let volume = volumes.and_then(|all| all.iter().find(|volume| volume["name"] == name));
    let volume = volume.unwrap_or_else(|| panic!("{}: no volume {name}", rendered.name));
    let mode = |source: &Value| {
        let mode = source["defaultMode"].as_u64().unwrap_or(0o644);
        u32::try_from(mode).expect("a file's mode")
    };
    let (config, secret) = (&volume["configMap"], &volume["secret"]);
    if let Some(config_map) = config["name"].as_str() {
        let object = rendered.find("ConfigMap", |name| name == config_map);
        // A ConfigMap that people bring is theirs; it is empty here.
        let data = object.and_then(|object| object["data"].as_object());
        let files = data.into_iter().flatten().map(|(name, text)| {
            (name.clone(), text.as_str().unwrap_or_default().as_bytes().to_vec())
        });
        Volume::Files(files.collect(), mode(config))
    } else if secret.is_object() {
        Volume::Files(place.tls.clone().unwrap_or_else(|| tls_files().to_vec()), mode(secret))
    } else if volume["emptyDir"].is_object() {
        Volume::Empty
    } else {
        panic!("{}: this kubelet does not know the volume {volume}", rendered.name)
    }
}

/// A certificate for every server of the tests.
fn tls_files() -> &'static [(String, Vec<u8>)] {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| certificate_files(&["10.0.0.1", "10.0.0.2", "10.0.0.3"]))
}

fn field(path: &str, pod: &str, address: &str, template: &Value) -> String {
    match path {
        "metadata.name" => pod.to_owned(),
        "metadata.namespace" => "default".to_owned(),
        "status.podIP" | "status.hostIP" => address.to_owned(),
        "spec.nodeName" => "node-1".to_owned(),
        "metadata.uid" => "0ab97cd1-8d71-4b52-ae5b-2e5b6a3a0a11".to_owned(),
        _ => {
            let key = path.strip_prefix("metadata.labels['").and_then(|key| key.strip_suffix("']"));
            let label = key.and_then(|key| template["metadata"]["labels"][key].as_str());
            label
                .unwrap_or_else(|| panic!("this kubelet does not know the field {path}"))
                .to_owned()
        }
    }
}

/// `$(NAME)` of a variable before becomes its value; `$$` is a `$`.
fn expand(text: &str, known: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let name = after.strip_prefix('(').and_then(|after| after.split_once(')'));
        rest = match (after.strip_prefix('$'), name) {
            (Some(after), _) => {
                out.push('$');
                after
            }
            (None, Some((name, after))) if known.contains_key(name) => {
                out.push_str(&known[name]);
                after
            }
            _ => {
                out.push('$');
                after
            }
        };
    }
    out + rest
}

/// A list of words, as `command` has them.
pub fn words(list: &Value) -> Vec<String> {
    let words = list.as_array().into_iter().flatten();
    words.map(|word| word.as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn variables_expand_as_a_kubelet_expands_them() {
    let known = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
    for (text, expanded) in
        [("$(A)$(B)", "1$(B)"), ("$$(A)", "$(A)"), ("a$", "a$"), ("$A $(A", "$A $(A")]
    {
        assert_eq!(expand(text, &known), expanded);
    }
}

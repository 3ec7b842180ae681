//! The examples as objects, their goldens, and what the library renders from them.
// Several test files have this; each of them uses a part.
#![allow(dead_code)]

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use gungnir::api::ValkeyCluster;
use gungnir::cluster::Roles;
use gungnir::cluster::validate;
use gungnir::input::Source;
use gungnir::render::render;
use serde::Deserialize;
use serde_json::Value;

/// The top of the repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// One file of `examples/`.
#[derive(Debug)]
pub struct Example {
    /// The file's name without `.yaml`.
    pub name: String,
    /// Every `ValkeyCluster` in it.
    pub clusters: Vec<Value>,
}

/// Every example, by name.
pub fn examples() -> Vec<Example> {
    let files = yaml_files("examples");
    assert!(!files.is_empty(), "there are no examples");
    let read = |path: &PathBuf| {
        let source = Source::new(shown(path), fs::read(path).unwrap()).unwrap();
        let objects = source.documents().map(|document| document.unwrap().into_value());
        let clusters = objects.filter(|object| object["kind"] == "ValkeyCluster");
        Example { name: stem(path), clusters: clusters.collect() }
    };
    files.iter().map(read).collect()
}

/// Moves a cluster to a namespace of its own. A port of the nodes is left open there: the cluster
/// has each one once, and the goldens ask for it.
pub fn moved_to(namespace: &str, mut cluster: Value) -> Value {
    cluster["metadata"]["namespace"] = Value::from(namespace);
    if let Some(service) = cluster["spec"]["service"].as_object_mut() {
        service.remove("nodePort");
    }
    cluster
}

/// The goldens in a folder, by name, each with its objects.
pub fn goldens(folder: &str) -> Vec<(String, Vec<Value>)> {
    let files = yaml_files(folder);
    assert!(!files.is_empty(), "there are no goldens in {folder}");
    let read = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let documents = serde_yaml::Deserializer::from_str(&text);
        (shown(path), documents.map(|document| Value::deserialize(document).unwrap()).collect())
    };
    files.iter().map(read).collect()
}

/// Every object that the library renders from a cluster.
pub fn rendered(cluster: &Value, roles: Roles) -> Vec<Value> {
    let cluster = ValkeyCluster::deserialize(cluster).unwrap();
    let cluster = validate(cluster, roles).unwrap();
    render(&cluster).unwrap().iter().map(|manifest| manifest.object().unwrap()).collect()
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(Path::new(ROOT).join(folder)).unwrap_or_else(|error| {
        panic!("cannot read {folder}/: {error}");
    });
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    files
}

fn shown(path: &Path) -> String {
    path.strip_prefix(ROOT).unwrap_or(path).display().to_string()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

//! `gungnir fn`: a KRM function, as kustomize and kpt call it.
//!
//! A `ResourceList` comes in on stdin. Every `ValkeyCluster` in its items, or as its function
//! configuration, is replaced by what it renders to; other items pass through as they are. Faults
//! go into `results`, and the list is written all the same.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::api::GROUP;
use crate::api::KIND;
use crate::input::limits::OF_A_LIST;
use crate::input::{Diagnostic, Report};
use crate::manifest::{ManifestSet, yaml};
use crate::render::render_into;

use super::adjustments::Adjustments;
use super::console::Console;
use super::exit::{Failure, Outcome};
use super::files::{STDIN, read_within, source_of};
use super::load::Loaded;
use super::progress::Progress;

/// Where a kustomize or kpt tree keeps an object.
const PATH_ANNOTATIONS: [&str; 2] =
    ["config.kubernetes.io/path", "internal.config.kubernetes.io/path"];

pub(super) fn run(console: &Console) -> Result<Outcome, Failure> {
    let source = read_within(&OF_A_LIST, STDIN.as_ref())?;
    let mut list = match source.documents().next() {
        Some(Ok(document)) => document.into_value(),
        Some(Err(diagnostics)) => {
            let mut report = Report::new();
            report.add(diagnostics);
            return Err(Failure::Input(Box::new(report)));
        }
        None => Value::Null,
    };
    if list.get("kind").and_then(Value::as_str) != Some("ResourceList") {
        return Err(Failure::usage("stdin holds no ResourceList (config.kubernetes.io/v1)"));
    }
    let items = match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let configuration = list.get("functionConfig").filter(|value| is_cluster(value)).cloned();
    let mut progress = Progress::new(console);
    let mut clusters = Clusters::default();
    if let Some(cluster) = &configuration {
        clusters.add("functionConfig", cluster, &mut progress)?;
    }
    let mut kept = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        // kustomize hands a generator its own configuration as an item, too, and drops it later.
        let is_configuration =
            configuration.as_ref().is_some_and(|cluster| identity(cluster) == identity(&item));
        if !is_cluster(&item)
            || is_configuration
            || !clusters.add(&format!("items[{at}]"), &item, &mut progress)?
        {
            kept.push(item);
        }
    }
    kept.extend(clusters.objects()?);
    list["items"] = Value::Array(kept);
    if !clusters.loaded.report.is_empty() {
        list["results"] = clusters.results();
    }
    let text = yaml::block(&list, 0).map_err(|error| Failure::Usage(error.into()))?;
    console.data(&text)?;
    clusters.loaded.into_sound()?;
    Ok(Outcome::Done)
}

fn is_cluster(item: &Value) -> bool {
    let group =
        item.get("apiVersion").and_then(Value::as_str).and_then(|text| text.split_once('/'));
    group.is_some_and(|(group, _)| group == GROUP)
        && item.get("kind").and_then(Value::as_str) == Some(KIND)
}

/// What tells one cluster from another.
fn identity(cluster: &Value) -> [Option<&Value>; 2] {
    ["/metadata/namespace", "/metadata/name"].map(|pointer| cluster.pointer(pointer))
}

/// The clusters of a list, what is wrong with them, and what the caller knows of each.
#[derive(Debug, Default)]
struct Clusters {
    loaded: Loaded,
    /// Of each sound cluster, the folder that it stands in.
    folders: Vec<Option<String>>,
    /// Of each cluster by its place, the fields of a result that name it.
    references: BTreeMap<String, Map<String, Value>>,
}

impl Clusters {
    /// Takes one in; whether it is sound.
    fn add(
        &mut self,
        place: &str,
        item: &Value,
        progress: &mut Progress<'_>,
    ) -> Result<bool, Failure> {
        let mut cluster = item.clone();
        let path = take_tool_annotations(&mut cluster);
        // Nobody sees the list but the tool: people know the cluster by its name.
        let name: Vec<&str> =
            identity(item).into_iter().flatten().filter_map(Value::as_str).collect();
        let place = format!("{place} ({})", name.join("/"));
        self.references.insert(place.clone(), reference(item, path.as_deref()));

        let text = yaml::block(&cluster, 0).map_err(|error| Failure::Usage(error.into()))?;
        let known = self.loaded.clusters.len();
        let source = source_of(place, text.into_bytes())?;
        self.loaded.read(&source, &Adjustments::default(), false, progress);
        let sound = self.loaded.clusters.len() > known;
        if sound {
            self.folders.push(path.as_deref().map(folder_of));
        }
        Ok(sound)
    }

    /// What all sound ones render to.
    fn objects(&self) -> Result<Vec<Value>, Failure> {
        let mut all = Vec::new();
        for (cluster, folder) in self.loaded.clusters.iter().zip(&self.folders) {
            let mut set = ManifestSet::new();
            render_into(&cluster.validated()?, &mut set)
                .map_err(|error| Failure::Usage(error.into()))?;
            for manifest in set.iter() {
                let mut object = manifest.object().map_err(|error| Failure::Usage(error.into()))?;
                if let Some(folder) = folder {
                    place_in(&mut object, folder);
                }
                all.push(object);
            }
        }
        Ok(all)
    }

    /// The faults as the KRM functions specification wants them.
    fn results(&self) -> Value {
        let result = |diagnostic: &Diagnostic| {
            let hint = diagnostic.hint.as_deref().map(|hint| format!("; {hint}"));
            let mut result = json!({
                "message": format!("{}{}", diagnostic.message, hint.unwrap_or_default()),
                "severity": diagnostic.severity.word(),
                "field": { "path": diagnostic.path },
            });
            if let (Value::Object(result), Some(reference)) =
                (&mut result, self.references.get(&diagnostic.file))
            {
                result.extend(reference.clone());
            }
            result
        };
        self.loaded.report.shown().map(result).collect()
    }
}

/// Which object a result is about, and the file in which people find it.
fn reference(item: &Value, path: Option<&str>) -> Map<String, Value> {
    let fields = [
        ("apiVersion", "/apiVersion"),
        ("kind", "/kind"),
        ("name", "/metadata/name"),
        ("namespace", "/metadata/namespace"),
    ];
    let known = fields.into_iter().filter_map(|(field, pointer)| {
        item.pointer(pointer).map(|value| (field.to_owned(), value.clone()))
    });
    let mut reference = Map::new();
    reference.insert("resourceRef".to_owned(), Value::Object(known.collect()));
    if let Some(path) = path {
        reference.insert("file".to_owned(), json!({ "path": path }));
    }
    reference
}

/// Takes away what the calling tool wrote on the object; returns the file that it stands in.
fn take_tool_annotations(cluster: &mut Value) -> Option<String> {
    let annotations = cluster.pointer_mut("/metadata/annotations")?.as_object_mut()?;
    let path = PATH_ANNOTATIONS.iter().find_map(|key| annotations.get(*key)?.as_str());
    let path = path.map(str::to_owned);
    annotations.retain(|key, _| {
        !key.starts_with("config.kubernetes.io/")
            && !key.starts_with("internal.config.kubernetes.io/")
    });
    path
}

/// What stands before the name of a file beside this one.
fn folder_of(path: &str) -> String {
    path.rsplit_once('/').map(|(folder, _)| format!("{folder}/")).unwrap_or_default()
}

/// Names the file in which the tool shall keep a new object.
fn place_in(object: &mut Value, folder: &str) {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let file =
        format!("{folder}{}-{}.yaml", text("/kind").to_ascii_lowercase(), text("/metadata/name"));
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        let annotations =
            metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
        for key in PATH_ANNOTATIONS {
            annotations[key] = Value::from(file.as_str());
        }
    }
}

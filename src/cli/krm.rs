//! `gungnir fn`: a KRM function, as kustomize and kpt call it.
//!
//! A `ResourceList` comes in on stdin. Every `ValkeyCluster` in its items, or as its function
//! configuration, is replaced by what it renders to; other items pass through as they are. Faults
//! go into `results`, and the list is written all the same.

use serde_json::{Map, Value, json};

use crate::api::GROUP;
use crate::api::KIND;
use crate::input::{Diagnostic, Report, Severity};
use crate::manifest::{Manifest, ManifestSet, yaml};

use super::console::Console;
use super::exit::{Failure, Outcome};
use super::files::{STDIN, read_source, source_of};
use super::load::{Adjustments, Loaded};
use super::render::render_all;

/// Where a kustomize or kpt tree keeps an object.
const PATH_ANNOTATIONS: [&str; 2] =
    ["config.kubernetes.io/path", "internal.config.kubernetes.io/path"];

pub(super) fn run(console: &Console) -> Result<Outcome, Failure> {
    let source = read_source(STDIN.as_ref())?;
    let mut list = yaml::read(source.text()).map_err(|error| Failure::Usage(error.into()))?;
    if list.get("kind").and_then(Value::as_str) != Some("ResourceList") {
        return Err(Failure::usage("stdin holds no ResourceList (config.kubernetes.io/v1)"));
    }
    let items = match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    };
    let mut kept = Vec::new();
    let mut rendered = Vec::new();
    let mut report = Report::new();
    let configuration = list.get("functionConfig").filter(|value| is_cluster(value)).cloned();
    for (place, item) in configuration
        .map(|cluster| ("functionConfig".to_owned(), cluster))
        .into_iter()
        .chain(items.into_iter().enumerate().map(|(at, item)| (format!("items[{at}]"), item)))
    {
        if !is_cluster(&item) {
            kept.push(item);
            continue;
        }
        match expand(&place, &item, console)? {
            Ok(objects) => rendered.extend(objects),
            Err(faults) => {
                report.add(faults.shown().cloned());
                kept.push(item);
            }
        }
    }
    kept.extend(rendered);
    list["items"] = Value::Array(kept);
    if !report.is_empty() {
        list["results"] = report.shown().map(result).collect();
    }
    let text = yaml::block(&list, 0).map_err(|error| Failure::Usage(error.into()))?;
    console.data(&text)?;
    if report.errors() > 0 {
        return Err(Failure::Input(Box::new(report)));
    }
    Ok(Outcome::Done)
}

fn is_cluster(item: &Value) -> bool {
    let group =
        item.get("apiVersion").and_then(Value::as_str).and_then(|text| text.split_once('/'));
    group.is_some_and(|(group, _)| group == GROUP)
        && item.get("kind").and_then(Value::as_str) == Some(KIND)
}

/// What one cluster renders to, or what is wrong with it.
fn expand(
    place: &str,
    item: &Value,
    console: &Console,
) -> Result<Result<Vec<Value>, Box<Report>>, Failure> {
    let mut cluster = item.clone();
    let folder = take_tool_annotations(&mut cluster);
    let text = yaml::block(&cluster, 0).map_err(|error| Failure::Usage(error.into()))?;
    let source = source_of(place.to_owned(), text.into_bytes())?;
    let mut loaded = Loaded::default();
    loaded.read(&source, &Adjustments::default(), false);
    let loaded = match loaded.into_sound() {
        Ok(loaded) => loaded,
        Err(Failure::Input(report)) => return Ok(Err(report)),
        Err(failure) => return Err(failure),
    };
    let set: ManifestSet = render_all(loaded, console)?;
    let objects = set.iter().map(Manifest::object).collect::<Result<Vec<_>, _>>();
    let mut objects = objects.map_err(|error| Failure::Usage(error.into()))?;
    if let Some(folder) = folder {
        for object in &mut objects {
            place_in(object, &folder);
        }
    }
    Ok(Ok(objects))
}

/// Takes away what the calling tool wrote on the object; returns the folder that it stands in.
fn take_tool_annotations(cluster: &mut Value) -> Option<String> {
    let annotations = cluster.pointer_mut("/metadata/annotations")?.as_object_mut()?;
    let path = PATH_ANNOTATIONS.iter().find_map(|key| annotations.get(*key)?.as_str());
    let folder = path.map(|path| match path.rsplit_once('/') {
        Some((folder, _)) => format!("{folder}/"),
        None => String::new(),
    });
    annotations.retain(|key, _| {
        !key.starts_with("config.kubernetes.io/")
            && !key.starts_with("internal.config.kubernetes.io/")
    });
    folder
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

/// A fault as the KRM functions specification wants it.
fn result(diagnostic: &Diagnostic) -> Value {
    let hint = diagnostic.hint.as_deref().map(|hint| format!("; {hint}")).unwrap_or_default();
    json!({
        "message": format!("{}{hint}", diagnostic.message),
        "severity": match diagnostic.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        },
        "field": { "path": diagnostic.path },
    })
}

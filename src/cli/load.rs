//! From sources to sound clusters, with every fault of every file at once.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;
use similar::get_close_matches;

use crate::api::GROUP;
use crate::api::KIND;
use crate::api::SCHEMA_LINES;
use crate::api::VERSION;
use crate::api::ValkeyCluster;
use crate::cluster;
use crate::cluster::FieldPath;
use crate::cluster::Roles;
use crate::cluster::Segment;
use crate::cluster::validate;
use crate::input::Document;
use crate::input::Fault;
use crate::input::Report;
use crate::input::Schema;
use crate::input::SchemaError;
use crate::input::Source;
use crate::input::limits::MAX_INPUT_BYTES;
use crate::input::limits::MAX_OBJECTS;
use crate::manifest::Manifest;
use crate::manifest::ObjectKey;

use super::adjustments::Adjustments;
use super::exit::Failure;
use super::progress::Progress;
use super::sound::SoundCluster;

/// The schema of a `ValkeyCluster`, compiled once.
static SCHEMA: LazyLock<Result<Schema, SchemaError>> =
    LazyLock::new(|| Schema::compile_lines(SCHEMA_LINES));

/// What sources hold.
#[derive(Debug, Default)]
pub(super) struct Loaded {
    /// The clusters, in the order in which they were found.
    pub clusters: Vec<SoundCluster>,
    /// Every other object, as it is written.
    pub others: Vec<Manifest>,
    /// What is worth a look, and what is wrong.
    pub report: Report,
    /// The bytes that the clusters take.
    cluster_bytes: usize,
    /// Where each cluster stands, by namespace and name.
    places: BTreeMap<(Option<String>, String), String>,
    /// Where each other object stands; all versions of one are one.
    other_places: BTreeMap<ObjectKey, String>,
}

impl Loaded {
    /// Reads every document of a source; faults go into the report.
    ///
    /// Documents of other kinds are kept when `keep_others` says so, else passed over.
    pub(super) fn read(
        &mut self,
        source: &Source,
        adjustments: &Adjustments,
        keep_others: bool,
        progress: &mut Progress<'_>,
    ) {
        let (objects, bytes) = (self.objects(), self.cluster_bytes);
        for document in source.documents() {
            progress.step("documents read");
            let mut document = match document {
                Err(diagnostics) => {
                    self.report.add(diagnostics);
                    continue;
                }
                Ok(document) => document,
            };
            self.document(&mut document, adjustments, keep_others);
            let passed = too_much(self.objects() - objects, self.cluster_bytes - bytes);
            if let Some(fault) = passed {
                self.report.add(document.diagnostics([fault]));
                break;
            }
        }
    }

    /// How many objects are kept.
    fn objects(&self) -> usize {
        self.clusters.len() + self.others.len()
    }

    fn document(&mut self, document: &mut Document<'_>, adjustments: &Adjustments, keep: bool) {
        match belongs(document) {
            Belonging::Cluster => match self.cluster(document, adjustments) {
                Ok(cluster) => {
                    self.cluster_bytes += cluster.length_bytes();
                    self.clusters.push(cluster);
                }
                Err(mut faults) => {
                    adjustments.name_overrides(&mut faults);
                    self.report.add(document.diagnostics(faults));
                }
            },
            Belonging::Misspelt(fault) => self.report.add(document.diagnostics([fault])),
            Belonging::Other if keep => match Manifest::read(document.text()) {
                Ok(manifest) => self.other(document, manifest),
                Err(error) => {
                    let fault = Fault::new(FieldPath::root(), error.to_string());
                    self.report.add(document.diagnostics([fault]));
                }
            },
            Belonging::Other => {}
        }
    }

    fn other(&mut self, document: &Document<'_>, manifest: Manifest) {
        let key = versionless(manifest.key());
        let name = FieldPath::root().key("metadata").key("name");
        let place = place_text(document, &name);
        match self.other_places.entry(key) {
            Entry::Vacant(free) => {
                free.insert(place);
                self.others.push(manifest);
            }
            Entry::Occupied(first) => {
                let message = format!("`{}` is there twice", manifest.key());
                let hint = format!("the first one is at {}", first.get());
                self.report.add(document.diagnostics([Fault::new(name, message).hint(hint)]));
            }
        }
    }

    fn cluster(
        &mut self,
        document: &mut Document<'_>,
        adjustments: &Adjustments,
    ) -> Result<SoundCluster, Vec<Fault>> {
        adjustments.apply(document)?;
        let whole = |message: String| vec![Fault::new(FieldPath::root(), message)];
        let schema = SCHEMA.as_ref().map_err(|error| whole(error.to_string()))?;
        let mut faults = schema.faults(document);
        if !faults.is_empty() {
            faults.extend(faults_beside(document.value(), &faults, adjustments.roles));
            return Err(faults);
        }
        let cluster = ValkeyCluster::deserialize(document.value())
            .map_err(|error| whole(error.to_string()))?;
        let cluster = validate(cluster, adjustments.roles)
            .map_err(|faults| placed(faults, document.value()))?;

        let name = FieldPath::root().key("metadata").key("name");
        let place = place_text(document, &name);
        let identity = (cluster.namespace.clone(), cluster.names.cluster.clone());
        if let Some(first) = self.places.get(&identity) {
            let message = format!("there is a ValkeyCluster `{}` already", identity.1);
            let hint = format!("the first one is at {first}; give one of them another name");
            return Err(vec![Fault::new(name, message).hint(hint)]);
        }
        self.places.insert(identity, place);
        Ok(SoundCluster::of(document.value(), adjustments.roles))
    }

    /// Where an object that is no cluster stands.
    pub(super) fn place_of_other(&self, key: &ObjectKey) -> Option<&str> {
        self.other_places.get(&versionless(key)).map(String::as_str)
    }

    /// The clusters and others, unless something is wrong.
    pub(super) fn into_sound(self) -> Result<Self, Failure> {
        if self.report.errors() > 0 {
            return Err(Failure::Input(Box::new(self.report)));
        }
        Ok(self)
    }
}

/// What of one input is more than is kept.
fn too_much(objects: usize, cluster_bytes: usize) -> Option<Fault> {
    let message = if objects > MAX_OBJECTS {
        format!("the input holds more than {MAX_OBJECTS} objects")
    } else if cluster_bytes > MAX_INPUT_BYTES {
        let mib = MAX_INPUT_BYTES >> 20;
        format!("the clusters of the input are longer than {mib} MiB, aliases expanded")
    } else {
        return None;
    };
    Some(Fault::new(FieldPath::root(), message).hint("split it into several files"))
}

/// An object whatever version of its API is spoken.
fn versionless(key: &ObjectKey) -> ObjectKey {
    ObjectKey { version: String::new(), ..key.clone() }
}

fn place_text(document: &Document<'_>, path: &FieldPath) -> String {
    format!("{}:{}", document.source().name(), document.place(path).line)
}

/// What else is wrong with a document that does not fit the schema: its sound fields are checked
/// as if the others were not there.
fn faults_beside(value: &Value, known: &[Fault], roles: Roles) -> Vec<Fault> {
    let mut rest = value.clone();
    for fault in known {
        remove(&mut rest, fault.path.segments());
    }
    let Ok(cluster) = ValkeyCluster::deserialize(&rest) else { return Vec::new() };
    let found = validate(cluster, roles).err().unwrap_or_default();
    let is_new = |fault: &Fault| {
        known.iter().all(|known| !fault.path.segments().starts_with(known.path.segments()))
    };
    placed(found, value).into_iter().filter(is_new).collect()
}

fn remove(value: &mut Value, path: &[Segment]) {
    match (path, value) {
        ([Segment::Key(key)], Value::Object(fields)) => {
            fields.shift_remove(key);
        }
        ([Segment::Key(key), rest @ ..], Value::Object(fields)) => {
            if let Some(below) = fields.get_mut(key) {
                remove(below, rest);
            }
        }
        // An item keeps its place, so that the paths of the others stay true.
        ([Segment::Index(at), rest @ ..], Value::Array(items)) if !rest.is_empty() => {
            if let Some(below) = items.get_mut(*at) {
                remove(below, rest);
            }
        }
        _ => {}
    }
}

/// Faults of the checks; one of a mapping or list is shown at its key, not at its first field.
fn placed(faults: Vec<cluster::Fault>, value: &Value) -> Vec<Fault> {
    let at_place = |fault: cluster::Fault| {
        let found = fault.path.find(value);
        let structure = found.is_some_and(|found| found.is_object() || found.is_array());
        let fault = Fault::from(fault);
        if structure { fault.at_key() } else { fault }
    };
    faults.into_iter().map(at_place).collect()
}

/// What a document is to Gungnir.
enum Belonging {
    Cluster,
    /// It is meant for Gungnir, but names a version or kind that is not there.
    Misspelt(Fault),
    Other,
}

fn belongs(document: &Document<'_>) -> Belonging {
    let identity = document.identity();
    let at = |field: &str| FieldPath::root().key(field);
    let (group, version) = match identity.api_version.unwrap_or_default().split_once('/') {
        Some((group, version)) => (group, version),
        None => ("", identity.api_version.unwrap_or_default()),
    };
    match (group == GROUP, identity.kind) {
        (true, Some(KIND)) if version == VERSION => Belonging::Cluster,
        (true, Some(KIND)) => Belonging::Misspelt(
            Fault::new(at("apiVersion"), format!("there is no version `{version}` of {KIND}"))
                .hint(format!("write `{GROUP}/{VERSION}`")),
        ),
        (true, kind) => {
            let kind = kind.unwrap_or_default();
            let fault = Fault::new(at("kind"), format!("{GROUP} has no kind `{kind}`"));
            Belonging::Misspelt(fault.hint(format!("write `{KIND}`")))
        }
        (false, Some(KIND)) if group.is_empty() => Belonging::Misspelt(
            Fault::new(at("apiVersion"), format!("`{version}` is not the API of a {KIND}"))
                .hint(format!("write `{GROUP}/{VERSION}`")),
        ),
        // Other operators have a kind of this name; a group that is nearly ours is a slip.
        (false, Some(KIND)) if !get_close_matches(group, &[GROUP], 1, 0.8).is_empty() => {
            Belonging::Misspelt(
                Fault::new(at("apiVersion"), format!("there is no API group `{group}`"))
                    .hint(format!("did you mean `{GROUP}/{VERSION}`?")),
            )
        }
        (false, _) => Belonging::Other,
    }
}

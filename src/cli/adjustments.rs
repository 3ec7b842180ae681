//! What the command line says about every cluster, and how it gets into a document.

use serde_json::Value;

use crate::cluster::{FieldPath, Roles, Segment};
use crate::input::{Document, Fault};
use crate::manifest::yaml;

/// What the command line says about every cluster.
#[derive(Clone, Debug, Default)]
pub(super) struct Adjustments {
    /// The namespace of clusters that name none.
    pub namespace: Option<String>,
    /// Values put over those of the file.
    pub overrides: Vec<Override>,
    /// Who says which pod is master.
    pub roles: Roles,
}

impl Adjustments {
    /// Puts them into a document.
    pub(super) fn apply(&self, document: &mut Document<'_>) -> Result<(), Vec<Fault>> {
        let namespace = FieldPath::root().key("metadata").key("namespace");
        if let Some(wanted) = &self.namespace
            && document.identity().namespace.is_none_or(str::is_empty)
        {
            // A document without metadata is reported by its schema.
            let _ = document.set(&namespace, Value::from(wanted.as_str()));
        }
        for Override { path, value, .. } in &self.overrides {
            document
                .set(path, value.clone())
                .map_err(|error| vec![Fault::new(path.clone(), error.to_string())])?;
        }
        Ok(())
    }

    /// A fault of a value that the command line put there says so: the file's line is not at fault.
    pub(super) fn name_overrides(&self, faults: &mut [Fault]) {
        for fault in faults {
            let mut overrides = self.overrides.iter().rev();
            let by = overrides.find(|over| fault.path.segments().starts_with(over.path.segments()));
            if let Some(Override { typed, .. }) = by {
                fault.message = format!("by `--set {typed}`: {}", fault.message);
            }
        }
    }
}

/// One `--set path=value`.
#[derive(Clone, Debug)]
pub(super) struct Override {
    path: FieldPath,
    value: Value,
    /// The path as it was typed. The value may be a secret and is never told.
    typed: String,
}

impl Override {
    /// Reads `path=value`; the value is YAML, and a path without a top-level field is in the spec.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let Some((path, value)) = text.split_once('=') else {
            return Err("write `path=value`, like `replicas=5`".to_owned());
        };
        let typed = path.to_owned();
        let path = FieldPath::parse(path).map_err(|error| error.to_string())?;
        let top = match path.segments().first() {
            Some(Segment::Key(key)) => key.as_str(),
            _ => "",
        };
        let path = if matches!(top, "apiVersion" | "kind" | "metadata" | "spec") {
            path
        } else {
            let spec = Segment::Key("spec".to_owned());
            FieldPath::from([&[spec], path.segments()].concat())
        };
        let value = yaml::read(value)
            .map_err(|_| format!("the value of `{typed}` is not YAML; quote it if it is text"))?;
        Ok(Self { path, value, typed })
    }
}

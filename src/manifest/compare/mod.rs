//! Compares two sets of manifests by meaning, or by text.

#[cfg(test)]
mod tests;

use serde_json::Map;
use serde_json::Value;

use crate::manifest::change::Action;
use crate::manifest::change::Comparison;
use crate::manifest::change::FieldChange;
use crate::manifest::change::ObjectChange;
use crate::manifest::error::ManifestError;
use crate::manifest::key::ObjectKey;
use crate::manifest::mask::Mask;
use crate::manifest::path::Path;
use crate::manifest::rules::Case;
use crate::manifest::rules::judge;
use crate::manifest::set::Manifest;
use crate::manifest::set::ManifestSet;
use crate::manifest::walk::Difference;
use crate::manifest::walk::differences;
use crate::manifest::yaml;

/// What only a server writes: never part of what is compared.
const SERVER_SET: &[(&str, &str)] = &[
    ("", "status"),
    ("/metadata", "creationTimestamp"),
    ("/metadata", "generation"),
    ("/metadata", "managedFields"),
    ("/metadata", "resourceVersion"),
    ("/metadata", "selfLink"),
    ("/metadata", "uid"),
    ("/metadata/annotations", "kubectl.kubernetes.io/last-applied-configuration"),
];

/// One object whose text differs. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChange {
    /// The object; in its newer API version where there are two.
    pub key: ObjectKey,
    /// The older text; `None` when the object is new.
    pub old: Option<String>,
    /// The newer text; `None` when the object is gone.
    pub new: Option<String>,
}

/// What differs in meaning between two sets, and what that does to a running cluster.
///
/// Objects are matched by group, kind, namespace and name. Lists that are maps to Kubernetes are
/// compared as maps, quantities by value, a `valkey.conf` directive by directive; what a server
/// sets is ignored. Everything in the result is masked.
///
/// # Errors
///
/// [`ManifestError::Rendered`] when a template wrote something that is not YAML.
pub fn compare(from: &ManifestSet, to: &ManifestSet) -> Result<Comparison, ManifestError> {
    let mut mask = Mask::default();
    let mut objects = Vec::new();
    for (old, new) in pairs(from, to) {
        if old.map(Manifest::text) == new.map(Manifest::text) {
            continue;
        }
        let mut read = |manifest: Option<&Manifest>| {
            let object = manifest.map(Manifest::object).transpose()?;
            Ok(object.map(|object| mask.object(without_server_set(object))))
        };
        let (from, to) = (read(old)?, read(new)?);
        let fields = field_changes(from.as_ref(), to.as_ref());
        if let (Some(manifest), false) = (new.or(old), fields.is_empty()) {
            objects.push(ObjectChange {
                key: manifest.key().clone(),
                action: match (old, new) {
                    (None, _) => Action::Add,
                    (_, None) => Action::Delete,
                    _ => Action::Change,
                },
                fields,
            });
        }
    }
    Ok(Comparison { objects })
}

/// The objects whose text differs, be it by a comment only. Texts that hold a secret are written
/// anew without it.
///
/// # Errors
///
/// [`ManifestError::Rendered`] when a template wrote something that is not YAML.
pub fn compare_texts(
    from: &ManifestSet,
    to: &ManifestSet,
) -> Result<Vec<TextChange>, ManifestError> {
    let mut mask = Mask::default();
    let mut changes = Vec::new();
    for (old, new) in pairs(from, to) {
        if let (Some(manifest), true) =
            (new.or(old), old.map(Manifest::text) != new.map(Manifest::text))
        {
            let mut read = |manifest: Option<&Manifest>| {
                manifest.map(|manifest| masked_text(manifest, &mut mask)).transpose()
            };
            changes.push(TextChange {
                key: manifest.key().clone(),
                old: read(old)?,
                new: read(new)?,
            });
        }
    }
    Ok(changes)
}

fn masked_text(manifest: &Manifest, mask: &mut Mask) -> Result<String, ManifestError> {
    let object = manifest.object()?;
    let masked = mask.object(object.clone());
    if masked == object { Ok(manifest.text().to_owned()) } else { yaml::block(&masked, 0) }
}

/// The objects of both sets side by side, in total order.
fn pairs<'a>(
    from: &'a ManifestSet,
    to: &'a ManifestSet,
) -> impl Iterator<Item = (Option<&'a Manifest>, Option<&'a Manifest>)> {
    let gone = from.iter().filter(|old| to.find(old.key()).is_none()).map(|old| (Some(old), None));
    let rest = to.iter().map(|new| (from.find(new.key()), Some(new)));
    let mut pairs: Vec<_> = gone.chain(rest).collect();
    pairs.sort_by_key(|(old, new)| new.or(*old).map(Manifest::key));
    pairs.into_iter()
}

fn without_server_set(mut object: Value) -> Value {
    for (parent, field) in SERVER_SET {
        if let Some(Value::Object(fields)) = object.pointer_mut(parent) {
            fields.shift_remove(*field);
        }
    }
    // What is left of annotations that held nothing else.
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && metadata.get("annotations").and_then(Value::as_object).is_some_and(Map::is_empty)
    {
        metadata.shift_remove("annotations");
    }
    object
}

fn field_changes(from: Option<&Value>, to: Option<&Value>) -> Vec<FieldChange> {
    let Some(object) = to.or(from) else { return Vec::new() };
    let kind = object["kind"].as_str().unwrap_or_default();
    let found = match (from, to) {
        (Some(from), Some(to)) => differences(kind, from, to),
        _ => vec![Difference { path: Path::root(), old: from.cloned(), new: to.cloned() }],
    };
    let judged = found.into_iter().map(|Difference { path, old, new }| {
        let case = Case { kind, path: &path, old: old.as_ref(), new: new.as_ref(), from, to };
        let (impact, note) = judge(&case);
        FieldChange { path, old, new, impact, note }
    });
    judged.collect()
}

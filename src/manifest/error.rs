//! What can be wrong with a manifest, by name.

use crate::manifest::key::ObjectKey;

/// Why some text or value is no manifest, or a manifest may not join a set.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Text from outside is not one YAML (or JSON) document.
    #[error("not one YAML document")]
    Malformed {
        /// What the reader saw, with line and column.
        source: Box<serde_saphyr::Error>,
    },

    /// A template wrote something that is not YAML: a bug in Gungnir, not in anyone's file.
    #[error("the rendered text of `{key}` is not YAML")]
    Rendered {
        /// The object that was rendered.
        key: Box<ObjectKey>,
        /// What the reader saw.
        source: serde_yaml::Error,
    },

    /// The document is no map, so it cannot be a Kubernetes object.
    #[error("not a Kubernetes object: expected a map, found {found}")]
    NotAnObject {
        /// The JSON type that was found.
        found: &'static str,
    },

    /// A field that names the object is missing, empty or not a string.
    #[error("not a Kubernetes object: `{field}` must be a string that is not empty")]
    MissingField {
        /// Path of the field.
        field: &'static str,
    },

    /// Two objects claim one identity: group, kind, namespace and name.
    #[error("`{key}` is there twice; an object may appear once only")]
    Duplicate {
        /// The object that is there twice.
        key: Box<ObjectKey>,
    },

    /// A structure could not be written as YAML.
    #[error("cannot be written as YAML")]
    Unwritable {
        /// What the writer refused.
        source: Box<serde_saphyr::SerializeError>,
    },
}

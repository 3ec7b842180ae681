//! A structure as block YAML.

use serde::Serialize;
use serde::Serializer;
use serde::ser::Error;

use crate::manifest::yaml;

/// A structure that reaches the templates as block YAML, written once however often it is used.
/// The filter `block` puts it at an indent. An empty or absent one is the empty text, which is
/// false to a template.
#[derive(Debug)]
pub(super) struct Block<T>(pub(super) T);

impl<T: Serialize> Serialize for Block<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let value = serde_json::to_value(&self.0).map_err(S::Error::custom)?;
        let empty = value.is_null()
            || value.as_object().is_some_and(serde_json::Map::is_empty)
            || value.as_array().is_some_and(Vec::is_empty);
        let text =
            if empty { String::new() } else { yaml::block(&value, 0).map_err(S::Error::custom)? };
        // Safe: the writer quoted what needs it.
        minijinja::Value::from_safe_string(text).serialize(serializer)
    }
}

//! Manifests, and the ordered set of them that a render is.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Bound;

use serde_json::Value;
use serde_json::json;

use crate::manifest::error::ManifestError;
use crate::manifest::key::ObjectKey;
use crate::manifest::yaml;

/// One Kubernetes object as YAML text.
///
/// The text is the truth: it is what gets printed and reviewed, and objects are parsed from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    key: ObjectKey,
    text: String,
    /// Kept for text that people wrote: it was parsed to find its key, and by other rules than
    /// rendered text (`yes` is a boolean there).
    parsed: Option<Value>,
}

impl Manifest {
    /// What a template wrote. It is trusted to be one YAML document for the object `key`; nothing
    /// is parsed.
    #[must_use]
    pub fn rendered(key: ObjectKey, text: impl Into<String>) -> Self {
        Self { key, text: one_document(text.into()), parsed: None }
    }

    /// What came from outside: one YAML or JSON document.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Malformed`] when the text cannot be read, and the errors of
    /// [`ObjectKey::of`] when it names no object.
    pub fn read(text: impl Into<String>) -> Result<Self, ManifestError> {
        let text = text.into();
        let object = yaml::read(&text)?;
        let key = ObjectKey::of(&object)?;
        Ok(Self { key, text: one_document(text), parsed: Some(object) })
    }

    /// An object that has no text yet; its text becomes block YAML in the object's own key order.
    ///
    /// # Errors
    ///
    /// The errors of [`ObjectKey::of`] and of [`yaml::block`].
    pub fn from_object(object: Value) -> Result<Self, ManifestError> {
        let key = ObjectKey::of(&object)?;
        let text = yaml::block(&object, 0)?;
        Ok(Self { key, text, parsed: Some(object) })
    }

    /// Which object this is.
    #[must_use]
    pub fn key(&self) -> &ObjectKey {
        &self.key
    }

    /// One YAML document without `---`, ending in exactly one line break.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The object that the text says.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Rendered`] when a template wrote something that is not YAML.
    pub fn object(&self) -> Result<Value, ManifestError> {
        match &self.parsed {
            Some(object) => Ok(object.clone()),
            None => serde_yaml::from_str(&self.text).map_err(|source| ManifestError::Rendered {
                key: Box::new(self.key.clone()),
                source,
            }),
        }
    }
}

/// `text` without document markers around it, ending in exactly one line break.
fn one_document(mut text: String) -> String {
    if let Some(rest) = text.strip_prefix("---\n") {
        text = rest.to_owned();
    }
    let end = text.trim_end_matches('\n').trim_end_matches("\n...").trim_end_matches('\n').len();
    text.truncate(end);
    text.push('\n');
    text
}

/// Manifests in their total order, each object once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ManifestSet {
    /// By [`ObjectKey::sort_text`] and version.
    manifests: BTreeMap<String, Manifest>,
}

impl ManifestSet {
    /// A set without manifests.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a manifest.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Duplicate`] when the object is in the set already, in whatever API version.
    pub fn insert(&mut self, manifest: Manifest) -> Result<(), ManifestError> {
        let mut place = manifest.key.sort_text();
        if let Some(twin) = self.at(&place) {
            return Err(ManifestError::Duplicate { key: Box::new(twin.key().clone()) });
        }
        place.push_str(&manifest.key.version);
        self.manifests.insert(place, manifest);
        Ok(())
    }

    /// The manifest of the same object as `key`, in whatever API version.
    #[must_use]
    pub fn find(&self, key: &ObjectKey) -> Option<&Manifest> {
        self.at(&key.sort_text())
    }

    fn at(&self, sort_text: &str) -> Option<&Manifest> {
        // The version is sorted last, so all versions of one object lie side by side.
        let from = (Bound::Included(sort_text), Bound::Unbounded);
        let (found, manifest) = self.manifests.range::<str, _>(from).next()?;
        found.starts_with(sort_text).then_some(manifest)
    }

    /// The manifests in total order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Manifest> {
        self.manifests.values()
    }

    /// How many manifests there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.manifests.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.manifests.is_empty()
    }

    /// Writes every document in order, each after a line `---`.
    ///
    /// # Errors
    ///
    /// Whatever `out` answers.
    pub fn write_yaml(&self, out: &mut impl fmt::Write) -> fmt::Result {
        for manifest in self.iter() {
            out.write_str("---\n")?;
            out.write_str(manifest.text())?;
        }
        Ok(())
    }

    /// What [`ManifestSet::write_yaml`] writes.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let bytes = self.iter().map(|manifest| "---\n".len() + manifest.text().len()).sum();
        let mut out = String::with_capacity(bytes);
        // A `String` takes everything, so there is no error to pass on.
        let _ = self.write_yaml(&mut out);
        out
    }

    /// One pretty-printed `v1` `List` of every object in order, ending in a line break.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Rendered`] when a template wrote something that is not YAML.
    pub fn to_json(&self) -> Result<String, ManifestError> {
        let items = self.iter().map(Manifest::object).collect::<Result<Vec<_>, _>>()?;
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
        Ok(format!("{list:#}\n"))
    }
}

impl FromIterator<Manifest> for Result<ManifestSet, ManifestError> {
    fn from_iter<I: IntoIterator<Item = Manifest>>(manifests: I) -> Self {
        let mut set = ManifestSet::new();
        manifests.into_iter().try_for_each(|manifest| set.insert(manifest))?;
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(api_version: &str, kind: &str, name: &str) -> Manifest {
        let text = format!("apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n");
        Manifest::rendered(ObjectKey::new(api_version, kind, None, name), text)
    }

    fn set(manifests: &[Manifest]) -> Result<ManifestSet, ManifestError> {
        manifests.iter().cloned().collect()
    }

    #[test]
    fn a_set_prints_in_total_order_whatever_the_order_of_insertion() {
        let manifests = [
            manifest("apps/v1", "StatefulSet", "a"),
            manifest("v1", "Service", "b"),
            manifest("v1", "Service", "a"),
        ];
        let mut reversed = manifests.clone();
        reversed.reverse();
        let text = set(&manifests).unwrap().to_yaml();
        assert_eq!(text, set(&reversed).unwrap().to_yaml());
        assert_eq!(
            text,
            "---\napiVersion: v1\nkind: Service\nmetadata:\n  name: a\n\
             ---\napiVersion: v1\nkind: Service\nmetadata:\n  name: b\n\
             ---\napiVersion: apps/v1\nkind: StatefulSet\nmetadata:\n  name: a\n"
        );
        let mut written = String::new();
        set(&manifests).unwrap().write_yaml(&mut written).unwrap();
        assert_eq!(written, text);
    }

    #[test]
    fn the_same_object_twice_is_refused_by_name_in_any_version() {
        for twin in ["apps/v1", "apps/v1beta1", "apps/v2"] {
            let pair =
                [manifest("apps/v1", "StatefulSet", "a"), manifest(twin, "StatefulSet", "a")];
            let error = set(&pair).unwrap_err();
            assert_eq!(
                error.to_string(),
                "`apps/v1/StatefulSet/a` is there twice; an object may appear once only"
            );
        }
    }

    #[test]
    fn a_manifest_is_found_in_whatever_version_and_nothing_else_is() {
        let set = set(&[manifest("apps/v1", "StatefulSet", "a")]).unwrap();
        let found = |api_version, kind, name| {
            set.find(&ObjectKey::new(api_version, kind, None, name)).is_some()
        };
        assert!(found("apps/v1", "StatefulSet", "a"));
        assert!(found("apps/v2", "StatefulSet", "a"));
        assert!(!found("apps/v1", "StatefulSet", "b"));
        assert!(!found("apps/v1", "Deployment", "a"));
    }

    #[test]
    fn a_manifest_is_one_document_with_one_line_break_at_its_end() {
        let body = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}";
        for text in [
            body.to_owned(),
            format!("{body}\n"),
            format!("{body}\n\n\n"),
            format!("---\n{body}\n"),
            format!("---\n{body}\n...\n"),
        ] {
            assert_eq!(Manifest::read(text).unwrap().text(), format!("{body}\n"));
        }
    }

    #[test]
    fn foreign_text_is_read_as_kubectl_reads_it_and_rendered_text_is_not() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: yes}\n";
        let foreign = Manifest::read(text).unwrap();
        assert_eq!(foreign.object().unwrap()["data"]["a"], json!(true));
        let rendered = Manifest::rendered(foreign.key().clone(), text);
        assert_eq!(rendered.object().unwrap()["data"]["a"], json!("yes"));
    }

    #[test]
    fn an_object_becomes_yaml_that_reads_back_to_it() {
        let object = json!({"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "c"},
                            "data": {"a": "yes", "conf": "save 1 2\nport 0\n"}});
        let manifest = Manifest::from_object(object.clone()).unwrap();
        assert_eq!(Manifest::read(manifest.text()).unwrap().object().unwrap(), object);
        assert!(manifest.text().starts_with("kind: ConfigMap\napiVersion: v1\n"), "order is kept");
    }

    #[test]
    fn json_is_one_list_of_all_objects() {
        let set = set(&[manifest("v1", "Secret", "s")]).unwrap();
        assert_eq!(
            set.to_json().unwrap(),
            "{\n  \"apiVersion\": \"v1\",\n  \"kind\": \"List\",\n  \"items\": [\n    {\n      \
             \"apiVersion\": \"v1\",\n      \"kind\": \"Secret\",\n      \"metadata\": {\n        \
             \"name\": \"s\"\n      }\n    }\n  ]\n}\n"
        );
    }

    #[test]
    fn text_that_is_no_object_is_refused() {
        assert!(matches!(Manifest::read("a: ["), Err(ManifestError::Malformed { .. })));
        assert!(matches!(Manifest::read("a: 1"), Err(ManifestError::MissingField { .. })));
        assert!(matches!(Manifest::read(""), Err(ManifestError::NotAnObject { .. })));
        let broken = Manifest::rendered(ObjectKey::new("v1", "Secret", None, "s"), "a: [");
        assert!(matches!(broken.object(), Err(ManifestError::Rendered { .. })));
    }
}

//! Which object a manifest is, and its place in the total order.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use crate::manifest::error::ManifestError;

/// Stands for every kind that [`KIND_ORDER`] does not name.
const ANY_OTHER_KIND: &str = "";

/// What others need comes first; what needs the others comes last. Kinds that are not listed are
/// sorted by name among themselves.
const KIND_ORDER: &[&str] = &[
    "Namespace",
    "CustomResourceDefinition",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "PersistentVolumeClaim",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Certificate",
    "Service",
    ANY_OTHER_KIND,
    "ServiceMonitor",
    "PodMonitor",
    "PrometheusRule",
    "Deployment",
    "Job",
    "StatefulSet",
];

/// The place of `kind` in [`KIND_ORDER`].
fn rank(kind: &str) -> usize {
    let place = |wanted: &str| KIND_ORDER.iter().position(|known| *known == wanted);
    place(kind).or_else(|| place(ANY_OTHER_KIND)).unwrap_or(KIND_ORDER.len())
}

/// Names one Kubernetes object.
///
/// Two keys are *the same object* ([`ObjectKey::same_object`]) when group, kind, namespace and
/// name agree: a new API version is a change of an object, not another object. Order and equality
/// also see the version, so that they agree with each other.
///
/// Shown as `apps/v1/StatefulSet/shop/cache`; without a namespace, `v1/Namespace/shop`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectKey {
    /// API group; empty for the core group.
    pub group: String,
    /// API version, without the group: `v1`.
    pub version: String,
    /// `StatefulSet`, `ConfigMap`, …
    pub kind: String,
    /// `None` when the object has no namespace (yet).
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl ObjectKey {
    /// The key of the object that `api_version` (`apps/v1`, or `v1` in the core group), `kind`,
    /// `namespace` and `name` say. An empty namespace is none.
    #[must_use]
    pub fn new(api_version: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.filter(|text| !text.is_empty()).map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// Reads the key out of a whole object.
    ///
    /// # Errors
    ///
    /// [`ManifestError::NotAnObject`] when `object` is no map, [`ManifestError::MissingField`] when
    /// `apiVersion`, `kind` or `metadata.name` is not a string that says something.
    pub fn of(object: &Value) -> Result<Self, ManifestError> {
        if !object.is_object() {
            return Err(ManifestError::NotAnObject { found: type_name(object) });
        }
        let text = |field: &'static str, value: &'_ Value| match value.as_str() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => Err(ManifestError::MissingField { field }),
        };
        let metadata = &object["metadata"];
        Ok(Self::new(
            &text("apiVersion", &object["apiVersion"])?,
            &text("kind", &object["kind"])?,
            metadata["namespace"].as_str(),
            &text("metadata.name", &metadata["name"])?,
        ))
    }

    /// `group/version`, or `version` alone in the core group: what an object's `apiVersion` says.
    #[must_use]
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Whether both name one object, in whatever API version.
    #[must_use]
    pub fn same_object(&self, other: &Self) -> bool {
        self.kind == other.kind && self.within_kind() == other.within_kind()
    }

    /// The identity as one text, whose bytes sort as keys do: many keys are compared several times
    /// faster so, for each text is one piece of memory. The version follows it.
    pub(super) fn sort_text(&self) -> String {
        let Self { group, version: _, kind, namespace, name } = self;
        let namespace = namespace.as_deref().unwrap_or_default();
        let parts = [kind, group, namespace, name];
        let bytes: usize = parts.iter().map(|part| part.len() + 1).sum();
        let mut text = String::with_capacity(bytes + 1 + self.version.len());
        // 21 ranks: one character each.
        text.extend(char::from_u32(0x20 + u32::try_from(rank(kind)).unwrap_or_default()));
        for part in parts {
            text.push_str(part);
            text.push('\0');
        }
        text
    }

    /// What tells objects of one kind apart, in the order that they are sorted by.
    fn within_kind(&self) -> (&str, Option<&str>, &str) {
        (&self.group, self.namespace.as_deref(), &self.name)
    }
}

impl Ord for ObjectKey {
    fn cmp(&self, other: &Self) -> Ordering {
        // A rank is looked up in a list: not for objects of one kind, which are most.
        let kinds = if self.kind == other.kind {
            Ordering::Equal
        } else {
            rank(&self.kind).cmp(&rank(&other.kind)).then_with(|| self.kind.cmp(&other.kind))
        };
        kinds
            .then_with(|| self.within_kind().cmp(&other.within_kind()))
            .then_with(|| self.version.cmp(&other.version))
    }
}

impl PartialOrd for ObjectKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.group.is_empty() {
            write!(f, "{}/", self.group)?;
        }
        write!(f, "{}/{}/", self.version, self.kind)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

/// What people call the JSON type of `value`.
fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_sort_by_kind_rank_then_group_namespace_and_name() {
        let sorted = [
            ("v1", "Namespace", None, "z"),
            ("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, "z"),
            ("networking.k8s.io/v1", "NetworkPolicy", Some("z"), "z"),
            ("policy/v1", "PodDisruptionBudget", Some("z"), "z"),
            ("v1", "ServiceAccount", Some("z"), "z"),
            ("v1", "Secret", None, "z"),
            ("v1", "Secret", Some("a"), "b"),
            ("v1", "Secret", Some("a"), "c"),
            ("v1", "Secret", Some("b"), "a"),
            ("v1", "ConfigMap", Some("a"), "a"),
            ("v1", "PersistentVolumeClaim", Some("a"), "a"),
            ("rbac.authorization.k8s.io/v1", "ClusterRole", None, "a"),
            ("rbac.authorization.k8s.io/v1", "RoleBinding", Some("a"), "a"),
            ("cert-manager.io/v1", "Certificate", Some("a"), "a"),
            ("v1", "Service", Some("a"), "a"),
            ("serving.knative.dev/v1", "Service", Some("a"), "a"),
            ("batch/v1", "CronJob", Some("z"), "z"),
            ("a.example/v1", "Widget", Some("b"), "b"),
            ("b.example/v1", "Widget", Some("a"), "a"),
            ("monitoring.coreos.com/v1", "ServiceMonitor", Some("a"), "a"),
            ("monitoring.coreos.com/v1", "PodMonitor", Some("a"), "a"),
            ("monitoring.coreos.com/v1", "PrometheusRule", Some("a"), "a"),
            ("apps/v1", "Deployment", Some("a"), "a"),
            ("batch/v1", "Job", Some("a"), "a"),
            ("apps/v1", "StatefulSet", Some("a"), "a"),
            ("apps/v1beta1", "StatefulSet", Some("a"), "a"),
        ]
        .map(|(api_version, kind, namespace, name)| {
            ObjectKey::new(api_version, kind, namespace, name)
        });
        for (place, earlier) in sorted.iter().enumerate() {
            for later in &sorted[place + 1..] {
                assert_eq!(earlier.cmp(later), Ordering::Less, "{earlier} before {later}");
                let [one, other] = [earlier, later].map(|key| key.sort_text() + &key.version);
                assert!(one < other, "{earlier} before {later}");
            }
        }
    }

    #[test]
    fn an_api_version_does_not_make_another_object_but_a_namespace_does() {
        let key = ObjectKey::new("apps/v1", "StatefulSet", Some("shop"), "cache");
        let older = ObjectKey::new("apps/v1beta1", "StatefulSet", Some("shop"), "cache");
        let elsewhere = ObjectKey::new("apps/v1", "StatefulSet", None, "cache");
        assert!(key.same_object(&older));
        assert_ne!(key, older);
        assert!(!key.same_object(&elsewhere));
    }

    #[test]
    fn a_key_is_read_from_an_object_and_shown_as_a_path() {
        for (object, shown) in [
            (
                json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
                       "metadata": {"name": "cache", "namespace": "shop"}}),
                "apps/v1/StatefulSet/shop/cache",
            ),
            (
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": ""}}),
                "v1/Secret/s",
            ),
        ] {
            let key = ObjectKey::of(&object).unwrap();
            assert_eq!(key.to_string(), shown);
            assert_eq!(key.api_version(), object["apiVersion"]);
        }
    }

    #[test]
    fn what_names_no_object_is_refused_with_the_field() {
        for (object, message) in [
            (json!([1]), "not a Kubernetes object: expected a map, found a list"),
            (json!(null), "not a Kubernetes object: expected a map, found nothing"),
            (
                json!({"kind": "Secret", "metadata": {"name": "s"}}),
                "not a Kubernetes object: `apiVersion` must be a string that is not empty",
            ),
            (
                json!({"apiVersion": "v1", "kind": "", "metadata": {"name": "s"}}),
                "not a Kubernetes object: `kind` must be a string that is not empty",
            ),
            (
                json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": 7}}),
                "not a Kubernetes object: `metadata.name` must be a string that is not empty",
            ),
        ] {
            assert_eq!(ObjectKey::of(&object).unwrap_err().to_string(), message);
        }
    }
}

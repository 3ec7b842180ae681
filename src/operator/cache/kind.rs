//! What is watched: one row a kind. The kinds of children come from the catalog of manifests.

use std::sync::LazyLock;

use kube::api::{ApiResource, GroupVersionKind};

use crate::api;
use crate::manifest::ObjectKey;
use crate::render::CATALOG;

/// A watched kind, by its place in [`WATCHED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KindId(usize);

/// How much of an object is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Its metadata: enough to know who wrote which field.
    Metadata,
    /// All of it; what is kept is little.
    Whole,
}

/// What an object is to a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The `ValkeyCluster` itself.
    Cluster,
    /// An object of the rendered set.
    Child,
    /// A pod of the `StatefulSet`.
    Pod,
    /// A volume claim of a pod.
    Claim,
}

/// A kind that is watched.
#[derive(Debug)]
pub struct Watched {
    /// How the API calls it.
    pub resource: ApiResource,
    /// How much is read.
    pub extent: Extent,
    /// What it is to a cluster.
    pub part: Part,
    /// Whether Kubernetes itself serves it; other kinds are watched once somebody serves them.
    pub always_served: bool,
}

/// Every kind that is watched.
pub static WATCHED: LazyLock<Vec<Watched>> = LazyLock::new(|| {
    let mut rows = vec![
        row(&format!("{}/{}", api::GROUP, api::VERSION), api::KIND, Part::Cluster),
        row("v1", "Pod", Part::Pod),
        row("v1", "PersistentVolumeClaim", Part::Claim),
    ];
    for manifest in CATALOG {
        let known = rows.iter().any(|row| row.resource.kind == manifest.kind);
        if !known {
            rows.push(row(manifest.api_version, manifest.kind, Part::Child));
        }
    }
    rows
});

fn row(api_version: &str, kind: &str, part: Part) -> Watched {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    // The selector of `N-client` is the master pointer; of a `StatefulSet` its status counts.
    let whole = part != Part::Child || matches!(kind, "Service" | "StatefulSet");
    let built_in = !group.contains('.') || group.ends_with(".k8s.io") || part == Part::Cluster;
    Watched {
        resource,
        extent: if whole { Extent::Whole } else { Extent::Metadata },
        part,
        always_served: built_in,
    }
}

impl KindId {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..WATCHED.len()).map(Self)
    }

    /// The kind of an object of the set.
    #[must_use]
    pub fn of(key: &ObjectKey) -> Option<Self> {
        Self::named(&key.group, &key.kind)
    }

    fn named(group: &str, kind: &str) -> Option<Self> {
        let found = |row: &Watched| row.resource.group == group && row.resource.kind == kind;
        WATCHED.iter().position(found).map(Self)
    }

    /// Its row.
    #[must_use]
    pub fn row(self) -> &'static Watched {
        &WATCHED[self.0]
    }

    /// Which object of this kind has a name.
    #[must_use]
    pub fn key(self, namespace: &str, name: &str) -> ObjectKey {
        let ApiResource { api_version, kind, .. } = &self.row().resource;
        ObjectKey::new(api_version, kind, Some(namespace), name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manifest_is_watched_and_kinds_of_others_only_when_served() {
        for manifest in CATALOG {
            let key = ObjectKey::new(manifest.api_version, manifest.kind, None, "n");
            let row = KindId::of(&key).unwrap().row();
            assert_eq!(row.part, Part::Child, "{}", manifest.kind);
            let foreign = ["Certificate", "ServiceMonitor", "PodMonitor", "PrometheusRule"];
            assert_eq!(row.always_served, !foreign.contains(&manifest.kind), "{}", manifest.kind);
        }
    }

    #[test]
    fn plurals_are_those_of_the_api() {
        let plural = |kind: &str| {
            let found = WATCHED.iter().find(|row| row.resource.kind == kind).unwrap();
            found.resource.plural.as_str()
        };
        for (kind, expected) in [
            ("ValkeyCluster", "valkeyclusters"),
            ("NetworkPolicy", "networkpolicies"),
            ("PersistentVolumeClaim", "persistentvolumeclaims"),
            ("PodDisruptionBudget", "poddisruptionbudgets"),
            ("PrometheusRule", "prometheusrules"),
        ] {
            assert_eq!(plural(kind), expected);
        }
    }
}

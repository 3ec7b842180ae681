//! The kinds that are served.

use gungnir::api;

use super::shape::{self, Shape};

/// A kind that is served.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub group: &'static str,
    pub version: &'static str,
    pub name: &'static str,
    pub plural: &'static str,
    pub namespaced: bool,
    /// Whether `status` is written by a request of its own.
    pub has_status: bool,
    /// Whether changes of the spec are counted.
    pub has_generation: bool,
}

/// A kind, by its row.
pub type Kind = &'static Row;

const fn row(group: &'static str, name: &'static str, plural: &'static str) -> Row {
    Row {
        group,
        version: "v1",
        name,
        plural,
        namespaced: true,
        has_status: false,
        has_generation: false,
    }
}

const fn whole(mut row: Row) -> Row {
    row.has_status = true;
    row.has_generation = true;
    row
}

const fn with_status(mut row: Row) -> Row {
    row.has_status = true;
    row
}

const fn counted(mut row: Row) -> Row {
    row.has_generation = true;
    row
}

const fn global(mut row: Row) -> Row {
    row.namespaced = false;
    row
}

static KINDS: [Row; 18] = [
    with_status(row("", "Service", "services")),
    row("", "ConfigMap", "configmaps"),
    row("", "Secret", "secrets"),
    row("", "ServiceAccount", "serviceaccounts"),
    whole(row("", "Pod", "pods")),
    with_status(row("", "PersistentVolumeClaim", "persistentvolumeclaims")),
    with_status(global(row("", "Namespace", "namespaces"))),
    with_status(global(row("", "Node", "nodes"))),
    whole(row("apps", "StatefulSet", "statefulsets")),
    whole(row("policy", "PodDisruptionBudget", "poddisruptionbudgets")),
    counted(row("networking.k8s.io", "NetworkPolicy", "networkpolicies")),
    row("coordination.k8s.io", "Lease", "leases"),
    row("events.k8s.io", "Event", "events"),
    counted(row("discovery.k8s.io", "EndpointSlice", "endpointslices")),
    global(row("storage.k8s.io", "StorageClass", "storageclasses")),
    whole(global(row(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        "customresourcedefinitions",
    ))),
    whole(row(api::GROUP, api::KIND, "valkeyclusters")),
    row("apps", "ControllerRevision", "controllerrevisions"),
];

impl Row {
    /// Every kind.
    pub fn all() -> impl Iterator<Item = Kind> {
        KINDS.iter()
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Kind {
        KINDS.iter().find(|row| row.name == name).unwrap_or_else(|| panic!("no kind {name}"))
    }

    /// The kind behind a path.
    pub fn at(group: &str, version: &str, plural: &str) -> Option<Kind> {
        KINDS
            .iter()
            .find(|row| row.group == group && row.version == version && row.plural == plural)
    }

    pub fn api_version(&self) -> String {
        match self.group {
            "" => self.version.to_owned(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// The resource as messages name it.
    pub fn resource(&self) -> String {
        match self.group {
            "" => self.plural.to_owned(),
            group => format!("{}.{group}", self.plural),
        }
    }

    /// How its objects merge.
    pub fn shape(&self) -> Shape {
        if self.name != api::KIND {
            return shape::of_kind(self.name);
        }
        let schema = api::crd().pointer("/spec/versions/0/schema/openAPIV3Schema");
        schema.map_or(Shape::Plain, Shape::Schema)
    }

    /// Its place among the kinds.
    pub fn index(&self) -> usize {
        KINDS.iter().position(|row| row.name == self.name).unwrap()
    }
}

//! How the fields of an object merge: field by field, as a whole, or item by item.
//!
//! Of Kubernetes' own kinds what is not said here is as it is by default: an object field by field,
//! a list as a whole. Of a custom resource its definition says it.

use serde_json::{Map, Value};

/// How a value merges.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// By default.
    Plain,
    /// As a whole.
    Atomic,
    /// Field by field; those that are not named here by default.
    Struct(&'static [(&'static str, Shape)]),
    /// Item by item, known by these keys, which may have a default.
    Keyed(&'static [(&'static str, Option<&'static str>)], &'static Shape),
    /// Item by item, known by their values.
    Set,
    /// As the schema of a custom resource says.
    Schema(&'static Value),
}

/// What a value is to be taken for.
pub enum Form {
    /// A whole.
    Leaf,
    /// Field by field.
    Fields,
    /// Item by item.
    Items,
}

impl Shape {
    /// What a value of this shape is to be taken for.
    pub fn form(self, value: &Value) -> Form {
        match (self, value) {
            (Self::Atomic, _) => Form::Leaf,
            (Self::Schema(schema), Value::Object(_)) => {
                if schema["x-kubernetes-map-type"] == "atomic" { Form::Leaf } else { Form::Fields }
            }
            (Self::Schema(schema), Value::Array(_)) => {
                match schema["x-kubernetes-list-type"].as_str() {
                    Some("map" | "set") => Form::Items,
                    _ => Form::Leaf,
                }
            }
            (_, Value::Object(_)) => Form::Fields,
            (Self::Keyed(..) | Self::Set, Value::Array(_)) => Form::Items,
            _ => Form::Leaf,
        }
    }

    /// The shape of a field.
    pub fn field(self, name: &str) -> Self {
        match self {
            Self::Struct(fields) => {
                fields.iter().find(|(own, _)| *own == name).map_or(Self::Plain, |(_, shape)| *shape)
            }
            Self::Schema(schema) => {
                let known = schema["properties"].get(name);
                known
                    .or_else(|| schema.get("additionalProperties"))
                    .map_or(Self::Plain, Self::Schema)
            }
            _ => Self::Plain,
        }
    }

    /// The shape of an item.
    pub fn item(self) -> Self {
        match self {
            Self::Keyed(_, item) => *item,
            Self::Schema(schema) => Self::Schema(&schema["items"]),
            _ => Self::Plain,
        }
    }

    /// The step that leads to an item.
    pub fn step(self, item: &Value) -> String {
        let mut keys = Map::new();
        let mut names: Vec<(&str, Option<&str>)> = match self {
            Self::Keyed(names, _) => names.to_vec(),
            Self::Schema(schema) => {
                let names = schema["x-kubernetes-list-map-keys"].as_array().into_iter().flatten();
                names.filter_map(|name| Some((name.as_str()?, None))).collect()
            }
            _ => Vec::new(),
        };
        if names.is_empty() {
            return format!("v:{item}");
        }
        names.sort_unstable();
        for (name, default) in names {
            let value = item.get(name).cloned().or_else(|| default.map(Value::from));
            if let Some(value) = value {
                keys.insert(name.to_owned(), value);
            }
        }
        format!("k:{}", Value::Object(keys))
    }
}

const NAMED: &[(&str, Option<&str>)] = &[("name", None)];
const PROTOCOL: (&str, Option<&str>) = ("protocol", Some("TCP"));

const METADATA: Shape = Shape::Struct(&[
    ("finalizers", Shape::Set),
    ("ownerReferences", Shape::Keyed(&[("uid", None)], &Shape::Atomic)),
]);

const CONDITIONS: Shape = Shape::Keyed(&[("type", None)], &Shape::Plain);

const ENV: Shape = Shape::Keyed(
    NAMED,
    &Shape::Struct(&[(
        "valueFrom",
        Shape::Struct(&[
            ("configMapKeyRef", Shape::Atomic),
            ("fieldRef", Shape::Atomic),
            ("resourceFieldRef", Shape::Atomic),
            ("secretKeyRef", Shape::Atomic),
        ]),
    )]),
);

const CONTAINERS: Shape = Shape::Keyed(
    NAMED,
    &Shape::Struct(&[
        ("env", ENV),
        ("ports", Shape::Keyed(&[("containerPort", None), PROTOCOL], &Shape::Plain)),
        ("volumeMounts", Shape::Keyed(&[("mountPath", None)], &Shape::Plain)),
        ("volumeDevices", Shape::Keyed(&[("devicePath", None)], &Shape::Plain)),
    ]),
);

const AFFINITY: Shape = Shape::Struct(&[(
    "nodeAffinity",
    Shape::Struct(&[("requiredDuringSchedulingIgnoredDuringExecution", Shape::Atomic)]),
)]);

const POD_SPEC: Shape = Shape::Struct(&[
    ("affinity", AFFINITY),
    ("containers", CONTAINERS),
    ("initContainers", CONTAINERS),
    ("ephemeralContainers", CONTAINERS),
    ("hostAliases", Shape::Keyed(&[("ip", None)], &Shape::Plain)),
    ("imagePullSecrets", Shape::Keyed(NAMED, &Shape::Atomic)),
    ("nodeSelector", Shape::Atomic),
    (
        "topologySpreadConstraints",
        Shape::Keyed(
            &[("topologyKey", None), ("whenUnsatisfiable", None)],
            &Shape::Struct(&[("labelSelector", Shape::Atomic)]),
        ),
    ),
    ("volumes", Shape::Keyed(NAMED, &Shape::Plain)),
]);

const POD_TEMPLATE: Shape = Shape::Struct(&[("metadata", METADATA), ("spec", POD_SPEC)]);

/// The shape of objects of Kubernetes' own kinds.
pub fn of_kind(kind: &str) -> Shape {
    match kind {
        "Service" => Shape::Struct(&[
            ("metadata", METADATA),
            (
                "spec",
                Shape::Struct(&[
                    ("ports", Shape::Keyed(&[("port", None), PROTOCOL], &Shape::Plain)),
                    ("selector", Shape::Atomic),
                ]),
            ),
            ("status", Shape::Struct(&[("conditions", CONDITIONS)])),
        ]),
        "StatefulSet" => Shape::Struct(&[
            ("metadata", METADATA),
            ("spec", Shape::Struct(&[("selector", Shape::Atomic), ("template", POD_TEMPLATE)])),
            ("status", Shape::Struct(&[("conditions", CONDITIONS)])),
        ]),
        "Pod" => Shape::Struct(&[
            ("metadata", METADATA),
            ("spec", POD_SPEC),
            (
                "status",
                Shape::Struct(&[
                    ("conditions", CONDITIONS),
                    ("podIPs", Shape::Keyed(&[("ip", None)], &Shape::Plain)),
                    ("hostIPs", Shape::Atomic),
                ]),
            ),
        ]),
        "PodDisruptionBudget" => Shape::Struct(&[
            ("metadata", METADATA),
            ("spec", Shape::Struct(&[("selector", Shape::Atomic)])),
            ("status", Shape::Struct(&[("conditions", CONDITIONS)])),
        ]),
        "NetworkPolicy" => Shape::Struct(&[
            ("metadata", METADATA),
            ("spec", Shape::Struct(&[("podSelector", Shape::Atomic)])),
        ]),
        "PersistentVolumeClaim" => Shape::Struct(&[
            ("metadata", METADATA),
            ("spec", Shape::Struct(&[("selector", Shape::Atomic), ("dataSource", Shape::Atomic)])),
            ("status", Shape::Struct(&[("conditions", CONDITIONS)])),
        ]),
        "ServiceAccount" => Shape::Struct(&[
            ("metadata", METADATA),
            ("secrets", Shape::Keyed(NAMED, &Shape::Plain)),
        ]),
        "Node" => Shape::Struct(&[
            ("metadata", METADATA),
            ("status", Shape::Struct(&[("conditions", CONDITIONS)])),
        ]),
        _ => Shape::Struct(&[("metadata", METADATA)]),
    }
}

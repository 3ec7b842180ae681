//! Who owns which field: `metadata.managedFields`, and what an apply or an update does to it.

use serde_json::{Value, json};

use super::fields::Fields;
use super::merge::{compare, fields_of, merge, prune};
use super::shape::Shape;

/// What of an object a request writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// All but the status, where that has requests of its own.
    Main {
        /// Whether it has.
        without_status: bool,
    },
    /// The status.
    Status,
}

/// Who writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writer {
    pub manager: String,
    pub api_version: String,
    pub part: Part,
    /// The time, as objects have it.
    pub now: String,
}

impl Writer {
    fn subresource(&self) -> &'static str {
        if self.part == Part::Status { "status" } else { "" }
    }
}

/// What one writer owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub manager: String,
    pub applies: bool,
    pub api_version: String,
    pub subresource: String,
    pub time: String,
    pub fields: Fields,
}

impl Entry {
    fn is_by(&self, writer: &Writer, applies: bool) -> bool {
        self.manager == writer.manager
            && self.applies == applies
            && self.subresource == writer.subresource()
            && (applies || self.api_version == writer.api_version)
    }

    fn of(writer: &Writer, applies: bool) -> Self {
        Self {
            manager: writer.manager.clone(),
            applies,
            api_version: writer.api_version.clone(),
            subresource: writer.subresource().to_owned(),
            time: writer.now.clone(),
            fields: Fields::default(),
        }
    }

    /// As conflicts name it.
    fn shown(&self) -> String {
        let mut text = format!("{:?}", self.manager);
        if !self.subresource.is_empty() {
            text = format!("{text} with subresource {:?}", self.subresource);
        }
        if self.applies { text } else { format!("{text} using {}", self.api_version) }
    }
}

/// Reads the entries of an object.
pub fn read(object: &Value) -> Vec<Entry> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    entries
        .map(|entry| Entry {
            manager: text(&entry["manager"]),
            applies: entry["operation"] == "Apply",
            api_version: text(&entry["apiVersion"]),
            subresource: text(&entry["subresource"]),
            time: text(&entry["time"]),
            fields: Fields::read(&entry["fieldsV1"]),
        })
        .collect()
}

/// Writes entries, in the order that the API server keeps.
pub fn write(mut entries: Vec<Entry>) -> Value {
    entries.sort_by(|one, other| {
        let key = |entry: &Entry| {
            let Entry { manager, applies, api_version, subresource, time, .. } = entry;
            let rest = (manager.clone(), api_version.clone(), subresource.clone());
            (!applies, time.clone(), rest)
        };
        key(one).cmp(&key(other))
    });
    let entries = entries.into_iter().map(|entry| {
        let Entry { manager, applies, api_version, subresource, time, fields } = entry;
        let mut value = json!({
            "manager": manager, "operation": if applies { "Apply" } else { "Update" },
            "apiVersion": api_version, "time": time, "fieldsType": "FieldsV1",
            "fieldsV1": fields.write(),
        });
        if !subresource.is_empty() {
            value["subresource"] = json!(subresource);
        }
        value
    });
    Value::Array(entries.collect())
}

/// Whether two lists of entries say the same but for the times.
pub fn same(one: &[Entry], other: &[Entry]) -> bool {
    let is_same = |one: &Entry, other: &Entry| {
        let Entry { manager, applies, api_version, subresource, time: _, fields } = one;
        *manager == other.manager
            && *applies == other.applies
            && *api_version == other.api_version
            && *subresource == other.subresource
            && *fields == other.fields
    };
    // No two entries are of the same writer.
    one.len() == other.len()
        && one.iter().all(|entry| other.iter().any(|other| is_same(entry, other)))
}

/// Takes out what is nobody's field.
fn strip(fields: &mut Fields, part: Part) {
    const NOBODYS: [&str; 8] = [
        "f:name",
        "f:namespace",
        "f:uid",
        "f:resourceVersion",
        "f:generation",
        "f:creationTimestamp",
        "f:managedFields",
        "f:selfLink",
    ];
    match part {
        Part::Status => fields.keep("f:status"),
        Part::Main { without_status } => {
            fields.member = false;
            if without_status {
                fields.cut(&["f:status"]);
            }
            for step in ["f:apiVersion", "f:kind"] {
                fields.cut(&[step]);
            }
            for step in NOBODYS {
                fields.cut(&["f:metadata", step]);
            }
            if let Some(metadata) = fields.below.get_mut("f:metadata") {
                metadata.member = false;
                if metadata.is_empty() {
                    fields.below.remove("f:metadata");
                }
            }
        }
    }
}

/// Whose field would be taken, and which.
pub type Conflict = (String, String);

/// Lays `applied` over `live`: the object, who owns what then; or whose fields would be taken.
pub fn apply(
    shape: Shape,
    live: &Value,
    applied: &Value,
    mut entries: Vec<Entry>,
    writer: &Writer,
    force: bool,
) -> Result<(Value, Vec<Entry>), Vec<Conflict>> {
    let before = entries.clone();
    let mut set = fields_of(shape, applied);
    strip(&mut set, writer.part);
    let own = entries.iter().position(|entry| entry.is_by(writer, true));
    let last = own.map(|own| entries.remove(own));
    let mut owned = set.clone();
    for entry in &entries {
        owned.add(&entry.fields);
    }
    let mut merged = merge(shape, live, applied);
    if let Some(last) = &last {
        prune(shape, &mut merged, &last.fields, &owned);
    }
    let change = compare(shape, Some(live), Some(&merged));
    let news = change.set();
    let mut conflicts = Vec::new();
    for entry in &mut entries {
        let gone = entry.fields.and(&news);
        if !gone.is_empty() {
            conflicts.extend(gone.paths().into_iter().map(|path| (entry.shown(), path)));
            entry.fields = entry.fields.minus(&gone);
        }
        entry.fields = entry.fields.minus(&change.removed);
    }
    if !force && !conflicts.is_empty() {
        return Err(conflicts);
    }
    entries.retain(|entry| !entry.fields.is_empty());
    if !set.is_empty() {
        let time = last.as_ref().map(|last| last.time.clone());
        entries.push(Entry {
            fields: set,
            time: time.unwrap_or_else(|| writer.now.clone()),
            ..Entry::of(writer, true)
        });
    }
    if (merged != *live || !same(&before, &entries))
        && let Some(own) = entries.iter_mut().find(|entry| entry.is_by(writer, true))
    {
        own.time.clone_from(&writer.now);
    }
    Ok((merged, entries))
}

/// Who owns what once `live` was replaced by `new`.
pub fn update(
    shape: Shape,
    live: &Value,
    new: &Value,
    mut entries: Vec<Entry>,
    writer: &Writer,
) -> Vec<Entry> {
    let change = compare(shape, Some(live), Some(new));
    let mut set = change.set();
    for entry in &mut entries {
        entry.fields = entry.fields.minus(&set).minus(&change.removed);
    }
    strip(&mut set, writer.part);
    if !set.is_empty() {
        match entries.iter_mut().find(|entry| entry.is_by(writer, false)) {
            Some(own) => {
                own.fields.add(&set);
                own.time.clone_from(&writer.now);
            }
            None => entries.push(Entry { fields: set, ..Entry::of(writer, false) }),
        }
    }
    entries.retain(|entry| !entry.fields.is_empty());
    entries
}

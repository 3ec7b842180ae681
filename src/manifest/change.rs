//! What differs between two sets of manifests, with what it does to a running cluster.

use serde_json::Value;

use crate::manifest::impact::Impact;
use crate::manifest::key::ObjectKey;
use crate::manifest::path::Path;
use crate::manifest::path::Side;

/// Everything that differs, in the total order of the objects. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// The objects that differ.
    pub objects: Vec<ObjectChange>,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It is new.
    Add,
    /// It is on both sides and differs.
    Change,
    /// It is gone.
    Delete,
}

/// One object that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectChange {
    /// The object; in its newer API version where there are two.
    pub key: ObjectKey,
    /// What happens to it.
    pub action: Action,
    /// What differs in it; the whole object as one change when it is added or deleted.
    pub fields: Vec<FieldChange>,
}

/// One value that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// Where it is; the root when the whole object is meant.
    pub path: Path,
    /// The older value, masked; `None` when there was none.
    pub old: Option<Value>,
    /// The newer value, masked; `None` when there is none any more.
    pub new: Option<Value>,
    /// What the change does.
    pub impact: Impact,
    /// Why, for people; may be empty.
    pub note: String,
}

impl Comparison {
    /// Whether nothing differs.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// The worst impact of all changes.
    #[must_use]
    pub fn impact(&self) -> Impact {
        self.objects.iter().map(ObjectChange::impact).max().unwrap_or_default()
    }

    /// How many objects `action` happens to.
    #[must_use]
    pub fn count(&self, action: Action) -> usize {
        self.objects.iter().filter(|object| object.action == action).count()
    }
}

impl Action {
    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Change => "change",
            Self::Delete => "delete",
        }
    }
}

impl ObjectChange {
    /// The worst impact of its changes.
    #[must_use]
    pub fn impact(&self) -> Impact {
        self.fields.iter().map(|field| field.impact).max().unwrap_or_default()
    }
}

impl FieldChange {
    /// Where the value is, as a JSON Pointer (RFC 6901): into the newer object, or into the older
    /// one when the value is gone. A directive of a `valkey.conf` points at the whole text.
    #[must_use]
    pub fn pointer(&self) -> String {
        self.path.pointer(if self.new.is_some() { Side::To } else { Side::From })
    }
}

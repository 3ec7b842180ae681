//! Which changes the API server refuses to a living cluster: the transition rules of the
//! CustomResourceDefinition in Rust. What becomes of a change is not decided here.

use serde_json::Value;
use serde_json::json;

pub use crate::api::transition::{
    PERSISTENCE, PERSISTENCE_MODE, PORT, STORAGE_CLASS, STORAGE_SIZE, TransitionRule,
};

use crate::api::Persistence;
use crate::api::PersistenceMode;

use super::quantity::Quantity;
use super::storage::DEFAULT_STORAGE_SIZE;

/// The fields that the rules are about, defaults filled in, whether they have an effect or not: the
/// API server does not ask for that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    port: u32,
    persistence: bool,
    storage_class: Option<String>,
    storage_size: String,
    mode: PersistenceMode,
}

impl Fixed {
    pub(super) fn of(port: u32, persistence: Option<&Persistence>) -> Self {
        let Persistence { enabled, storage_size, storage_class_name, mode, reclaim_policy: _ } =
            persistence.cloned().unwrap_or_default();
        Self {
            port,
            persistence: enabled.unwrap_or(true),
            storage_class: storage_class_name,
            storage_size: storage_size.unwrap_or_else(|| DEFAULT_STORAGE_SIZE.to_owned()),
            mode: mode.unwrap_or_default(),
        }
    }

    fn storage(&self) -> Option<Quantity> {
        self.storage_size.parse().ok()
    }
}

/// A transition rule in Rust.
#[derive(Debug)]
pub struct Transition {
    /// The field that it is about, below the spec: `persistence.mode`.
    pub field: &'static str,
    /// The same rule as the API server has it.
    pub rule: TransitionRule,
    /// The field's value.
    pub value: fn(&Fixed) -> Value,
    /// Whether the change from the first to the second is refused.
    refuses: fn(&Fixed, &Fixed) -> bool,
}

/// Every rule of the `CustomResourceDefinition` about a change.
pub static TRANSITIONS: [Transition; 5] = [
    Transition {
        field: "port",
        rule: PORT,
        value: |fixed| json!(fixed.port),
        refuses: |old, new| old.port != new.port,
    },
    Transition {
        field: "persistence.enabled",
        rule: PERSISTENCE,
        value: |fixed| json!(fixed.persistence),
        refuses: |old, new| old.persistence != new.persistence,
    },
    Transition {
        field: "persistence.storageClassName",
        rule: STORAGE_CLASS,
        value: |fixed| json!(fixed.storage_class),
        refuses: |old, new| old.storage_class != new.storage_class,
    },
    Transition {
        field: "persistence.storageSize",
        rule: STORAGE_SIZE,
        value: |fixed| json!(fixed.storage_size),
        refuses: |old, new| new.storage() < old.storage(),
    },
    Transition {
        field: "persistence.mode",
        rule: PERSISTENCE_MODE,
        value: |fixed| json!(fixed.mode),
        refuses: |old, new| loses_data(old.mode, new.mode),
    },
];

/// The rules that refuse a change.
pub fn refusals<'a>(
    old: &'a Fixed,
    new: &'a Fixed,
) -> impl Iterator<Item = &'static Transition> + 'a {
    TRANSITIONS.iter().filter(|transition| (transition.refuses)(old, new))
}

/// A server writes the new file before it stops to read the old one only where both are written
/// for a while.
fn loses_data(old: PersistenceMode, new: PersistenceMode) -> bool {
    use crate::api::PersistenceMode::{Aof, Both, None, Rdb};
    matches!((old, new), (Rdb | Aof | Both, None) | (Rdb, Aof) | (Aof, Rdb))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::api::crd;

    use super::*;

    /// The messages of every rule about a change, wherever in a schema it stands.
    fn messages(schema: &Value) -> BTreeSet<&str> {
        match schema {
            Value::Object(keywords) => {
                let rule = keywords.get("rule").and_then(Value::as_str);
                let own = rule.filter(|rule| rule.contains("oldSelf"));
                let own = own.and_then(|_| keywords.get("message")?.as_str());
                keywords.values().flat_map(messages).chain(own).collect()
            }
            Value::Array(values) => values.iter().flat_map(messages).collect(),
            _ => BTreeSet::new(),
        }
    }

    #[test]
    fn every_rule_of_the_definition_about_a_change_is_a_row() {
        let rows = TRANSITIONS.iter().map(|transition| transition.rule.message);
        assert_eq!(rows.collect::<BTreeSet<_>>(), messages(crd()));
    }
}

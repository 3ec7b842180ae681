//! Which kinds there are, for whoever asks.

use serde_json::{Value, json};

use super::kind::Row;
use super::store::Store;

/// The answer to a question of discovery; `None` when the path is none.
pub fn answer(store: &Store, path: &str) -> Option<Value> {
    let steps: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let group_version = match steps[..] {
        ["version"] => {
            return Some(json!({ "major": "1", "minor": "34", "gitVersion": "v1.34.0" }));
        }
        ["api", version] => version.to_owned(),
        ["apis", group, version] => format!("{group}/{version}"),
        _ => return None,
    };
    let _ = store;
    let mut resources = Vec::new();
    for row in Row::all().filter(|row| row.api_version() == group_version) {
        let verbs = ["create", "delete", "get", "list", "patch", "update", "watch"];
        resources.push(json!({
            "name": row.plural, "singularName": row.name.to_lowercase(),
            "namespaced": row.namespaced, "kind": row.name, "verbs": verbs,
        }));
    }
    // A group that nobody serves is answered like any path that is none.
    (!resources.is_empty()).then(|| {
        json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version,
            "resources": resources,
        })
    })
}

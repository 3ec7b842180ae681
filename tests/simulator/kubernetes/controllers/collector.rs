//! The garbage collector: what has no owner any more goes; what is to be orphaned is let go.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::kubernetes::api::delete::{Deletion, delete};
use crate::kubernetes::api::kind::Row;
use crate::kubernetes::api::store::Store;
use crate::kubernetes::object::{is_leaving, name, namespace, text, uid, write};

const WHO: &str = "garbage-collector";

/// Looks at every object.
pub fn turn(store: &mut Store) {
    let objects: Vec<(&'static str, Arc<Value>)> =
        store.all().map(|(key, object)| (key.kind, Arc::clone(object))).collect();
    let uids: BTreeSet<&str> = objects.iter().map(|(_, object)| uid(object)).collect();
    for (kind, object) in &objects {
        let owners: Vec<&Value> =
            object["metadata"]["ownerReferences"].as_array().into_iter().flatten().collect();
        let none_left = owners.iter().all(|owner| !uids.contains(text(&owner["uid"])));
        if !owners.is_empty() && none_left && !is_leaving(object) {
            remove(store, kind, object);
        }
        if is_leaving(object) {
            let holds = |what: &str| {
                let own = object["metadata"]["finalizers"].as_array().into_iter().flatten();
                own.into_iter().any(|own| own == what)
            };
            if holds("orphan") {
                for (kind, dependent) in dependents(&objects, uid(object)) {
                    release(store, kind, dependent, uid(object));
                }
                finish(store, kind, object, "orphan");
            } else if holds("foregroundDeletion") {
                let mut waits = false;
                for (kind, dependent) in dependents(&objects, uid(object)) {
                    waits = true;
                    if !is_leaving(dependent) {
                        remove(store, kind, dependent);
                    }
                }
                if !waits {
                    finish(store, kind, object, "foregroundDeletion");
                }
            }
        }
    }
}

fn dependents<'o>(
    objects: &'o [(&'static str, Arc<Value>)],
    owner: &'o str,
) -> impl Iterator<Item = (&'static str, &'o Value)> {
    objects.iter().filter_map(move |(kind, object)| {
        let owners = object["metadata"]["ownerReferences"].as_array()?;
        owners.iter().any(|own| own["uid"] == owner).then_some((*kind, &**object))
    })
}

fn remove(store: &mut Store, kind: &str, object: &Value) {
    let deletion = Deletion { uid: Some(uid(object).to_owned()), ..Deletion::default() };
    let _ = delete(store, WHO, Row::named(kind), namespace(object), name(object), &deletion);
}

fn release(store: &mut Store, kind: &str, object: &Value, owner: &str) {
    let checks = json!({ "metadata": { "uid": uid(object) } });
    let _ = write(WHO, kind, object).edit(store, &checks, |object| {
        if let Some(owners) = object["metadata"]["ownerReferences"].as_array_mut() {
            owners.retain(|own| own["uid"] != owner);
        }
        Ok(())
    });
}

fn finish(store: &mut Store, kind: &str, object: &Value, finalizer: &str) {
    let checks = json!({ "metadata": { "uid": uid(object) } });
    let _ = write(WHO, kind, object).edit(store, &checks, |object| {
        if let Some(all) = object["metadata"]["finalizers"].as_array_mut() {
            all.retain(|own| own != finalizer);
        }
        Ok(())
    });
}

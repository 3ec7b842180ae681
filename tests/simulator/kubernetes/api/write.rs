//! The writes: create, replace, patch, apply. What is asked for is checked, completed and committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::defaults;
use super::immutable;
use super::kind::Kind;
use super::managed::{self, Part, Writer};
use super::refusal::Refusal;
use super::store::{Key, Store};

/// Metadata that a writer cannot set.
const KEPT: [&str; 7] = [
    "uid",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "managedFields",
    "resourceVersion",
];

/// Who writes, and how.
#[derive(Debug, Clone)]
pub struct Write<'a> {
    /// The client or controller.
    pub who: &'a str,
    /// The field manager.
    pub manager: &'a str,
    pub kind: Kind,
    pub namespace: &'a str,
    pub name: &'a str,
    /// Whether it is the status that is written.
    pub status: bool,
    /// Whether it is only to be said what would happen.
    pub dry_run: bool,
}

type Written = Result<Arc<Value>, Refusal>;

impl Write<'_> {
    fn key(&self) -> Key {
        Key {
            kind: self.kind.name,
            namespace: self.namespace.to_owned(),
            name: self.name.to_owned(),
        }
    }

    fn writer(&self, store: &Store) -> Writer {
        let part = if self.status {
            Part::Status
        } else {
            Part::Main { without_status: self.kind.has_status }
        };
        Writer {
            manager: self.manager.to_owned(),
            api_version: self.kind.api_version(),
            part,
            now: store.now(),
        }
    }

    fn live(&self, store: &Store) -> Option<Arc<Value>> {
        store.get(self.kind.name, self.namespace, self.name).cloned()
    }

    /// Makes an object.
    pub fn create(&self, store: &mut Store, object: Value) -> Written {
        if self.live(store).is_some() {
            return Err(Refusal::exists(self.kind, self.name));
        }
        if !object["metadata"]["resourceVersion"].is_null() {
            let text = "resourceVersion should not be set on objects to be created";
            return Err(Refusal::new(500, "InternalError", text));
        }
        Ok(self.create_as(store, object, |shape, object, writer| {
            let nothing = json!({ "metadata": {}, "spec": {}, "status": {} });
            managed::update(shape, &nothing, object, Vec::new(), writer)
        }))
    }

    fn create_as(
        &self,
        store: &mut Store,
        mut object: Value,
        own: impl FnOnce(super::shape::Shape, &Value, &Writer) -> Vec<managed::Entry>,
    ) -> Arc<Value> {
        let writer = self.writer(store);
        if self.kind.has_status && self.kind.name != "PersistentVolumeClaim" {
            object.as_object_mut().unwrap().shift_remove("status");
        }
        let metadata = &mut object["metadata"];
        for field in KEPT {
            metadata.as_object_mut().unwrap().shift_remove(field);
        }
        if self.kind.namespaced {
            metadata["namespace"] = json!(self.namespace);
        }
        metadata["name"] = json!(self.name);
        object["apiVersion"] = json!(self.kind.api_version());
        object["kind"] = json!(self.kind.name);
        defaults::fill(store, self.kind.name, &mut object, None);
        clean(&mut object);
        let entries = own(self.kind.shape(), &object, &writer);
        object["metadata"]["uid"] = json!(store.next_uid());
        object["metadata"]["creationTimestamp"] = json!(writer.now);
        if self.kind.has_generation {
            object["metadata"]["generation"] = json!(1);
        }
        object["metadata"]["managedFields"] = managed::write(entries);
        if self.dry_run {
            return Arc::new(object);
        }
        store.commit(self.who, &self.key(), Some(object))
    }

    /// Puts an object in the place of another.
    pub fn replace(&self, store: &mut Store, object: Value) -> Written {
        let live = self.live(store);
        let Some(live) = live else {
            return Err(Refusal::not_found(self.kind, self.name));
        };
        let own = live["metadata"]["uid"].as_str().unwrap_or_default();
        if let Some(uid) = object["metadata"]["uid"].as_str().filter(|uid| *uid != own) {
            let why = format!(
                "Precondition failed: UID in precondition: {uid}, UID in object meta: {own}"
            );
            return Err(Refusal::conflict(self.kind, self.name, &why));
        }
        self.check(&live, &object)?;
        self.put(store, &live, object)
    }

    /// Changes an object by a function of it; `checks` says for which version or uid.
    pub fn edit(
        &self,
        store: &mut Store,
        checks: &Value,
        change: impl FnOnce(&mut Value) -> Result<(), Refusal>,
    ) -> Written {
        let Some(live) = self.live(store) else {
            return Err(Refusal::not_found(self.kind, self.name));
        };
        self.check(&live, checks)?;
        let mut object = (*live).clone();
        change(&mut object)?;
        self.put(store, &live, object)
    }

    /// Lays a merge patch over an object.
    pub fn merge(&self, store: &mut Store, patch: &Value) -> Written {
        self.edit(store, patch, |object| {
            merge_patch(object, patch);
            Ok(())
        })
    }

    fn put(&self, store: &mut Store, live: &Arc<Value>, mut object: Value) -> Written {
        self.keep(live, &mut object);
        defaults::fill(store, self.kind.name, &mut object, Some(live));
        clean(&mut object);
        let writer = self.writer(store);
        let before = managed::read(live);
        let entries = managed::update(self.kind.shape(), live, &object, before, &writer);
        self.finish(store, live, object, entries)
    }

    /// Applies on the server's side.
    pub fn apply(&self, store: &mut Store, body: &Value, force: bool) -> Written {
        let (writer, shape) = (self.writer(store), self.kind.shape());
        let live = self.live(store);
        let mut applied = body.clone();
        if let Some(metadata) = applied["metadata"].as_object_mut() {
            for field in KEPT {
                metadata.shift_remove(field);
            }
        }
        let Some(live) = live else {
            if self.status {
                return Err(Refusal::not_found(self.kind, self.name));
            }
            if let Some(uid) = body["metadata"]["uid"].as_str() {
                let why = format!(
                    "uid mismatch: the provided object specified uid {uid}, and no existing \
                     object was found"
                );
                return Err(Refusal::conflict(self.kind, self.name, &why));
            }
            let nothing = json!({});
            let (object, entries) =
                managed::apply(shape, &nothing, &applied, Vec::new(), &writer, force)
                    .map_err(|conflicts| Refusal::taken(&conflicts))?;
            return Ok(self.create_as(store, object, |_, _, _| entries));
        };
        self.check(&live, body)?;
        let before = managed::read(&live);
        let (mut object, entries) = managed::apply(shape, &live, &applied, before, &writer, force)
            .map_err(|conflicts| Refusal::taken(&conflicts))?;
        self.keep(&live, &mut object);
        defaults::fill(store, self.kind.name, &mut object, Some(&live));
        clean(&mut object);
        self.finish(store, &live, object, entries)
    }

    /// What is sent may say which version and which object it is meant for.
    fn check(&self, live: &Value, sent: &Value) -> Result<(), Refusal> {
        let (own, asked) = (&live["metadata"], &sent["metadata"]);
        // The status of a custom resource is taken without a look at the rest.
        let is_looked_at = !(self.status && self.kind.name == gungnir::api::KIND);
        if let Some(uid) = asked["uid"].as_str().filter(|uid| !uid.is_empty() && is_looked_at)
            && own["uid"] != uid
        {
            let why = format!("Invalid value: {uid:?}: field is immutable");
            let mut refusal = Refusal::invalid(self.kind, self.name, "metadata.uid", &why);
            // Two checks find it.
            let cause = refusal.details["causes"][0].clone();
            refusal.details["causes"].as_array_mut().unwrap().push(cause);
            return Err(refusal);
        }
        if let Some(version) = asked["resourceVersion"].as_str().filter(|text| !text.is_empty())
            && own["resourceVersion"] != version
        {
            return Err(Refusal::modified(self.kind, self.name));
        }
        Ok(())
    }

    /// What this write cannot change stays as it is.
    fn keep(&self, live: &Value, object: &mut Value) {
        let all = object.as_object_mut().unwrap();
        if self.status {
            let live = live.as_object().unwrap();
            all.retain(|field, _| field == "status" || live.contains_key(field));
            for (field, value) in live {
                if field != "status" && all.get(field) != Some(value) {
                    all.insert(field.clone(), value.clone());
                }
            }
            return;
        }
        if self.kind.has_status {
            all.shift_remove("status");
            all.extend(live.get("status").map(|status| ("status".to_owned(), status.clone())));
        }
        for field in ["apiVersion", "kind"] {
            all.insert(field.to_owned(), live[field].clone());
        }
        let metadata = object["metadata"].as_object_mut().unwrap();
        for field in KEPT.into_iter().chain(["name", "namespace"]) {
            match live["metadata"].get(field) {
                Some(value) => drop(metadata.insert(field.to_owned(), value.clone())),
                None => drop(metadata.shift_remove(field)),
            }
        }
    }

    fn finish(
        &self,
        store: &mut Store,
        live: &Arc<Value>,
        mut object: Value,
        entries: Vec<managed::Entry>,
    ) -> Written {
        immutable::check(self.kind, self.name, live, &object)?;
        if object == **live && managed::same(&managed::read(live), &entries) {
            return Ok(Arc::clone(live));
        }
        if self.kind.has_generation && !is_same_spec(&object, live) {
            let before = live["metadata"]["generation"].as_u64().unwrap_or(0);
            object["metadata"]["generation"] = json!(before + 1);
        }
        object["metadata"]["managedFields"] = managed::write(entries);
        if self.dry_run {
            return Ok(Arc::new(object));
        }
        let metadata = &object["metadata"];
        let held = metadata["finalizers"].as_array().is_some_and(|all| !all.is_empty());
        let graceful = metadata["deletionGracePeriodSeconds"].as_u64().is_some_and(|it| it > 0);
        if !metadata["deletionTimestamp"].is_null() && !held && !graceful {
            let object = store.commit(self.who, &self.key(), Some(object));
            store.commit(self.who, &self.key(), None);
            return Ok(object);
        }
        Ok(store.commit(self.who, &self.key(), Some(object)))
    }
}

/// Whether two objects say the same but for their metadata and status.
fn is_same_spec(one: &Value, other: &Value) -> bool {
    fn spec(object: &Value) -> BTreeMap<&str, &Value> {
        let all = object.as_object().into_iter().flatten();
        let all = all.filter(|(field, _)| !matches!(field.as_str(), "metadata" | "status"));
        all.map(|(field, value)| (field.as_str(), value)).collect()
    }
    spec(one) == spec(other)
}

/// Takes out what says nothing.
fn clean(object: &mut Value) {
    let top = object.as_object_mut().unwrap();
    top.retain(|_, value| !value.is_null());
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|_, value| match value {
            Value::Null => false,
            Value::Object(map) => !map.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => true,
        });
    }
}

/// RFC 7386.
pub fn merge_patch(object: &mut Value, patch: &Value) {
    let Some(fields) = patch.as_object() else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let map = object.as_object_mut().unwrap();
    for (name, value) in fields {
        if value.is_null() {
            map.shift_remove(name);
        } else {
            merge_patch(map.entry(name.clone()).or_insert(Value::Null), value);
        }
    }
}

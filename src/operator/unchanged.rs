//! Whether anything has changed that a plan looks at, since there was nothing to do: pure.
//!
//! Most looks at a cluster are for the sake of a pod or of a status. They need no set to be rendered
//! and compared again.

use std::rc::Rc;

use crate::cluster::ValidatedCluster;

use super::cache::{Child, ManagedFields, View};

/// What a plan with nothing to do was made from.
#[derive(Debug)]
pub struct Basis {
    /// What is rendered.
    sound: Rc<ValidatedCluster>,
    /// The generation of the cluster, which the set names.
    generation: i64,
    /// How many pods the set was given.
    replicas: u32,
    /// Everything that belonged to the cluster.
    children: Vec<Rc<Child>>,
}

impl Basis {
    /// What a plan is made from now.
    #[must_use]
    pub fn of(sound: &Rc<ValidatedCluster>, generation: i64, replicas: u32, view: &View) -> Self {
        let children = view.children.values().cloned().collect();
        Self { sound: Rc::clone(sound), generation, replicas, children }
    }

    /// Whether a plan would find the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let Self { sound, generation, replicas, children } = other;
        self.generation == *generation
            && self.sound == *sound
            && self.replicas == *replicas
            && self.children.len() == children.len()
            && self.children.iter().zip(children).all(|(one, other)| is_same(one, other))
    }
}

fn is_same(one: &Rc<Child>, other: &Rc<Child>) -> bool {
    if Rc::ptr_eq(one, other) {
        return true;
    }
    // By name, so that whoever adds a field decides here.
    let Child {
        key,
        uid,
        resource_version: _,
        owner,
        label,
        applied,
        deleting,
        kept_by_git,
        fields,
        detail: _,
    } = &**one;
    *key == other.key
        && *uid == other.uid
        && *owner == other.owner
        && *label == other.label
        && *applied == other.applied
        && *deleting == other.deleting
        && *kept_by_git == other.kept_by_git
        && written(fields).eq(written(&other.fields))
}

/// Who wrote what but the status.
fn written(fields: &[ManagedFields]) -> impl Iterator<Item = &ManagedFields> {
    fields.iter().filter(|fields| fields.subresource != "status")
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
    use serde_json::{Value, json};

    use super::*;
    use crate::api::ValkeyCluster;
    use crate::cluster::{Roles, validate};
    use crate::operator::cache::KindId;

    fn child(version: &str, entries: &Value, status: &Value) -> Rc<Child> {
        let metadata: ObjectMeta = serde_json::from_value(json!({
            "name": "shop", "namespace": "ns", "uid": "u", "resourceVersion": version,
            "managedFields": entries,
        }))
        .unwrap();
        let kind = KindId::all().find(|kind| kind.row().resource.kind == "StatefulSet").unwrap();
        Rc::new(Child::of(kind, metadata, &json!({ "status": status })).unwrap())
    }

    fn basis(children: &[&Rc<Child>]) -> Basis {
        let sound = shop(&json!({}));
        let children = children.iter().map(|child| Rc::clone(child)).collect();
        Basis { sound, generation: 1, replicas: 3, children }
    }

    fn shop(spec: &Value) -> Rc<ValidatedCluster> {
        let spec = serde_json::from_value(spec.clone()).unwrap();
        let mut cluster = ValkeyCluster::new("shop", spec);
        cluster.metadata.namespace = Some("ns".to_owned());
        Rc::new(validate(cluster, Roles::Elected).unwrap())
    }

    fn ours(field: &str) -> Value {
        let spec = json!({ "f:spec": { field: {} } });
        json!({ "manager": "gungnir", "operation": "Apply", "fieldsV1": spec })
    }

    #[test]
    fn a_status_is_nothing_to_a_plan_and_a_field_is() {
        let was = child("7", &json!([ours("f:replicas")]), &json!({}));
        let status = json!({
            "manager": "kube-controller-manager", "operation": "Update", "subresource": "status",
            "fieldsV1": { "f:status": {} },
        });
        let fields = json!([ours("f:replicas"), status]);
        let counted = child("8", &fields, &json!({ "readyReplicas": 3 }));
        assert!(basis(&[&was]).is_same(&basis(&[&counted])));
        let taken = child("9", &json!([ours("f:template")]), &json!({}));
        assert!(!basis(&[&was]).is_same(&basis(&[&taken])));
    }

    #[test]
    fn another_spec_or_size_or_a_child_more_is_another_plan() {
        let child = child("7", &json!([ours("f:replicas")]), &json!({}));
        let was = basis(&[&child]);
        assert!(was.is_same(&basis(&[&child])));
        assert!(!was.is_same(&Basis { generation: 2, ..basis(&[&child]) }));
        assert!(!was.is_same(&Basis { replicas: 2, ..basis(&[&child]) }));
        let sound = shop(&json!({ "port": 7000 }));
        assert!(!was.is_same(&Basis { sound, ..basis(&[&child]) }));
        assert!(!was.is_same(&basis(&[&child, &child])));
        assert!(!was.is_same(&basis(&[])));
    }
}

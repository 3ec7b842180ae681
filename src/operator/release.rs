//! Hands the set over to Git: an object is let go when somebody else owns every field that we own.
//!
//! One write lets go of all of it, the owner reference too, so at no moment is a field nobody's.

use serde_json::{Value, json};
use tracing::info;

use super::adopt::{Ownership, ownership};
use super::annotation::Annotation;
use super::cache::{Child, ClusterObject, KindId, View};
use super::error::RequestError;
use super::manager::Manager;
use super::reason::Reason;
use super::reconcile::Context;
use super::report::Report;

/// How many fields are named at most.
const SHOWN: usize = 3;

/// Lets go of every object that Git has taken over, and names the others.
///
/// # Errors
///
/// [`RequestError`].
pub async fn release(
    context: &Context,
    cluster: &ClusterObject,
    view: &View,
    report: &mut Report,
) -> Result<(), RequestError> {
    let mut waiting = Vec::new();
    let ours = |child: &&std::rc::Rc<Child>| ownership(child, cluster) == Ownership::Ours;
    for child in view.children.values().filter(ours).filter(|child| !child.deleting) {
        let Some(kind) = KindId::of(&child.key) else { continue };
        let only_ours = only_ours(child);
        if only_ours.is_empty() {
            let key = &child.key;
            let object = json!({
                "apiVersion": kind.row().resource.api_version,
                "kind": key.kind,
                "metadata": { "name": key.name, "namespace": key.namespace, "uid": child.uid },
            });
            let answer = context.requests.apply(Manager::Set, kind, &object, false).await?;
            context.cache.put_answer(kind, answer.metadata, &answer.data);
            info!(object = %key, "let go: Git has it");
        } else {
            let shown = only_ours.iter().take(SHOWN).map(|path| format!("`{path}`"));
            let shown = shown.collect::<Vec<_>>().join(", ");
            waiting.push(format!("{} `{}`: {shown}", child.key.kind, child.key.name));
        }
    }
    if !waiting.is_empty() {
        let text = format!(
            "nobody else has applied these fields yet: {}; apply what `gungnir render` prints",
            waiting.join("; ")
        );
        report.find(Reason::NotInGitYet, text);
    }
    Ok(())
}

/// The fields that would be nobody's without us, but for those that only an operator writes.
#[must_use]
pub fn only_ours(child: &Child) -> Vec<String> {
    let is_set = |manager: &str| manager == Manager::Set.name();
    let others: Vec<Value> = child
        .fields
        .iter()
        // The operator's own other writers are no heirs.
        .filter(|fields| Manager::of(&fields.manager).is_none())
        .map(super::cache::ManagedFields::tree)
        .collect();
    let mut only = Vec::new();
    for fields in child.fields.iter().filter(|fields| is_set(&fields.manager)) {
        walk(&fields.tree(), &mut Vec::new(), &others, &mut only);
    }
    only
}

fn walk(tree: &Value, path: &mut Vec<String>, others: &[Value], only: &mut Vec<String>) {
    let entries = tree.as_object().into_iter().flatten().filter(|(key, _)| *key != ".");
    let mut leaf = true;
    for (key, below) in entries {
        leaf = false;
        path.push(key.clone());
        walk(below, path, others, only);
        path.pop();
    }
    if leaf && !path.is_empty() && !is_operators(path) && !others.iter().any(|tree| has(tree, path))
    {
        let steps = path.iter().map(|key| key.split_once(':').map_or("", |(_, name)| name));
        only.push(steps.collect::<Vec<_>>().join("."));
    }
}

fn is_operators(path: &[String]) -> bool {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    match path.as_slice() {
        ["f:metadata", "f:ownerReferences", ..] => true,
        ["f:metadata", "f:annotations", key] => key.strip_prefix("f:").is_some_and(|key| {
            [Annotation::Applied, Annotation::Generation].iter().any(|ours| ours.key() == key)
        }),
        _ => false,
    }
}

fn has(tree: &Value, path: &[String]) -> bool {
    let mut node = tree;
    for (depth, key) in path.iter().enumerate() {
        match node.get(key) {
            Some(below) => node = below,
            // Owned as a whole; but whoever has an empty tree owns nothing.
            None => return depth > 0 && node.as_object().is_some_and(serde_json::Map::is_empty),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

    fn child(theirs: &Value) -> Child {
        let ours = json!({
            "f:metadata": {
                "f:labels": { "f:a": {} },
                "f:annotations": { "f:valkey.verilean.io/applied": {} },
                "f:ownerReferences": { "k:{\"uid\":\"u\"}": {} },
            },
            "f:spec": { "f:ports": { "k:{\"port\":1}": { ".": {}, "f:port": {} } } },
        });
        let metadata: ObjectMeta = serde_json::from_value(json!({
            "name": "n", "namespace": "ns", "uid": "c", "resourceVersion": "1",
            "managedFields": [
                { "manager": "gungnir", "operation": "Apply", "fieldsV1": ours },
                { "manager": "gungnir-sentinel", "operation": "Apply",
                  "fieldsV1": { "f:metadata": { "f:labels": {} } } },
                { "manager": "argocd-controller", "operation": "Apply", "fieldsV1": theirs },
            ],
        }))
        .unwrap();
        Child::of(KindId::all().last().unwrap(), metadata, &Value::Null).unwrap()
    }

    #[test]
    fn an_object_is_let_go_only_when_somebody_else_owns_every_field_of_ours() {
        let labels = json!({ "f:labels": { "f:a": {} } });
        let ports = json!({ "f:ports": { "k:{\"port\":1}": { ".": {}, "f:port": {} } } });
        for (name, theirs, expected) in [
            ("nothing", json!({}), vec!["metadata.labels.a"]),
            ("some", json!({ "f:metadata": labels }), vec!["spec.ports.{\"port\":1}.port"]),
            ("all", json!({ "f:metadata": labels, "f:spec": ports }), vec![]),
            ("as a whole", json!({ "f:metadata": labels, "f:spec": { "f:ports": {} } }), vec![]),
        ] {
            let only = only_ours(&child(&theirs));
            let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
            if name == "nothing" {
                assert_eq!(only.first(), expected.first(), "{name}");
            } else {
                assert_eq!(only, expected, "{name}");
            }
        }
    }
}

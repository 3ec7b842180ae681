//! Whether the schema that the API server serves and the one that this version was built with are
//! one: an older one drops fields on their way here, a newer one lets in what nothing comes of.

use std::cell::RefCell;
use std::time::Duration;

use kube::api::{ApiResource, GroupVersionKind};
use serde_json::Value;
use tokio::time::sleep;
use tracing::{info, warn};

use crate::api;

use super::cache::{Cache, ClusterObject};
use super::error::RequestError;
use super::lease::Leadership;
use super::reason::Reason;
use super::report::Report;
use super::requests::Requests;

/// How long a definition that is not as it should be is left before it is read again.
const RECHECK_PERIOD: Duration = Duration::from_secs(300);
/// The most fields that one message names.
const MOST_NAMED: usize = 5;

/// What the served definition lacks of this version's.
#[derive(Debug, Default)]
pub struct Served {
    lacking: RefCell<Vec<String>>,
}

impl Served {
    /// Reads the definition whenever this process begins to lead, and from time to time while it
    /// lacks something; for ever.
    pub async fn keep(&self, requests: &Requests, cache: &Cache, mut leadership: Leadership) {
        loop {
            leadership.gained().await;
            let is_sound = match read(requests).await {
                Ok(lacking) => self.note(lacking, cache),
                Err(error) => {
                    warn!(%error, "the CustomResourceDefinition cannot be compared");
                    false
                }
            };
            let lost = async {
                while leadership.may_act() {
                    leadership.changed().await;
                }
            };
            let again = async {
                if is_sound {
                    std::future::pending::<()>().await;
                }
                sleep(RECHECK_PERIOD).await;
            };
            tokio::select! {
                () = lost => {}
                () = again => {}
            }
        }
    }

    fn note(&self, lacking: Vec<String>, cache: &Cache) -> bool {
        let is_sound = lacking.is_empty();
        if *self.lacking.borrow() != lacking {
            info!(fields = ?lacking, "the CustomResourceDefinition lacks fields of this version");
            self.lacking.replace(lacking);
            cache.touch_all();
        }
        is_sound
    }

    /// Notes what a cluster suffers from it.
    pub fn judge(&self, cluster: &ClusterObject, report: &mut Report) {
        let lacking = self.lacking.borrow();
        if !lacking.is_empty() {
            let text = format!(
                "the CustomResourceDefinition in the cluster lacks {}: they are dropped when they \
                 are written; upgrade it: `gungnir crd | kubectl apply --server-side -f -`",
                named(&lacking)
            );
            report.find(Reason::SchemaLacksFields, text);
        }
        if !cluster.unknown_fields.is_empty() {
            let text = format!(
                "this version of the operator does not know {}: nothing comes of them; upgrade the \
                 operator",
                named(&cluster.unknown_fields)
            );
            report.find(Reason::OperatorLacksFields, text);
        }
    }
}

async fn read(requests: &Requests) -> Result<Vec<String>, RequestError> {
    let kind = GroupVersionKind::gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition");
    let name = api::CRD_NAME;
    let served = requests.read_cluster_scoped(&ApiResource::from_gvk(&kind), name).await?;
    // One that is gone takes every cluster with it: there is nobody to tell.
    Ok(served.map(|served| lacking(&served.data)).unwrap_or_default())
}

fn named(fields: &[String]) -> String {
    let mut names: Vec<String> =
        fields.iter().take(MOST_NAMED).map(|field| format!("`{field}`")).collect();
    if let Some(more) = fields.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

/// The schema of this version of the API in a definition.
fn schema(definition: &Value) -> Option<&Value> {
    let versions = definition["spec"]["versions"].as_array()?;
    let version = versions.iter().find(|version| version["name"] == api::VERSION)?;
    version.pointer("/schema/openAPIV3Schema/properties")
}

/// The fields that a served definition lacks, by path; a part that is missing is one.
fn lacking(served: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let (Some(own), Some(served)) = (schema(api::crd()), schema(served)) {
        for part in ["spec", "status"] {
            compare(part, &own[part], &served[part], &mut found);
        }
    }
    found
}

fn compare(path: &str, own: &Value, served: &Value, found: &mut Vec<String>) {
    for below in ["items", "additionalProperties"] {
        if own[below].is_object() && served[below].is_object() {
            compare(path, &own[below], &served[below], found);
        }
    }
    for (name, own) in own["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        match served["properties"].get(name) {
            Some(served) => compare(&path, own, served, found),
            None => found.push(path),
        }
    }
}

/// The fields of a spec that this version does not know, by path.
pub fn unknown(spec: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(own) = schema(api::crd()) {
        walk("spec", &own["spec"], spec, &mut found);
    }
    found
}

fn walk(path: &str, schema: &Value, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) if schema["items"].is_object() => {
            for item in items {
                walk(path, &schema["items"], item, found);
            }
        }
        Value::Object(fields) => {
            let known = schema["properties"].as_object();
            let open = schema["x-kubernetes-preserve-unknown-fields"] == true;
            for (name, value) in fields {
                let path = format!("{path}.{name}");
                match known.and_then(|known| known.get(name)) {
                    Some(schema) => walk(&path, schema, value, found),
                    None if known.is_some() && !open && !found.contains(&path) => found.push(path),
                    None => {}
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_own_definition_lacks_nothing_and_an_older_one_is_told() {
        assert_eq!(lacking(api::crd()), Vec::<String>::new());
        let mut older = api::crd().clone();
        let spec = older
            .pointer_mut("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties")
            .unwrap();
        spec.as_object_mut().unwrap().remove("networkPolicy");
        spec["sentinel"]["properties"].as_object_mut().unwrap().remove("policy");
        assert_eq!(lacking(&older), ["spec.networkPolicy", "spec.sentinel.policy"]);
    }

    #[test]
    fn what_a_later_version_brought_is_unknown_here_and_maps_are_open() {
        let spec = json!({
            "replicas": 3,
            "config": { "maxmemory-policy": "allkeys-lru" },
            "podSecurityContext": { "later": true },
            "sentinel": { "policy": "Consistency", "votes": 3 },
            "env": [{ "name": "A", "value": "b", "later": 1 }, { "name": "B", "later": 2 }],
            "sharding": { "slots": 16384 },
        });
        let later = ["spec.env.later", "spec.sentinel.votes", "spec.sharding"];
        let mut found = unknown(&spec);
        found.sort();
        assert_eq!(found, later);
    }

    #[test]
    fn a_message_names_a_few() {
        let fields: Vec<String> = (0..7).map(|number| format!("spec.f{number}")).collect();
        assert_eq!(named(&fields[..1]), "`spec.f0`");
        assert!(named(&fields).ends_with("`spec.f4`, 2 more"), "{}", named(&fields));
    }
}

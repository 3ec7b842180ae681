//! The same requests to this API server and to a real one: the answers are the same but for what no
//! two servers share (uids, versions, times, addresses), and so are the entries of Gungnir's managers
//! in `managedFields`.
//!
//! `tests/cluster/with cargo test --locked --test simulator -- --ignored conformance`

use http::Request;
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};

use crate::chance::Chance;
use crate::trace::Trace;

use super::Kubernetes;
use super::api::kind::Row;
use super::differences::differences;

mod script;

use script::script;

/// Whom requests go to, and what was answered so far.
struct Side {
    client: Client,
    answers: Vec<(String, Value)>,
}

impl Side {
    async fn send(&self, method: &str, path: &str, kind: &str, body: &Value) -> (u16, String) {
        let accept = if kind == "metadata" {
            "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        } else {
            "application/json"
        };
        let content = match kind {
            "apply" => "application/apply-patch+yaml",
            "merge" => "application/merge-patch+json",
            "json" => "application/json-patch+json",
            _ => "application/json",
        };
        let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .header("content-type", content)
            .header("user-agent", "conformance/1");
        let answer = self.client.send(request.body(Body::from(bytes)).unwrap()).await.unwrap();
        let code = answer.status().as_u16();
        let bytes = answer.into_body().collect_bytes().await.unwrap();
        (code, String::from_utf8(bytes.to_vec()).unwrap())
    }

    /// Sends a request and keeps the answer; gives it as it came.
    async fn ask(
        &mut self,
        what: &str,
        method: &str,
        path: &str,
        kind: &str,
        body: &Value,
    ) -> Value {
        let (code, text) = self.send(method, path, kind, body).await;
        let answer: Value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        let mut shown = answer.clone();
        normal(&mut shown);
        self.answers
            .push((format!("{what}: {method} {path}"), json!({ "code": code, "answer": shown })));
        answer
    }

    async fn apply(&mut self, what: &str, manager: &str, force: bool, object: &Value) -> Value {
        let path = format!("{}?fieldManager={manager}&force={force}", path_of(object));
        self.ask(what, "PATCH", &path, "apply", object).await
    }

    fn note(&mut self, what: &str, value: Value) {
        self.answers.push((what.to_owned(), value));
    }
}

fn path_of(object: &Value) -> String {
    let row = Row::named(object["kind"].as_str().unwrap());
    let api = if row.group.is_empty() {
        "/api/v1".to_owned()
    } else {
        format!("/apis/{}/{}", row.group, row.version)
    };
    let (namespace, name) = (&object["metadata"]["namespace"], &object["metadata"]["name"]);
    let name = name.as_str().unwrap();
    match namespace.as_str().filter(|_| row.namespaced) {
        Some(namespace) => format!("{api}/namespaces/{namespace}/{}/{name}", row.plural),
        None => format!("{api}/{}/{name}", row.plural),
    }
}

/// Masks what no two servers share.
fn normal(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Array(entries)) = map.get_mut("managedFields") {
                entries.retain(|entry| entry["manager"].as_str().unwrap().starts_with("gungnir"));
                for entry in entries.iter_mut() {
                    entry["time"] = json!("then");
                }
                entries.sort_by_key(Value::to_string);
            }
            for (name, value) in map.iter_mut() {
                let masked = matches!(
                    name.as_str(),
                    "uid"
                        | "resourceVersion"
                        | "creationTimestamp"
                        | "deletionTimestamp"
                        | "continue"
                );
                let address = matches!(
                    name.as_str(),
                    "clusterIP" | "clusterIPs" | "nodePort" | "healthCheckNodePort"
                ) && *value != json!("None")
                    && *value != json!(["None"]);
                if (masked || address) && !value.is_object() && !value.is_null() {
                    *value = json!("masked");
                } else if name == "message" {
                    *value = json!(without_numbers(value.as_str().unwrap_or_default()));
                } else {
                    normal(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(normal),
        _ => {}
    }
}

/// A message without uids.
fn without_numbers(text: &str) -> String {
    let words = text.split(' ').map(|word| {
        let bare = word.trim_matches(|letter: char| !letter.is_ascii_alphanumeric());
        let is_uid = bare.len() == 36 && bare.matches('-').count() == 4;
        if is_uid { word.replace(bare, "UID") } else { word.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
#[ignore = "needs a real API server: tests/cluster/with cargo test --test simulator -- --ignored"]
async fn conformance_with_a_real_api_server() {
    let kubernetes = Kubernetes::new(&Chance::new(1), &Trace::start());
    let ours = script(kubernetes.client("conformance")).await;
    let theirs = script(Client::try_default().await.unwrap()).await;
    assert_eq!(ours.len(), theirs.len());
    let mut amiss = Vec::new();
    for ((what, ours), (_, theirs)) in ours.iter().zip(&theirs) {
        let found = differences(theirs, ours);
        if !found.is_empty() {
            amiss.push(format!("{what}\n    {}", found.join("\n    ")));
        }
    }
    let count = ours.len();
    assert!(amiss.is_empty(), "{} of {count} answers differ:\n{}", amiss.len(), amiss.join("\n"));
}

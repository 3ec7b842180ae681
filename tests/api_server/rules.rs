//! The CEL rules of the `CustomResourceDefinition`, where they run.

use gungnir::api::ValkeyCluster;
use gungnir::api::crd;
use gungnir::cluster::Roles;
use gungnir::cluster::validate;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use crate::rule_cases::Case;
use crate::rule_cases::cases;
use crate::server::Apply;
use crate::server::Refusal;
use crate::server::Server;

const DRY: Apply = Apply { dry_run: true, force: false, subresource: None };

/// The message of every rule, wherever in the schema it stands.
fn messages() -> Vec<String> {
    fn walk(schema: &Value, messages: &mut Vec<String>) {
        match schema {
            Value::Object(keywords) => {
                let rules = keywords.get("x-kubernetes-validations").and_then(Value::as_array);
                for rule in rules.into_iter().flatten() {
                    messages.push(rule["message"].as_str().expect("a rule has words").to_owned());
                }
                keywords.values().for_each(|value| walk(value, messages));
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, messages)),
            _ => {}
        }
    }
    let mut messages = Vec::new();
    walk(crd(), &mut messages);
    messages
}

/// The whole message of a case's rule.
fn message(case: &Case) -> String {
    let mut found = messages();
    found.retain(|message| message.starts_with(case.rule));
    assert_eq!(found.len(), 1, "rules that start with `{}`", case.rule);
    found.remove(0)
}

fn object(case: &Case, namespace: &str, spec: &Value) -> Value {
    json!({
        "apiVersion": "valkey.verilean.io/v1",
        "kind": "ValkeyCluster",
        "metadata": { "name": case.name, "namespace": namespace },
        "spec": spec,
    })
}

#[test]
fn every_rule_has_an_accepted_and_a_refused_case() {
    let cases = cases();
    let messages = messages();
    assert!(messages.len() >= 12, "{messages:#?}");
    for message in messages {
        for accepted in [true, false] {
            let mut of_rule = cases.iter().filter(|case| message.starts_with(case.rule));
            let verdict = if accepted { "accepted" } else { "refused" };
            assert!(
                of_rule.any(|case| case.accepted == accepted),
                "no {verdict} case of the rule `{message}` in tests/support/rule_cases.rs"
            );
        }
    }
}

#[tokio::test]
async fn every_rule_accepts_and_refuses_what_it_should() {
    let server = Server::connect().await;
    let namespace = server.namespace("rules", json!({})).await;
    for case in cases() {
        let message = message(&case);
        let new = object(&case, &namespace, &case.new);
        let result = match &case.old {
            None => server.apply("kubectl", &new, DRY).await,
            Some(old) => {
                let old = object(&case, &namespace, old);
                let old = server.apply("kubectl", &old, Apply::default()).await.unwrap().object;
                server.replace_dry(&old, &new).await
            }
        };
        match result {
            Ok(_) => assert!(case.accepted, "it was accepted: {case:#?}"),
            Err(Refusal { code, causes, message: whole }) => {
                assert!(!case.accepted, "it was refused: {whole}: {case:#?}");
                assert_eq!(code, 422, "{whole}");
                // For this reason, and no other.
                assert_eq!(causes.len(), 1, "{causes:#?}: {case:#?}");
                assert!(causes[0].ends_with(&message), "{causes:#?}: {case:#?}");
            }
        }
    }
}

/// What the API server refuses, `gungnir validate` refuses before it gets there.
#[test]
fn the_rules_of_the_library_agree_with_those_of_the_api_server() {
    for case in cases().iter().filter(|case| case.old.is_none()) {
        let cluster = ValkeyCluster::deserialize(object(case, "default", &case.new)).unwrap();
        let result = validate(cluster, Roles::Elected);
        assert_eq!(result.is_ok(), case.accepted, "{case:#?}: {:#?}", result.err());
    }
}

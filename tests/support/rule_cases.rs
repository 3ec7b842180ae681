//! An accepted and a refused case, or more, for every CEL rule of the `CustomResourceDefinition`.

use serde_json::Value;
use serde_json::json;

/// One object that is made, or one change of it, and what becomes of it.
#[derive(Debug)]
pub struct Case {
    /// How the message of the rule starts.
    pub rule: &'static str,
    /// `metadata.name`.
    pub name: String,
    /// The spec before, for a rule about changes.
    pub old: Option<Value>,
    /// The spec that is asked for.
    pub new: Value,
    /// Whether it is accepted; if not, it is for this rule alone.
    pub accepted: bool,
}

/// Every case.
pub fn cases() -> Vec<Case> {
    let mut cases = named();
    cases.extend(created());
    cases.extend(changed());
    cases.extend(mode_changed());
    for (number, case) in cases.iter_mut().enumerate() {
        if case.name.is_empty() {
            case.name = format!("case-{number}");
        }
    }
    cases
}

/// The rules about names.
fn named() -> Vec<Case> {
    let case = |rule, name: &str, accepted| Case {
        rule,
        name: name.to_owned(),
        old: None,
        new: json!({}),
        accepted,
    };
    vec![
        case("metadata.name has at most 52", &"n".repeat(52), true),
        case("metadata.name has at most 52", &"n".repeat(53), false),
        case("metadata.name starts with a letter", "a", true),
        case("metadata.name starts with a letter", "a-9", true),
        case("metadata.name starts with a letter", "9-a", false),
        case("metadata.name starts with a letter", "a.b", false),
    ]
}

/// The rules that an object breaks by itself.
fn created() -> Vec<Case> {
    let quorum = "replication.minReplicasToWrite is at most";
    let two_writers = "sentinel.downAfterMs is at least";
    let restore = "restoreFrom is not supported";
    let either = "certSecretName and issuerRef exclude";
    let certificate = "TLS needs a certificate";
    let issuer = json!({ "name": "ca" });
    let table = [
        (quorum, json!({}), true),
        (quorum, json!({ "replicas": 3, "replication": { "minReplicasToWrite": 2 } }), true),
        (quorum, json!({ "replicas": 3, "replication": { "minReplicasToWrite": 3 } }), false),
        (quorum, json!({ "replication": { "minReplicasToWrite": 3 } }), false),
        (quorum, json!({ "replicas": 1, "replication": { "minReplicasToWrite": 0 } }), true),
        (quorum, json!({ "replicas": 1, "replication": { "minReplicasToWrite": 1 } }), false),
        (two_writers, json!({ "sentinel": { "downAfterMs": 4000 } }), true),
        (two_writers, json!({ "sentinel": { "downAfterMs": 3999 } }), false),
        (two_writers, json!({ "replicas": 2, "sentinel": { "downAfterMs": 3999 } }), false),
        (two_writers, json!({ "replicas": 1, "sentinel": { "downAfterMs": 1000 } }), true),
        (
            two_writers,
            json!({
                "replication": { "minReplicasToWrite": 0 },
                "sentinel": { "downAfterMs": 1000 },
            }),
            true,
        ),
        (two_writers, json!({ "replication": { "minReplicasMaxLag": 3 } }), true),
        (two_writers, json!({ "replication": { "minReplicasMaxLag": 4 } }), false),
        (
            two_writers,
            json!({
                "replication": { "minReplicasMaxLag": 4 },
                "sentinel": { "downAfterMs": 6000 },
            }),
            true,
        ),
        (restore, json!({ "replicas": 3 }), true),
        (restore, json!({ "restoreFrom": { "backupName": "last-night" } }), false),
        (either, json!({ "tls": { "enabled": true, "certSecretName": "cert" } }), true),
        (either, json!({ "tls": { "enabled": true, "issuerRef": issuer } }), true),
        (
            either,
            json!({ "tls": { "enabled": true, "certSecretName": "cert", "issuerRef": issuer } }),
            false,
        ),
        (either, json!({ "tls": { "certSecretName": "cert", "issuerRef": issuer } }), false),
        (certificate, json!({ "tls": {} }), true),
        (certificate, json!({ "tls": { "enabled": false } }), true),
        (certificate, json!({ "tls": { "enabled": true } }), false),
    ];
    let case = |(rule, new, accepted)| Case { rule, name: String::new(), old: None, new, accepted };
    table.into_iter().map(case).collect()
}

/// The rules about changes, but for the mode of persistence.
fn changed() -> Vec<Case> {
    let volume = |field: &str, value: Value| json!({ "persistence": { field: value } });
    let class = |name: &str| volume("storageClassName", json!(name));
    let size = |size: &str| volume("storageSize", json!(size));
    let enabled = |enabled: bool| volume("enabled", json!(enabled));
    let nothing = || json!({});
    let empty = || json!({ "persistence": {} });
    let port = |port: u32| json!({ "port": port });
    let table = [
        ("port is immutable", nothing(), port(6379), true),
        ("port is immutable", port(7000), port(7000), true),
        ("port is immutable", nothing(), port(6380), false),
        ("port is immutable", port(7000), nothing(), false),
        ("persistence.enabled is immutable", nothing(), enabled(true), true),
        ("persistence.enabled is immutable", enabled(false), enabled(false), true),
        ("persistence.enabled is immutable", nothing(), enabled(false), false),
        ("persistence.enabled is immutable", enabled(false), empty(), false),
        ("persistence.storageClassName is immutable", nothing(), empty(), true),
        ("persistence.storageClassName is immutable", class("fast"), class("fast"), true),
        ("persistence.storageClassName is immutable", class("fast"), class("slow"), false),
        ("persistence.storageClassName is immutable", class("fast"), nothing(), false),
        ("persistence.storageClassName is immutable", nothing(), class("fast"), false),
        ("persistence.storageClassName is immutable", empty(), class("fast"), false),
        ("persistence.storageSize can only grow", size("1Gi"), size("2Gi"), true),
        ("persistence.storageSize can only grow", size("1Gi"), size("1024Mi"), true),
        ("persistence.storageSize can only grow", size("1.5Gi"), size("1536Mi"), true),
        ("persistence.storageSize can only grow", nothing(), size("1Gi"), true),
        ("persistence.storageSize can only grow", size("512Mi"), empty(), true),
        ("persistence.storageSize can only grow", size("2Gi"), size("1Gi"), false),
        ("persistence.storageSize can only grow", size("1Gi"), size("1G"), false),
        ("persistence.storageSize can only grow", size("10Gi"), size("9999Mi"), false),
        ("persistence.storageSize can only grow", size("2Gi"), nothing(), false),
        ("persistence.storageSize can only grow", nothing(), size("512Mi"), false),
    ];
    let case = |(rule, old, new, accepted)| Case {
        rule,
        name: String::new(),
        old: Some(old),
        new,
        accepted,
    };
    table.into_iter().map(case).collect()
}

/// Every change of the mode of persistence: from one mode to the other through `both` alone, so
/// that the server writes the new file before it stops to read the old one.
fn mode_changed() -> Vec<Case> {
    let mut cases = Vec::new();
    let modes = [None, Some("none"), Some("rdb"), Some("aof"), Some("both")];
    for old in modes {
        for new in modes {
            let accepted = matches!(
                (old.unwrap_or("both"), new.unwrap_or("both")),
                ("none", _)
                    | (_, "both")
                    | ("both", "rdb" | "aof")
                    | ("rdb", "rdb")
                    | ("aof", "aof")
            );
            let spec = |mode| match mode {
                None => json!({}),
                Some(mode) => json!({ "persistence": { "mode": mode } }),
            };
            cases.push(Case {
                rule: "persistence.mode may not change",
                name: String::new(),
                old: Some(spec(old)),
                new: spec(new),
                accepted,
            });
        }
    }
    cases
}

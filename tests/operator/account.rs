//! The operator's own account, with the rights that the chart gives it and no others; and which of
//! them it has used.

use std::collections::BTreeSet;
use std::env;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::sync::Mutex;

use kube::Config;
use serde_json::{Value, json};

use crate::examples::goldens;
use crate::server::Server;
use crate::tap::Seen;
use crate::world::FORCED;

const GROUP: &str = "system:serviceaccounts:gungnir-system";
/// The account of the chart as it is.
pub const OF_ALL_NAMESPACES: &str = "system:serviceaccount:gungnir-system:gungnir-operator";
/// The account of the chart for one namespace.
pub const OF_ONE_NAMESPACE: &str = "system:serviceaccount:gungnir-system:shop-operator";
/// A file that gets a line for each right that was used.
const USED: &str = "GUNGNIR_RIGHTS_USED";

/// A connection as the operator has it.
pub async fn config(account: &str) -> Config {
    let mut config = Config::infer().await.unwrap();
    config.auth_info.impersonate = Some(account.to_owned());
    config.auth_info.impersonate_groups =
        Some(vec![GROUP.to_owned(), "system:authenticated".to_owned()]);
    config
}

/// Gives an account what the chart gives it by a golden; what that gives in a namespace, in this one.
pub async fn grant(server: &Server, golden: &str, namespace: &str) {
    let (_, objects) =
        goldens("golden/chart").into_iter().find(|(path, _)| path.ends_with(golden)).unwrap();
    for mut object in objects {
        match object["kind"].as_str() {
            Some("ClusterRole" | "ClusterRoleBinding") => {}
            Some("Role" | "RoleBinding") => object["metadata"]["namespace"] = json!(namespace),
            _ => continue,
        }
        server.apply("helm", &object, FORCED).await.unwrap();
    }
}

/// Notes the rights that a request took: `patch apps statefulsets`.
pub fn note(seen: &Seen, code: u16) {
    static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Some(file) = env::var_os(USED) else { return };
    // Held until the line is whole: tests run beside each other.
    let mut known = KNOWN.lock().unwrap();
    for right in rights_of(seen, code) {
        if known.insert(right.clone()) {
            let mut file = OpenOptions::new().create(true).append(true).open(&file).unwrap();
            writeln!(file, "{right}").unwrap();
        }
    }
}

fn rights_of(seen: &Seen, code: u16) -> Vec<String> {
    let parts: Vec<&str> = seen.path.trim_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", _, rest @ ..] => ("", rest),
        ["apis", group, _, rest @ ..] => (*group, rest),
        _ => return Vec::new(),
    };
    let rest = match rest {
        ["namespaces", _, rest @ ..] if !rest.is_empty() => rest,
        rest => rest,
    };
    let (resource, is_named) = match rest {
        [resource] => ((*resource).to_owned(), false),
        [resource, _] => ((*resource).to_owned(), true),
        [resource, _, part] => (format!("{resource}/{part}"), true),
        // Which kinds are served: everybody may ask.
        _ => return Vec::new(),
    };
    let verbs: &[&str] = match (seen.method.as_str(), is_named) {
        ("GET", _) if seen.query.contains("watch=") => &["watch"],
        ("GET", false) => &["list"],
        ("GET", true) => &["get"],
        ("POST", _) => &["create"],
        ("PUT", _) => &["update"],
        // An apply that makes something takes both.
        ("PATCH", _) if code == 201 => &["create", "patch"],
        ("PATCH", _) => &["patch"],
        ("DELETE", _) => &["delete"],
        other => panic!("{other:?} is no request of the operator"),
    };
    verbs.iter().map(|verb| format!("{verb} {group} {resource}")).collect()
}

#[test]
fn requests_take_rights() {
    let seen = |method: &str, path: &str, query: &str| Seen {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
    };
    let rows: [(Seen, u16, Value); 5] = [
        (seen("GET", "/api/v1/pods", "labelSelector=a&limit=100"), 200, json!(["list  pods"])),
        (
            seen("GET", "/apis/apps/v1/namespaces/a/statefulsets", "watch=true"),
            200,
            json!(["watch apps statefulsets"]),
        ),
        (
            seen("PATCH", "/api/v1/namespaces/a/services/b", ""),
            201,
            json!(["create  services", "patch  services"]),
        ),
        (
            seen("PATCH", "/apis/g.io/v1/namespaces/a/kinds/b/status", ""),
            200,
            json!(["patch g.io kinds/status"]),
        ),
        (seen("GET", "/apis/apps/v1", ""), 200, json!([])),
    ];
    for (seen, code, expected) in rows {
        assert_eq!(json!(rights_of(&seen, code)), expected, "{seen:?}");
    }
}

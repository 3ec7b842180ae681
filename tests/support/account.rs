//! The operator's own account, with the rights that the chart gives it and no others; and which of
//! them it has used.

use std::collections::BTreeSet;
use std::env;
use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write as _;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use gungnir::api::ValkeyCluster;
use http::{Method, Request, Response};
use kube::api::{ApiResource, DynamicObject, ListParams};
use kube::client::Body;
use kube::{Api, Client, Config};
use serde_json::{Value, json};
use tower::{Layer, Service};

use crate::examples::goldens;
use crate::server::Server;
use crate::world::FORCED;

const GROUP: &str = "system:serviceaccounts:gungnir-system";
/// The account of the chart as it is.
pub const OF_ALL_NAMESPACES: &str = "system:serviceaccount:gungnir-system:gungnir-operator";
/// The account of the chart for one namespace.
pub const OF_ONE_NAMESPACE: &str = "system:serviceaccount:gungnir-system:shop-operator";
/// How long rights may take to hold once they are granted.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often that is looked at.
const POLL_PERIOD: Duration = Duration::from_millis(20);
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

/// Waits until an account's rights hold in a namespace: the API server takes them in a moment after
/// they are there.
pub async fn granted(account: &str, namespace: &str) {
    let client = Client::try_from(config(account).await).unwrap();
    let clusters: Api<DynamicObject> =
        Api::namespaced_with(client, namespace, &ApiResource::erase::<ValkeyCluster>(&()));
    let until = Instant::now() + PATIENCE;
    while let Err(error) = clusters.list(&ListParams::default().limit(1)).await {
        assert!(Instant::now() < until, "{account} may not list clusters: {error}");
        tokio::time::sleep(POLL_PERIOD).await;
    }
}

/// Lies next to the API server and notes the rights that requests took: `patch apps statefulsets`.
#[derive(Clone, Copy)]
pub struct Noted;

impl<S> Layer<S> for Noted {
    type Service = NotedService<S>;

    fn layer(&self, inner: S) -> NotedService<S> {
        NotedService { inner }
    }
}

/// A service whose requests are noted.
#[derive(Clone)]
pub struct NotedService<S> {
    inner: S,
}

impl<S, B> Service<Request<Body>> for NotedService<S>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let done = self.inner.call(request);
        Box::pin(async move {
            let response = done.await?;
            let query = uri.query().unwrap_or_default();
            note(rights_of(&method, uri.path(), query, response.status().as_u16()));
            Ok(response)
        })
    }
}

fn note(rights: Vec<String>) {
    static KNOWN: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Some(file) = env::var_os(USED) else { return };
    // Held until the line is whole: tests run beside each other.
    let mut known = KNOWN.lock().unwrap();
    for right in rights {
        if known.insert(right.clone()) {
            let mut file = OpenOptions::new().create(true).append(true).open(&file).unwrap();
            writeln!(file, "{right}").unwrap();
        }
    }
}

fn rights_of(method: &Method, path: &str, query: &str, code: u16) -> Vec<String> {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
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
    let verbs: &[&str] = match (method.as_str(), is_named) {
        ("GET", _) if query.contains("watch=") => &["watch"],
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
    let rows = [
        ("GET", "/api/v1/pods?labelSelector=a&limit=100", 200, json!(["list  pods"])),
        (
            "GET",
            "/apis/apps/v1/namespaces/a/statefulsets?watch=true",
            200,
            json!(["watch apps statefulsets"]),
        ),
        (
            "PATCH",
            "/api/v1/namespaces/a/services/b",
            201,
            json!(["create  services", "patch  services"]),
        ),
        (
            "PATCH",
            "/apis/g.io/v1/namespaces/a/kinds/b/status",
            200,
            json!(["patch g.io kinds/status"]),
        ),
        ("GET", "/apis/apps/v1", 200, json!([])),
    ];
    for (method, asked, code, expected) in rows {
        let method: Method = method.parse().unwrap();
        let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
        let rights: Value = json!(rights_of(&method, path, query, code));
        assert_eq!(rights, expected, "{method} {asked}");
    }
}

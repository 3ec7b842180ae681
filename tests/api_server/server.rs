//! The API server as the tests speak to it: server-side apply with strict fields, and whatever it
//! answers, warnings included.

use std::env;
use std::fs;
use std::process;
use std::time::Duration;
use std::time::Instant;

use http::Request as HttpRequest;
use kube::Client;
use kube::api::ApiResource;
use kube::api::DynamicObject;
use kube::api::GetParams;
use kube::api::Patch;
use kube::api::PatchParams;
use kube::api::PostParams;
use kube::api::Request;
use kube::api::ValidationDirective;
use kube::client::Body;
use kube::core::GroupVersionKind;
use kube::core::Resource;
use serde_json::Value;
use serde_json::json;
use tokio::sync::OnceCell;
use tokio::time::sleep;

/// How long the API server may take to serve a kind that was just defined.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often it is asked meanwhile.
const POLL_PERIOD: Duration = Duration::from_millis(20);
/// Kinds that live in no namespace, of those that these tests use.
const CLUSTER_SCOPED: &[&str] = &[
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "Namespace",
    "PriorityClass",
    "StorageClass",
];

/// A connection to the API server of `KUBECONFIG`.
#[derive(Clone)]
pub struct Server {
    client: Client,
}

/// How an object is applied. By default: really, and without taking fields from others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Apply {
    /// Only say what would happen.
    pub dry_run: bool,
    /// Take fields that another manager owns.
    pub force: bool,
    /// `status`, to write that.
    pub subresource: Option<&'static str>,
}

/// What the API server answered to something that it did.
#[derive(Debug)]
pub struct Answer {
    /// The object as it is now.
    pub object: Value,
    /// What it warned of.
    pub warnings: Vec<String>,
}

/// What the API server answered to something that it did not do.
#[derive(Debug)]
pub struct Refusal {
    /// The HTTP status.
    pub code: u16,
    /// Why.
    pub message: String,
    /// One message a fault, where the API server tells them apart.
    pub causes: Vec<String>,
}

impl Server {
    /// Connects, and has every kind that Gungnir renders or reads served.
    pub async fn connect() -> Self {
        static KINDS: OnceCell<()> = OnceCell::const_new();
        assert!(
            env::var_os("KUBECONFIG").is_some() && env::var_os("GUNGNIR_TEST_CRDS").is_some(),
            "these tests need a cluster of their own: \
             run `tests/cluster/with cargo test --test api_server`"
        );
        let client = Client::try_default().await.expect("KUBECONFIG leads to an API server");
        let server = Self { client };
        KINDS.get_or_init(|| server.define_kinds()).await;
        server
    }

    async fn define_kinds(&self) {
        let folder = env::var_os("GUNGNIR_TEST_CRDS").unwrap();
        let mut definitions = vec![gungnir::api::crd().clone()];
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                let text = fs::read_to_string(path).unwrap();
                definitions.push(serde_yaml::from_str(&text).unwrap());
            }
        }
        for definition in &definitions {
            self.apply("kubectl", definition, Apply::default()).await.unwrap();
        }
        for definition in &definitions {
            self.established(&definition["metadata"]["name"]).await;
        }
    }

    /// Waits until the kind of a definition is served, and gives the definition.
    pub async fn established(&self, name: &Value) -> Value {
        let definition = json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": name },
        });
        let start = Instant::now();
        loop {
            let definition = self.current(&definition).await;
            if condition(&definition, "Established") == Some("True")
                && self.is_served(&definition).await
            {
                return definition;
            }
            assert!(start.elapsed() < DEADLINE, "{name} is not served after {DEADLINE:?}");
            sleep(POLL_PERIOD).await;
        }
    }

    /// A condition is set before every handler has heard of it.
    async fn is_served(&self, definition: &Value) -> bool {
        let spec = &definition["spec"];
        let group = spec["group"].as_str().unwrap();
        let version = spec["versions"][0]["name"].as_str().unwrap();
        let plural = spec["names"]["plural"].as_str().unwrap();
        let resources = self.raw(&format!("/apis/{group}/{version}"), None).await;
        let listed = self.raw(&format!("/apis/{group}/{version}/{plural}"), None).await;
        resources
            .is_ok_and(|list| list["resources"].as_array().is_some_and(|list| !list.is_empty()))
            && listed.is_ok()
    }

    /// Makes a namespace for one test and gives its name.
    pub async fn namespace(&self, name: &str, labels: Value) -> String {
        // A cluster by hand may have seen this test before.
        let name = format!("{name}-{}", process::id());
        self.make_namespace(&name, labels).await;
        name
    }

    /// Makes the namespace of this very name.
    pub async fn make_namespace(&self, name: &str, labels: Value) {
        let object = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": name, "labels": labels },
        });
        self.apply("kubectl", &object, Apply::default()).await.unwrap();
    }

    /// Server-side apply; a field that the kind does not have is an error.
    pub async fn apply(
        &self,
        manager: &str,
        object: &Value,
        Apply { dry_run, force, subresource }: Apply,
    ) -> Result<Answer, Refusal> {
        let parameters = PatchParams {
            dry_run,
            force,
            field_manager: Some(manager.to_owned()),
            field_validation: Some(ValidationDirective::Strict),
        };
        let (requests, name) = (requests_for(object), name_of(object));
        let patch = Patch::Apply(object);
        let request = match subresource {
            None => requests.patch(name, &parameters, &patch),
            Some(part) => requests.patch_subresource(part, name, &parameters, &patch),
        };
        self.answer(request.unwrap().map(Body::from)).await
    }

    /// Puts an object in the place of the one that `current` was, and says what would happen.
    pub async fn replace_dry(&self, current: &Value, object: &Value) -> Result<Answer, Refusal> {
        let mut object = object.clone();
        object["metadata"]["resourceVersion"] = current["metadata"]["resourceVersion"].clone();
        let parameters = PostParams { dry_run: true, ..PostParams::default() };
        let body = object.to_string().into_bytes();
        let request = requests_for(&object).replace(name_of(&object), &parameters, body);
        self.answer(request.unwrap().map(Body::from)).await
    }

    /// What comes back, with the warnings, which kube's own calls drop.
    async fn answer(&self, request: HttpRequest<Body>) -> Result<Answer, Refusal> {
        let response = self.client.send(request).await.expect("the API server answers");
        let warnings = response.headers().get_all("warning").iter();
        let warnings = warnings.map(|text| text.to_str().unwrap().to_owned()).collect();
        let code = response.status().as_u16();
        let body = response.into_body().collect_bytes().await.unwrap();
        let object: Value = serde_json::from_slice(&body).unwrap();
        if code < 400 { Ok(Answer { object, warnings }) } else { Err(Refusal::of(code, &object)) }
    }

    /// An object that was applied, as it is now.
    pub async fn current(&self, object: &Value) -> Value {
        let request = requests_for(object).get(name_of(object), &GetParams::default());
        self.client.request(request.unwrap()).await.unwrap()
    }

    /// Whatever is at a path, in the wanted media type.
    pub async fn raw(&self, path: &str, accept: Option<&str>) -> kube::Result<Value> {
        let (folder, name) = path.rsplit_once('/').unwrap();
        let mut request = Request::new(folder).get(name, &GetParams::default()).unwrap();
        let accept = accept.unwrap_or("application/json").parse().unwrap();
        request.headers_mut().insert("accept", accept);
        self.client.request(request).await
    }
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().expect("an object has a name")
}

/// The builder of requests for objects of the kind and namespace of this one.
fn requests_for(object: &Value) -> Request {
    let text = |field: &str| object[field].as_str().expect("an object says its kind");
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let namespace = object["metadata"]["namespace"].as_str();
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
    let namespace = (!CLUSTER_SCOPED.contains(&kind)).then(|| namespace.unwrap_or("default"));
    Request::new(DynamicObject::url_path(&resource, namespace))
}

impl Refusal {
    fn of(code: u16, status: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let causes = status["details"]["causes"].as_array().cloned().unwrap_or_default();
        Self {
            code,
            message: text(&status["message"]),
            causes: causes.iter().map(|cause| text(&cause["message"])).collect(),
        }
    }
}

/// The status of a condition.
pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a str> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)?["status"].as_str()
}

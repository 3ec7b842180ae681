//! Argo CD: its plugin server, imitated step by step with the definition that is printed.
//!
//! The server reads the definition, runs its commands without a shell in the folder of an
//! application, and takes what they print: of `discover`, whether it is anything; of `generate`,
//! the objects; of `parameters`, what a user may set.

use serde_json::{Value, json};

use crate::support::folder::Folder;
use crate::support::run::{Finished, Run};
use crate::support::stream::{file, golden, object};

use super::tool::{by_key, path_with_gungnir, tool};

const QUOTA: &str =
    "apiVersion: v1\nkind: ResourceQuota\nmetadata:\n  name: shop\nspec:\n  hard: {pods: \"9\"}\n";
/// What Argo CD knows of an announced parameter.
const ANNOUNCED: [&str; 9] = [
    "name",
    "title",
    "tooltip",
    "required",
    "itemType",
    "collectionType",
    "string",
    "array",
    "map",
];

/// An application beside the plugin's definition.
struct Application {
    definition: Value,
    folder: Folder,
    /// What a user set, as Argo CD writes it down.
    parameters: Value,
}

impl Application {
    fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let printed = Run::gungnir(["plugin", "argocd"]).finish();
        assert_eq!((printed.stderr.as_str(), printed.status), ("", 0));
        let definition = object(&printed.stdout);
        // Nothing set is no list at all.
        Self { definition, folder: Folder::of(files), parameters: Value::Null }
    }

    /// A cluster that names no namespace, and an object beside it.
    fn shop() -> Self {
        let cluster = file("examples/minimal.yaml").replace("  namespace: default\n", "");
        Self::of([("cluster.yaml", cluster.as_str()), ("base/quota.yaml", QUOTA)])
    }

    /// Runs a command of the definition as the server does.
    fn run(&self, command: &str) -> Finished {
        let command = self.definition.pointer(command).and_then(Value::as_array);
        let words: Vec<&str> =
            command.expect("a command").iter().map(|word| word.as_str().unwrap()).collect();
        let mut run = Run::program(words[0], &words[1..])
            .folder(self.folder.path())
            .env("PATH", path_with_gungnir())
            .env("KUBE_VERSION", "1.34.4")
            .env("KUBE_API_VERSIONS", "v1,apps/v1")
            .env("ARGOCD_APP_NAME", "cart")
            .env("ARGOCD_APP_NAMESPACE", "shop")
            .env("ARGOCD_APP_PROJECT_NAME", "default")
            .env("ARGOCD_APP_REVISION", "4f2d9c0b6a1e7d35c8f90a2b4c6d8e0f1a3b5c7d")
            .env("ARGOCD_APP_SOURCE_PATH", "apps/cart")
            .env("ARGOCD_APP_SOURCE_REPO_URL", "https://git.example.com/shop.git")
            .env("ARGOCD_APP_PARAMETERS", self.parameters.to_string())
            .env("ARGOCD_ENV_TIER", "gold");
        // Each is there a second time by its own name.
        for parameter in self.parameters.as_array().into_iter().flatten() {
            let name = format!("PARAM_{}", parameter["name"].as_str().unwrap().to_uppercase());
            if let Some(text) = parameter["string"].as_str() {
                run = run.env(&name, text);
            }
            for (at, item) in parameter["array"].as_array().into_iter().flatten().enumerate() {
                run = run.env(&format!("{name}_{at}"), item.as_str().unwrap());
            }
        }
        run.finish()
    }

    /// Whether the plugin takes the application.
    fn is_discovered(&self) -> bool {
        let found = self.run("/spec/discover/find/command");
        assert_eq!((found.stderr.as_str(), found.status), ("", 0));
        !found.stdout.trim().is_empty()
    }

    fn generate(&self) -> Finished {
        self.run("/spec/generate/command")
    }
}

#[test]
fn the_definition_is_one_that_the_server_takes() {
    let definition = Application::shop().definition;
    assert_eq!(definition["apiVersion"], "argoproj.io/v1alpha1");
    assert_eq!(definition["kind"], "ConfigManagementPlugin");
    // With a version, applications would have to name the plugin with it.
    assert_eq!(definition["metadata"], json!({ "name": "gungnir" }));
    let spec: Vec<&String> = definition["spec"].as_object().unwrap().keys().collect();
    assert_eq!(spec, ["discover", "generate", "parameters"]);
}

#[test]
fn an_application_is_found_and_generated_in_its_namespace() {
    let shop = Application::shop();
    assert!(shop.is_discovered());
    let found = shop.generate();
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    let mut objects = by_key(&found.stdout);
    let quota = objects.remove("ResourceQuota /shop").expect("others are objects of it, too");
    assert_eq!(quota, object(QUOTA));
    assert_eq!(objects, by_key(&golden("minimal").replace("\"default\"", "\"shop\"")));
}

#[test]
fn applications_of_other_tools_are_theirs() {
    let cluster = file("examples/minimal.yaml");
    let template = cluster.replace("name: demo", "name: {{ .Release.Name }}");
    for files in [
        vec![("quota.yaml", QUOTA)],
        vec![("kustomization.yaml", "resources: [cluster.yaml]\n"), ("cluster.yaml", &cluster)],
        vec![("Kustomization", "resources: [cluster.yaml]\n"), ("cluster.yaml", &cluster)],
        vec![
            ("Chart.yaml", "apiVersion: v2\nname: cart\nversion: 1.0.0\n"),
            ("templates/cluster.yaml", &template),
        ],
        vec![],
    ] {
        let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
        assert!(!Application::of(files.clone()).is_discovered(), "{names:?}");
    }
}

#[test]
fn faults_end_in_a_message_and_no_objects() {
    let shop = Application::shop();
    let cluster = shop.folder.read("cluster.yaml");
    shop.folder.write("cluster.yaml", &cluster.replace("replicas:", "replcas:"));
    // It is still the plugin's, so that the fault is seen.
    assert!(shop.is_discovered());
    let found = shop.generate();
    assert_eq!((found.stdout.as_str(), found.status), ("", 2));
    for words in ["./cluster.yaml:", "spec.replcas: unknown field", "did you mean `replicas`?"] {
        assert!(found.stderr.contains(words), "{}", found.stderr);
    }
}

#[test]
fn each_announced_parameter_can_be_set() {
    let mut shop = Application::shop();
    let found = shop.run("/spec/parameters/dynamic/command");
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    let announced: Vec<Value> = serde_json::from_str(&found.stdout).unwrap();
    let mut set = Vec::new();
    for parameter in &announced {
        for (field, value) in parameter.as_object().unwrap() {
            assert!(ANNOUNCED.contains(&field.as_str()), "{field}");
            assert!(value.is_string(), "{field}");
        }
        assert_eq!(parameter["itemType"], "string");
        let name = parameter["name"].as_str().unwrap();
        set.push(match (name, parameter["collectionType"].as_str().unwrap()) {
            ("namespace", "") => json!({ "name": name, "string": "checkout" }),
            ("set", "array") => json!({ "name": name, "array": ["replicas=5", "port=6380"] }),
            other => panic!("{other:?} is not tried here"),
        });
    }
    assert_eq!(set.len(), 2);

    shop.parameters = Value::Array(set);
    let found = shop.generate();
    assert_eq!((found.stderr.as_str(), found.status), ("", 0));
    let mut objects = by_key(&found.stdout);
    assert!(objects.remove("ResourceQuota /shop").is_some());
    let set = ["metadata.namespace=checkout", "replicas=5", "port=6380"].map(|one| ["--set", one]);
    let arguments = [&["render", "examples/minimal.yaml"], &*set.concat()].concat();
    assert_eq!(objects, by_key(&Run::gungnir(arguments).finish().stdout));
}

/// A value as Lua writes it.
fn lua(value: &Value) -> String {
    match value {
        Value::Null => "nil".to_owned(),
        Value::Array(items) => {
            format!("{{{}}}", items.iter().map(lua).collect::<Vec<_>>().join(","))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("[{name:?}]={}", lua(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

/// What the printed check says of a cluster, in the Lua that Argo CD has.
#[track_caller]
fn health(cluster: &Value) -> (String, String) {
    let printed = Run::gungnir(["plugin", "argocd", "health"]).finish();
    assert_eq!((printed.stderr.as_str(), printed.status), ("", 0));
    let patch = object(&printed.stdout);
    let data = patch["data"].as_object().unwrap();
    let script = data["resource.customizations.health.valkey.verilean.io_ValkeyCluster"].as_str();
    let program = format!(
        "obj = {}\nlocal function check()\n{}\nend\nlocal health = check()\n\
         print(health.status)\nprint(health.message)\n",
        lua(cluster),
        script.unwrap()
    );
    let folder = Folder::of([("health.lua", program.as_str())]);
    let said = tool("lua5.1", ["health.lua"]).folder(folder.path()).finish();
    assert_eq!((said.stderr.as_str(), said.status), ("", 0));
    let (status, message) = said.stdout.trim_end().split_once('\n').unwrap();
    (status.to_owned(), message.to_owned())
}

#[test]
fn argo_cd_tells_the_health_of_a_cluster() {
    let cluster = |conditions: Value| {
        json!({
            "metadata": { "generation": 2 },
            "status": { "observedGeneration": 2, "conditions": conditions },
        })
    };
    let condition = |kind: &str, status: &str| json!({ "type": kind, "status": status, "message": format!("{kind} it is") });
    let unseen = health(&json!({ "metadata": { "generation": 1 } }));
    assert_eq!(unseen.0, "Progressing");
    let mut old = cluster(json!([condition("Ready", "True")]));
    old["metadata"]["generation"] = json!(3);
    assert_eq!(health(&old).0, "Progressing", "the change is not seen yet");
    let rows = [
        (vec![("Ready", "True"), ("Degraded", "False")], "Healthy", "Ready it is"),
        (vec![("Ready", "False"), ("Progressing", "True")], "Progressing", "Progressing it is"),
        (vec![("Ready", "True"), ("Degraded", "True")], "Degraded", "Degraded it is"),
        (vec![("Stalled", "True"), ("Progressing", "True")], "Degraded", "Stalled it is"),
        (vec![("Paused", "True"), ("Ready", "True")], "Suspended", "Paused it is"),
        (vec![("Ready", "False")], "Progressing", "the operator says nothing of it"),
    ];
    for (conditions, status, message) in rows {
        let conditions = conditions.into_iter().map(|(kind, status)| condition(kind, status));
        let said = health(&cluster(conditions.collect()));
        assert_eq!((said.0.as_str(), said.1.as_str()), (status, message));
    }
}

//! The published schemas, by the kind that they are for.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use gungnir::api::crd;
use serde_json::Value;

use crate::check::Check;

/// `apiVersion` and `kind`.
type Kind = (String, String);

/// Every schema there is.
pub struct Schemas {
    /// The document that defines a kind, and the name of its schema there.
    core: BTreeMap<Kind, (usize, String)>,
    documents: Vec<Value>,
    /// Schemas of the kinds that `CustomResourceDefinition`s define.
    custom: BTreeMap<Kind, Value>,
}

impl Schemas {
    /// Reads what `tests/cluster/schemas` fetched, which it does now if it has not.
    pub fn published() -> Self {
        let (openapi, crds) = folders();
        let mut schemas =
            Self { core: BTreeMap::new(), documents: Vec::new(), custom: BTreeMap::new() };
        for path in files(&openapi, "json") {
            schemas.add_document(serde_json::from_slice(&fs::read(path).unwrap()).unwrap());
        }
        for path in files(&crds, "yaml") {
            schemas.add_definition(&serde_yaml::from_slice(&fs::read(path).unwrap()).unwrap());
        }
        schemas.add_definition(crd());
        schemas
    }

    fn add_document(&mut self, document: Value) {
        let components = document["components"]["schemas"].as_object().into_iter().flatten();
        for (name, schema) in components {
            let kinds = schema["x-kubernetes-group-version-kind"].as_array().into_iter().flatten();
            for kind in kinds {
                let text = |field: &str| kind[field].as_str().unwrap_or_default();
                let version = text("version");
                let api_version = match text("group") {
                    "" => version.to_owned(),
                    group => format!("{group}/{version}"),
                };
                let kind = (api_version, text("kind").to_owned());
                self.core.insert(kind, (self.documents.len(), name.clone()));
            }
        }
        self.documents.push(document);
    }

    fn add_definition(&mut self, definition: &Value) {
        let spec = &definition["spec"];
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for version in spec["versions"].as_array().unwrap() {
            let api_version = format!("{}/{}", text(&spec["group"]), text(&version["name"]));
            let schema = version["schema"]["openAPIV3Schema"].clone();
            self.custom.insert((api_version, text(&spec["names"]["kind"])), schema);
        }
    }

    /// Everything in an object that does not fit the schema of its kind.
    pub fn faults(&self, object: &Value) -> Vec<String> {
        let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
        let kind = (text("apiVersion"), text("kind"));
        if let Some((document, name)) = self.core.get(&kind) {
            let document = &self.documents[*document];
            let schema = &document["components"]["schemas"][name];
            return Check::within(document).faults(schema, object, "");
        }
        match self.custom.get(&kind) {
            // A definition may leave the metadata to the API server.
            Some(schema) => {
                let (schema, spec) = (&schema["properties"]["spec"], &object["spec"]);
                Check::within(&Value::Null).faults(schema, spec, "spec")
            }
            None => vec![format!("there is no published schema of {} {}", kind.0, kind.1)],
        }
    }
}

/// The folders with the documents of Kubernetes and with the definitions of others.
fn folders() -> (PathBuf, PathBuf) {
    let folder = |name: &str| env::var_os(name).map(PathBuf::from);
    if let (Some(openapi), Some(crds)) =
        (folder("GUNGNIR_TEST_OPENAPI"), folder("GUNGNIR_TEST_CRDS"))
    {
        return (openapi, crds);
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/schemas");
    let output = Command::new(script).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/cluster/schemas: {said}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let (openapi, crds) = printed.trim_end().split_once('\n').unwrap();
    (openapi.into(), crds.into())
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|found| found == extension));
    files.sort();
    assert!(!files.is_empty(), "{} holds no .{extension}", folder.display());
    files
}

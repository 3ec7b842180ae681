//! Example files, changed as a test needs them, and the objects that Gungnir renders of them.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use gungnir::api::ValkeyCluster;
use gungnir::cluster::Roles;
use gungnir::cluster::validate;
use gungnir::input::Source;
use gungnir::manifest::Manifest;
use gungnir::render::render;
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

/// A `ValkeyCluster` as somebody wrote it.
#[derive(Clone, Debug)]
pub struct Example {
    /// Where it stands, for messages.
    pub name: String,
    document: Value,
}

/// What Gungnir renders of a cluster.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Which example it is of, for messages.
    pub name: String,
    /// What a running server is set to.
    pub live: Vec<(String, String)>,
    objects: Vec<Value>,
}

/// Every cluster of every file in `examples/`.
///
/// # Panics
/// When there is none, or one cannot be read.
pub fn examples() -> Vec<Example> {
    let folder = folder();
    let entries = fs::read_dir(&folder).expect("examples/ can be read");
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a folder's entry").path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
    files.sort();
    let found: Vec<Example> = files.iter().flat_map(|file| read(file)).collect();
    assert!(!found.is_empty(), "{} has no ValkeyCluster", folder.display());
    found
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples")
}

fn read(file: &Path) -> Vec<Example> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    let source = Source::new(name.clone(), fs::read(file).expect("an example can be read"))
        .unwrap_or_else(|diagnostic| panic!("{diagnostic:?}"));
    let documents = source.documents().map(|document| {
        document.unwrap_or_else(|diagnostics| panic!("{name}: {diagnostics:?}")).into_value()
    });
    documents
        .filter(|document| document["kind"] == "ValkeyCluster")
        .map(|document| Example { name: name.clone(), document })
        .collect()
}

impl Example {
    /// The smallest example, with `spec` merged over its own.
    pub fn minimal(spec: &Value) -> Self {
        let minimal = read(&folder().join("minimal.yaml")).into_iter().next();
        minimal.expect("examples/minimal.yaml has a cluster").with(spec)
    }

    /// With `spec` merged over the spec; a `null` takes a field away.
    #[must_use]
    pub fn with(mut self, spec: &Value) -> Self {
        merge(&mut self.document["spec"], spec);
        self
    }

    /// A field of the spec, by JSON pointer.
    pub fn spec(&self, pointer: &str) -> Option<&Value> {
        self.document["spec"].pointer(pointer)
    }

    /// Whether the spec asks for TLS.
    pub fn has_tls(&self) -> bool {
        self.spec("/tls/enabled") == Some(&json!(true))
    }

    /// What is rendered of it, or what is wrong with it.
    pub fn try_render(&self, roles: Roles) -> Result<Rendered, String> {
        let cluster =
            ValkeyCluster::deserialize(&self.document).map_err(|error| error.to_string())?;
        let cluster = validate(cluster, roles).map_err(|faults| format!("{faults:#?}"))?;
        let set = render(&cluster).map_err(|error| format!("{error:?}"))?;
        let objects = set.iter().map(Manifest::object).collect::<Result<_, _>>();
        let objects = objects.map_err(|error| error.to_string())?;
        Ok(Rendered { name: self.name.clone(), live: cluster.config.live(), objects })
    }

    /// What is rendered of it for an operator.
    ///
    /// # Panics
    /// When it is not sound.
    pub fn render(&self) -> Rendered {
        self.render_with(Roles::Elected)
    }

    /// What is rendered of it.
    ///
    /// # Panics
    /// When it is not sound.
    pub fn render_with(&self, roles: Roles) -> Rendered {
        self.try_render(roles).unwrap_or_else(|cause| panic!("{}: {cause}", self.name))
    }
}

/// JSON merge patch: objects are merged, everything else is replaced, `null` removes.
fn merge(value: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    for (key, patch) in patch {
        if patch.is_null() {
            value.as_object_mut().map(|fields| fields.shift_remove(key));
        } else {
            merge(&mut value[key], patch);
        }
    }
}

impl Rendered {
    /// The one object of a kind whose name ends so.
    ///
    /// # Panics
    /// When there is none.
    pub fn object(&self, kind: &str, name_end: &str) -> &Value {
        let found = self.find(kind, |name| name.ends_with(name_end));
        found.unwrap_or_else(|| panic!("{}: no {kind} *{name_end}", self.name))
    }

    /// The object of a kind with a name that fits.
    pub fn find(&self, kind: &str, fits: impl Fn(&str) -> bool) -> Option<&Value> {
        self.objects.iter().find(|object| {
            object["kind"] == kind && object["metadata"]["name"].as_str().is_some_and(&fits)
        })
    }

    /// The pod that the `StatefulSet` makes.
    pub fn pod_template(&self) -> &Value {
        &self.object("StatefulSet", "")["spec"]["template"]
    }

    /// The server's container in it.
    ///
    /// # Panics
    /// When there is none.
    pub fn server(&self) -> &Value {
        let containers = self.pod_template()["spec"]["containers"].as_array();
        let server = containers.and_then(|all| all.iter().find(|one| one["name"] == "valkey"));
        server.unwrap_or_else(|| panic!("{}: no container `valkey`", self.name))
    }

    /// The text of a file of the `ConfigMap`.
    ///
    /// # Panics
    /// When there is no such file.
    pub fn file(&self, name: &str) -> &str {
        let text = self.object("ConfigMap", "-config")["data"][name].as_str();
        text.unwrap_or_else(|| panic!("{}: the ConfigMap has no {name}", self.name))
    }

    /// The directives of `valkey.conf`, name and arguments.
    pub fn directives(&self) -> Vec<(&str, &str)> {
        let lines = self.file("valkey.conf").lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        lines.map(|line| line.split_once(' ').unwrap_or((line, ""))).collect()
    }

    /// Appends lines to a file of the `ConfigMap`.
    #[must_use]
    pub fn with_lines(mut self, file: &str, lines: &str) -> Self {
        let text = format!("{}{lines}\n", self.file(file));
        self.set_file(file, text);
        self
    }

    /// With those directives only whose names fit.
    #[must_use]
    pub fn with_directives(mut self, fits: impl Fn(&str) -> bool) -> Self {
        let text = self.file("valkey.conf").lines().filter(|line| {
            let name = line.split_whitespace().next().filter(|name| !name.starts_with('#'));
            name.is_none_or(&fits)
        });
        let text = text.fold(String::new(), |text, line| text + line + "\n");
        self.live.retain(|(name, _)| fits(name));
        self.set_file("valkey.conf", text);
        self
    }

    fn set_file(&mut self, file: &str, text: String) {
        let config = self.objects.iter_mut().find(|object| object["kind"] == "ConfigMap");
        config.expect("there is a ConfigMap")["data"][file] = text.into();
    }
}

//! Streams of manifests as a reader of them sees them: documents, and which objects they are.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::run::ROOT;

/// The text of a file of the repository.
pub fn file(path: impl AsRef<Path>) -> String {
    let path = Path::new(ROOT).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What `gungnir render` prints for an example.
pub fn golden(name: &str) -> String {
    file(format!("golden/{name}.yaml"))
}

/// The documents of a stream in which each starts with `---`.
pub fn documents(stream: &str) -> Vec<&str> {
    assert!(stream.starts_with("---\n"), "no stream: {stream:.40}");
    stream
        .split_inclusive("\n---\n")
        .map(|text| text.trim_start_matches("---\n"))
        .map(|text| text.strip_suffix("---\n").unwrap_or(text))
        .collect()
}

/// A stream of these documents.
pub fn stream<'a>(documents: impl IntoIterator<Item = &'a str>) -> String {
    documents.into_iter().flat_map(|document| ["---\n", document]).collect()
}

/// Those documents of a stream that `wanted` takes by kind and name.
pub fn only(text: &str, wanted: impl Fn(&str, &str) -> bool) -> String {
    let objects = documents(text).into_iter().filter(|document| {
        let object = object(document);
        wanted(&field(&object, "/kind"), &field(&object, "/metadata/name"))
    });
    stream(objects)
}

/// The object that a document says.
pub fn object(document: &str) -> Value {
    serde_yaml::from_str(document).unwrap_or_else(|error| panic!("{error}: {document}"))
}

/// The objects of a stream.
pub fn objects(stream: &str) -> Vec<Value> {
    documents(stream).into_iter().map(object).collect()
}

/// `KIND NAMESPACE/NAME` of each object of a stream.
pub fn keys(stream: &str) -> Vec<String> {
    let key = |object: &Value| {
        let [kind, namespace, name] =
            ["/kind", "/metadata/namespace", "/metadata/name"].map(|at| field(object, at));
        format!("{kind} {namespace}/{name}")
    };
    objects(stream).iter().map(key).collect()
}

fn field(object: &Value, pointer: &str) -> String {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
}

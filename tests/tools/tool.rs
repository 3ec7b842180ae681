//! A tool on PATH, and what it printed as objects that can be told apart.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use serde_yaml::Deserializer;

use crate::support::run::{GUNGNIR, Run};

/// `name` with these arguments, and `gungnir` on its PATH.
#[track_caller]
pub fn tool<A: AsRef<OsStr>>(name: &str, arguments: impl IntoIterator<Item = A>) -> Run {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = env::split_paths(&path).any(|folder| folder.join(name).is_file());
    assert!(is_there, "{name} is not on PATH: `tests/run tools` builds it and runs these tests");
    Run::program(name, arguments).env("PATH", path_with_gungnir())
}

/// PATH as it is when Gungnir is installed.
pub fn path_with_gungnir() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let own = Path::new(GUNGNIR).parent().map(PathBuf::from);
    env::join_paths(own.into_iter().chain(env::split_paths(&path))).expect("PATH can be extended")
}

/// The objects of a stream by `KIND NAMESPACE/NAME`, however it writes and orders them.
#[track_caller]
pub fn by_key(stream: &str) -> BTreeMap<String, Value> {
    let mut objects = BTreeMap::new();
    for document in Deserializer::from_str(stream) {
        let object = Value::deserialize(document).unwrap_or_else(|e| panic!("{e}:\n{stream}"));
        let text = |pointer: &str| {
            object.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        assert!(!text("/apiVersion").is_empty(), "no object: {object}");
        let key =
            format!("{} {}/{}", text("/kind"), text("/metadata/namespace"), text("/metadata/name"));
        let before = objects.insert(key.clone(), object);
        assert!(before.is_none(), "{key} is there twice");
    }
    objects
}

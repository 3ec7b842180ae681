//! Who may use whom. Read this table to learn the shape of the crate.
//!
//! Imports go one way, and the pure rooms ban clocks, files and sockets by lint.
#![allow(clippy::unwrap_used)] // in the helpers: a test that panics fails

mod architecture {
    pub mod paths;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use architecture::paths::{is_impure, paths};

/// A room, whether it is pure, and the rooms and crates it may name. Lowest layer first.
const ROOMS: &[(&str, bool, &[&str])] = &[
    ("api", true, &["k8s_openapi", "kube", "schemars", "serde", "serde_json"]),
    (
        "cluster",
        true,
        &["api", "k8s_openapi", "schemars", "serde", "serde_json", "similar", "thiserror"],
    ),
    (
        "manifest",
        true,
        &["cluster", "serde", "serde_json", "serde_saphyr", "serde_yaml", "similar", "thiserror"],
    ),
    (
        "input",
        true,
        &["api", "cluster", "serde", "serde_json", "serde_saphyr", "similar", "thiserror"],
    ),
    (
        "render",
        true,
        &[
            "cluster",
            "manifest",
            "k8s_openapi",
            "minijinja",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
        ],
    ),
    ("sentinel", true, &[]),
    (
        "valkey",
        false,
        &["bytes", "getrandom", "redis", "thiserror", "tokio", "tokio_rustls", "tokio_util"],
    ),
    (
        "runtime",
        false,
        &[
            "sentinel",
            "valkey",
            "bytes",
            "futures_util",
            "getrandom",
            "serde",
            "serde_json",
            "thiserror",
            "tokio",
            "tracing",
        ],
    ),
    (
        "discovery",
        false,
        &[
            "sentinel",
            "valkey",
            "bytes",
            "redis_protocol",
            "thiserror",
            "tokio",
            "tokio_rustls",
            "tokio_util",
            "tracing",
        ],
    ),
    (
        "operator",
        false,
        &[
            "api",
            "cluster",
            "manifest",
            "render",
            "sentinel",
            "valkey",
            "runtime",
            "discovery",
            "futures_util",
            "getrandom",
            "http_body_util",
            "hyper",
            "hyper_util",
            "json_patch",
            "k8s_openapi",
            "kube",
            "prometheus_client",
            "serde",
            "serde_json",
            "sha2",
            "thiserror",
            "tokio",
            "tokio_rustls",
            "tower",
            "tracing",
        ],
    ),
    (
        "cli",
        false,
        &[
            "api",
            "cluster",
            "input",
            "manifest",
            "render",
            "discovery",
            "operator",
            "runtime",
            "sentinel",
            "valkey",
            "anyhow",
            "kube",
            "clap",
            "clap_complete",
            "clap_mangen",
            "futures_util",
            "serde",
            "serde_json",
            "similar",
            "thiserror",
            "getrandom",
            "tokio",
            "tokio_rustls",
            "tracing",
            "tracing_subscriber",
        ],
    ),
];

/// What every pure room's `mod.rs` denies; `.clippy.toml` lists what that bans.
const PURITY: &str = "#![deny(clippy::disallowed_methods, clippy::disallowed_types)]";

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(source_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// The code of a file: without its tests, which may use what they like, and without comments.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let tests = ["#[cfg(test)]\nmod tests", "#[cfg(test)]\npub(super) mod tests"];
    let end = tests.iter().filter_map(|tests| text.find(tests)).min().unwrap_or(text.len());
    let text = &text[..end];
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The crates that `Cargo.toml` names, as code names them.
fn dependencies() -> BTreeSet<String> {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let text = fs::read_to_string(manifest).unwrap();
    let (_, list) = text.split_once("\n[dependencies]\n").unwrap();
    let lines = list.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split_once(" =")).map(|(name, _)| name);
    names.map(|name| name.replace('-', "_")).collect()
}

fn rooms() -> Vec<(&'static str, bool, &'static [&'static str], Vec<PathBuf>)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let row = |(room, pure, may_use): &(&'static str, bool, &'static [&'static str])| {
        (*room, *pure, *may_use, source_files(&source.join(room)))
    };
    ROOMS.iter().map(row).collect()
}

#[test]
fn every_room_uses_only_what_it_may() {
    let mut faults = BTreeSet::new();
    let dependencies = dependencies();
    assert!(dependencies.len() > 20, "{dependencies:?}");
    for (room, _, may_use, files) in rooms() {
        assert!(!files.is_empty(), "room {room} has no files");
        let in_room: BTreeSet<String> = files
            .iter()
            .flat_map(|file| [file.file_stem(), file.parent().and_then(Path::file_name)])
            .flatten()
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        for file in &files {
            let code = code(file);
            for named in paths(&code) {
                let Some(name) = named.target(&dependencies) else { continue };
                let own = [room, "std", "super", "self"].contains(&name);
                let neighbour = in_room.contains(name) && !dependencies.contains(name);
                if !own && !may_use.contains(&name) && !neighbour {
                    faults.insert(format!("{}: names `{}`\n", file.display(), named.path()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.into_iter().collect::<String>());
}

#[test]
fn the_table_has_every_room() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let folders: BTreeSet<String> = fs::read_dir(source)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    let table: BTreeSet<String> = ROOMS.iter().map(|(room, ..)| (*room).to_owned()).collect();
    assert_eq!(folders, table);
    assert_eq!(ROOMS.len(), table.len(), "a room is listed twice");
}

#[test]
fn pure_rooms_ban_clocks_files_and_sockets() {
    for (room, pure, _, files) in rooms() {
        let top = files.iter().find(|file| file.ends_with(format!("{room}/mod.rs"))).unwrap();
        let text = fs::read_to_string(top).unwrap();
        assert_eq!(text.contains(PURITY), pure, "{room}");
        if pure {
            for file in &files {
                let code = code(file);
                for named in paths(&code) {
                    let path = named.path();
                    assert!(!is_impure(path), "{}: {path}", file.display());
                }
                for banned in ["println!", "eprintln!", "print!", "tracing::"] {
                    assert!(!code.contains(banned), "{}: {banned}", file.display());
                }
            }
        }
    }
}

//! Who may use whom. Read this table to learn the shape of the crate.
//!
//! Imports go one way, and the pure rooms ban clocks, files and sockets by lint.
#![allow(clippy::unwrap_used)] // in the helpers: a test that panics fails

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

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
    ("valkey", false, &["bytes", "getrandom", "redis", "thiserror", "tokio", "tokio_rustls"]),
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

/// The first segment of every absolute `use`, and of every `crate::…` path in a body.
fn named(code: &str) -> BTreeSet<&str> {
    let first =
        |path: &str| path.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(path.len());
    let mut names = BTreeSet::new();
    for line in code.lines().map(str::trim) {
        let line = line.strip_prefix("pub ").unwrap_or(line);
        if let Some(path) = line.strip_prefix("use ") {
            let path = path.strip_prefix("crate::").unwrap_or(path);
            names.insert(&path[..first(path)]);
        }
    }
    for path in code.split("crate::").skip(1) {
        names.insert(&path[..first(path)]);
    }
    names
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
    let mut faults = Vec::new();
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
            for name in named(&code) {
                let own = [room, "std", "super", "self", ""].contains(&name);
                if !own && !may_use.contains(&name) && !in_room.contains(name) {
                    faults.push(format!("{}: names `{name}`", file.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
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
                for banned in ["std::env", "std::fs", "std::net", "std::process", "std::thread"] {
                    let networks = banned == "std::net" && code.contains("std::net::IpAddr");
                    assert!(networks || !code.contains(banned), "{}: {banned}", file.display());
                }
                for banned in ["println!", "eprintln!", "print!", "tracing::"] {
                    assert!(!code.contains(banned), "{}: {banned}", file.display());
                }
            }
        }
    }
}

#[test]
fn a_forbidden_import_is_seen() {
    let code =
        "use crate::render::X;\nuse std::fmt;\nfn f() { crate::cli::run() }\npub use kube::Y;";
    assert_eq!(named(code), BTreeSet::from(["cli", "kube", "render", "std"]));
}

//! Every path that code names, whether by a `use` or where it stands.

use std::collections::BTreeSet;

/// Every path that is named with `::`, those of a `use` one by one: `use a::{b, c::d};` is `a::b`
/// and `a::c::d`.
pub fn paths(code: &str) -> Vec<Named> {
    let mut found = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(|c: char| c.is_alphanumeric() || c == '_') {
        rest = &rest[at..];
        let path = &rest[..path_end(rest)];
        let begins = begins_statement(&code[..code.len() - rest.len()]);
        rest = &rest[path.len()..];
        if path == "use" && begins {
            let (tree, after) = rest.split_once(';').unwrap_or((rest, ""));
            expand("", tree, &mut found);
            rest = after;
        } else if path.contains("::") {
            found.push(Named::Written(path.to_owned()));
        }
    }
    found
}

/// Whether a `use` behind this text is one, and no word of a text.
fn begins_statement(before: &str) -> bool {
    let line = before.rsplit(['\n', ';']).next().unwrap_or(before).trim();
    line.is_empty() || line == "pub" || line.starts_with("pub(") && line.ends_with(')')
}

/// A path, and whether a `use` names it or the code itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Named {
    /// By a `use`.
    Used(String),
    /// Anywhere else.
    Written(String),
}

impl Named {
    /// The path itself.
    pub fn path(&self) -> &str {
        match self {
            Self::Used(path) | Self::Written(path) => path,
        }
    }

    /// The room or crate that the path goes to; of one that the code names only where that is
    /// plain: a `use` may have brought in its first segment. A type is neither.
    pub fn target(&self, dependencies: &BTreeSet<String>) -> Option<&str> {
        let path = self.path();
        let (own, path) = match path.strip_prefix("crate::") {
            Some(path) => (true, path),
            None => (false, path),
        };
        let first = path.split("::").next()?;
        let is_type = !own && first.starts_with(char::is_uppercase);
        let plain = own || matches!(self, Self::Used(_)) || dependencies.contains(first);
        (plain && !is_type).then_some(first)
    }
}

/// Where the path ends that `text` begins with.
fn path_end(text: &str) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut end = 0;
    loop {
        end += text[end..].find(|c| !is_part(c)).unwrap_or(text.len() - end);
        let next = text[end..].strip_prefix("::").filter(|next| next.starts_with(is_part));
        if next.is_none() {
            return end;
        }
        end += 2;
    }
}

/// The paths of what follows `use`.
fn expand(before: &str, tree: &str, found: &mut Vec<Named>) {
    let tree = tree.trim();
    let Some((path, inner)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        let path = format!("{before}{path}");
        found.push(Named::Used(path.trim_end_matches("::self").to_owned()));
        return;
    };
    let before = format!("{before}{path}");
    let (mut depth, mut start) = (0_i32, 0);
    let inner = inner.strip_suffix('}').unwrap_or(inner);
    for (at, c) in inner.char_indices().chain([(inner.len(), ',')]) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                if !inner[start..at].trim().is_empty() {
                    expand(&before, &inner[start..at], found);
                }
                start = (at + 1).min(inner.len());
            }
            _ => {}
        }
    }
}

/// What of the standard library no pure room names: clocks aside, which are types as well.
const IMPURE: [&str; 8] = [
    "std::env",
    "std::fs",
    "std::io::stderr",
    "std::io::stdin",
    "std::io::stdout",
    "std::net",
    "std::process",
    "std::thread",
];
/// Addresses are values; nobody is connected by them.
const ADDRESSES: [&str; 4] =
    ["std::net::IpAddr", "std::net::Ipv4Addr", "std::net::Ipv6Addr", "std::net::SocketAddr"];

/// Whether no pure room may name it.
pub fn is_impure(path: &str) -> bool {
    let is_below = |above: &&str| {
        path.strip_prefix(*above).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    // All of the library under another name, or all of a module, hides what is used of it.
    let hidden = ["std", "std::*", "std::io::*"].contains(&path);
    hidden || IMPURE.iter().any(&is_below) && !ADDRESSES.iter().any(is_below)
}

#[test]
fn a_forbidden_import_is_seen() {
    let dependencies = ["kube", "tokio"].map(str::to_owned).into();
    for (code, expected) in [
        ("use crate::render::X;", &["render"][..]),
        ("pub use kube::Y;", &["kube"]),
        ("pub(super) use kube as k8s;", &["kube"]),
        ("use crate::{cli::run, render};", &["cli", "render"]),
        ("use {kube::Y, std::fmt};", &["kube", "std"]),
        ("use Mode::{Aof, Rdb};", &[]),
        (
            "fn f() { crate::cli::run(tokio::spawn(kube::Client::new())) }",
            &["cli", "tokio", "kube"],
        ),
        ("fn f() -> Vec<tokio::Task> { Some::<kube::Y>(1) }", &["tokio", "kube"]),
        // A module of the room that a `use` brought in, or a type.
        ("fn f() { words::split(String::new(), a::kube::b) }", &[]),
    ] {
        let paths = paths(code);
        let targets: Vec<&str> =
            paths.iter().filter_map(|named| named.target(&dependencies)).collect();
        assert_eq!(targets, expected, "{code}");
    }
}

#[test]
fn a_clock_a_file_or_a_socket_is_seen() {
    for (code, expected) in [
        ("use std::{fmt, fs, net};", &["std::fs", "std::net"][..]),
        ("use std::net::{IpAddr, TcpStream};", &["std::net::TcpStream"]),
        ("use std::{io::{self, stdout}, net::*};", &["std::io::stdout", "std::net::*"]),
        ("use std as s;", &["std"]),
        ("use std::fs::{self, File};", &["std::fs", "std::fs::File"]),
        ("use std::net::{IpAddr, SocketAddr}; fn f() { std::net::Ipv4Addr::LOCALHOST }", &[]),
        (
            "use std::net::IpAddr; fn f() { std::net::UdpSocket::bind() }",
            &["std::net::UdpSocket::bind"],
        ),
        ("fn f() { std::io::stdout().write(std::envelope::X) }", &["std::io::stdout"]),
    ] {
        let paths = paths(code);
        let impure: Vec<&str> = paths.iter().map(Named::path).filter(|it| is_impure(it)).collect();
        assert_eq!(impure, expected, "{code}");
    }
}

//! What a request asks for, as its path, query and headers say.

use std::collections::BTreeMap;

use http::Method;
use http::request::Parts;
use serde_json::Value;

use super::kind::{Kind, Row};
use super::refusal::Refusal;

/// Who is meant by a path.
#[derive(Debug, Clone)]
pub struct Target {
    pub kind: Kind,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub subresource: Option<String>,
}

/// A request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: BTreeMap<String, String>,
    /// Whether only the metadata is wanted.
    pub metadata_only: bool,
    pub content_type: String,
    pub manager: String,
    pub body: Value,
}

impl Asked {
    pub fn read(parts: &Parts, body: &[u8]) -> Self {
        let header = |name: &str| {
            let value = parts.headers.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let query = parts.uri.query().unwrap_or_default();
        let query: BTreeMap<String, String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect();
        let manager = query.get("fieldManager").cloned().unwrap_or_else(|| {
            let agent = header("user-agent");
            let agent = agent.split('/').next().unwrap_or_default();
            if agent.is_empty() { "unknown".to_owned() } else { agent.to_owned() }
        });
        Self {
            method: parts.method.clone(),
            path: parts.uri.path().trim_end_matches('/').to_owned(),
            query,
            metadata_only: header("accept").contains("as=PartialObjectMetadata"),
            content_type: header("content-type"),
            manager,
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    /// Whether a word of the query says yes.
    pub fn says(&self, name: &str) -> bool {
        self.query.get(name).is_some_and(|value| value == "true" || value == "All")
    }

    pub fn is_watch(&self) -> bool {
        self.says("watch")
    }

    /// What the trace says of it: no query, no name that is made of the machine's time.
    pub fn shown(&self) -> String {
        let path = match self.path.split_once("/events/") {
            Some((path, _)) if self.path.contains("events.k8s.io") => path,
            _ => &self.path,
        };
        let watches = if self.is_watch() { " (watch)" } else { "" };
        format!("{} {path}{watches}", self.method)
    }

    /// Who is meant.
    pub fn target(&self) -> Result<Target, Refusal> {
        let mut steps = self.path.trim_start_matches('/').split('/');
        let group = match steps.next() {
            Some("api") => "",
            Some("apis") => steps.next().unwrap_or_default(),
            _ => return Err(Refusal::not_served()),
        };
        let version = steps.next().unwrap_or_default();
        let mut rest: Vec<&str> = steps.collect();
        let mut namespace = None;
        if rest.len() > 2 && rest[0] == "namespaces" {
            namespace = Some(rest[1].to_owned());
            rest.drain(..2);
        }
        let plural = rest.first().copied().unwrap_or_default();
        let kind = Row::at(group, version, plural).ok_or_else(Refusal::not_served)?;
        let step = |at: usize| rest.get(at).map(|&step| decoded(step));
        Ok(Target { kind, namespace, name: step(1), subresource: step(2) })
    }
}

/// Percent-decoded, `+` as a space.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut plain, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = |range| text.get(range).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match bytes[at] {
            b'%' if hex(at + 1..at + 3).is_some() => {
                plain.extend(hex(at + 1..at + 3));
                at += 3;
                continue;
            }
            b'+' => plain.push(b' '),
            other => plain.push(other),
        }
        at += 1;
    }
    String::from_utf8_lossy(&plain).into_owned()
}

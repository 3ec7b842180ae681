//! What the API server answers when it does not do what is asked.

use serde_json::{Value, json};

/// A refusal: a `Status` of Kubernetes.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub code: u16,
    pub reason: &'static str,
    pub message: String,
    pub details: Value,
}

impl Refusal {
    pub fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: Value::Null }
    }

    pub fn not_found(resource: &str, name: &str) -> Self {
        Self::new(404, "NotFound", format!("{resource} \"{name}\" not found"))
    }

    /// A kind or group that nobody serves.
    pub fn not_served() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub fn exists(resource: &str, name: &str) -> Self {
        Self::new(409, "AlreadyExists", format!("{resource} \"{name}\" already exists"))
    }

    pub fn conflict(resource: &str, name: &str, why: &str) -> Self {
        let text = format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}");
        Self::new(409, "Conflict", text)
    }

    /// The version that it was decided on is no more.
    pub fn modified(resource: &str, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version \
                   and try again";
        Self::conflict(resource, name, why)
    }

    pub fn invalid(kind: &str, name: &str, field: &str, why: &str) -> Self {
        let mut refusal =
            Self::new(422, "Invalid", format!("{kind} \"{name}\" is invalid: {field}: {why}"));
        refusal.details = json!({
            "name": name, "kind": kind,
            "causes": [{ "reason": "FieldValueInvalid", "message": why, "field": field }],
        });
        refusal
    }

    pub fn gone(oldest: u64, asked: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    /// The fields of others that an apply would have taken: whose, and which.
    pub fn taken(conflicts: &[(String, String)]) -> Self {
        let message = match conflicts {
            [(by, field)] => format!("Apply failed with 1 conflict: conflict with {by}: {field}"),
            all => {
                let mut lines: Vec<String> = Vec::new();
                let mut last = None;
                let mut sorted: Vec<&(String, String)> = all.iter().collect();
                sorted.sort_by(|one, other| one.0.cmp(&other.0));
                for (by, field) in sorted {
                    if last != Some(by) {
                        lines.push(format!("conflicts with {by}:"));
                    }
                    lines.push(format!("- {field}"));
                    last = Some(by);
                }
                format!("Apply failed with {} conflicts: {}", all.len(), lines.join("\n"))
            }
        };
        let causes: Vec<Value> = conflicts
            .iter()
            .map(|(by, field)| {
                let message = format!("conflict with {by}");
                json!({ "reason": "FieldManagerConflict", "message": message, "field": field })
            })
            .collect();
        let mut refusal = Self::new(409, "Conflict", message);
        refusal.details = json!({ "causes": causes });
        refusal
    }

    /// The `Status` as it is sent.
    pub fn status(&self) -> Value {
        let Self { code, reason, message, details } = self;
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason,
        });
        if !details.is_null() {
            status["details"] = details.clone();
        }
        status["code"] = json!(code);
        status
    }
}

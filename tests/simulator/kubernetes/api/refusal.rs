//! What the API server answers when it does not do what is asked.

use serde_json::{Value, json};

use super::kind::Kind;

/// Which object an answer is about.
pub fn about(kind: Kind, name: &str) -> Value {
    if kind.group.is_empty() {
        json!({ "name": name, "kind": kind.plural })
    } else {
        json!({ "name": name, "group": kind.group, "kind": kind.plural })
    }
}

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

    pub fn not_found(kind: Kind, name: &str) -> Self {
        let text = format!("{} \"{name}\" not found", kind.resource());
        Self::new(404, "NotFound", text).about(kind, name)
    }

    fn about(mut self, kind: Kind, name: &str) -> Self {
        self.details = about(kind, name);
        self
    }

    /// A kind or group that nobody serves.
    pub fn not_served() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub fn exists(kind: Kind, name: &str) -> Self {
        let text = format!("{} \"{name}\" already exists", kind.resource());
        Self::new(409, "AlreadyExists", text).about(kind, name)
    }

    pub fn conflict(kind: Kind, name: &str, why: &str) -> Self {
        let resource = kind.resource();
        let text = format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}");
        Self::new(409, "Conflict", text).about(kind, name)
    }

    /// Another object by now.
    pub fn other_object(kind: Kind, name: &str, asked: &str, own: &str) -> Self {
        let kind = kind.name;
        let text = format!(
            "Operation cannot be fulfilled on {kind} \"{name}\": the UID in the precondition \
             ({asked}) does not match the UID in record ({own}). The object might have been \
             deleted and then recreated"
        );
        let mut refusal = Self::new(409, "Conflict", text);
        refusal.details = json!({ "name": name, "kind": kind });
        refusal
    }

    /// The version that it was decided on is no more.
    pub fn modified(kind: Kind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version \
                   and try again";
        Self::conflict(kind, name, why)
    }

    pub fn invalid(kind: Kind, name: &str, field: &str, why: &str) -> Self {
        let full = match kind.group {
            "" => kind.name.to_owned(),
            group => format!("{}.{group}", kind.name),
        };
        let text = format!("{full} \"{name}\" is invalid: {field}: {why}");
        let reason = match why.split(':').next() {
            Some("Duplicate value") => "FieldValueDuplicate",
            Some("Forbidden") => "FieldValueForbidden",
            _ => "FieldValueInvalid",
        };
        let mut refusal = Self::new(422, "Invalid", text).about(kind, name);
        refusal.details["kind"] = json!(kind.name);
        let cause = json!({ "reason": reason, "message": why, "field": field });
        refusal.details["causes"] = json!([cause]);
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

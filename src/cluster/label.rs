//! Labels and annotations that people add.

use std::collections::BTreeMap;

use super::fault::Faults;
use super::field_path::FieldPath;
use super::name::{RESERVED_PREFIX, is_label_value, key_fault};

/// The most that Kubernetes takes in all annotations of one object, in bytes (256 KiB).
pub const MAX_ANNOTATIONS_BYTES: usize = 256 << 10;

/// Labels that Gungnir writes itself, on every object and for display only.
const DISPLAY_LABELS: [&str; 5] = [
    "app.kubernetes.io/component",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
    "app.kubernetes.io/part-of",
];

/// Labels as they are, each fault noted.
pub(super) fn checked_labels(
    labels: Option<BTreeMap<String, String>>,
    path: &FieldPath,
    faults: &mut Faults,
) -> BTreeMap<String, String> {
    let labels = labels.unwrap_or_default();
    for (key, value) in &labels {
        check_key(key, path, faults);
        if DISPLAY_LABELS.contains(&key.as_str()) {
            faults.add_key(path.clone().key(key), "is set by Gungnir itself", None);
        }
        check_value(key, value, path, faults);
    }
    labels
}

/// Labels that select something (nodes), whoever wrote them there: only their form is checked.
pub(super) fn checked_selector(
    labels: Option<BTreeMap<String, String>>,
    path: &FieldPath,
    faults: &mut Faults,
) -> BTreeMap<String, String> {
    let labels = labels.unwrap_or_default();
    for (key, value) in &labels {
        check_form(key, path, faults);
        check_value(key, value, path, faults);
    }
    labels
}

/// Annotations as they are, each fault noted.
pub(super) fn checked_annotations(
    annotations: Option<BTreeMap<String, String>>,
    path: &FieldPath,
    faults: &mut Faults,
) -> BTreeMap<String, String> {
    let annotations = annotations.unwrap_or_default();
    for key in annotations.keys() {
        check_key(key, path, faults);
    }
    let bytes: usize = annotations.iter().map(|(key, value)| key.len() + value.len()).sum();
    if bytes > MAX_ANNOTATIONS_BYTES {
        faults.add(
            path.clone(),
            format!("{bytes} bytes of annotations; Kubernetes takes {MAX_ANNOTATIONS_BYTES}"),
        );
    }
    annotations
}

/// A key that people may write.
fn check_key(key: &str, path: &FieldPath, faults: &mut Faults) {
    check_form(key, path, faults);
    if key.starts_with(RESERVED_PREFIX) {
        let message = format!("keys under `{RESERVED_PREFIX}` are written by Gungnir alone");
        faults.add_key(path.clone().key(key), message, None);
    }
}

fn check_form(key: &str, path: &FieldPath, faults: &mut Faults) {
    if let Some(fault) = key_fault(key) {
        faults.add_key(path.clone().key(key), format!("is not a key: {fault}"), None);
    }
}

fn check_value(key: &str, value: &str, path: &FieldPath, faults: &mut Faults) {
    if !is_label_value(value) {
        faults.add_with_help(
            path.clone().key(key),
            format!("`{}` is not the value of a label", value.escape_debug()),
            "at most 63 letters, digits, `-`, `_` and `.`, a letter or digit at each end; \
             anything else goes into an annotation",
        );
    }
}

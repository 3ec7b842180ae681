//! Names: which are allowed, and what the children of a cluster are called.

use serde::Serialize;

use super::validate::MAX_REPLICAS;

/// The longest name of a cluster, in characters: Kubernetes appends a hash of 11 to the
/// StatefulSet's name in a label of at most 63.
pub const MAX_CLUSTER_NAME: usize = 52;

/// Label: the cluster that an object belongs to. The only selector, for ever.
pub const LABEL_CLUSTER: &str = "valkey.verilean.io/cluster";
/// Label: `master`, `replica` or `fenced`; written by the operator on pods.
pub const LABEL_ROLE: &str = "valkey.verilean.io/role";
/// Label: the pod's name, written by the StatefulSet controller.
pub const LABEL_POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
/// Annotation of the pod template: changes when a change of the configuration needs a restart.
pub const ANNOTATION_RESTART_HASH: &str = "valkey.verilean.io/restart-hash";
/// The prefix of keys that only Gungnir writes.
pub const RESERVED_PREFIX: &str = "valkey.verilean.io/";
/// The label by which the operator's own pods are let in, and its value.
pub const OPERATOR_LABEL: (&str, &str) = ("app.kubernetes.io/name", "gungnir-operator");

/// What the children of a cluster are called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Names {
    /// The cluster, its `StatefulSet`, its `NetworkPolicy` and its monitors.
    pub cluster: String,
    /// The Service that gives every pod its DNS name.
    pub headless: String,
    /// The read-write Service.
    pub client: String,
    /// The read-only Service.
    pub replicas: String,
    /// The `ConfigMap`.
    pub config: String,
    /// The Secret with the passwords.
    pub secret: String,
    /// The `PodDisruptionBudget`.
    pub pdb: String,
    /// The Certificate and the Secret it is written to.
    pub tls: String,
}

impl Names {
    /// The names of the children of `cluster`.
    #[must_use]
    pub fn of(cluster: &str) -> Self {
        let child = |suffix: &str| format!("{cluster}-{suffix}");
        Self {
            cluster: cluster.to_owned(),
            headless: child("headless"),
            client: child("client"),
            replicas: child("replicas"),
            config: child("config"),
            secret: child("secret"),
            pdb: child("pdb"),
            tls: child("tls"),
        }
    }

    /// The name of the pod with this ordinal.
    #[must_use]
    pub fn pod(&self, ordinal: u32) -> String {
        format!("{}-{ordinal}", self.cluster)
    }
}

/// The ordinal of the pod of that name, if a cluster of that name can have such a pod: a pod, or a
/// text, that only looks like one gets none.
#[must_use]
pub fn ordinal_of(cluster: &str, pod: &str) -> Option<u32> {
    let text = pod.strip_prefix(cluster)?.strip_prefix('-')?;
    let ordinal: u32 = text.parse().ok()?;
    // `+1` and `01` are numbers, too.
    (ordinal < MAX_REPLICAS && ordinal.to_string() == text).then_some(ordinal)
}

/// Why a text is no DNS label that starts with a letter (RFC 1035), as a Service's name must be.
pub(super) fn service_name_fault(name: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() {
        Some("is empty")
    } else if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("starts with a lower-case letter")
    } else if !name.chars().all(fits) {
        Some("holds only a-z, 0-9 and `-`")
    } else if name.ends_with('-') {
        Some("does not end with `-`")
    } else {
        None
    }
}

/// Whether a text is a DNS label (RFC 1123), as a namespace's or container's name.
pub(super) fn is_dns_label(name: &str) -> bool {
    let alphanumeric = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    (1..=63).contains(&name.len())
        && name.bytes().all(|c| alphanumeric(c) || c == b'-')
        && name.bytes().next().is_some_and(alphanumeric)
        && name.bytes().last().is_some_and(alphanumeric)
}

/// Whether a text is a DNS name (RFC 1123): labels joined by dots, as most objects' names.
pub(super) fn is_dns_name(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(is_dns_label)
}

/// Why a text is no key of a label or annotation (`prefix/name`).
pub(super) fn key_fault(key: &str) -> Option<&'static str> {
    let name = match key.split_once('/') {
        Some((prefix, _)) if !is_dns_name(prefix) => {
            return Some("the part before `/` is not a DNS name");
        }
        Some((_, name)) => name,
        None => key,
    };
    if name.is_empty() || name.len() > 63 {
        Some("the name has 1 to 63 characters")
    } else if !is_label_text(name) {
        Some("the name holds letters, digits, `-`, `_` and `.`, and a letter or digit at each end")
    } else {
        None
    }
}

/// Whether a text is the value of a label.
pub(super) fn is_label_value(value: &str) -> bool {
    value.is_empty() || (value.len() <= 63 && is_label_text(value))
}

fn is_label_text(text: &str) -> bool {
    let alphanumeric = |c: u8| c.is_ascii_alphanumeric();
    text.bytes().all(|c| alphanumeric(c) || matches!(c, b'-' | b'_' | b'.'))
        && text.bytes().next().is_some_and(alphanumeric)
        && text.bytes().last().is_some_and(alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kubernetes_rules() {
        let long_label = "a".repeat(63);
        let too_long = "a".repeat(64);
        for (name, label, dns) in [
            ("a", true, true),
            ("a-1", true, true),
            ("1a", true, true),
            (long_label.as_str(), true, true),
            (too_long.as_str(), false, false),
            ("", false, false),
            ("-a", false, false),
            ("a-", false, false),
            ("A", false, false),
            ("a.b", false, true),
            ("a..b", false, false),
            ("a_b", false, false),
            ("ä", false, false),
        ] {
            assert_eq!(is_dns_label(name), label, "{name}");
            assert_eq!(is_dns_name(name), dns, "{name}");
        }
    }

    #[test]
    fn services_are_named_by_labels_that_start_with_a_letter() {
        for (name, fine) in
            [("demo", true), ("1demo", false), ("", false), ("demo-", false), ("de.mo", false)]
        {
            assert_eq!(service_name_fault(name).is_none(), fine, "{name}");
        }
    }

    #[test]
    fn keys_and_values_of_labels_follow_kubernetes_rules() {
        for (key, fine) in [
            ("team", true),
            ("example.com/team", true),
            ("Example.com/team", false),
            ("example.com/", false),
            ("/team", false),
            ("a/b/c", false),
            ("te am", false),
            ("-team", false),
        ] {
            assert_eq!(key_fault(key).is_none(), fine, "{key}");
        }
        for (value, fine) in [("", true), ("Core_1.x", true), ("a b", false), (".a", false)] {
            assert_eq!(is_label_value(value), fine, "{value}");
        }
    }
}

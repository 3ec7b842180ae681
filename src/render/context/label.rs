//! Labels and annotations: Gungnir's own under those of the spec.

use std::collections::BTreeMap;

use crate::cluster::LABEL_CLUSTER;

/// Labels in the order of their keys.
pub(super) type Labels<'a> = BTreeMap<&'a str, &'a str>;

/// Labels for display: other charts use the same ones.
pub(super) fn display_labels(cluster: &str) -> Labels<'_> {
    Labels::from([
        ("app.kubernetes.io/component", "database"),
        ("app.kubernetes.io/instance", cluster),
        ("app.kubernetes.io/managed-by", "gungnir"),
        ("app.kubernetes.io/name", "valkey"),
        ("app.kubernetes.io/part-of", cluster),
    ])
}

/// Labels of the pods: those for display, and the one that selects.
pub(super) fn labels_of_pods(cluster: &str) -> Labels<'_> {
    with_one(&display_labels(cluster), LABEL_CLUSTER, cluster)
}

/// Labels, and over them those of the spec.
pub(super) fn with<'a>(labels: &Labels<'a>, more: &'a BTreeMap<String, String>) -> Labels<'a> {
    let more = more.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    labels.iter().map(|(key, value)| (*key, *value)).chain(more).collect()
}

/// Labels and one more.
pub(super) fn with_one<'a>(labels: &Labels<'a>, key: &'a str, value: &'a str) -> Labels<'a> {
    let mut labels = labels.clone();
    labels.insert(key, value);
    labels
}

/// Annotations of every object, and over them those of one.
pub(super) fn both<'a>(
    all: &'a BTreeMap<String, String>,
    own: Option<&'a BTreeMap<String, String>>,
) -> BTreeMap<&'a str, &'a str> {
    let pairs = all.iter().chain(own.into_iter().flatten());
    pairs.map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

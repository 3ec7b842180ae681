//! The conditions that the rules are made of: one question each about one change.

use serde_json::Value;

use crate::cluster::Quantity;
use crate::cluster::directive;
use crate::cluster::directive::Applies;
use crate::manifest::rules::Case;
use crate::manifest::server_config;

pub(super) fn always(_: &Case<'_>) -> bool {
    true
}

pub(super) fn is_added(case: &Case<'_>) -> bool {
    case.old.is_none()
}

pub(super) fn is_removed(case: &Case<'_>) -> bool {
    case.new.is_none()
}

pub(super) fn both_sides(case: &Case<'_>) -> bool {
    case.old.is_some() && case.new.is_some()
}

fn becomes(case: &Case<'_>, value: &str) -> bool {
    case.new.is_some_and(|new| new == value)
}

pub(super) fn is_delete(case: &Case<'_>) -> bool {
    becomes(case, "Delete")
}

pub(super) fn becomes_false(case: &Case<'_>) -> bool {
    case.new.is_some_and(|new| new == false)
}

pub(super) fn becomes_git_ops(case: &Case<'_>) -> bool {
    becomes(case, "GitOps")
}

pub(super) fn becomes_preferred(case: &Case<'_>) -> bool {
    becomes(case, "Preferred")
}

pub(super) fn becomes_availability(case: &Case<'_>) -> bool {
    becomes(case, "Availability")
}

fn amount(value: Option<&Value>) -> Option<Quantity> {
    match value? {
        Value::String(text) => text.parse().ok(),
        other => other.to_string().parse().ok(),
    }
}

pub(super) fn grows(case: &Case<'_>) -> bool {
    matches!((amount(case.old), amount(case.new)), (Some(old), Some(new)) if old < new)
}

/// The pods that a `StatefulSet` asks for.
fn replicas(object: Option<&Value>) -> u64 {
    let replicas = object.and_then(|object| object.pointer("/spec/replicas")?.as_u64());
    replicas.unwrap_or(1)
}

pub(super) fn shrinks(case: &Case<'_>) -> bool {
    replicas(case.to) < replicas(case.from)
}

pub(super) fn stops_every_pod(case: &Case<'_>) -> bool {
    replicas(case.to) == 0
}

fn text<'a>(object: Option<&'a Value>, pointer: &str) -> Option<&'a str> {
    object?.pointer(pointer)?.as_str()
}

/// Whether an end of a stateful set's pods, as `policy` says it, ends their data too.
fn keeps_nothing(object: Option<&Value>, policy: &str) -> bool {
    let pointer = format!("/spec/persistentVolumeClaimRetentionPolicy/{policy}");
    let templates =
        object.and_then(|object| object.pointer("/spec/volumeClaimTemplates")?.as_array());
    templates.is_none_or(Vec::is_empty) || text(object, &pointer) == Some("Delete")
}

pub(super) fn volumes_go_with_it(case: &Case<'_>) -> bool {
    keeps_nothing(case.from, "whenDeleted")
}

pub(super) fn no_copy_stays(case: &Case<'_>) -> bool {
    stops_every_pod(case) && keeps_nothing(case.to, "whenScaled")
}

pub(super) fn cluster_keeps_nothing(case: &Case<'_>) -> bool {
    let persistence = case.from.and_then(|cluster| cluster.pointer("/spec/persistence"));
    text(persistence, "/reclaimPolicy") == Some("Delete")
        || persistence.and_then(|persistence| persistence.get("enabled"))
            == Some(&Value::Bool(false))
}

pub(super) fn is_alone(case: &Case<'_>) -> bool {
    replicas(case.from) <= 1
}

pub(super) fn operator_rolls(case: &Case<'_>) -> bool {
    text(case.to, "/spec/updateStrategy/type") == Some("OnDelete")
}

pub(super) fn needs_restart(case: &Case<'_>) -> bool {
    let name = case.path.last_name().unwrap_or_default();
    directive::find(name).is_none_or(|directive| directive.applies == Applies::Restart)
}

/// The arguments of `name` in the `valkey.conf` of a config map.
fn arguments(object: Option<&Value>, name: &str) -> Option<Vec<String>> {
    let directives = server_config::directives(text(object, "/data/valkey.conf")?);
    Some(directives.get(name)?.iter().flat_map(|line| server_config::arguments(line)).collect())
}

fn has_log(object: Option<&Value>) -> bool {
    arguments(object, "appendonly").is_some_and(|words| words.concat().eq_ignore_ascii_case("yes"))
}

/// Without a `save` line the server has save points of its own.
fn has_snapshots(object: Option<&Value>) -> bool {
    arguments(object, "save").is_none_or(|words| !words.concat().is_empty())
}

pub(super) fn turns_log_off(case: &Case<'_>) -> bool {
    has_log(case.from) && !has_log(case.to)
}

pub(super) fn turns_persistence_off(case: &Case<'_>) -> bool {
    has_snapshots(case.from) && !has_snapshots(case.to) && !has_log(case.to)
}

/// Every server that an operator runs starts behind the boot gate.
fn has_boot_gate(object: Option<&Value>) -> bool {
    arguments(object, "replicaof").is_some()
}

pub(super) fn nobody_sets(case: &Case<'_>) -> bool {
    !has_boot_gate(case.to)
}

/// With the boot gate a server that starts empty is a replica, and copies the data.
pub(super) fn starts_empty(case: &Case<'_>) -> bool {
    !has_log(case.from) && has_log(case.to) && has_snapshots(case.from) && !has_boot_gate(case.to)
}

pub(super) fn is_certificate(case: &Case<'_>) -> bool {
    text(case.to, "/type") == Some("kubernetes.io/tls")
}

/// The major version in an image's tag.
fn major(image: Option<&Value>) -> Option<u32> {
    let image = image?.as_str()?;
    let name = image.split_once('@').map_or(image, |(name, _)| name);
    let (_, tag) = name.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
    let tag = tag.trim_start_matches('v');
    tag.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

pub(super) fn is_newer_major(case: &Case<'_>) -> bool {
    matches!((major(case.old), major(case.new)), (Some(old), Some(new)) if old < new)
}

pub(super) fn is_older_major(case: &Case<'_>) -> bool {
    matches!((major(case.old), major(case.new)), (Some(old), Some(new)) if old > new)
}

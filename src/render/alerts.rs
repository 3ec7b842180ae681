//! Alerts on what the exporter shows.

use serde::Serialize;

/// One alert of a `PrometheusRule`.
#[derive(Debug, Serialize)]
pub(super) struct Alert {
    name: &'static str,
    expr: String,
    r#for: &'static str,
    severity: &'static str,
    summary: String,
}

/// The alerts of the cluster `name`, which has `replicas` pods.
pub(super) fn alerts(name: &str, namespace: Option<&str>, replicas: u32) -> Vec<Alert> {
    let pods = match namespace {
        Some(namespace) => format!("namespace=\"{namespace}\",pod=~\"{name}-[0-9]+\""),
        None => format!("pod=~\"{name}-[0-9]+\""),
    };
    let alert = |name, expr, r#for, severity, what: &str, cluster: &str| Alert {
        name,
        expr,
        r#for,
        severity,
        summary: format!("Valkey cluster {cluster}: {what}"),
    };
    let mut alerts = vec![
        alert(
            "ValkeyDown",
            format!("redis_up{{{pods}}} == 0"),
            "1m",
            "critical",
            "a server does not answer",
            name,
        ),
        alert(
            "ValkeyNoMaster",
            format!("(count(redis_instance_info{{role=\"master\",{pods}}}) or vector(0)) == 0"),
            "1m",
            "critical",
            "there is no master",
            name,
        ),
        alert(
            "ValkeyTwoMasters",
            format!("count(count by (pod) (redis_instance_info{{role=\"master\",{pods}}})) > 1"),
            "1m",
            "critical",
            "more than one server says that it is master",
            name,
        ),
        alert(
            "ValkeyMemoryHigh",
            format!(
                "redis_memory_used_bytes{{{pods}}} / (redis_memory_max_bytes{{{pods}}} > 0) > 0.9"
            ),
            "10m",
            "warning",
            "more than 90 % of maxmemory is used",
            name,
        ),
        alert(
            "ValkeySnapshotFailed",
            format!("redis_rdb_last_bgsave_status{{{pods}}} == 0"),
            "5m",
            "critical",
            "the last snapshot failed",
            name,
        ),
        alert(
            "ValkeyConnectionsRejected",
            format!("increase(redis_rejected_connections_total{{{pods}}}[5m]) > 0"),
            "5m",
            "warning",
            "connections are rejected: maxclients is reached",
            name,
        ),
    ];
    if replicas > 1 {
        alerts.push(alert(
            "ValkeyReplicaBehind",
            format!("redis_master_link_up{{{pods}}} == 0"),
            "2m",
            "warning",
            "a replica has lost its master",
            name,
        ));
    }
    alerts
}

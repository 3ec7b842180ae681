//! `valkey.conf`: every directive, where it comes from, and whether a change needs a restart.
//!
//! By precedence: what Gungnir needs, then the typed fields of the spec, then `spec.config`.
//! A directive of `spec.config` that a higher one owns is refused by name, never overridden
//! silently.
//!
//! Every spelling is one that Valkey 7.2 to 9 takes (`masterauth`, not `primaryauth`).

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::api::ClientAuth;

use super::access::Transport;
use super::directive::{self, Applies, Owner, ValueFault, memory_bytes};
use super::fault::{Faults, spec};
use super::replication::{FailoverRules, WriteQuorum};
use super::roles::Roles;
use super::storage::Storage;

/// Where the data is mounted.
pub const DATA_DIR: &str = "/data";
/// Where the `ConfigMap` is mounted.
pub const CONFIG_DIR: &str = "/etc/valkey";
/// Where the certificate is mounted.
pub const TLS_DIR: &str = "/etc/valkey-tls";
/// How long a server that is stopped waits for its replicas, in seconds.
pub const SHUTDOWN_TIMEOUT_SECONDS: u32 = 10;
/// The snapshots of Valkey's own default: after 1 change in an hour, 100 in 5 minutes, 10,000 in
/// one.
const DEFAULT_SAVE: &str = "3600 1 300 100 60 10000";
/// Nobody listens there: a server that starts is a replica of nowhere until it is told otherwise.
const NOWHERE: &str = "127.0.0.1 1";

/// The directives that a running server is not set to, though it would let itself be: the sentinel
/// says whom it follows and how many replicas it needs, pods are reached by the port that they
/// started with, and where the data is takes `enable-protected-configs`.
const LEFT_ALONE: [&str; 6] =
    ["dir", "min-replicas-max-lag", "min-replicas-to-write", "port", "replicaof", "tls-port"];

/// Who wants a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Gungnir: without it a failover could lose data.
    Gungnir,
    /// A typed field of the spec.
    Field,
    /// `spec.config`.
    Config,
}

/// One line of `valkey.conf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The directive's name.
    pub name: String,
    /// Its arguments, as written in the file.
    pub arguments: String,
    /// Who wants it.
    pub origin: Origin,
    /// Whether a change takes effect at the next start only.
    pub restart: bool,
}

/// The directives in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerConfig(Vec<Line>);

/// What a configuration is made of.
pub(super) struct Parts<'a> {
    pub port: u32,
    pub roles: Roles,
    pub storage: &'a Storage,
    pub transport: Option<&'a Transport>,
    pub quorum: &'a WriteQuorum,
    pub failover: &'a FailoverRules,
    pub max_memory_bytes: Option<u64>,
    pub memory_limit_bytes: Option<u64>,
    pub config: BTreeMap<String, String>,
}

impl ServerConfig {
    pub(super) fn resolve(parts: &Parts<'_>, faults: &mut Faults) -> Self {
        let mut lines = Vec::with_capacity(48);
        gungnirs(parts, &mut |name, arguments| lines.push(line(name, arguments, Origin::Gungnir)));
        let own = checked(parts, faults);
        fields(parts, &own, &mut |name, arguments| {
            lines.push(line(name, arguments, Origin::Field));
        });
        lines.extend(own.into_iter().map(|(name, value)| line(&name, value, Origin::Config)));
        Self(lines)
    }

    /// The directives in the order in which they are written.
    #[must_use]
    pub fn lines(&self) -> &[Line] {
        &self.0
    }

    /// The text of `valkey.conf`. What only the pod knows comes from the start script.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::with_capacity(2048);
        let mut section = None;
        for Line { name, arguments, origin, restart: _ } in &self.0 {
            if section.replace(*origin) != Some(*origin) {
                text.push_str(match origin {
                    Origin::Gungnir => "# Gungnir needs these; the operator restores them.\n",
                    Origin::Field => "\n# From the fields of the spec.\n",
                    Origin::Config => "\n# From spec.config.\n",
                });
            }
            let _ = writeln!(text, "{name} {arguments}");
        }
        text
    }

    /// What a running server is set to, as `CONFIG SET` takes it: each directive with its value,
    /// without the quotes of the file.
    #[must_use]
    pub fn live(&self) -> Vec<(String, String)> {
        let lines = self.0.iter().filter(|line| !line.restart);
        let lines = lines.filter(|line| !LEFT_ALONE.contains(&line.name.as_str()));
        lines.map(|line| (line.name.clone(), directive::live_value(&line.arguments))).collect()
    }

    /// The lines that a running server does not take over.
    #[must_use]
    pub fn restart_text(&self) -> String {
        let lines = self.0.iter().filter(|line| line.restart);
        lines.fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{} {}", line.name, line.arguments);
            text
        })
    }
}

fn line(name: &str, arguments: impl Into<String>, origin: Origin) -> Line {
    let known = directive::find(name);
    Line {
        name: known.map_or_else(|| name.to_owned(), |known| known.name.to_owned()),
        arguments: arguments.into(),
        origin,
        restart: known.is_none_or(|known| known.applies == Applies::Restart),
    }
}

/// What Gungnir needs.
fn gungnirs(parts: &Parts<'_>, put: &mut impl FnMut(&str, String)) {
    let Parts { port, roles, storage, transport, quorum, failover, .. } = parts;
    // Any server that starts holds still until the sentinel says who it is: one that lost its
    // data can neither lead nor wipe the others.
    if *roles == Roles::Elected {
        put("replicaof", NOWHERE.to_owned());
    }
    put("replica-read-only", "yes".to_owned());
    put("min-replicas-to-write", quorum.min_replicas_to_write.to_string());
    put("min-replicas-max-lag", quorum.max_lag_seconds.to_string());
    // A replica that hears its master is a witness that it lives; the lag is counted from pings.
    put("repl-ping-replica-period", "1".to_owned());
    put("repl-timeout", replication_timeout_seconds(failover.down_after_ms).to_string());
    put("repl-diskless-sync-delay", "0".to_owned());
    // A replica that empties itself before the new data is complete would be no copy meanwhile.
    put("repl-diskless-load", "disabled".to_owned());
    // An hour without replicas must not change the replication id: nobody could resume.
    put("repl-backlog-ttl", "0".to_owned());
    // A slow script must be seen as busy before it is taken for dead.
    put("busy-reply-threshold", 5000.min(failover.down_after_ms / 2).to_string());
    put("shutdown-timeout", SHUTDOWN_TIMEOUT_SECONDS.to_string());
    // Without persistence the file of a synchronisation is old data under a true replication id.
    let without_files = !storage.mode.has_rdb() && !storage.mode.has_aof();
    put("rdb-del-sync-files", yes_no(without_files).to_owned());
    put("dir", DATA_DIR.to_owned());
    put("protected-mode", "no".to_owned());
    match transport {
        None => put("port", port.to_string()),
        Some(Transport { client_auth, .. }) => {
            put("port", "0".to_owned());
            put("tls-port", port.to_string());
            put("tls-cert-file", format!("{TLS_DIR}/tls.crt"));
            put("tls-key-file", format!("{TLS_DIR}/tls.key"));
            put("tls-ca-cert-file", format!("{TLS_DIR}/ca.crt"));
            put("tls-replication", "yes".to_owned());
            let asked = match client_auth {
                ClientAuth::Off => "no",
                ClientAuth::Optional => "optional",
                ClientAuth::Require => "yes",
            };
            put("tls-auth-clients", asked.to_owned());
        }
    }
}

/// Long enough for a replica that loads, short enough that a healed network is found again.
fn replication_timeout_seconds(down_after_ms: u32) -> u32 {
    (down_after_ms / 1000).saturating_mul(4).clamp(20, 60)
}

/// What the typed fields of the spec say.
fn fields(parts: &Parts<'_>, own: &BTreeMap<String, String>, put: &mut impl FnMut(&str, String)) {
    let Parts { storage, quorum, max_memory_bytes, .. } = parts;
    put("appendonly", yes_no(storage.mode.has_aof()).to_owned());
    if !storage.mode.has_rdb() {
        put("save", "\"\"".to_owned());
    } else if !own.contains_key("save") {
        put("save", DEFAULT_SAVE.to_owned());
    }
    put("repl-diskless-sync", yes_no(quorum.diskless_sync).to_owned());
    if let (Some(bytes), false) = (max_memory_bytes, own.contains_key("maxmemory")) {
        put("maxmemory", bytes.to_string());
    }
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// `spec.config` under Valkey's own names, each fault noted.
fn checked(parts: &Parts<'_>, faults: &mut Faults) -> BTreeMap<String, String> {
    let mut own = BTreeMap::new();
    for (name, value) in &parts.config {
        let path = spec("config").key(name);
        let Some(known) = directive::find(name) else {
            let help = directive::closest(name).map(|near| format!("did you mean `{near}`?"));
            faults.add_key(path, "is not a directive of Valkey 7.2 to 9.1", help);
            continue;
        };
        if let Owner::Gungnir(reason) = known.owner {
            faults.add_key(path, "is set by Gungnir", Some(reason.to_owned()));
            continue;
        }
        if let Some(ValueFault { message, help }) = known.value_fault(value) {
            match help {
                Some(help) => faults.add_with_help(path, message, help),
                None => faults.add(path, message),
            }
            continue;
        }
        if known.name == "save" && !parts.storage.mode.has_rdb() {
            faults.add_with_help(
                path,
                "has no meaning: this cluster writes no snapshots",
                "set persistence.mode to `rdb` or `both`",
            );
            continue;
        }
        if let ("maxmemory", Some(limit)) = (known.name, parts.memory_limit_bytes)
            && memory_bytes(value.trim_matches([' ', '"', '\''])).is_some_and(|bytes| bytes > limit)
        {
            faults.add_with_help(
                path.clone(),
                format!("`{value}` is more than the container's memory limit of {limit} bytes"),
                "the kernel would kill the server first; lower it, or raise resources.limits.memory",
            );
        }
        if own.insert(known.name.to_owned(), value.clone()).is_some() {
            faults.add(path, format!("is given twice: it is another name of `{}`", known.name));
        }
    }
    own
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_running_server_is_set_to_what_it_takes_over_and_no_more() {
        let lines = [
            ("replicaof", NOWHERE, Origin::Gungnir),
            ("min-replicas-to-write", "1", Origin::Gungnir),
            ("dir", DATA_DIR, Origin::Gungnir),
            ("port", "6379", Origin::Gungnir),
            ("repl-timeout", "20", Origin::Gungnir),
            ("save", "\"\"", Origin::Field),
            ("client-output-buffer-limit", "replica 0 0  0", Origin::Config),
            ("databases", "8", Origin::Config),
        ];
        let lines = lines.map(|(name, arguments, origin)| line(name, arguments, origin));
        let live = ServerConfig(lines.into()).live();
        let live: Vec<_> = live.iter().map(|(name, it)| (name.as_str(), it.as_str())).collect();
        assert_eq!(
            live,
            [("repl-timeout", "20"), ("save", ""), ("client-output-buffer-limit", "replica 0 0 0")]
        );
    }

    #[test]
    fn the_replication_timeout_has_bounds() {
        for (down_after_ms, seconds) in [(500, 20), (5000, 20), (10_000, 40), (600_000, 60)] {
            assert_eq!(replication_timeout_seconds(down_after_ms), seconds);
        }
    }
}

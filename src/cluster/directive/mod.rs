//! What every directive of `valkey.conf` is: its names, who may set it, what values it takes, and
//! when a change counts.
//!
//! **Invariant.** Facts only, measured on Redis 7.0 (which Valkey 7.2 is built on) and Valkey 8.0,
//! 8.1 and 9.1. Nothing here reads a file or knows a cluster.

mod table;
mod takes;
mod words;

pub(super) use self::takes::memory_bytes;
pub use self::takes::{Takes, Times, ValueFault};

use self::table::DIRECTIVES;

/// One directive.
#[derive(Debug, PartialEq, Eq)]
pub struct Directive {
    /// The spelling that every supported version takes.
    pub name: &'static str,
    /// Other spellings of the same directive; some versions lack some of them.
    pub aliases: &'static [&'static str],
    /// When a changed value counts.
    pub applies: Applies,
    /// What values it takes, over all supported versions.
    pub takes: Takes,
    /// Who may set it.
    pub owner: Owner,
}

/// When a changed value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// At once, by `CONFIG SET`.
    Reload,
    /// At the next start: some supported version refuses `CONFIG SET`.
    Restart,
}

/// Who may set a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// Anyone, by `spec.config`.
    User,
    /// Only Gungnir; says why, or which field to set instead.
    Gungnir(&'static str),
}

/// The directives that add to one another when they are given several times; of all others the
/// last one counts.
const CUMULATIVE: &[&str] = &[
    "client-output-buffer-limit",
    "include",
    "loadmodule",
    "rename-command",
    "save",
    "sentinel",
    "user",
];

impl Directive {
    /// Whether several lines of this directive add up, so that all of them count.
    #[must_use]
    pub fn is_cumulative(&self) -> bool {
        CUMULATIVE.contains(&self.name)
    }

    /// What is wrong with these arguments, as written in `valkey.conf`; with such a line Valkey
    /// would not start.
    #[must_use]
    pub fn value_fault(&self, arguments: &str) -> Option<ValueFault> {
        self.takes.fault(self.name, arguments)
    }

    /// Every spelling, the one that all versions take first.
    pub fn spellings(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// The directive that `name` means, by any of its spellings and, as in Valkey, in any case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Directive> {
    let name = name.to_ascii_lowercase();
    match DIRECTIVES.binary_search_by(|directive| directive.name.cmp(&name)) {
        Ok(place) => Some(&DIRECTIVES[place]),
        Err(_) => DIRECTIVES.iter().find(|directive| directive.aliases.contains(&name.as_str())),
    }
}

/// Arguments as written in `valkey.conf`, as `CONFIG SET` takes them: one text without quotes.
/// What Valkey could not read stays as it is.
#[must_use]
pub fn live_value(arguments: &str) -> String {
    words::split(arguments).map_or_else(|_| arguments.to_owned(), |words| words.join(" "))
}

/// The spelling that is nearest to a misspelt `name`, or `None` when none is near.
#[must_use]
pub fn closest(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let known: Vec<&'static str> = DIRECTIVES.iter().flat_map(Directive::spellings).collect();
    similar::get_close_matches(name.as_str(), &known, 1, 0.75).first().copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_is_sorted_and_no_spelling_is_there_twice() {
        assert!(DIRECTIVES.windows(2).all(|pair| pair[0].name < pair[1].name));
        let all: Vec<_> = DIRECTIVES.iter().flat_map(Directive::spellings).collect();
        assert_eq!(all.len(), all.iter().collect::<BTreeSet<_>>().len());
        for spelling in all {
            assert_eq!(spelling, spelling.to_ascii_lowercase());
            assert!(find(spelling).is_some_and(|found| found.spellings().any(|s| s == spelling)));
        }
        assert!(CUMULATIVE.iter().all(|name| find(name).is_some_and(Directive::is_cumulative)));
    }

    #[test]
    fn a_directive_is_found_by_any_spelling_in_any_case() {
        for (spelling, name) in [
            ("maxmemory", "maxmemory"),
            ("MaxMemory", "maxmemory"),
            ("slaveof", "replicaof"),
            ("min-slaves-max-lag", "min-replicas-max-lag"),
            ("SLAVE-READ-ONLY", "replica-read-only"),
            ("repl-ping-slave-period", "repl-ping-replica-period"),
            ("lua-time-limit", "busy-reply-threshold"),
            ("primaryauth", "masterauth"),
            ("primaryuser", "masteruser"),
            ("commandlog-execution-slower-than", "slowlog-log-slower-than"),
            ("bio-cpulist", "bio_cpulist"),
            ("hash-max-ziplist-entries", "hash-max-listpack-entries"),
            ("rename-command", "rename-command"),
        ] {
            assert_eq!(find(spelling).map(|found| found.name), Some(name), "{spelling}");
        }
        for unknown in ["", "maxmemoryy", "spec", "maxmemory ", "search.threads"] {
            assert_eq!(find(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn what_gungnir_needs_cannot_be_set_by_anyone_else() {
        for name in [
            "replicaof",
            "slaveof",
            "min-replicas-to-write",
            "min-slaves-to-write",
            "min-replicas-max-lag",
            "min-slaves-max-lag",
            "repl-ping-replica-period",
            "repl-ping-slave-period",
            "busy-reply-threshold",
            "lua-time-limit",
            "repl-backlog-ttl",
            "replica-read-only",
            "slave-read-only",
            "repl-diskless-load",
            "repl-diskless-sync-delay",
            "repl-diskless-sync",
            "repl-timeout",
            "replica-announce-ip",
            "replica-announce-port",
            "slave-announce-ip",
            "slave-announce-port",
            "replica-announced",
            "cluster-enabled",
            "cluster-port",
            "cluster-config-file",
            "include",
            "rename-command",
            "rdb-del-sync-files",
            "tls-port",
            "tls-cert-file",
            "tls-key-file",
            "tls-replication",
            "tls-auth-clients",
            "shutdown-timeout",
            "port",
            "bind",
            "protected-mode",
            "unixsocket",
            "dir",
            "dbfilename",
            "appenddirname",
            "appendfilename",
            "appendonly",
            "pidfile",
            "logfile",
            "daemonize",
            "supervised",
            "aclfile",
            "user",
            "requirepass",
            "masterauth",
            "primaryauth",
            "masteruser",
            "primaryuser",
            "sentinel",
        ] {
            let owner = find(name).map(|found| found.owner);
            assert!(matches!(owner, Some(Owner::Gungnir(_))), "{name}: {owner:?}");
        }
        assert!(
            DIRECTIVES
                .iter()
                .filter(|directive| directive.name.starts_with("tls-"))
                .all(|directive| directive.owner != Owner::User)
        );
    }

    #[test]
    fn what_people_tune_is_theirs() {
        for name in [
            "maxmemory",
            "maxmemory-policy",
            "save",
            "appendfsync",
            "io-threads",
            "hz",
            "loadmodule",
            "client-output-buffer-limit",
            "notify-keyspace-events",
            "slowlog-max-len",
            "databases",
            "repl-backlog-size",
            "enable-debug-command",
            "enable-module-command",
            "enable-protected-configs",
            "replica-priority",
            "slave-priority",
            "lazyfree-lazy-expire",
        ] {
            assert_eq!(find(name).map(|found| found.owner), Some(Owner::User), "{name}");
        }
    }

    #[test]
    fn what_config_set_refuses_needs_a_restart() {
        for (name, applies) in [
            ("maxmemory", Applies::Reload),
            ("appendonly", Applies::Reload),
            ("save", Applies::Reload),
            ("busy-reply-threshold", Applies::Reload),
            ("tls-cert-file", Applies::Reload),
            ("hash-max-ziplist-value", Applies::Reload),
            // Only 9.1 takes it from a running server.
            ("io-threads", Applies::Restart),
            ("io-threads-do-reads", Applies::Restart),
            ("aof-rewrite-cpulist", Applies::Restart),
            ("databases", Applies::Restart),
            ("tcp-backlog", Applies::Restart),
            ("enable-debug-command", Applies::Restart),
            ("rename-command", Applies::Restart),
            ("loadmodule", Applies::Restart),
            ("user", Applies::Restart),
        ] {
            assert_eq!(find(name).map(|found| found.applies), Some(applies), "{name}");
        }
    }

    #[test]
    fn a_misspelt_name_finds_its_neighbour_and_nonsense_finds_none() {
        for (misspelt, near) in [
            ("maxmemmory", Some("maxmemory")),
            ("max-memory", Some("maxmemory")),
            ("maxmemory_policy", Some("maxmemory-policy")),
            ("apendfsync", Some("appendfsync")),
            ("Io-Thread", Some("io-threads")),
            ("tcpkeepalive", Some("tcp-keepalive")),
            ("nonsense", None),
            ("", None),
        ] {
            assert_eq!(closest(misspelt), near, "{misspelt}");
        }
    }
}

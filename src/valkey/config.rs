//! `CONFIG GET`: the settings that decide how a server may be watched.

use redis::Value;

use super::reply::{ReplyError, array, bytes, text};

/// What a server is set to. Passwords are not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of the server's")]
pub struct ServerConfig {
    /// How many replicas must be near for a write to be taken; 0 switches it off.
    pub min_replicas_to_write: u32,
    /// How near: the age of the last acknowledgement, in seconds; 0 switches it off.
    pub min_replicas_max_lag_s: u32,
    /// How often a master speaks to its replicas, in seconds.
    pub repl_ping_replica_period_s: u32,
    /// The master that is followed now, host and port; `None` for a master.
    pub replicaof: Option<(String, u16)>,
    /// Whether every write goes to a file.
    pub appendonly: bool,
    /// When snapshots are taken, as the server writes it; empty for never.
    pub save: String,
    /// Whether it is a node of Valkey Cluster, which elects by itself.
    pub cluster_enabled: bool,
    /// After how many milliseconds a script makes it answer `BUSY`.
    pub busy_reply_threshold_ms: u64,
    /// After how many seconds it closes idle connections; 0 for never.
    pub timeout_s: u64,
    /// Whether it may win an election: 0 never, else the lowest first.
    pub replica_priority: u32,
    /// The host under which a replica announces itself, when it is set.
    pub replica_announce_ip: Option<String>,
    /// The port under which a replica announces itself, when it is set.
    pub replica_announce_port: Option<u16>,
    /// Whether links to the master use TLS.
    pub tls_replication: bool,
    /// The plain port; 0 for none.
    pub port: u16,
    /// The port for TLS; 0 for none.
    pub tls_port: u16,
    /// Whether the default user has a password by the old setting.
    pub requirepass_set: bool,
}

/// Why settings could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The answer is no list of names and values.
    #[error("the answer to `CONFIG GET` is none: {0}")]
    Reply(#[from] ReplyError),
    /// The server does not say what a setting is.
    #[error("the server does not tell its `{name}`")]
    Missing {
        /// The setting.
        name: &'static str,
    },
    /// A setting is not what it should be. Its value is not shown.
    #[error("the server's `{name}` cannot be read")]
    Malformed {
        /// The setting.
        name: &'static str,
    },
}

impl ServerConfig {
    /// What has to be asked for.
    pub const NAMES: &[&str] = &[
        "min-replicas-to-write",
        "min-replicas-max-lag",
        "repl-ping-replica-period",
        "replicaof",
        "appendonly",
        "save",
        "cluster-enabled",
        "busy-reply-threshold",
        "timeout",
        "replica-priority",
        "replica-announce-ip",
        "replica-announce-port",
        "tls-replication",
        "port",
        "tls-port",
        "requirepass",
    ];

    /// Reads the answer to `CONFIG GET` of [`ServerConfig::NAMES`], or of more; old names count
    /// as the new ones.
    ///
    /// # Errors
    /// [`ConfigError`] names the setting that is missing or malformed.
    pub fn parse(value: &Value) -> Result<Self, ConfigError> {
        let settings = Settings::read(value)?;
        Ok(Self {
            min_replicas_to_write: settings.number("min-replicas-to-write")?,
            min_replicas_max_lag_s: settings.number("min-replicas-max-lag")?,
            repl_ping_replica_period_s: settings.number("repl-ping-replica-period")?,
            replicaof: settings.upstream()?,
            appendonly: settings.yes("appendonly")?,
            save: settings.text("save")?.to_owned(),
            cluster_enabled: settings.yes("cluster-enabled")?,
            busy_reply_threshold_ms: settings.number("busy-reply-threshold")?,
            timeout_s: settings.number("timeout")?,
            replica_priority: settings.number("replica-priority")?,
            replica_announce_ip: match settings.text("replica-announce-ip")? {
                "" => None,
                host => Some(host.to_owned()),
            },
            replica_announce_port: match settings.number("replica-announce-port")? {
                0 => None,
                port => Some(port),
            },
            // A server that was built without TLS does not know these two.
            tls_replication: optional(settings.yes("tls-replication"))?.unwrap_or(false),
            port: settings.number("port")?,
            tls_port: optional(settings.number("tls-port"))?.unwrap_or(0),
            requirepass_set: !settings.value("requirepass")?.is_empty(),
        })
    }
}

/// The names and values of an answer to `CONFIG GET`, sorted by name, as the server has them.
///
/// # Errors
/// [`ReplyError`] when the answer is no list of names and values.
pub fn values(value: &Value) -> Result<Vec<(String, Vec<u8>)>, ReplyError> {
    let Settings(pairs) = Settings::read(value)?;
    let owned = |(name, value): (&str, &[u8])| (name.to_owned(), value.to_owned());
    let mut values: Vec<_> = pairs.into_iter().map(owned).collect();
    values.sort_unstable();
    Ok(values)
}

/// The name of today for an old one.
fn current_name(name: &str) -> &str {
    match name {
        "min-slaves-to-write" => "min-replicas-to-write",
        "min-slaves-max-lag" => "min-replicas-max-lag",
        "repl-ping-slave-period" => "repl-ping-replica-period",
        "slaveof" | "primaryof" => "replicaof",
        "lua-time-limit" => "busy-reply-threshold",
        "slave-priority" => "replica-priority",
        "slave-announce-ip" => "replica-announce-ip",
        "slave-announce-port" => "replica-announce-port",
        name => name,
    }
}

/// The names and values of one answer.
struct Settings<'a>(Vec<(&'a str, &'a [u8])>);

impl<'a> Settings<'a> {
    fn read(value: &'a Value) -> Result<Self, ReplyError> {
        let wanted = "names and values";
        let pairs = array(wanted, value)?.chunks(2);
        let pair = |pair: &'a [Value]| match pair {
            [name, value] => Ok((current_name(text("a name", name)?), bytes("a value", value)?)),
            _ => Err(ReplyError { wanted, found: "a name without a value" }),
        };
        Ok(Self(pairs.map(pair).collect::<Result<_, _>>()?))
    }

    fn value(&self, name: &'static str) -> Result<&'a [u8], ConfigError> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| *value).ok_or(ConfigError::Missing { name })
    }

    fn text(&self, name: &'static str) -> Result<&'a str, ConfigError> {
        std::str::from_utf8(self.value(name)?).map_err(|_| ConfigError::Malformed { name })
    }

    fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T, ConfigError> {
        self.text(name)?.parse().map_err(|_| ConfigError::Malformed { name })
    }

    fn yes(&self, name: &'static str) -> Result<bool, ConfigError> {
        match self.text(name)? {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err(ConfigError::Malformed { name }),
        }
    }

    fn upstream(&self) -> Result<Option<(String, u16)>, ConfigError> {
        let name = "replicaof";
        let written = self.text(name)?;
        if written.is_empty() {
            return Ok(None);
        }
        let (host, port) = written.split_once(' ').ok_or(ConfigError::Malformed { name })?;
        let port = port.parse().map_err(|_| ConfigError::Malformed { name })?;
        Ok(Some((host.to_owned(), port)))
    }
}

/// `None` for a setting that the server does not have.
fn optional<T>(setting: Result<T, ConfigError>) -> Result<Option<T>, ConfigError> {
    match setting {
        Err(ConfigError::Missing { .. }) => Ok(None),
        setting => setting.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIRS: &[(&str, &str)] = &[
        ("min-replicas-to-write", "1"),
        ("min-replicas-max-lag", "10"),
        ("repl-ping-replica-period", "10"),
        ("replicaof", ""),
        ("appendonly", "no"),
        ("save", "3600 1 300 100"),
        ("cluster-enabled", "no"),
        ("busy-reply-threshold", "5000"),
        ("timeout", "0"),
        ("replica-priority", "100"),
        ("replica-announce-ip", ""),
        ("replica-announce-port", "0"),
        ("tls-replication", "yes"),
        ("port", "6379"),
        ("tls-port", "6380"),
        ("requirepass", "hunter2"),
    ];

    fn answer(pairs: &[(&str, &str)]) -> Value {
        let texts = pairs.iter().flat_map(|(name, value)| [name, value]);
        Value::Array(texts.map(|text| Value::BulkString(text.as_bytes().to_vec())).collect())
    }

    fn with(name: &str, value: Option<&str>) -> Result<ServerConfig, ConfigError> {
        let mut pairs: Vec<_> = PAIRS.iter().copied().filter(|(known, _)| *known != name).collect();
        pairs.extend(value.map(|value| (name, value)));
        ServerConfig::parse(&answer(&pairs))
    }

    #[test]
    fn every_setting_is_asked_for_and_read() {
        let asked: Vec<&str> = PAIRS.iter().map(|(name, _)| *name).collect();
        assert_eq!(asked, ServerConfig::NAMES);
        let config = ServerConfig::parse(&answer(PAIRS)).unwrap();
        assert_eq!(
            config,
            ServerConfig {
                min_replicas_to_write: 1,
                min_replicas_max_lag_s: 10,
                repl_ping_replica_period_s: 10,
                replicaof: None,
                appendonly: false,
                save: "3600 1 300 100".to_owned(),
                cluster_enabled: false,
                busy_reply_threshold_ms: 5000,
                timeout_s: 0,
                replica_priority: 100,
                replica_announce_ip: None,
                replica_announce_port: None,
                tls_replication: true,
                port: 6379,
                tls_port: 6380,
                requirepass_set: true,
            }
        );
        assert!(!format!("{config:?}").contains("hunter2"));
        let followed = with("replicaof", Some("10.0.0.1 6379")).unwrap().replicaof;
        assert_eq!(followed, Some(("10.0.0.1".to_owned(), 6379)));
        let announced = with("replica-announce-port", Some("7")).unwrap().replica_announce_port;
        assert_eq!(announced, Some(7));
    }

    #[test]
    fn old_names_count() {
        let old: Vec<(String, &str)> = PAIRS
            .iter()
            .map(|(name, value)| match *name {
                "replicaof" => ("slaveof".to_owned(), *value),
                "busy-reply-threshold" => ("lua-time-limit".to_owned(), *value),
                name => {
                    (name.replace("replica-", "slave-").replace("replicas-", "slaves-"), *value)
                }
            })
            .collect();
        let old: Vec<(&str, &str)> = old.iter().map(|(name, value)| (&**name, *value)).collect();
        assert_eq!(ServerConfig::parse(&answer(&old)), ServerConfig::parse(&answer(PAIRS)));
    }

    #[test]
    fn what_is_missing_or_malformed_is_named_without_its_value() {
        for name in ServerConfig::NAMES {
            let missing = with(name, None);
            if name.starts_with("tls") {
                assert!(missing.is_ok(), "{name}");
            } else {
                assert_eq!(missing, Err(ConfigError::Missing { name }));
            }
        }
        for (name, value) in
            [("port", "70000"), ("appendonly", "1"), ("replicaof", "x"), ("timeout", "-1")]
        {
            assert!(
                matches!(with(name, Some(value)), Err(ConfigError::Malformed { name: named }) if named == name)
            );
        }
        let odd = Value::Array(vec![Value::Okay]);
        assert!(matches!(ServerConfig::parse(&odd), Err(ConfigError::Reply(_))));
    }
}

//! A configuration's text, and the values of directives as `CONFIG GET` shows them.

use std::collections::BTreeMap;

/// What a directive is when nothing is said about it, as far as anybody asks.
const DEFAULTS: [(&str, &str); 41] = [
    ("appendfsync", "everysec"),
    ("appendonly", "no"),
    ("busy-reply-threshold", "5000"),
    ("cluster-enabled", "no"),
    (
        "client-output-buffer-limit",
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    ),
    ("dir", "/data"),
    ("hz", "10"),
    ("lazyfree-lazy-user-del", "yes"),
    ("maxclients", "10000"),
    ("maxmemory", "0"),
    ("maxmemory-policy", "noeviction"),
    ("min-replicas-max-lag", "10"),
    ("min-replicas-to-write", "0"),
    ("notify-keyspace-events", ""),
    ("port", "6379"),
    ("primaryauth", ""),
    ("primaryuser", ""),
    ("protected-mode", "yes"),
    ("rdb-del-sync-files", "no"),
    ("repl-backlog-size", "10485760"),
    ("repl-backlog-ttl", "3600"),
    ("repl-diskless-load", "disabled"),
    ("repl-diskless-sync", "yes"),
    ("repl-diskless-sync-delay", "5"),
    ("repl-ping-replica-period", "10"),
    ("repl-timeout", "60"),
    ("replica-announce-ip", ""),
    ("replica-announce-port", "0"),
    ("replica-priority", "100"),
    ("replica-read-only", "yes"),
    ("replica-serve-stale-data", "yes"),
    ("replicaof", ""),
    ("requirepass", ""),
    ("save", "3600 1 300 100 60 10000"),
    ("shutdown-timeout", "10"),
    ("slowlog-log-slower-than", "10000"),
    ("stop-writes-on-bgsave-error", "yes"),
    ("tcp-keepalive", "300"),
    ("timeout", "0"),
    ("tls-port", "0"),
    ("tls-replication", "no"),
];
/// What is only read when a server starts.
const IMMUTABLE: [&str; 5] =
    ["cluster-enabled", "daemonize", "databases", "replicaof", "tls-replication"];
const MEMORY: [&str; 4] =
    ["maxmemory", "repl-backlog-size", "maxmemory-clients", "client-query-buffer-limit"];

/// Directives by their name of today.
#[derive(Debug, Clone)]
pub struct Directives(BTreeMap<String, String>);

/// The name of today for an old one.
fn current_name(name: &str) -> String {
    let name = name.to_lowercase();
    match name.as_str() {
        "slaveof" | "primaryof" => "replicaof".to_owned(),
        "masterauth" => "primaryauth".to_owned(),
        "masteruser" => "primaryuser".to_owned(),
        "lua-time-limit" => "busy-reply-threshold".to_owned(),
        "repl-ping-slave-period" => "repl-ping-replica-period".to_owned(),
        _ => name.replace("slave", "replica").replacen("min-slaves", "min-replicas", 1),
    }
}

impl Directives {
    /// Reads a configuration. Lines that begin with `user` are given back: they are about users.
    pub fn read(text: &str) -> (Self, Vec<Vec<String>>) {
        let defaults = DEFAULTS.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let mut directives = Self(defaults.collect());
        let mut users = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = split(line);
            let name = words.remove(0);
            if name.eq_ignore_ascii_case("user") {
                users.push(words);
            } else {
                directives.put(&name, &words.join(" "));
            }
        }
        (directives, users)
    }

    fn put(&mut self, name: &str, value: &str) {
        let name = current_name(name);
        let value = if name == "replicaof" && value.eq_ignore_ascii_case("no one") {
            String::new()
        } else {
            normal(&name, value).unwrap_or_else(|_| value.to_owned())
        };
        self.0.insert(name, value);
    }

    /// Sets directives together, or says why none was, in the server's words.
    pub fn set(&mut self, pairs: &[(String, String)]) -> Result<(), String> {
        let mut next = self.0.clone();
        for (name, value) in pairs {
            let known = current_name(name);
            if !next.contains_key(&known) && !IMMUTABLE.contains(&known.as_str()) {
                return Err(format!(
                    "ERR Unknown option or number of arguments for CONFIG SET - '{name}'"
                ));
            }
            let fault = |fault: &str| {
                format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {fault}")
            };
            if IMMUTABLE.contains(&known.as_str()) {
                return Err(fault("can't set immutable config"));
            }
            let value = normal(&known, value).map_err(fault)?;
            next.insert(known, value);
        }
        self.0 = next;
        Ok(())
    }

    /// Whom the server follows by now.
    pub fn follow(&mut self, upstream: String) {
        self.0.insert("replicaof".to_owned(), upstream);
    }

    pub fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub fn number(&self, name: &str) -> u64 {
        self.get(name).parse().unwrap_or(0)
    }

    pub fn is(&self, name: &str) -> bool {
        self.get(name) == "yes"
    }

    /// The answer to `CONFIG GET` of a name or a pattern that ends in `*`; an old name is answered
    /// by that name.
    pub fn find<'a>(&'a self, asked: &'a str) -> Vec<(&'a str, &'a str)> {
        if let Some(start) = asked.strip_suffix('*') {
            let meant = self.0.iter().filter(|(name, _)| name.starts_with(start));
            return meant.map(|(name, value)| (name.as_str(), value.as_str())).collect();
        }
        self.0.get(&current_name(asked)).map(|value| (asked, value.as_str())).into_iter().collect()
    }
}

/// A value as the server would show it.
fn normal(name: &str, value: &str) -> Result<String, &'static str> {
    if MEMORY.contains(&name) {
        return memory(value).map(|it| it.to_string()).ok_or("argument must be a memory value");
    }
    let default = DEFAULTS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    match default {
        Some("yes" | "no") if !matches!(value, "yes" | "no") => {
            Err("argument must be 'yes' or 'no'")
        }
        Some(default) if !default.is_empty() && default.bytes().all(|it| it.is_ascii_digit()) => {
            match value.parse::<i64>() {
                Ok(0..=2_147_483_647) => Ok(value.to_owned()),
                Ok(_) => Err("argument must be between 0 and 2147483647 inclusive"),
                Err(_) => Err("argument couldn't be parsed into an integer"),
            }
        }
        _ => Ok(value.to_owned()),
    }
}

fn memory(value: &str) -> Option<u64> {
    let lower = value.to_lowercase();
    let digits = lower.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// The words of a line; double quotes hold blanks and `\xHH`.
fn split(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut begun) = (Vec::new(), Vec::new(), false, false);
    let mut bytes = line.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => (quoted, begun) = (!quoted, true),
            b'\\' if quoted => match bytes.next() {
                Some(b'x') => {
                    let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                    word.push(u8::from_str_radix(&digits, 16).unwrap_or(b'?'));
                }
                Some(other) => word.push(other),
                None => {}
            },
            byte if byte.is_ascii_whitespace() && !quoted => {
                if begun || !word.is_empty() {
                    words.push(String::from_utf8_lossy(&std::mem::take(&mut word)).into_owned());
                }
                begun = false;
            }
            byte => word.push(byte),
        }
    }
    if begun || !word.is_empty() {
        words.push(String::from_utf8_lossy(&word).into_owned());
    }
    words
}

//! What each node is, what a command makes of it, and what `INFO` says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// How sets begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// The first of each leads, the others follow.
    Healthy,
    /// All are replicas of nowhere, as Gungnir's pods start.
    #[allow(dead_code, reason = "one benchmark begins so, the other does not")]
    Gated,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Leads,
    Follows(usize),
    Nowhere,
}

struct Node {
    role: Role,
    history: String,
    previous: String,
    users: BTreeSet<String>,
    settings: BTreeMap<String, String>,
}

/// Every node.
pub struct Nodes {
    all: Vec<Node>,
    addresses: Vec<SocketAddr>,
    in_a_set: usize,
    /// How many replication ids were made.
    histories: usize,
    /// Where every history stands: nobody writes.
    offset: u64,
}

const NO_HISTORY: &str = "0000000000000000000000000000000000000000";

impl Nodes {
    pub fn new(
        addresses: Vec<SocketAddr>,
        in_a_set: usize,
        begin: Begin,
        file: &[(String, String)],
    ) -> Self {
        let node = |index: usize| {
            let first = index - index % in_a_set;
            let (role, history) = match begin {
                Begin::Healthy if index == first => (Role::Leads, first),
                Begin::Healthy => (Role::Follows(first), first),
                Begin::Gated => (Role::Nowhere, index),
            };
            let settings = [
                ("min-replicas-to-write", if begin == Begin::Healthy { "1" } else { "0" }),
                ("repl-ping-replica-period", "1"),
                ("min-replicas-max-lag", "2"),
                ("replica-priority", "100"),
                ("appendonly", "no"),
                ("cluster-enabled", "no"),
                ("tls-replication", "no"),
                ("busy-reply-threshold", "2500"),
                ("timeout", "0"),
                ("port", "0"),
                ("tls-port", "0"),
                ("replica-announce-port", "0"),
            ];
            Node {
                role,
                history: name_of(history),
                previous: NO_HISTORY.to_owned(),
                users: BTreeSet::from(["default".to_owned()]),
                settings: settings
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into_iter()
                    .chain(file.iter().cloned())
                    .collect(),
            }
        };
        let all: Vec<Node> = (0..addresses.len()).map(node).collect();
        let offset = if begin == Begin::Healthy { 1000 } else { 0 };
        Self { histories: all.len(), all, addresses, in_a_set, offset }
    }

    /// What a node answers, after it has done what it was told.
    pub fn reply(&mut self, index: usize, words: &[&str]) -> String {
        let upper: Vec<String> = words.iter().map(|word| word.to_ascii_uppercase()).collect();
        let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
        match upper[..] {
            ["PING", ..] => return "+PONG\r\n".to_owned(),
            ["INFO", "REPLICATION"] => return bulk(&self.replication(index)),
            ["INFO", ..] => return bulk(&(self.server(index) + &self.replication(index))),
            ["CONFIG", "GET", ..] => return self.settings(index, &words[2..]),
            ["CONFIG", "SET", ..] => self.set(index, &words[2..]),
            ["ACL", "USERS"] => {
                let users = &self.all[index].users;
                let names: String = users.iter().map(|name| bulk(name)).collect();
                return format!("*{}\r\n{names}", users.len());
            }
            ["ACL", "SETUSER", _, ..] => {
                self.all[index].users.insert(words[2].to_owned());
            }
            ["ACL", "DELUSER", _, ..] => {
                for name in &words[2..] {
                    self.all[index].users.remove(*name);
                }
                return format!(":{}\r\n", words.len() - 2);
            }
            ["REPLICAOF", "NO", "ONE"] => self.lead(index),
            ["REPLICAOF", _, _] => self.follow(index, words[1], words[2]),
            ["CLIENT", "KILL", ..] => return ":0\r\n".to_owned(),
            _ => {}
        }
        "+OK\r\n".to_owned()
    }

    fn lead(&mut self, index: usize) {
        if self.all[index].role == Role::Leads {
            return;
        }
        self.histories += 1;
        let history = name_of(self.histories);
        let node = &mut self.all[index];
        node.role = Role::Leads;
        node.previous = std::mem::replace(&mut node.history, history);
    }

    fn follow(&mut self, index: usize, host: &str, port: &str) {
        let upstream = self
            .addresses
            .iter()
            .position(|it| it.ip().to_string() == host && it.port().to_string() == port);
        match upstream {
            Some(upstream) => {
                let (history, previous) =
                    (self.all[upstream].history.clone(), self.all[upstream].previous.clone());
                let node = &mut self.all[index];
                (node.role, node.history, node.previous) =
                    (Role::Follows(upstream), history, previous);
            }
            None => self.all[index].role = Role::Nowhere,
        }
    }

    fn set(&mut self, index: usize, pairs: &[&str]) {
        for pair in pairs.chunks_exact(2) {
            self.all[index].settings.insert(pair[0].to_owned(), pair[1].to_owned());
        }
    }

    fn settings(&self, index: usize, names: &[&str]) -> String {
        let known = &self.all[index].settings;
        let value = |name: &str| known.get(name).map_or("", String::as_str);
        let pairs: String = names.iter().map(|name| bulk(name) + &bulk(value(name))).collect();
        format!("*{}\r\n{pairs}", names.len() * 2)
    }

    fn server(&self, index: usize) -> String {
        let (port, run_id) = (self.addresses[index].port(), name_of(index));
        let keys = if self.offset > 0 { "db0:keys=1,expires=0,avg_ttl=0\r\n" } else { "" };
        format!(
            "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.4\r\n\
             server_mode:standalone\r\nredis_mode:standalone\r\nprocess_id:1\r\n\
             run_id:{run_id}\r\ntcp_port:{port}\r\nuptime_in_seconds:100\r\nhz:10\r\n\
             # Persistence\r\nloading:0\r\nasync_loading:0\r\nrdb_last_bgsave_status:ok\r\n\
             aof_enabled:0\r\naof_last_bgrewrite_status:ok\r\naof_last_write_status:ok\r\n\
             # Keyspace\r\n{keys}"
        )
    }

    fn replication(&self, index: usize) -> String {
        use std::fmt::Write as _;
        let (node, offset) = (&self.all[index], self.offset);
        let mut text = "# Replication\r\n".to_owned();
        let upstream = match node.role {
            Role::Leads => None,
            Role::Follows(upstream) => {
                let leads = self.all[upstream].role == Role::Leads;
                Some((self.addresses[upstream].to_string(), leads))
            }
            Role::Nowhere => Some(("127.0.0.1:1".to_owned(), false)),
        };
        // `write!` into a `String` takes everything.
        if let Some((address, is_up)) = upstream {
            let (host, port) = address.rsplit_once(':').unwrap();
            let _ = write!(
                text,
                "role:slave\r\nmaster_host:{host}\r\nmaster_port:{port}\r\n\
                 master_link_status:{}\r\nmaster_last_io_seconds_ago:{}\r\n\
                 master_sync_in_progress:0\r\nslave_read_repl_offset:{offset}\r\n\
                 slave_repl_offset:{offset}\r\nslave_priority:100\r\nslave_read_only:1\r\n\
                 replica_announced:1\r\nconnected_slaves:0\r\n",
                if is_up { "up" } else { "down" },
                if is_up { 0 } else { -1 },
            );
            if !is_up {
                text += "master_link_down_since_seconds:-1\r\n";
            }
        } else {
            let first = index - index % self.in_a_set;
            let replicas: Vec<usize> = (first..first + self.in_a_set)
                .filter(|it| self.all[*it].role == Role::Follows(index))
                .collect();
            let count = replicas.len();
            let _ = write!(
                text,
                "role:master\r\nconnected_slaves:{count}\r\nmin_slaves_good_slaves:{count}\r\n"
            );
            for (number, replica) in replicas.into_iter().enumerate() {
                let address = self.addresses[replica];
                let _ = write!(
                    text,
                    "slave{number}:ip={},port={},state=online,offset={offset},lag=0\r\n",
                    address.ip(),
                    address.port()
                );
            }
        }
        let second = if node.previous == NO_HISTORY { -1 } else { i128::from(offset) + 1 };
        let _ = write!(
            text,
            "master_failover_state:no-failover\r\nmaster_replid:{}\r\nmaster_replid2:{}\r\n\
             master_repl_offset:{offset}\r\nsecond_repl_offset:{second}\r\nrepl_backlog_active:1\r\n\
             repl_backlog_size:1048576\r\n",
            node.history, node.previous
        );
        text
    }
}

/// A run or replication id; no name is all zeros, which stands for none.
fn name_of(number: usize) -> String {
    format!("{:040x}", number + 1)
}

fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

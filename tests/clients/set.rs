//! A master with two replicas, empty and in sync.

use std::time::Duration;

use crate::valkey::Installed;
use crate::valkey::Server;
use crate::valkey::ServerSetup;
use crate::valkey::send_signal;
use crate::valkey::wait_until;

/// How long a first synchronisation may take.
const SYNC_DEADLINE: Duration = Duration::from_secs(20);

/// The servers; the first one is the master at the start.
#[derive(Debug)]
pub struct Set {
    servers: Vec<Server>,
}

impl Set {
    /// Starts the servers and returns when both replicas are in sync.
    ///
    /// # Panics
    /// When one of them does not start or follow.
    pub fn start(installed: &Installed) -> Self {
        let start = |options: &[&str]| {
            let options = options.iter().map(|&option| option.to_owned()).collect();
            // The first synchronisation need not wait for others that want the same.
            let conf = "save ''\nrepl-diskless-sync-delay 0\n".to_owned();
            installed.start(&ServerSetup { conf, options, ..ServerSetup::default() })
        };
        let master = start(&[]);
        let port = master.port.to_string();
        let follow = ["--replicaof", "127.0.0.1", &port];
        let servers = vec![master, start(&follow), start(&follow)];
        for replica in &servers[1..] {
            let in_sync = wait_until(SYNC_DEADLINE, || {
                said(replica, &["INFO", "replication"]).contains("master_link_status:up")
            });
            assert!(in_sync, "a replica does not follow:\n{}", replica.log());
        }
        Self { servers }
    }

    /// `127.0.0.1:PORT` of each server.
    pub fn addresses(&self) -> Vec<String> {
        self.servers.iter().map(|server| format!("127.0.0.1:{}", server.port)).collect()
    }

    /// The port of the master at the start.
    pub fn first_port(&self) -> u16 {
        self.servers[0].port
    }

    /// Kills the master of the start.
    pub fn kill_first(&self) {
        send_signal("KILL", self.servers[0].process_id());
    }

    /// Whether the master of the start has become a replica.
    pub fn first_is_replica(&self) -> bool {
        role(&self.servers[0]) == "slave"
    }

    /// The one other server that is master; none when there is none or more than one.
    pub fn new_master(&self) -> Option<&Server> {
        let mut masters = self.servers[1..].iter().filter(|server| role(server) == "master");
        masters.next().filter(|_| masters.next().is_none())
    }

    /// `PORT ROLE` of each server; no role of one that does not answer.
    pub fn roles(&self) -> Vec<String> {
        self.servers.iter().map(|server| format!("{} {}", server.port, role(server))).collect()
    }
}

fn role(server: &Server) -> String {
    said(server, &["ROLE"]).lines().next().unwrap_or_default().to_owned()
}

/// What a server replies, as `valkey-cli` shows it to a program; nothing when it does not answer.
pub fn said(server: &Server, arguments: &[&str]) -> String {
    String::from_utf8_lossy(&server.cli(arguments).stdout).into_owned()
}

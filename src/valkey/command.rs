//! What is sent to a server: one constructor a command, each with what it does there.

use std::fmt;

use super::config::ServerConfig;
use super::dial::Credentials;
use super::secret::Secret;

/// Where a replica of nowhere points: nobody listens on port 1, and an address costs no look-up.
pub(super) const NOWHERE: (&str, u16) = ("127.0.0.1", 1);

/// One command with its arguments, ready to be written. A secret among them is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Command {
    /// As a person would type it, `<secret>` for each secret.
    shown: String,
    packed: Vec<u8>,
    holds_secret: bool,
}

impl Command {
    /// A command of plain words.
    pub(super) fn of(words: &[&str]) -> Self {
        let mut builder = Builder::new();
        for word in words {
            builder.word(word);
        }
        builder.done()
    }

    /// The bytes for the server.
    pub(super) fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// Whether the server's words about it may repeat a secret.
    pub(super) fn holds_secret(&self) -> bool {
        self.holds_secret
    }

    /// `AUTH`: who this connection is from now on.
    #[must_use]
    pub fn auth(credentials: &Credentials) -> Self {
        let mut builder = Builder::new();
        builder.word("AUTH");
        if let Some(user) = &credentials.user {
            builder.word(user);
        }
        builder.secret("", &credentials.password);
        builder.done()
    }

    /// `CLIENT SETNAME`: how the connection shows in the server's `CLIENT LIST`.
    #[must_use]
    pub fn client_setname(name: &str) -> Self {
        Self::of(&["CLIENT", "SETNAME", name])
    }

    /// `CLIENT NO-EVICT ON`: the connection is not closed when clients use too much memory.
    #[must_use]
    pub fn client_no_evict() -> Self {
        Self::of(&["CLIENT", "NO-EVICT", "ON"])
    }

    /// `PING`: whether it answers. `LOADING`, `BUSY`, `MASTERDOWN` and `MISCONF` show here.
    #[must_use]
    pub fn ping() -> Self {
        Self::of(&["PING"])
    }

    /// `INFO` of all that [`Info::parse`](super::Info::parse) needs.
    #[must_use]
    pub fn info_full() -> Self {
        Self::of(&["INFO", "server", "replication", "persistence", "keyspace"])
    }

    /// What changes from tick to tick, for [`Info::merge_light`](super::Info::merge_light).
    #[must_use]
    pub fn info_light() -> Self {
        Self::of(&["INFO", "server", "replication"])
    }

    /// `ROLE`: role, offset and links, the cheapest answer of all.
    #[must_use]
    pub fn role() -> Self {
        Self::of(&["ROLE"])
    }

    /// `DBSIZE`: how many keys are in database 0.
    #[must_use]
    pub fn dbsize() -> Self {
        Self::of(&["DBSIZE"])
    }

    /// `CONFIG GET` of these names.
    #[must_use]
    pub fn config_get(names: &[&str]) -> Self {
        Self::of(&[&["CONFIG", "GET"], names].concat())
    }

    /// `CONFIG GET` of all that [`ServerConfig::parse`] reads.
    #[must_use]
    pub fn config_get_all() -> Self {
        Self::config_get(ServerConfig::NAMES)
    }

    /// `CONFIG SET name value`. Nothing is written to the server's file.
    #[must_use]
    pub fn config_set(name: &str, value: &str) -> Self {
        Self::of(&["CONFIG", "SET", name, value])
    }

    /// `CONFIG SET` of how many replicas must be near for a write to be taken, and how near, in
    /// seconds. Both take effect together; nothing is written to the server's file.
    #[must_use]
    pub fn config_set_min_replicas(to_write: u32, max_lag_s: u32) -> Self {
        let (to_write, max_lag) = (to_write.to_string(), max_lag_s.to_string());
        let names = ["min-replicas-to-write", "min-replicas-max-lag"];
        Self::of(&["CONFIG", "SET", names[0], &to_write, names[1], &max_lag])
    }

    /// `REPLICAOF host port`: follow that master. Where histories part, **all data here is
    /// replaced** by the master's.
    #[must_use]
    pub fn replicaof(host: &str, port: u16) -> Self {
        Self::of(&["REPLICAOF", host, &port.to_string()])
    }

    /// `REPLICAOF 127.0.0.1 1`: follow nobody. Data, offset and history stay, writes are refused,
    /// and nothing is acknowledged any more.
    #[must_use]
    pub fn replicaof_nowhere() -> Self {
        Self::replicaof(NOWHERE.0, NOWHERE.1)
    }

    /// `REPLICAOF NO ONE`: be master. The history goes on under a new replication id.
    #[must_use]
    pub fn replicaof_no_one() -> Self {
        Self::of(&["REPLICAOF", "NO", "ONE"])
    }

    /// `CLIENT PAUSE … WRITE`: writes wait, for `limit_ms` milliseconds at most; reads go on.
    #[must_use]
    pub fn client_pause_write(limit_ms: u64) -> Self {
        Self::of(&["CLIENT", "PAUSE", &limit_ms.to_string(), "WRITE"])
    }

    /// `CLIENT UNPAUSE`: those that wait go on.
    #[must_use]
    pub fn client_unpause() -> Self {
        Self::of(&["CLIENT", "UNPAUSE"])
    }

    /// `CLIENT KILL` of every application's connection but the one that this is sent on. Our own
    /// other connections to the server end as well, by a FIN that proves nothing.
    #[must_use]
    pub fn client_kill_normal() -> Self {
        Self::of(&["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"])
    }

    /// `CLIENT KILL` of every subscriber's connection.
    #[must_use]
    pub fn client_kill_pubsub() -> Self {
        Self::of(&["CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes"])
    }

    /// `CLIENT KILL` of the replica whose end of the link has this address, as `CLIENT LIST` shows
    /// it (`10.0.0.1:51234`, `[::1]:51234`): not where it listens. It connects again if it may.
    #[must_use]
    pub fn client_kill_replica_address(link_address: &str) -> Self {
        Self::of(&["CLIENT", "KILL", "TYPE", "replica", "ADDR", link_address])
    }

    /// `CLIENT KILL USER`: ends every connection of this user, but the one that this is sent on.
    #[must_use]
    pub fn client_kill_user(user: &str) -> Self {
        Self::of(&["CLIENT", "KILL", "USER", user, "SKIPME", "yes"])
    }

    /// `SCRIPT KILL`: ends a script that has not written yet.
    #[must_use]
    pub fn script_kill() -> Self {
        Self::of(&["SCRIPT", "KILL"])
    }

    /// `FUNCTION KILL`: the same for a function, which `SCRIPT KILL` does not end.
    #[must_use]
    pub fn function_kill() -> Self {
        Self::of(&["FUNCTION", "KILL"])
    }

    /// `MULTI`: what follows is queued.
    pub(super) fn multi() -> Self {
        Self::of(&["MULTI"])
    }

    /// `EXEC`: what is queued runs, with nothing in between.
    pub(super) fn exec() -> Self {
        Self::of(&["EXEC"])
    }
}

/// Puts a command together.
pub(super) struct Builder {
    shown: String,
    command: redis::Cmd,
    holds_secret: bool,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { shown: String::new(), command: redis::Cmd::new(), holds_secret: false }
    }

    pub(super) fn word(&mut self, word: &str) {
        self.command.arg(word);
        self.show(word);
    }

    /// An argument of a plain start and a secret.
    pub(super) fn secret(&mut self, start: &str, secret: &Secret) {
        self.command.arg([start, secret.reveal()].concat());
        self.holds_secret = true;
        self.show(start);
        self.shown.push_str("<secret>");
    }

    pub(super) fn done(self) -> Command {
        Command {
            shown: self.shown,
            packed: self.command.get_packed_command(),
            holds_secret: self.holds_secret,
        }
    }

    fn show(&mut self, word: &str) {
        if !self.shown.is_empty() {
            self.shown.push(' ');
        }
        self.shown.push_str(word);
    }
}

impl fmt::Display for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_packed_as_an_array_of_texts() {
        let command = Command::replicaof("10.0.0.1", 6379);
        assert_eq!(command.packed(), b"*3\r\n$9\r\nREPLICAOF\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n");
        assert_eq!(command.to_string(), "REPLICAOF 10.0.0.1 6379");
        assert_eq!(Command::replicaof_nowhere().to_string(), "REPLICAOF 127.0.0.1 1");
        assert_eq!(
            Command::config_set_min_replicas(1, 2).to_string(),
            "CONFIG SET min-replicas-to-write 1 min-replicas-max-lag 2"
        );
    }

    #[test]
    fn a_secret_is_sent_and_never_shown() {
        let password = Secret::new("hunter2".to_owned());
        for (user, shown) in [(None, "AUTH <secret>"), (Some("a b"), "AUTH a b <secret>")] {
            let user = user.map(str::to_owned);
            let credentials = Credentials { user, password: password.clone() };
            let command = Command::auth(&credentials);
            assert!(command.packed().ends_with(b"$7\r\nhunter2\r\n"));
            assert_eq!((command.to_string(), format!("{command:?}")), (shown.into(), shown.into()));
            assert!(command.holds_secret() && !format!("{credentials:?}").contains("hunter2"));
        }
    }
}

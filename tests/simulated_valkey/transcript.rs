//! What happened on a stage, in words that are the same on another.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::stage::{Signal, Stage};

const LIMIT: Duration = Duration::from_secs(1);
/// How long a state may take to come about, and how often it is looked for.
const DEADLINE: Duration = Duration::from_secs(15);
const PERIOD: Duration = Duration::from_millis(20);
/// Masters do not ping: offsets are the same to the byte.
const USUAL: &str = "replicaof 127.0.0.1 1\nmin-replicas-max-lag 2\nrepl-ping-replica-period 3600\n\
    repl-diskless-sync-delay 0\nrepl-backlog-ttl 0\nsave \"\"\nprotected-mode no\n";
/// The fields of `INFO` that Gungnir reads, and those that say why they are what they are.
const FIELDS: [&str; 42] = [
    "redis_version",
    "server_name",
    "valkey_version",
    "server_mode",
    "run_id",
    "tcp_port",
    "loading",
    "async_loading",
    "rdb_last_bgsave_status",
    "aof_enabled",
    "aof_last_bgrewrite_status",
    "aof_last_write_status",
    "sync_full",
    "sync_partial_ok",
    "sync_partial_err",
    "role",
    "master_host",
    "master_port",
    "master_link_status",
    "master_last_io_seconds_ago",
    "master_sync_in_progress",
    "slave_read_repl_offset",
    "slave_repl_offset",
    "master_link_down_since_seconds",
    "slave_priority",
    "slave_read_only",
    "replica_announced",
    "connected_slaves",
    "min_slaves_good_slaves",
    "slave0",
    "slave1",
    "master_failover_state",
    "master_replid",
    "master_replid2",
    "master_repl_offset",
    "second_repl_offset",
    "repl_backlog_active",
    "repl_backlog_size",
    "repl_backlog_first_byte_offset",
    "repl_backlog_histlen",
    "rdb_changes_since_last_save",
    "db0",
];
/// Fields that are known to differ, and why.
const NOT_COMPARED: [(&str, &str); 1] = [(
    "rdb_changes_since_last_save",
    "what is loaded, or applied from a file, is counted in ways that nobody reads",
)];
/// Fields in seconds: only whether there are any, and whether they are few.
const SECONDS: [&str; 2] = ["master_last_io_seconds_ago", "master_link_down_since_seconds"];

pub struct Transcript<'a> {
    stage: &'a mut dyn Stage,
    lines: Vec<String>,
    /// Ids by the order in which they were first seen.
    ids: BTreeMap<String, usize>,
}

impl<'a> Transcript<'a> {
    pub fn new(stage: &'a mut dyn Stage) -> Self {
        Self { stage, lines: Vec::new(), ids: BTreeMap::new() }
    }

    pub fn lines(self) -> Vec<String> {
        self.lines
    }

    /// Starts a server behind the gate, with more lines of configuration.
    pub fn start(&mut self, server: usize, more: &str) {
        self.stage.start(server, &format!("{USUAL}{more}"));
        self.lines.push(format!("{server} starts"));
    }

    /// Starts so many, and lets the first lead and the others follow.
    pub fn set(&mut self, servers: usize, more: &str) {
        (0..servers).for_each(|server| self.start(server, more));
        self.ask(0, "REPLICAOF NO ONE");
        for server in 1..servers {
            self.follow(server, 0);
            self.until(server, "master_link_status", "up");
        }
        self.level(servers);
    }

    /// Waits until replicas have acknowledged all that there is.
    pub fn level(&mut self, servers: usize) {
        let mut waited = Duration::ZERO;
        loop {
            let info = self.info(0);
            let level = format!("state=online,offset={},", field(&info, "master_repl_offset"));
            let is_level = |replica| field(&info, &format!("slave{replica}")).contains(&level);
            if (0..servers.saturating_sub(1)).all(is_level) {
                return;
            }
            assert!(waited < DEADLINE, "never level");
            self.stage.pass(PERIOD);
            waited += PERIOD;
        }
    }

    pub fn signal(&mut self, server: usize, signal: Signal) {
        self.stage.signal(server, signal);
        self.lines.push(format!("{server} {signal:?}"));
    }

    pub fn exit(&mut self, server: usize) {
        let exit = self.stage.exit(server);
        self.lines.push(format!("{server} ended: {exit}"));
    }

    pub fn pass(&mut self, time_ms: u64) {
        self.stage.pass(Duration::from_millis(time_ms));
    }

    pub fn follow(&mut self, server: usize, master: usize) {
        let port = self.stage.port(master);
        self.ask(server, &format!("REPLICAOF 127.0.0.1 {port}"));
    }

    /// One command of the usual client.
    pub fn ask(&mut self, server: usize, words: &str) -> String {
        self.ask_as(server, "usual", words)
    }

    pub fn ask_as(&mut self, server: usize, client: &str, words: &str) -> String {
        self.send(server, client, words);
        self.answer(server, client)
    }

    pub fn send(&mut self, server: usize, client: &str, words: &str) {
        let list: Vec<&str> = words.split(' ').collect();
        let sent = self.stage.send(server, client, &list);
        let words = self.neutral(words);
        match sent {
            Ok(()) => self.lines.push(format!("{server} {client}> {words}")),
            Err(error) => self.lines.push(format!("{server} {client}> {words}: {error}")),
        }
    }

    pub fn answer(&mut self, server: usize, client: &str) -> String {
        let answer = self.stage.answer(server, client, LIMIT);
        let shown = self.neutral(answer.trim_end());
        self.lines.push(format!("{server} {client}< {shown}"));
        answer
    }

    pub fn leave(&mut self, server: usize, client: &str) {
        self.stage.leave(server, client);
        self.lines.push(format!("{server} {client} leaves"));
    }

    fn info(&mut self, server: usize) -> String {
        self.stage.send(server, "observer", &["INFO", "everything"]).expect("a connection");
        self.stage.answer(server, "observer", LIMIT)
    }

    fn field(&mut self, server: usize, name: &str) -> String {
        field(&self.info(server), name)
    }

    pub fn break_disk(&mut self, server: usize) {
        self.stage.break_disk(server);
        self.lines.push(format!("{server} has a broken disk"));
    }

    pub fn port(&mut self, server: usize) -> u16 {
        self.stage.port(server)
    }

    /// Waits until a field is so.
    pub fn until(&mut self, server: usize, name: &str, value: &str) {
        let mut waited = Duration::ZERO;
        while self.field(server, name) != value {
            if waited > DEADLINE {
                self.lines.push(format!("{server} never {name}:{value}"));
                return;
            }
            self.stage.pass(PERIOD);
            waited += PERIOD;
        }
        self.lines.push(format!("{server} {name}:{value}"));
    }

    /// Everything that is compared of a server, and its `ROLE`.
    pub fn show(&mut self, server: usize) {
        let info = self.info(server);
        for name in FIELDS {
            if NOT_COMPARED.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let mut value = field(&info, name);
            if SECONDS.contains(&name) {
                value = few(&value);
            }
            if let Some((before, lag)) = value.split_once(",lag=") {
                let (lag, after) = lag.split_once(',').expect("a kind");
                value = format!("{before},lag={},{after}", few(lag));
            }
            let value = self.neutral(&value);
            self.lines.push(format!("{server} {name}:{value}"));
        }
        self.ask_as(server, "observer", "ROLE");
        // An attempt that fails is made anew each second: which step of it is seen is chance.
        let line = self.lines.last_mut().expect("the answer");
        for step in [" connecting ", " handshake "] {
            *line = line.replace(step, " connect ");
        }
    }

    /// Ids as symbols, ports as servers.
    fn neutral(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for server in 0..3 {
            let port = self.stage.port(server).to_string();
            text = text.replace(&port, &format!("port-{server}"));
        }
        let mut shown = String::new();
        let mut word = String::new();
        for character in text.chars().chain([' ']) {
            if character.is_ascii_alphanumeric() {
                word.push(character);
                continue;
            }
            let is_id = word.len() == 40 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_id && word.bytes().any(|byte| byte != b'0') {
                let next = self.ids.len();
                let symbol = *self.ids.entry(word.clone()).or_insert(next);
                word = format!("id-{symbol}");
            }
            shown.push_str(&word);
            shown.push(character);
            word.clear();
        }
        shown.trim_end().to_owned()
    }
}

fn field(info: &str, name: &str) -> String {
    let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or("none").trim().to_owned()
}

/// A number of seconds, roughly.
fn few(seconds: &str) -> String {
    match seconds.parse::<i64>() {
        Ok(0..=5) => "few".to_owned(),
        Ok(6..) => "many".to_owned(),
        _ => seconds.to_owned(),
    }
}

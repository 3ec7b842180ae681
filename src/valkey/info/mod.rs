//! `INFO`, parsed once into types.
//!
//! A full one when a connection is new, then two sections of it at each tick: their text is walked
//! once, and nothing is allocated but hosts. Lines that are not known are passed over, so
//! Valkey 7 to 9 read alike.

mod fields;
mod replication;

use super::id::Id;
use fields::{Field, lines};
use replication::Lines;

pub use replication::{Follower, Link, Replica, Replication, Role};

/// What a process says of itself. It is bound to the connection on which it was read: the run id
/// cannot change there.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of the server's")]
pub struct Info {
    /// Which process it is; a restart makes a new one.
    pub run_id: Id,
    /// The version, as `8.1.1`; of Redis where it is one.
    pub version: String,
    /// Whether it calls itself Valkey. Redis, and Valkey 7, do not.
    pub is_valkey: bool,
    /// Alone or in a Valkey Cluster.
    pub mode: Mode,
    /// Where it listens, plain or else TLS.
    pub tcp_port: u16,
    /// Its process id, in its own name space.
    pub process_id: u32,
    /// How long it has been running, in seconds.
    pub uptime_s: u64,
    /// Whether it is reading its data set, and so can neither lead nor follow yet.
    pub loading: bool,
    /// Whether it is reading a data set from its master while it still serves the old one.
    pub async_loading: bool,
    /// Who follows whom, and how far.
    pub replication: Replication,
    /// It was told to end, takes no writes any more, and waits for its replicas to be level
    /// (`shutdown_in_milliseconds`, see `shutdown-timeout` in valkey.conf).
    pub ends_soon: bool,
    /// Keys in all databases.
    pub keys: u64,
    /// Whether the last snapshot could be written.
    pub rdb_last_bgsave_ok: bool,
    /// Whether the last write to the append-only file succeeded.
    pub aof_last_write_ok: bool,
    /// Whether the append-only file could be rewritten the last time.
    pub aof_last_bgrewrite_ok: bool,
}

/// How a server was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// A server of its own.
    Standalone,
    /// A node of Valkey Cluster.
    Cluster,
}

/// Why an `INFO` could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InfoError {
    /// A field that every server has is not there.
    #[error("`INFO` lacks `{field}`")]
    Missing {
        /// The field.
        field: &'static str,
    },
    /// A field is not what it should be.
    #[error("`{field}` of `INFO` cannot be read")]
    Malformed {
        /// The field.
        field: &'static str,
    },
    /// A Valkey Sentinel answers, which holds no data.
    #[error("the server is a Sentinel and holds no data")]
    Sentinel,
}

impl Info {
    /// Reads the answer to [`Command::info_full`](super::Command::info_full).
    ///
    /// # Errors
    /// [`InfoError`] names the first field that is missing or malformed.
    pub fn parse(text: &[u8]) -> Result<Self, InfoError> {
        let mut replication = Lines::default();
        let mut server = ServerLines::default();
        for (name, value) in lines(text) {
            if !replication.take(name, value) {
                server.take(name, value)?;
            }
        }
        let mode = match server.mode.bytes()? {
            b"standalone" => Mode::Standalone,
            b"cluster" => Mode::Cluster,
            b"sentinel" => return Err(InfoError::Sentinel),
            _ => return Err(server.mode.malformed()),
        };
        let version =
            if server.valkey_version.is_there() { server.valkey_version } else { server.version };
        Ok(Self {
            run_id: server.run_id.id()?,
            version: version.word()?.to_owned(),
            is_valkey: server.name.is(b"valkey"),
            mode,
            tcp_port: server.tcp_port.number()?,
            process_id: server.process_id.number()?,
            uptime_s: server.uptime.number()?,
            loading: server.loading.flag()?,
            async_loading: server.async_loading.is_there() && server.async_loading.flag()?,
            replication: replication.build()?,
            ends_soon: server.ends_soon,
            keys: server.keys,
            rdb_last_bgsave_ok: server.rdb_last_bgsave.ok()?,
            aof_last_write_ok: server.aof_last_write.ok()?,
            aof_last_bgrewrite_ok: server.aof_last_bgrewrite.ok()?,
        })
    }

    /// Takes over the answer to [`Command::info_light`](super::Command::info_light) on the
    /// connection on which this one was read.
    ///
    /// # Errors
    /// [`InfoError`] as for [`Info::parse`]; nothing is taken over then.
    pub fn merge_light(&mut self, text: &[u8]) -> Result<(), InfoError> {
        let mut replication = Lines::default();
        let mut ends_soon = false;
        for (name, value) in lines(text) {
            ends_soon |= !replication.take(name, value) && name == SHUTDOWN;
        }
        self.replication = replication.build()?;
        self.ends_soon = ends_soon;
        Ok(())
    }
}

/// There only while a server waits to end.
const SHUTDOWN: &[u8] = b"shutdown_in_milliseconds";

/// The lines about the process and its data that are used.
struct ServerLines<'a> {
    run_id: Field<'a>,
    version: Field<'a>,
    valkey_version: Field<'a>,
    name: Field<'a>,
    mode: Field<'a>,
    tcp_port: Field<'a>,
    process_id: Field<'a>,
    uptime: Field<'a>,
    loading: Field<'a>,
    async_loading: Field<'a>,
    rdb_last_bgsave: Field<'a>,
    aof_last_write: Field<'a>,
    aof_last_bgrewrite: Field<'a>,
    ends_soon: bool,
    keys: u64,
}

impl Default for ServerLines<'_> {
    fn default() -> Self {
        Self {
            run_id: Field::named("run_id"),
            version: Field::named("redis_version"),
            valkey_version: Field::named("valkey_version"),
            name: Field::named("server_name"),
            mode: Field::named("redis_mode"),
            tcp_port: Field::named("tcp_port"),
            process_id: Field::named("process_id"),
            uptime: Field::named("uptime_in_seconds"),
            loading: Field::named("loading"),
            async_loading: Field::named("async_loading"),
            rdb_last_bgsave: Field::named("rdb_last_bgsave_status"),
            aof_last_write: Field::named("aof_last_write_status"),
            aof_last_bgrewrite: Field::named("aof_last_bgrewrite_status"),
            ends_soon: false,
            keys: 0,
        }
    }
}

impl<'a> ServerLines<'a> {
    fn take(&mut self, name: &[u8], value: &'a [u8]) -> Result<(), InfoError> {
        match name {
            b"run_id" => self.run_id.set(value),
            b"redis_version" => self.version.set(value),
            b"valkey_version" => self.valkey_version.set(value),
            b"server_name" => self.name.set(value),
            b"redis_mode" | b"server_mode" => self.mode.set(value),
            b"tcp_port" => self.tcp_port.set(value),
            b"process_id" => self.process_id.set(value),
            b"uptime_in_seconds" => self.uptime.set(value),
            SHUTDOWN => self.ends_soon = true,
            b"loading" => self.loading.set(value),
            b"async_loading" => self.async_loading.set(value),
            b"rdb_last_bgsave_status" => self.rdb_last_bgsave.set(value),
            b"aof_last_write_status" => self.aof_last_write.set(value),
            b"aof_last_bgrewrite_status" => self.aof_last_bgrewrite.set(value),
            _ => {
                if let Some(keys) = database_keys(name, value)? {
                    self.keys = self.keys.saturating_add(keys);
                }
            }
        }
        Ok(())
    }
}

/// The keys of `dbN:keys=…`; `None` for any other line.
fn database_keys(name: &[u8], value: &[u8]) -> Result<Option<u64>, InfoError> {
    let digits = name.strip_prefix(b"db").unwrap_or_default();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Ok(None);
    }
    let mut keys = Field::named("keys");
    for (part, value) in fields::parts(value) {
        if part == b"keys" {
            keys.set(value);
        }
    }
    keys.number().map(Some)
}

#[cfg(test)]
mod tests {
    use super::replication::MAX_FOLLOWERS;
    use super::*;

    // From real servers, shortened.
    const MASTER: &str = include_str!("samples/master-9.txt");
    const REPLICA: &str = include_str!("samples/replica-8.txt");
    const SYNCING: &str = include_str!("samples/syncing-7.txt");

    fn parse(text: &str) -> Result<Info, InfoError> {
        // Servers end lines by CR LF; both are read.
        let info = Info::parse(text.as_bytes());
        assert_eq!(Info::parse(text.replace('\n', "\r\n").as_bytes()), info);
        info
    }

    fn replica_of(info: &Info) -> &Replica {
        match &info.replication.role {
            Role::Replica(replica) => replica,
            Role::Master => panic!("a master"),
        }
    }

    #[test]
    fn a_master_is_read() {
        let info = parse(MASTER).unwrap();
        let expected = Info {
            run_id: "dc4d8d287dae787738c3f97d394ed6fcf60a2f78".parse().unwrap(),
            version: "9.1.2".to_owned(),
            is_valkey: true,
            mode: Mode::Standalone,
            tcp_port: 6379,
            process_id: 22410,
            uptime_s: 4,
            loading: false,
            async_loading: false,
            replication: Replication {
                role: Role::Master,
                master_replid: "a8e4f72abbbaab14e24314f3b62fae0c62d3fad5".parse().unwrap(),
                master_replid2: Some("617e81be5153d2efe5bc6bf2bcb827498245664a".parse().unwrap()),
                master_repl_offset: 1454,
                second_repl_offset: Some(169),
                followers: vec![
                    Follower {
                        host: "10.0.0.2".to_owned(),
                        port: 6379,
                        online: true,
                        offset: 1440,
                        lag_s: 1,
                    },
                    Follower {
                        host: "2001:db8::3".to_owned(),
                        port: 0,
                        online: false,
                        offset: 0,
                        lag_s: 0,
                    },
                ],
                connected_replicas: 2,
                good_replicas: Some(1),
                failover_in_progress: false,
            },
            ends_soon: false,
            keys: 42,
            rdb_last_bgsave_ok: true,
            aof_last_write_ok: true,
            aof_last_bgrewrite_ok: true,
        };
        assert_eq!(info, expected);
    }

    #[test]
    fn replicas_are_read_of_every_age() {
        let info = parse(REPLICA).unwrap();
        assert_eq!((info.version.as_str(), info.is_valkey, info.keys), ("8.1.1", true, 2));
        let expected = Replica {
            host: "127.0.0.1".to_owned(),
            port: 7181,
            link: Link::Up,
            last_io_s: Some(0),
            second_ms: 725,
            sync_in_progress: false,
            read_only: true,
            read_offset: 268,
            offset: 268,
            priority: 100,
        };
        assert_eq!(replica_of(&info), &expected);

        let info = parse(SYNCING).unwrap();
        assert_eq!((info.version.as_str(), info.is_valkey, info.keys), ("7.0.15", false, 0));
        assert_eq!(info.replication.master_replid2, None);
        assert_eq!(info.replication.second_repl_offset, None);
        let replica = replica_of(&info);
        assert_eq!(replica.link, Link::Down { for_s: None });
        assert_eq!((replica.sync_in_progress, replica.last_io_s), (true, None));
        assert_eq!(replica.second_ms, 0, "it does not say");
    }

    #[test]
    fn a_disk_that_fails_and_a_file_that_loads_show() {
        let text = MASTER
            .replace("rdb_last_bgsave_status:ok", "rdb_last_bgsave_status:err")
            .replace("aof_last_write_status:ok", "aof_last_write_status:err")
            .replace("loading:0", "loading:1")
            .replace("no-failover", "waiting-for-sync");
        let info = parse(&text).unwrap();
        assert!(!info.rdb_last_bgsave_ok && !info.aof_last_write_ok && info.aof_last_bgrewrite_ok);
        assert!(info.loading && info.async_loading && info.replication.failover_in_progress);
    }

    #[test]
    fn a_server_that_waits_to_end_says_so_until_it_does_not() {
        let ends = "# Server\nshutdown_in_milliseconds:9987\n";
        assert!(!parse(MASTER).unwrap().ends_soon);
        assert!(parse(&format!("{ends}{MASTER}")).unwrap().ends_soon);
        let mut info = parse(MASTER).unwrap();
        info.merge_light(format!("{ends}{MASTER}").as_bytes()).unwrap();
        assert!(info.ends_soon);
        // `SHUTDOWN ABORT`.
        info.merge_light(MASTER.as_bytes()).unwrap();
        assert!(!info.ends_soon);
    }

    #[test]
    fn a_light_one_replaces_the_replication_section_alone() {
        let section = |text: &str| {
            let from = text.find("# Replication").unwrap();
            let time = text.lines().find(|line| line.starts_with("server_time_usec"));
            let time = time.unwrap_or_default();
            format!("{time}\n{}", &text[from..text.find("# Keyspace").unwrap()])
        };
        let mut info = parse(MASTER).unwrap();
        let before = info.clone();
        info.merge_light(section(REPLICA).as_bytes()).unwrap();
        assert_eq!(info.replication, parse(REPLICA).unwrap().replication);
        info.merge_light(section(MASTER).as_bytes()).unwrap();
        assert_eq!(info, before);
        let cut = section(MASTER).replace("master_replid:", "x:");
        let missing = InfoError::Missing { field: "master_replid" };
        assert_eq!(info.merge_light(cut.as_bytes()), Err(missing));
        assert_eq!(info, before);
    }

    #[test]
    fn followers_are_bounded() {
        let line = |at| format!("slave{at}:ip=h,port=1,state=online,offset=1,lag=0\n");
        let many = (0..1000).map(line).collect::<Vec<_>>().concat();
        let info = parse(&format!("{MASTER}{many}")).unwrap();
        assert_eq!(info.replication.followers.len(), MAX_FOLLOWERS);
    }

    /// Each field that has to be there, taken out and spoilt.
    #[test]
    fn what_is_missing_or_malformed_is_named() {
        for (sample, names) in [
            (
                MASTER,
                &[
                    "run_id",
                    "tcp_port",
                    "process_id",
                    "uptime_in_seconds",
                    "loading",
                    "role",
                    "master_replid",
                    "master_replid2",
                    "master_repl_offset",
                    "second_repl_offset",
                    "connected_slaves",
                ][..],
            ),
            (
                REPLICA,
                &[
                    "master_host",
                    "master_port",
                    "master_link_status",
                    "master_last_io_seconds_ago",
                    "master_sync_in_progress",
                    "slave_read_only",
                    "slave_repl_offset",
                    "slave_priority",
                ],
            ),
            (SYNCING, &["master_link_down_since_seconds"]),
        ] {
            for field in names {
                let line = format!("\n{field}:");
                let without = sample.replace(&line, "\nx:");
                assert_eq!(parse(&without), Err(InfoError::Missing { field }));
                let spoilt = sample.replace(&line, &format!("{line} \u{7}"));
                assert_eq!(parse(&spoilt), Err(InfoError::Malformed { field }));
            }
        }
        for (line, field) in [
            ("slave9:port=1,state=online,offset=1,lag=0", "slave ip"),
            ("slave9:ip=a b,port=1,state=online,offset=1,lag=0", "slave ip"),
            ("slave9:ip=a,port=70000,state=online,offset=1,lag=0", "slave port"),
            ("slave9:ip=a,port=1,offset=1,lag=0", "slave state"),
            ("slave9:ip=a,port=1,state=online,offset=x,lag=0", "slave offset"),
            ("slave9:", "slave ip"),
            ("db7:keys=x", "keys"),
            ("db7:expires=0", "keys"),
        ] {
            let named = match parse(&format!("{MASTER}{line}\n")).unwrap_err() {
                InfoError::Missing { field } | InfoError::Malformed { field } => field,
                InfoError::Sentinel => "",
            };
            assert_eq!(named, field, "{line}");
        }
    }

    #[test]
    fn modes_are_told_apart() {
        let with = |mode: &str| parse(&MASTER.replace("mode:standalone", &format!("mode:{mode}")));
        assert_eq!(with("cluster").map(|info| info.mode), Ok(Mode::Cluster));
        assert_eq!(with("sentinel"), Err(InfoError::Sentinel));
        assert_eq!(with("x"), Err(InfoError::Malformed { field: "redis_mode" }));
    }
}

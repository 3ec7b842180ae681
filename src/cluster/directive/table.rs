//! Every directive, one a row, sorted by name.

use super::Applies;
use super::Applies::Reload;
use super::Applies::Restart;
use super::Directive;
use super::Owner;
use super::Takes;
use super::Takes::Letters;
use super::Takes::MemoryOrPercent;
use super::Takes::OneOf;
use super::Takes::Percentile;
use super::Takes::Turns;
use super::Takes::Word;
use super::Takes::Words;
use super::Takes::YesNo;
use super::Times;

const BOOT_GATE: &str =
    "every server starts as a replica of nowhere; the sentinel says who is master";
const MIN_REPLICAS: &str = "set spec.replication.minReplicasToWrite";
const MAX_LAG: &str = "set spec.replication.minReplicasMaxLag";
const HEARTBEAT: &str = "the sentinel counts on one ping a second between master and replicas";
const BUSY: &str =
    "it follows spec.sentinel.downAfterMs: a slow script must not look like a dead server";
const HISTORY: &str = "the replication id must not change while the replicas are away";
const ONE_WRITER: &str = "a replica that takes writes would lose them at the next failover";
const KEEPS_DATA: &str = "a replica must not empty itself while it synchronises";
const NO_DELAY: &str = "a replica that comes back must not wait: writes wait for it";
const DISKLESS: &str = "set spec.replication.disklessSync";
const LINK_TIMEOUT: &str = "it follows spec.sentinel.downAfterMs";
const ANNOUNCE: &str = "each pod announces its own address";
const NO_CLUSTER: &str = "Gungnir runs one master with replicas, not Valkey Cluster";
const ONE_FILE: &str = "the configuration is one file; write its directives into spec.config";
const COMMAND_NAMES: &str = "the sentinel needs the commands by their own names";
const SYNC_FILES: &str = "it follows spec.persistence.mode";
const SHUTDOWN: &str = "it has to fit the time that a pod gets to stop";
const TLS: &str = "set spec.tls";
const PORT: &str = "set spec.port";
const ADDRESSES: &str = "the Services and probes count on how the server listens";
const FILES: &str = "the volume and the start script count on the names of the data files";
const PERSISTENCE: &str = "set spec.persistence.mode";
const PROCESS: &str = "the container runtime supervises the server and takes its log";
const USERS: &str = "set spec.auth; users and passwords are Gungnir's";
const NO_SENTINEL: &str = "there are no Sentinel processes; set spec.sentinel";

const POLICIES: &[&str] = &[
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
];
const CALLERS: &[&str] = &["no", "yes", "local"];
const ENDPOINTS: &[&str] = &["ip", "hostname", "unknown-endpoint"];
const FACILITIES: &[&str] =
    &["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"];
const LOG_LEVELS: &[&str] = &["debug", "verbose", "notice", "warning", "nothing"];
const ON_ERROR: &[&str] = &["ignore", "panic", "panic-on-replicas"];
const TIMESTAMPS: &[&str] = &["legacy", "iso8601", "milliseconds"];

const I32_MIN: i64 = i32::MIN as i64;
const I32_MAX: i64 = i32::MAX as i64;
const U32_MAX: i64 = u32::MAX as i64;
const COUNT: Takes = integer(0, I32_MAX);
const SCORE: Takes = integer(-2000, 2000);

const BUFFER_LIMITS: Takes = Turns(
    &[OneOf(&["normal", "replica", "slave", "pubsub"]), memory(0), memory(0), COUNT],
    Times::Some,
    "`normal`, `replica` or `pubsub`, a hard limit, a soft limit and its seconds, such as \
     `replica 256mb 64mb 60`, once or several times",
);
const PERCENTILES: Takes =
    Turns(&[Percentile], Times::Any, "numbers within 0 to 100, such as `50 99 99.9`, or `\"\"`");
const SAVE_POINTS: Takes = Turns(
    &[at_least(1), COUNT],
    Times::Any,
    "pairs of seconds and changes, such as `3600 1 300 100`, or `\"\"`",
);
const SCORES: Takes = Turns(
    &[SCORE, SCORE, SCORE],
    Times::Once,
    "three whole numbers within -2000 to 2000, such as `0 200 800`",
);
const ON_SIGNAL: Takes = Turns(
    &[OneOf(&["default", "save", "nosave", "now", "force", "safe", "failover"])],
    Times::Some,
    "`default` or any of `save`, `nosave`, `now`, `force`, `safe`, `failover`",
);

const fn integer(least: i64, most: i64) -> Takes {
    Takes::Integer { least, most }
}

const fn at_least(least: i64) -> Takes {
    integer(least, i64::MAX)
}

const fn memory(least: i64) -> Takes {
    Takes::Memory { least }
}

const fn user(
    name: &'static str,
    aliases: &'static [&'static str],
    applies: Applies,
    takes: Takes,
) -> Directive {
    Directive { name, aliases, applies, takes, owner: Owner::User }
}

const fn gungnir(
    name: &'static str,
    aliases: &'static [&'static str],
    applies: Applies,
    reason: &'static str,
) -> Directive {
    // Nobody's value has to be checked: Gungnir writes it.
    Directive { name, aliases, applies, takes: Words, owner: Owner::Gungnir(reason) }
}

/// Values are the union over the versions that know the directive; a later one may ignore it.
/// `Restart` also stands for names that a newer version no longer takes in `CONFIG SET`.
pub(super) const DIRECTIVES: &[Directive] = &[
    user("acl-pubsub-default", &[], Reload, OneOf(&["allchannels", "resetchannels"])),
    gungnir("aclfile", &[], Restart, USERS),
    user("acllog-max-len", &[], Reload, at_least(0)),
    user("active-defrag-cycle-max", &[], Reload, integer(1, 99)),
    user("active-defrag-cycle-min", &[], Reload, integer(1, 99)),
    user("active-defrag-cycle-us", &[], Reload, integer(0, 100_000)),
    user("active-defrag-ignore-bytes", &[], Reload, memory(1)),
    user("active-defrag-max-scan-fields", &[], Reload, at_least(1)),
    user("active-defrag-threshold-lower", &[], Reload, integer(0, 1_000)),
    user("active-defrag-threshold-upper", &[], Reload, integer(0, 1_000)),
    user("active-expire-effort", &[], Reload, integer(1, 10)),
    user("activedefrag", &[], Reload, YesNo),
    user("activerehashing", &[], Reload, YesNo),
    user("always-show-logo", &[], Restart, YesNo),
    user("aof-disable-auto-gc", &[], Reload, YesNo),
    user("aof-load-truncated", &[], Reload, YesNo),
    user("aof-rewrite-incremental-fsync", &[], Reload, YesNo),
    user("aof-timestamp-enabled", &[], Reload, YesNo),
    user("aof-use-rdb-preamble", &[], Reload, YesNo),
    user("aof_rewrite_cpulist", &["aof-rewrite-cpulist"], Restart, Word),
    gungnir("appenddirname", &[], Restart, FILES),
    gungnir("appendfilename", &[], Restart, FILES),
    user("appendfsync", &[], Reload, OneOf(&["everysec", "always", "no"])),
    gungnir("appendonly", &[], Reload, PERSISTENCE),
    user("auto-aof-rewrite-min-size", &[], Reload, memory(0)),
    user("auto-aof-rewrite-percentage", &[], Reload, COUNT),
    user("availability-zone", &[], Reload, Word),
    user("bgsave_cpulist", &["bgsave-cpulist"], Restart, Word),
    gungnir("bind", &[], Reload, ADDRESSES),
    gungnir("bind-source-addr", &[], Reload, ADDRESSES),
    user("bio_cpulist", &["bio-cpulist"], Restart, Word),
    gungnir("busy-reply-threshold", &["lua-time-limit"], Reload, BUSY),
    user("client-output-buffer-limit", &[], Reload, BUFFER_LIMITS),
    user("client-query-buffer-limit", &[], Reload, memory(1_048_576)),
    user("cluster-allow-pubsubshard-when-down", &[], Reload, YesNo),
    user("cluster-allow-reads-when-down", &[], Reload, YesNo),
    user("cluster-allow-replica-migration", &[], Reload, YesNo),
    user("cluster-announce-bus-port", &[], Reload, integer(0, 65_535)),
    user("cluster-announce-client-ipv4", &[], Reload, Word),
    user("cluster-announce-client-ipv6", &[], Reload, Word),
    user("cluster-announce-client-port", &[], Reload, integer(0, 65_535)),
    user("cluster-announce-client-tls-port", &[], Reload, integer(0, 65_535)),
    user("cluster-announce-hostname", &[], Reload, Word),
    user("cluster-announce-human-nodename", &[], Reload, Word),
    user("cluster-announce-ip", &[], Reload, Word),
    user("cluster-announce-port", &[], Reload, integer(0, 65_535)),
    user("cluster-announce-tls-port", &[], Reload, integer(0, 65_535)),
    user("cluster-blacklist-ttl", &[], Reload, at_least(i64::MIN)),
    gungnir("cluster-config-file", &[], Restart, NO_CLUSTER),
    user("cluster-config-save-behavior", &[], Reload, OneOf(&["sync", "best-effort"])),
    user("cluster-databases", &[], Restart, integer(1, I32_MAX)),
    gungnir("cluster-enabled", &[], Restart, NO_CLUSTER),
    user("cluster-link-sendbuf-limit", &[], Reload, memory(0)),
    user("cluster-manual-failover-timeout", &[], Reload, integer(1, I32_MAX)),
    user("cluster-migration-barrier", &[], Reload, COUNT),
    user("cluster-node-timeout", &[], Reload, at_least(0)),
    gungnir("cluster-port", &[], Restart, NO_CLUSTER),
    user("cluster-preferred-endpoint-type", &[], Reload, OneOf(ENDPOINTS)),
    user("cluster-replica-no-failover", &["cluster-slave-no-failover"], Reload, YesNo),
    user("cluster-replica-validity-factor", &["cluster-slave-validity-factor"], Reload, COUNT),
    user("cluster-require-full-coverage", &[], Reload, YesNo),
    user("cluster-slot-migration-log-max-len", &[], Reload, at_least(0)),
    user("cluster-slot-stats-enabled", &[], Reload, YesNo),
    user("commandlog-large-reply-max-len", &[], Reload, at_least(0)),
    user("commandlog-large-request-max-len", &[], Reload, at_least(0)),
    user("commandlog-reply-larger-than", &[], Reload, at_least(-1)),
    user("commandlog-request-larger-than", &[], Reload, at_least(-1)),
    user("crash-log-enabled", &[], Reload, YesNo),
    user("crash-memcheck-enabled", &[], Reload, YesNo),
    gungnir("daemonize", &[], Restart, PROCESS),
    user("databases", &[], Restart, integer(1, I32_MAX)),
    gungnir("dbfilename", &[], Reload, FILES),
    gungnir("dir", &[], Reload, FILES),
    user("disable-thp", &[], Restart, YesNo),
    user("dual-channel-replication-enabled", &[], Reload, YesNo),
    user("dynamic-hz", &[], Restart, YesNo),
    user("enable-debug-command", &[], Restart, OneOf(CALLERS)),
    user("enable-module-command", &[], Restart, OneOf(CALLERS)),
    user("enable-protected-configs", &[], Restart, OneOf(CALLERS)),
    user("events-per-io-thread", &[], Restart, COUNT),
    user("extended-redis-compatibility", &[], Reload, YesNo),
    user("hash-max-listpack-entries", &["hash-max-ziplist-entries"], Reload, at_least(0)),
    user("hash-max-listpack-value", &["hash-max-ziplist-value"], Reload, memory(0)),
    user("hash-seed", &[], Restart, Word),
    user("hide-user-data-from-log", &[], Reload, YesNo),
    user("hll-sparse-max-bytes", &[], Reload, memory(0)),
    user("hz", &[], Reload, COUNT),
    user("ignore-warnings", &[], Reload, Word),
    user("import-mode", &[], Reload, YesNo),
    gungnir("include", &[], Restart, ONE_FILE),
    user("io-threads", &[], Restart, integer(1, 256)),
    user("io-threads-do-reads", &[], Restart, YesNo),
    user("jemalloc-bg-thread", &[], Reload, YesNo),
    user("latency-monitor-threshold", &[], Reload, at_least(0)),
    user("latency-tracking", &[], Reload, YesNo),
    user("latency-tracking-info-percentiles", &[], Reload, PERCENTILES),
    user("lazyfree-lazy-eviction", &[], Reload, YesNo),
    user("lazyfree-lazy-expire", &[], Reload, YesNo),
    user("lazyfree-lazy-server-del", &[], Reload, YesNo),
    user("lazyfree-lazy-user-del", &[], Reload, YesNo),
    user("lazyfree-lazy-user-flush", &[], Reload, YesNo),
    user("lfu-decay-time", &[], Reload, COUNT),
    user("lfu-log-factor", &[], Reload, COUNT),
    user("list-compress-depth", &[], Reload, COUNT),
    user("list-max-listpack-size", &["list-max-ziplist-size"], Reload, integer(I32_MIN, I32_MAX)),
    user("list-max-ziplist-entries", &[], Restart, Word),
    user("list-max-ziplist-value", &[], Restart, Word),
    user("loadmodule", &[], Restart, Words),
    user("locale-collate", &[], Reload, Word),
    user("log-format", &[], Reload, OneOf(&["legacy", "logfmt", "json"])),
    user("log-timestamp-format", &[], Reload, OneOf(TIMESTAMPS)),
    gungnir("logfile", &[], Restart, PROCESS),
    user("loglevel", &[], Reload, OneOf(LOG_LEVELS)),
    user("lua-replicate-commands", &[], Restart, Word),
    gungnir("masterauth", &["primaryauth"], Reload, USERS),
    gungnir("masteruser", &["primaryuser"], Reload, USERS),
    user("max-new-connections-per-cycle", &[], Reload, integer(1, 1_000)),
    user("max-new-tls-connections-per-cycle", &[], Reload, integer(1, 1_000)),
    user("maxclients", &[], Reload, integer(1, U32_MAX)),
    user("maxmemory", &[], Reload, memory(0)),
    user("maxmemory-clients", &[], Reload, MemoryOrPercent),
    user("maxmemory-eviction-tenacity", &[], Reload, integer(0, 100)),
    user("maxmemory-policy", &[], Reload, OneOf(POLICIES)),
    user("maxmemory-samples", &[], Reload, integer(1, I32_MAX)),
    gungnir("min-replicas-max-lag", &["min-slaves-max-lag"], Reload, MAX_LAG),
    gungnir("min-replicas-to-write", &["min-slaves-to-write"], Reload, MIN_REPLICAS),
    user("mptcp", &[], Restart, YesNo),
    user("no-appendfsync-on-rewrite", &[], Reload, YesNo),
    user("notify-keyspace-events", &[], Reload, Letters("Ag$lshzxeKEtmdn")),
    user("oom-score-adj", &[], Reload, OneOf(&["no", "yes", "relative", "absolute"])),
    user("oom-score-adj-values", &[], Reload, SCORES),
    gungnir("pidfile", &[], Restart, PROCESS),
    gungnir("port", &[], Reload, PORT),
    user("prefetch-batch-max-size", &[], Reload, integer(0, 128)),
    user("proc-title-template", &[], Reload, Word),
    user("propagation-error-behavior", &[], Reload, OneOf(ON_ERROR)),
    gungnir("protected-mode", &[], Reload, ADDRESSES),
    user("proto-max-bulk-len", &[], Reload, memory(1_048_576)),
    gungnir("rdb-del-sync-files", &[], Reload, SYNC_FILES),
    user("rdb-save-incremental-fsync", &[], Reload, YesNo),
    user("rdb-version-check", &[], Reload, OneOf(&["strict", "relaxed"])),
    user("rdbchecksum", &[], Restart, YesNo),
    user("rdbcompression", &[], Reload, YesNo),
    gungnir("rdma-bind", &[], Restart, ADDRESSES),
    user("rdma-completion-vector", &[], Restart, integer(-1, 1_024)),
    gungnir("rdma-port", &[], Reload, ADDRESSES),
    user("rdma-rx-size", &[], Restart, integer(65_536, 16_777_216)),
    gungnir("rename-command", &[], Restart, COMMAND_NAMES),
    user("repl-backlog-size", &[], Reload, memory(1)),
    gungnir("repl-backlog-ttl", &[], Reload, HISTORY),
    user("repl-disable-tcp-nodelay", &[], Reload, YesNo),
    gungnir("repl-diskless-load", &[], Reload, KEEPS_DATA),
    gungnir("repl-diskless-sync", &[], Reload, DISKLESS),
    gungnir("repl-diskless-sync-delay", &[], Reload, NO_DELAY),
    user("repl-diskless-sync-max-replicas", &[], Reload, COUNT),
    user("repl-mptcp", &[], Restart, YesNo),
    gungnir("repl-ping-replica-period", &["repl-ping-slave-period"], Reload, HEARTBEAT),
    gungnir("repl-timeout", &[], Reload, LINK_TIMEOUT),
    gungnir("replica-announce-ip", &["slave-announce-ip"], Reload, ANNOUNCE),
    gungnir("replica-announce-port", &["slave-announce-port"], Reload, ANNOUNCE),
    gungnir("replica-announced", &[], Reload, ANNOUNCE),
    user("replica-ignore-disk-write-errors", &[], Reload, YesNo),
    user("replica-ignore-maxmemory", &["slave-ignore-maxmemory"], Reload, YesNo),
    user("replica-lazy-flush", &["slave-lazy-flush"], Reload, YesNo),
    user("replica-priority", &["slave-priority"], Reload, COUNT),
    gungnir("replica-read-only", &["slave-read-only"], Reload, ONE_WRITER),
    user("replica-serve-stale-data", &["slave-serve-stale-data"], Reload, YesNo),
    gungnir("replicaof", &["slaveof"], Restart, BOOT_GATE),
    gungnir("requirepass", &[], Reload, USERS),
    user("sanitize-dump-payload", &[], Restart, OneOf(&["no", "yes", "clients"])),
    user("save", &[], Reload, SAVE_POINTS),
    gungnir("sentinel", &[], Restart, NO_SENTINEL),
    user("server_cpulist", &["server-cpulist"], Restart, Word),
    user("set-max-intset-entries", &[], Reload, at_least(0)),
    user("set-max-listpack-entries", &[], Reload, at_least(0)),
    user("set-max-listpack-value", &[], Reload, at_least(0)),
    user("set-proc-title", &[], Restart, YesNo),
    user("shutdown-on-sigint", &[], Reload, ON_SIGNAL),
    user("shutdown-on-sigterm", &[], Reload, ON_SIGNAL),
    gungnir("shutdown-timeout", &[], Reload, SHUTDOWN),
    user("slot-migration-max-failover-repl-bytes", &[], Reload, memory(-1)),
    user("slowlog-log-slower-than", &["commandlog-execution-slower-than"], Reload, at_least(-1)),
    user("slowlog-max-len", &["commandlog-slow-execution-max-len"], Reload, at_least(0)),
    user("socket-mark-id", &[], Restart, integer(0, U32_MAX)),
    user("stop-writes-on-bgsave-error", &[], Reload, YesNo),
    user("stream-node-max-bytes", &[], Reload, memory(0)),
    user("stream-node-max-entries", &[], Reload, at_least(0)),
    gungnir("supervised", &[], Restart, PROCESS),
    user("syslog-enabled", &[], Restart, YesNo),
    user("syslog-facility", &[], Restart, OneOf(FACILITIES)),
    user("syslog-ident", &[], Restart, Word),
    user("tcp-backlog", &[], Restart, COUNT),
    user("tcp-keepalive", &[], Reload, COUNT),
    user("timeout", &[], Reload, COUNT),
    gungnir("tls-auth-clients", &[], Reload, TLS),
    gungnir("tls-auth-clients-user", &[], Reload, TLS),
    gungnir("tls-auto-reload-interval", &[], Reload, TLS),
    gungnir("tls-ca-cert-dir", &[], Reload, TLS),
    gungnir("tls-ca-cert-file", &[], Reload, TLS),
    gungnir("tls-cert-file", &[], Reload, TLS),
    gungnir("tls-ciphers", &[], Reload, TLS),
    gungnir("tls-ciphersuites", &[], Reload, TLS),
    gungnir("tls-client-cert-file", &[], Reload, TLS),
    gungnir("tls-client-key-file", &[], Reload, TLS),
    gungnir("tls-client-key-file-pass", &[], Reload, TLS),
    gungnir("tls-cluster", &[], Reload, TLS),
    gungnir("tls-dh-params-file", &[], Reload, TLS),
    gungnir("tls-key-file", &[], Reload, TLS),
    gungnir("tls-key-file-pass", &[], Reload, TLS),
    gungnir("tls-port", &[], Reload, TLS),
    gungnir("tls-prefer-server-ciphers", &[], Reload, TLS),
    gungnir("tls-protocols", &[], Reload, TLS),
    gungnir("tls-replication", &[], Reload, TLS),
    gungnir("tls-session-cache-size", &[], Reload, TLS),
    gungnir("tls-session-cache-timeout", &[], Reload, TLS),
    gungnir("tls-session-caching", &[], Reload, TLS),
    user("tracking-table-max-keys", &[], Reload, at_least(0)),
    gungnir("unixsocket", &[], Restart, ADDRESSES),
    gungnir("unixsocketgroup", &[], Restart, ADDRESSES),
    gungnir("unixsocketperm", &[], Restart, ADDRESSES),
    gungnir("user", &[], Restart, USERS),
    user("zset-max-listpack-entries", &["zset-max-ziplist-entries"], Reload, at_least(0)),
    user("zset-max-listpack-value", &["zset-max-ziplist-value"], Reload, memory(0)),
];

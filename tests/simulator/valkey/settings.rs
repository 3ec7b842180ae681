//! The directives that a simulated server itself goes by, read once.

use super::directives::Directives;

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of the server's")]
pub struct Settings {
    pub min_replicas_to_write: u64,
    pub min_replicas_max_lag_s: u64,
    pub ping_period_s: u64,
    pub repl_timeout_s: u64,
    pub backlog_bytes: u64,
    pub diskless: bool,
    pub diskless_delay_s: u64,
    pub appendonly: bool,
    pub sync_each_write: bool,
    pub sync_each_second: bool,
    /// After how many seconds with how many changes a snapshot is taken.
    pub save: Vec<(u64, u64)>,
    pub stop_writes_on_save_error: bool,
    pub read_only: bool,
    pub serve_stale: bool,
    del_sync_files: bool,
    pub shutdown_timeout_s: u64,
}

impl Settings {
    pub fn of(directives: &Directives) -> Self {
        let number = |name| directives.number(name);
        let numbers: Vec<u64> =
            directives.get("save").split_whitespace().filter_map(|it| it.parse().ok()).collect();
        Self {
            min_replicas_to_write: number("min-replicas-to-write"),
            min_replicas_max_lag_s: number("min-replicas-max-lag"),
            ping_period_s: number("repl-ping-replica-period"),
            repl_timeout_s: number("repl-timeout"),
            backlog_bytes: number("repl-backlog-size"),
            diskless: directives.is("repl-diskless-sync"),
            diskless_delay_s: number("repl-diskless-sync-delay"),
            appendonly: directives.is("appendonly"),
            sync_each_write: directives.get("appendfsync") == "always",
            sync_each_second: directives.get("appendfsync") == "everysec",
            save: numbers.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect(),
            stop_writes_on_save_error: directives.is("stop-writes-on-bgsave-error"),
            read_only: directives.is("replica-read-only"),
            serve_stale: directives.is("replica-serve-stale-data"),
            del_sync_files: directives.is("rdb-del-sync-files"),
            shutdown_timeout_s: number("shutdown-timeout"),
        }
    }

    /// Whether the file of a transfer stays on the disk.
    pub fn keeps_sync_files(&self) -> bool {
        !self.del_sync_files || self.appendonly || !self.save.is_empty()
    }
}

//! `INFO` and `ROLE`, as Valkey 9 writes them: what Gungnir reads, and what people know it by.

use std::fmt::Write as _;

use gungnir::valkey::Id;

use super::downstream::Stage;
use super::resp::Reply;
use super::room::Room;
use super::server::Server;
use super::upstream::{Link, Upstream};

const SECTIONS: [&str; 5] = ["server", "persistence", "stats", "replication", "keyspace"];

impl Server {
    /// The sections asked for, in the server's order; all of them when none is.
    pub fn info(&self, asked: &[String], room: &Room<'_>) -> String {
        let is_asked = |section: &str| {
            let is_meant = |it: &String| {
                it.eq_ignore_ascii_case(section) || it.eq_ignore_ascii_case("everything")
            };
            asked.is_empty() || asked.iter().any(is_meant)
        };
        let mut text = String::with_capacity(2048);
        for section in SECTIONS {
            if !is_asked(section) {
                continue;
            }
            if !text.is_empty() {
                text.push_str("\r\n");
            }
            match section {
                "server" => self.info_server(&mut text, room),
                "persistence" => self.info_persistence(&mut text),
                "stats" => self.info_stats(&mut text),
                "replication" => self.info_replication(&mut text, room),
                _ => self.info_keyspace(&mut text),
            }
        }
        text
    }

    fn info_server(&self, text: &mut String, room: &Room<'_>) {
        let now = room.wire.now();
        let uptime_s = now.duration_since(self.started).as_secs();
        let _ = write!(
            text,
            "# Server\r\nredis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n\
             server_mode:standalone\r\nprocess_id:{}\r\ntcp_port:{}\r\n\
             server_time_usec:{}\r\nuptime_in_seconds:{uptime_s}\r\n",
            self.process_id,
            self.at.port(),
            room.unix().as_micros(),
        );
        put_id(text, "run_id:", self.run_id);
        if let Some(until) = self.ending {
            let left = until.saturating_duration_since(now).as_millis();
            let _ = write!(text, "shutdown_in_milliseconds:{left}\r\n");
        }
    }

    fn info_persistence(&self, text: &mut String) {
        let word = |is_ok: bool| if is_ok { "ok" } else { "err" };
        let _ = write!(
            text,
            "# Persistence\r\nloading:{}\r\nasync_loading:0\r\nrdb_changes_since_last_save:{}\r\n\
             rdb_bgsave_in_progress:{}\r\nrdb_last_save_time:{}\r\nrdb_last_bgsave_status:{}\r\n\
             aof_enabled:{}\r\naof_last_bgrewrite_status:ok\r\naof_last_write_status:{}\r\n",
            u8::from(self.loading.is_some()),
            self.saving.changes,
            u8::from(self.saving.is_busy || self.saving.making.is_some()),
            self.saving.last_s,
            word(self.saving.is_ok),
            u8::from(self.settings.appendonly && !self.rewriting),
            word(self.saving.aof_is_ok),
        );
    }

    fn info_stats(&self, text: &mut String) {
        let _ = write!(
            text,
            "# Stats\r\nsync_full:{}\r\nsync_partial_ok:{}\r\nsync_partial_err:{}\r\n",
            self.full_syncs, self.partial_syncs, self.refused_partial_syncs
        );
    }

    fn info_replication(&self, text: &mut String, room: &Room<'_>) {
        text.push_str("# Replication\r\n");
        match &self.upstream {
            None => text.push_str("role:master\r\n"),
            Some(upstream) => self.info_upstream(upstream, text, room),
        }
        let _ = write!(text, "connected_slaves:{}\r\n", self.followers.len());
        if self.settings.min_replicas_to_write > 0 && self.settings.min_replicas_max_lag_s > 0 {
            let _ = write!(text, "min_slaves_good_slaves:{}\r\n", self.good_replicas);
        }
        let now_s = room.unix_s();
        for (number, follower) in self.followers.iter().enumerate() {
            let (state, lag_s) = match follower.stage {
                Stage::WaitStart | Stage::WaitEnd => ("wait_bgsave", 0),
                Stage::Bulk => ("send_bulk", 0),
                Stage::Online => ("online", now_s.saturating_sub(follower.acked_at_s)),
            };
            let _ = write!(
                text,
                "slave{number}:ip={},port={},state={state},offset={},lag={lag_s},type=replica\r\n",
                follower.ip, follower.port, follower.acked
            );
        }
        let history = &self.history;
        let (active, first, bytes) =
            history.backlog.as_ref().map_or((0, 0, 0), |it| (1, it.first, it.bytes));
        text.push_str("replicas_waiting_psync:0\r\nmaster_failover_state:no-failover\r\n");
        put_id(text, "master_replid:", history.id);
        put_id(text, "master_replid2:", history.earlier);
        let _ = write!(
            text,
            "master_repl_offset:{}\r\n\
             second_repl_offset:{}\r\nrepl_backlog_active:{active}\r\nrepl_backlog_size:{}\r\n\
             repl_backlog_first_byte_offset:{first}\r\nrepl_backlog_histlen:{bytes}\r\n",
            history.offset, history.earlier_until, self.settings.backlog_bytes,
        );
    }

    fn info_upstream(&self, upstream: &Upstream, text: &mut String, room: &Room<'_>) {
        let (is_up, now_s) = (upstream.is_up(), room.unix_s());
        let last_io_s = if is_up { signed(now_s.saturating_sub(upstream.last_io_s)) } else { -1 };
        let offset = if is_up || self.can_go_on { self.history.offset } else { 1 };
        let _ = write!(
            text,
            "role:slave\r\nmaster_host:{}\r\nmaster_port:{}\r\nmaster_link_status:{}\r\n\
             master_last_io_seconds_ago:{last_io_s}\r\nmaster_sync_in_progress:{}\r\n\
             slave_read_repl_offset:{offset}\r\nslave_repl_offset:{offset}\r\n",
            upstream.host,
            upstream.port,
            if is_up { "up" } else { "down" },
            u8::from(upstream.is_in_transfer()),
        );
        if !is_up {
            let for_s = self.down_since_s.map_or(-1, |since_s| signed(now_s - since_s));
            let _ = write!(text, "master_link_down_since_seconds:{for_s}\r\n");
        }
        let _ = write!(
            text,
            "slave_priority:{}\r\nslave_read_only:{}\r\nreplica_announced:1\r\n",
            self.directives.get("replica-priority"),
            u8::from(self.settings.read_only)
        );
    }

    fn info_keyspace(&self, text: &mut String) {
        text.push_str("# Keyspace\r\n");
        if !self.data.is_empty() {
            let _ = write!(
                text,
                "db0:keys={},expires=0,avg_ttl=0,keys_with_volatile_items=0\r\n",
                self.data.len()
            );
        }
    }

    pub fn role(&self) -> Reply {
        let text = |text: &str| Reply::Bulk(text.to_owned());
        let Some(upstream) = &self.upstream else {
            let online = self.followers.iter().filter(|it| it.stage == Stage::Online);
            let listed = online.map(|follower| {
                Reply::bulks([
                    follower.ip.clone(),
                    follower.port.to_string(),
                    follower.acked.to_string(),
                ])
            });
            return Reply::List(vec![
                text("master"),
                Reply::Number(signed(self.history.offset)),
                Reply::List(listed.collect()),
            ]);
        };
        let link = match upstream.link {
            Link::Connect => "connect",
            Link::Connecting(_) => "connecting",
            Link::Handshake(_) => "handshake",
            Link::Transfer { .. } => "sync",
            Link::Connected(_) => "connected",
        };
        let offset = if upstream.is_up() { signed(self.history.offset) } else { -1 };
        Reply::List(vec![
            text("slave"),
            text(&upstream.host),
            Reply::Number(i64::from(upstream.port)),
            text(link),
            Reply::Number(offset),
        ])
    }
}

/// A line with an id. There are many, and `write!` takes it digit by digit.
fn put_id(text: &mut String, name: &str, id: Id) {
    text.push_str(name);
    for byte in id.as_bytes() {
        for half in [byte >> 4, byte & 0xf] {
            text.push(char::from(b"0123456789abcdef"[usize::from(half)]));
        }
    }
    text.push_str("\r\n");
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap()
}

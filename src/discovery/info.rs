//! INFO: this process, its clients and the masters, in Sentinel's sections and spellings.

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use super::command;
use super::reply::Reply;
use super::session::Call;
use super::shared::{PROTOCOL_VERSION, Shared};

/// Writes the lines of a section.
type Section = fn(&Shared, &mut Lines);

/// The sections in their order.
const SECTIONS: &[(&str, Section)] =
    &[("Server", server), ("Clients", clients), ("Stats", stats), ("Sentinel", sentinel)];

/// What asks for every section.
const ALL: &[&str] = &["all", "default", "everything"];

pub(super) fn info(call: &mut Call<'_>) -> Reply {
    let wanted: Vec<String> = call.arguments.iter().map(|word| command::lower(word)).collect();
    let all = wanted.is_empty() || wanted.iter().any(|word| ALL.contains(&word.as_str()));
    let mut lines = Lines::default();
    for (title, section) in SECTIONS {
        if all || wanted.iter().any(|word| word.eq_ignore_ascii_case(title)) {
            if !lines.0.is_empty() {
                lines.0.push_str("\r\n");
            }
            lines.line(format_args!("# {title}"));
            section(call.shared, &mut lines);
        }
    }
    Reply::text(lines.0)
}

#[derive(Default)]
struct Lines(String);

impl Lines {
    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a text cannot fail.
        let _ = self.0.write_fmt(line);
        self.0.push_str("\r\n");
    }
}

fn server(shared: &Shared, lines: &mut Lines) {
    let uptime = shared.started.elapsed().as_secs();
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // The version of Redis that every Valkey names, for clients that look at it.
    lines.line(format_args!("redis_version:7.2.4"));
    lines.line(format_args!("server_name:valkey"));
    lines.line(format_args!("valkey_version:{PROTOCOL_VERSION}"));
    lines.line(format_args!("gungnir_version:{}", env!("CARGO_PKG_VERSION")));
    lines.line(format_args!("server_mode:sentinel"));
    lines.line(format_args!("os:{}", std::env::consts::OS));
    lines.line(format_args!("arch_bits:{}", usize::BITS));
    lines.line(format_args!("process_id:{}", std::process::id()));
    lines.line(format_args!("run_id:{}", shared.config.id));
    lines.line(format_args!("tcp_port:{}", shared.port));
    lines.line(format_args!("server_time_usec:{}", since_epoch.as_micros()));
    lines.line(format_args!("uptime_in_seconds:{uptime}"));
    lines.line(format_args!("uptime_in_days:{}", uptime / 86_400));
}

fn clients(shared: &Shared, lines: &mut Lines) {
    lines.line(format_args!("connected_clients:{}", shared.clients.load(Ordering::Relaxed)));
    lines.line(format_args!("maxclients:{}", shared.config.max_clients));
    lines.line(format_args!("blocked_clients:0"));
    lines.line(format_args!("pubsub_clients:{}", shared.subscribers.load(Ordering::Relaxed)));
}

fn stats(shared: &Shared, lines: &mut Lines) {
    let accepted = shared.accepted.load(Ordering::Relaxed);
    lines.line(format_args!("total_connections_received:{accepted}"));
    let requests = shared.requests.load(Ordering::Relaxed);
    lines.line(format_args!("total_commands_processed:{requests}"));
    lines.line(format_args!("rejected_connections:{}", shared.rejected.load(Ordering::Relaxed)));
    let too_slow = shared.too_slow.load(Ordering::Relaxed);
    lines.line(format_args!("client_output_buffer_limit_disconnections:{too_slow}"));
    let waiting = shared.output_bytes.load(Ordering::Relaxed);
    lines.line(format_args!("client_output_bytes:{waiting}"));
}

fn sentinel(shared: &Shared, lines: &mut Lines) {
    let directory = shared.feed.directory();
    let masters =
        || directory.sets.iter().filter_map(|(name, set)| Some((name, set, set.master.as_ref()?)));
    lines.line(format_args!("sentinel_masters:{}", masters().count()));
    lines.line(format_args!("sentinel_tilt:0"));
    lines.line(format_args!("sentinel_tilt_since_seconds:-1"));
    lines.line(format_args!("sentinel_total_tilt:0"));
    lines.line(format_args!("sentinel_running_scripts:0"));
    lines.line(format_args!("sentinel_scripts_queue_length:0"));
    lines.line(format_args!("sentinel_simulate_failure_flags:0"));
    for (index, (name, set, master)) in masters().enumerate() {
        let status = if master.down_age_ms.is_some() { "sdown" } else { "ok" };
        let (host, port, replicas) = (&master.host, master.port, set.replicas.len());
        lines.line(format_args!(
            "master{index}:name={name},status={status},address={host}:{port},slaves={replicas},sentinels=1"
        ));
    }
}

//! Where the time of one change of master goes: when each of those who have a part in it was done, by
//! what they wrote down themselves.

use std::fmt::Write as _;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::audit::Audit;
use crate::figures::seconds;
use crate::install;
use crate::set::{NAME, ValkeySet};
use crate::trial::Ended;

/// What is done, in its order.
const STAGES: [&str; 6] = [
    "recorded",
    "another is master",
    "Service written",
    "endpoints written",
    "client's node leads there",
    "client writes",
];

/// When each stage was done, in milliseconds since the fault.
pub type Stages = [u64; STAGES.len()];

/// Those of a change that has ended; `None` where the API server's log is out of reach.
///
/// # Panics
/// When somebody did not write down what they did.
pub fn of(set: &ValkeySet<'_>, audit: Option<&Audit>, ended: &Ended) -> Option<Stages> {
    let audit = audit?;
    let log = install::log(&install::leader(set.cluster()));
    let told = |words: &[&str], what: &str| {
        let at = log.lines().filter_map(line).find(|(at, message)| {
            *at >= ended.fault_at && words.iter().any(|word| message.starts_with(word))
        });
        at.unwrap_or_else(|| panic!("nobody says that it {what}:\n{log}")).0
    };
    let client = format!("{NAME}-client");
    let changed = |resource: &str, since: u64| {
        let at = audit.changed(resource, &client, since);
        at.unwrap_or_else(|| panic!("nobody changed {resource} {client}"))
    };
    let (asked, service) = changed("services", ended.fault_at);
    // Controllers hear of it before whoever wrote it is answered.
    let (_, endpoints) = changed("endpointslices", asked);
    let times = [
        told(&["+try-failover", "+handover"], "began"),
        told(&["+promoted-slave"], "promoted"),
        service,
        endpoints,
        ended.led_at.expect("the client's node led to the new master"),
        ended.back_at,
    ];
    Some(times.map(|at| at.saturating_sub(ended.fault_at) / 1_000_000))
}

/// When a line of the operator's was written, in nanoseconds since 1970, and what it says.
fn line(text: &str) -> Option<(u64, String)> {
    let line: Value = serde_json::from_str(text).ok()?;
    let at = nanoseconds(line["timestamp"].as_str()?)?;
    Some((at, line["fields"]["message"].as_str()?.to_owned()))
}

/// A time of day, in nanoseconds since 1970.
pub fn nanoseconds(text: &str) -> Option<u64> {
    let at: Timestamp = text.parse().ok()?;
    u64::try_from(at.as_nanosecond()).ok()
}

/// The medians of some rows.
pub fn table(rows: &[(&str, Vec<Stages>)]) -> String {
    let mut table = format!("| | {} |\n|", STAGES.join(" | "));
    table.push_str(&" --- |".repeat(STAGES.len() + 1));
    table.push('\n');
    for (name, runs) in rows.iter().filter(|(_, runs)| !runs.is_empty()) {
        let median = |stage: usize| {
            let mut times: Vec<u64> = runs.iter().map(|run| run[stage]).collect();
            times.sort_unstable();
            seconds(Duration::from_millis(times[times.len() / 2]))
        };
        let cells: Vec<String> = (0..STAGES.len()).map(median).collect();
        let _ = writeln!(table, "| {name} | {} |", cells.join(" | "));
    }
    table
}

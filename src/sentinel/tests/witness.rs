//! What a replica still hears of a master that is silent here.

use crate::sentinel::fixture::*;
use crate::sentinel::view::View;
use crate::sentinel::witness::who_hears;
use crate::sentinel::*;

struct Row {
    name: &'static str,
    /// Of the master.
    silence_ms: Millis,
    /// `master_last_io_seconds_ago` of node 1.
    last_io_s: Option<u64>,
    /// How old its report is.
    report_age_ms: Millis,
    /// When its offset was first seen where it is, after the silence began; negative: before.
    advanced_ms: i64,
    hears: bool,
}

fn hears(row: &Row, down_after_ms: Millis, ping_interval_ms: Millis) -> bool {
    let mut set = Set::of(2).later(1_000_000).silent(0, row.silence_ms);
    let silent_since = set.now_ms - row.silence_ms;
    set.seen.settings.down_after_ms = down_after_ms;
    set.seen.settings.ping_interval_ms = ping_interval_ms;
    let asked_ms = set.now_ms - row.report_age_ms;
    let report = set.report(1);
    report.asked_ms = asked_ms;
    report.role = Role::Replica(Link { last_io_s: row.last_io_s, ..link(0) });
    let advanced = silent_since.checked_add_signed(row.advanced_ms).unwrap();
    set.local.nodes[1].advanced = Some((run(1, 1), OFFSET, advanced));
    let view = View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
    who_hears(view, n(0)) == Some(n(1))
}

const fn row(
    name: &'static str,
    silence_ms: Millis,
    last_io_s: Option<u64>,
    report_age_ms: Millis,
    advanced_ms: i64,
    hears: bool,
) -> Row {
    Row { name, silence_ms, last_io_s, report_age_ms, advanced_ms, hears }
}

#[test]
fn by_whole_seconds_and_by_offset() {
    let table = [
        row("a byte in this second", 5001, Some(0), 100, -9000, true),
        row("certainly after the silence began", 5001, Some(3), 100, -9000, true),
        row("perhaps before it", 5001, Some(4), 100, -9000, false),
        row("one millisecond after it began", 5001, Some(3), 1000, -9000, true),
        row("the very instant", 5001, Some(3), 1001, -9000, false),
        row("no clock", 5001, None, 100, -9000, false),
        row("heard as long ago as people wait", 8901, Some(0), 4000, -9000, true),
        row("longer ago than that", 8901, Some(0), 4001, -9000, false),
        row("grew after the question after the silence", 5001, Some(9), 100, 501, true),
        row("may have grown before it", 5001, Some(9), 100, 500, false),
        row("grew as long ago as people wait", 5501, Some(9), 100, 501, true),
        row("grew longer ago", 5502, Some(9), 100, 501, false),
        row("grew just now", 60_000, Some(9), 0, 60_000, true),
    ];
    for row in table {
        assert_eq!(hears(&row, 5000, 500), row.hears, "{}", row.name);
    }
}

#[test]
fn an_idle_set_waits_for_the_next_ping_of_replication() {
    let table = [
        row("idle", 1001, Some(1), 0, -9000, true),
        row("the limit itself", 1300, Some(2), 0, -9000, true),
        row("one past", 1301, Some(2), 0, -9000, false),
        row("idle for two pings", 1001, Some(1), 0, -201, true),
        row("written to lately", 1001, Some(1), 0, -200, false),
    ];
    for row in table {
        assert_eq!(hears(&row, 1000, 100), row.hears, "{}", row.name);
    }
}

#[test]
fn only_a_link_that_is_up_and_leads_there_hears() {
    let table: [(&str, Role, bool); 5] = [
        ("up", Role::Replica(link(0)), true),
        ("down", Role::Replica(Link { up: false, ..link(0) }), false),
        ("follows another", Role::Replica(link(2)), false),
        ("nowhere", NOWHERE, false),
        ("a master", Role::Master, false),
    ];
    for (name, role, expected) in table {
        let mut set = Set::of(3).later(60_000).silent(0, 5001);
        set.report(1).role = role;
        set.report(2).role = NOWHERE;
        let view =
            View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
        assert_eq!(who_hears(view, n(0)), expected.then_some(n(1)), "{name}");
    }
}

#[test]
fn an_offset_of_an_earlier_run_hears_nothing() {
    let mut set = Set::of(2).later(60_000).silent(0, 5001);
    set.report(1).role = Role::Replica(Link { last_io_s: Some(9), ..link(0) });
    let at = set.now_ms;
    for (run_id, expected) in [(run(1, 1), Some(n(1))), (run(1, 2), None)] {
        set.local.nodes[1].advanced = Some((run_id, OFFSET, at));
        let view =
            View { rules: Rules::ALL, local: &set.local, seen: &set.seen, now_ms: set.now_ms };
        assert_eq!(who_hears(view, n(0)), expected, "{run_id:?}");
    }
}

#[test]
fn a_witness_holds_back_and_its_silence_lets_go() {
    let mut set = Set::of(3).later(60_000).silent(0, 5001);
    assert_eq!(set.decides(), Err(Hold::Heard { master: n(0), by: n(1) }));
    set = set.silent(1, 5001);
    assert_eq!(set.decides(), Err(Hold::Heard { master: n(0), by: n(2) }));
    let mut set = Set::of(3).later(60_000).down(0);
    assert_eq!(set.writes().phase, Phase::Failover);
}

//! Replicas as witnesses: a master that does not answer here, but that a replica still hears, is
//! alive.

use super::view::View;
use super::{Millis, NodeId};

/// A master sends its replicas at least a PING a second (`repl-ping-replica-period 1`); a little
/// more than that without a byte says that it stopped.
const REPLICATION_PING_MS: Millis = 1200;

/// A replica that has heard the master so lately that it cannot be called down.
///
/// Whole seconds (`master_last_io_seconds_ago`) would cost a hung master two seconds more, so
/// growing offsets count too: between two reports of a replica that were both taken after the
/// master fell silent here, a byte came from it. Where nothing was written before the silence, an
/// offset that stands still says nothing until the next replication PING is due.
pub(super) fn who_hears(view: View<'_>, master: NodeId) -> Option<NodeId> {
    let silent_since = view.since_trusted(view.node(master).asked_ms?);
    let down_after_ms = view.seen.settings.down_after_ms;
    let ping_ms = view.seen.settings.ping_interval_ms;
    let hears = |id: NodeId| {
        let Some(report) = view.report(id) else { return false };
        let Some(link) = report.link_to(master).filter(|link| link.up) else { return false };
        let by_clock =
            link.last_io_s.map(|ago_s| report.asked_ms.saturating_sub((ago_s + 1) * 1000));
        let advanced = view.clock(id).advanced.filter(|(run, ..)| *run == report.run_id);
        let by_offset = advanced.map(|(_, _, first_seen)| first_seen);
        let heard = by_clock.max(by_offset.filter(|at| *at > silent_since + ping_ms));
        if heard.is_some_and(|at| at > silent_since && view.now_ms <= at + down_after_ms) {
            return true;
        }
        let was_idle = by_offset.is_none_or(|at| at + 2 * ping_ms < silent_since);
        was_idle && view.now_ms <= silent_since + ping_ms + REPLICATION_PING_MS
    };
    view.others(master).find(|id| hears(*id))
}

//! The monitoring half of a step: clocks are set from what is seen. Nothing is decided here.

use super::view::View;
use super::{
    Clock, Event, Local, Millis, Node, NodeId, Observation, Phase, Record, Report, Trouble,
};

/// How long whoever calls [`step`](super::step) may let pass between two calls, in milliseconds. What
/// is much longer looks as if the process had stood still.
pub const LONGEST_REST_MS: Millis = 1000;

/// A standstill of this process that is longer than this makes every silence before it worthless,
/// in milliseconds (`sentinel.c` calls the state TILT).
const STANDSTILL_MS: Millis = 2 * LONGEST_REST_MS;

/// A master sends a PING a second (`repl-ping-replica-period 1`), and a busy one is given half a second
/// more. So long after its last byte, in milliseconds, it read no acknowledgement any more.
const STOPPED_AFTER_MS: Millis = 1500;

/// The clocks after an observation, and what people are told about it.
pub(super) fn watch(view: View<'_>) -> (Local, Vec<Event>) {
    let View { local, seen, now_ms, .. } = view;
    let mut next = local.clone();
    let mut events = Vec::new();
    next.nodes.resize(seen.nodes.len(), Clock::default());
    match local.last_step_ms {
        None => next.trusted_since_ms = now_ms,
        Some(last) if now_ms.saturating_sub(last) > STANDSTILL_MS => {
            events.push(Event::Stalled { for_ms: now_ms - last });
            next.trusted_since_ms = now_ms;
        }
        Some(_) => {}
    }
    next.last_step_ms = Some(now_ms);

    let pursued = seen.record.as_ref().map(|record| record.epoch);
    if next.pursued_since.map(|(epoch, _)| epoch) != pursued {
        next.pursued_since = pursued.map(|epoch| (epoch, now_ms));
    }
    for id in view.ids() {
        set_clock(&mut next.nodes[id.index()], id, seen, now_ms);
    }
    // Told by the new clocks, so that a standstill does not make every node look dead.
    let set = View { local: &next, ..view };
    let downs: Vec<(NodeId, bool)> = set.ids().map(|id| (id, set.is_down(id))).collect();
    for (id, down) in downs {
        let clock = &mut next.nodes[id.index()];
        if down != clock.down {
            clock.down = down;
            events.push(if down { Event::Down(id) } else { Event::Up(id) });
        }
    }
    (next, events)
}

fn set_clock(clock: &mut Clock, id: NodeId, seen: &Observation, now_ms: Millis) {
    let node = &seen.nodes[id.index()];
    clock.script = match node.trouble {
        Some(Trouble::Busy | Trouble::Unkillable) => clock.script.or(Some((now_ms, false))),
        _ => None,
    };
    if let Some(record) = &seen.record {
        set_gone(clock, id, node, record, now_ms);
        set_unlisted(clock, id, seen, record, now_ms);
    }
    let Some(report) = &node.report else { return };
    let at = (report.run_id, report.offset);
    if clock.advanced.is_none_or(|(run, offset, _)| (run, offset) != at) {
        clock.advanced = Some((at.0, at.1, now_ms));
    }
    if let Some(record) = &seen.record {
        set_quiet(clock, id, report, record, now_ms);
    }
}

/// Since when the recorded master of this node has not been heard. What answers from another home
/// says nothing of it, and does not end its silence.
fn set_gone(clock: &mut Clock, id: NodeId, node: &Node, record: &Record, now_ms: Millis) {
    let Some(master) = record.master.filter(|master| master.node == id) else {
        clock.gone_since_ms = None;
        return;
    };
    clock.gone_since_ms = match &node.report {
        Some(report) if report.run_id == master.run_id || report.home == master.home => None,
        Some(_) => clock.gone_since_ms.or(Some(now_ms)),
        None if node.trouble.is_some() => None,
        None => clock.gone_since_ms.or(node.asked_ms),
    };
}

/// When this run stopped acknowledging to the recorded master: the earliest of what its reports
/// have shown since it was last attached. Whole seconds are rounded so that the instant is never
/// too early.
fn set_quiet(clock: &mut Clock, id: NodeId, report: &Report, record: &Record, now_ms: Millis) {
    let Some(master) = record.master else { return };
    let ago = |seconds: u64| now_ms.saturating_sub(seconds.saturating_sub(1) * 1000);
    let link = if id == master.node { None } else { report.link_to(master.node) };
    let at = match link {
        None if report.is_master() && record.is_master(id, report.run_id) => None,
        None => Some(now_ms),
        Some(link) if !link.up => Some(link.down_since_s.map_or(now_ms, ago)),
        // The last byte came in a second of the replica's clock that had ended by then.
        Some(link) => link
            .last_io_s
            .map(|ago_s| ago(ago_s).saturating_sub(link.second_ms) + STOPPED_AFTER_MS)
            .filter(|at| *at <= report.asked_ms),
    };
    // What an earlier report has shown goes on to hold if the link cannot have come back since:
    // what is known of it now began before that report, or it was cut without a byte more.
    let since_s = link.map(|link| if link.up { link.last_io_s } else { link.down_since_s });
    let grew = clock.advanced.is_some_and(|(_, _, first_seen)| first_seen == now_ms);
    let stays = clock.looked_at.is_some_and(|looked_at| match since_s {
        _ if looked_at == report.asked_ms => true,
        Some(since_s) => since_s.is_some_and(|since_s| ago(since_s) <= looked_at),
        None => !grew,
    });
    clock.looked_at = Some(report.asked_ms);
    clock.quiet = at.map(|at| match clock.quiet {
        Some((run, before)) if run == report.run_id && stays => (run, before.min(at)),
        _ => (report.run_id, at),
    });
}

/// Since when the recorded master has not listed this node, whether or not that one answers here.
fn set_unlisted(
    clock: &mut Clock,
    id: NodeId,
    seen: &Observation,
    record: &Record,
    now_ms: Millis,
) {
    // Nobody lists a master, and nobody is listed while there is none: that says nothing of what
    // the next one will list.
    let leads = record.master.filter(|it| it.node != id && record.phase == Phase::Stable);
    let Some(leads) = leads else {
        clock.unlisted_since_ms = None;
        return;
    };
    let master = seen.nodes.get(leads.node.index()).and_then(|node| node.report.as_ref());
    let Some(master) = master else { return };
    if master.online_follower(id).is_some() {
        clock.unlisted_since_ms = None;
    } else if clock.unlisted_since_ms.is_none() {
        clock.unlisted_since_ms = Some(now_ms);
    }
}

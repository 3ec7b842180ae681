//! A planned handover: hold writes, wait until the target is level, freeze the old master, promote.
//!
//! Whatever goes wrong on the way turns into "the master leads on" or into an ordinary failover,
//! whose election finds out who has the data.

use super::election::{Ballot, grew_out_of};
use super::failover::{begin, promote, send, with_master};
use super::view::View;
use super::{Action, Command, Hold, NodeId, Phase, Record, Report, Rule, Trouble};

/// `*1\r\n$4\r\nPING\r\n`, as a master sends it to its replicas once a second. Writes that are as short
/// are ends of transactions, and none comes while clients are held.
const REPLICATION_PING_BYTES: u64 = 14;

/// What a recorded handover to `target` needs next.
pub(super) fn pursue(view: View<'_>, record: &Record, target: NodeId) -> Result<Vec<Action>, Hold> {
    let Some(master) = record.master else { return Err(Hold::NoMaster) };
    let Some(old) = view.in_run(master) else {
        return Ok(vec![Action::Write(begin(view, record)?)]);
    };
    let fallback = |view| Ok(vec![Action::Write(begin(view, record)?)]);
    if old.is_master() {
        return level(view, record, old, target);
    }
    let Some((new, history)) = view.report(target).zip(record.history) else {
        return fallback(view);
    };
    let (Some(has), Some(needs)) = (view.position(new, history), view.position(old, history))
    else {
        return fallback(view);
    };
    let promoted = new.is_master() && grew_out_of(new, record);
    // While its clients are held, a master sends its replicas nothing but a PING a second.
    let held = view.node(master.node).paused_until_ms.is_some_and(|until| view.now_ms < until);
    let lacks_a_ping = has + REPLICATION_PING_BYTES == needs && (held || promoted);
    if view.rules.has(Rule::HandoverEqual) && has < needs && !lacks_a_ping {
        // Nothing more can come from a frozen master.
        return fallback(view);
    }
    if promoted {
        let level = view.rules.has(Rule::HandoverEqual) && !lacks_a_ping;
        let bound = if level { needs } else { has };
        let ballot = Ballot { winner: target, history: Some(history), bound, loss_possible: false };
        return Ok(vec![Action::Write(with_master(view, record, ballot, new))]);
    }
    if new.is_master() || new.history != history {
        return fallback(view);
    }
    promote(view, record, target).map(|action| vec![action]).ok_or(Hold::Retrying(target))
}

/// The old master still leads: hold its clients, wait for the target, freeze.
fn level(
    view: View<'_>,
    record: &Record,
    old: &Report,
    target: NodeId,
) -> Result<Vec<Action>, Hold> {
    let Some(master) = record.master else { return Err(Hold::NoMaster) };
    let undo = || {
        let mut actions = Vec::new();
        if view.node(master.node).paused_until_ms.is_some() {
            actions.extend(send(view, master.node, Command::Unpause));
        }
        let epoch = record.epoch + 1;
        let next = Record { phase: Phase::Stable, target: None, epoch, ..record.clone() };
        actions.push(Action::Write(next));
        Ok(actions)
    };
    let limit_ms = view.seen.settings.pause_ms();
    let pursued_ms =
        view.local.pursued_since.map_or(0, |(_, since)| view.now_ms.saturating_sub(since));
    if pursued_ms > limit_ms {
        return undo();
    }
    let Some(follower) = view.report(target).filter(|report| {
        report.link_to(master.node).is_some_and(|link| link.up)
            && Some(report.history) == record.history
    }) else {
        return undo();
    };
    if view.rules.has(Rule::HandoverEqual) {
        // The hold has to outlast what follows.
        let held = view.node(master.node).paused_until_ms;
        match held {
            None => {
                let pause = send(view, master.node, Command::Pause { limit_ms });
                return pause.map(|action| vec![action]).ok_or(Hold::Retrying(master.node));
            }
            Some(until) if until < view.now_ms + limit_ms / 5 => return undo(),
            Some(_) => {}
        }
        if follower.offset < old.offset {
            let looks = [target, master.node].map(|id| send(view, id, Command::Look));
            let looks: Vec<Action> = looks.into_iter().flatten().collect();
            return if looks.is_empty() { Err(Hold::NotInSync(target)) } else { Ok(looks) };
        }
    }
    let next = if view.rules.has(Rule::FreezeOld) {
        send(view, master.node, Command::Freeze)
    } else {
        // What a careless handover would do.
        send(view, master.node, Command::Follow(target))
            .into_iter()
            .chain(promote(view, record, target))
            .next()
    };
    next.map(|action| vec![action]).ok_or(Hold::Retrying(master.node))
}

/// Begins a handover to `wanted`, or to the best replica there is.
pub(super) fn begin_to(
    view: View<'_>,
    record: &Record,
    master: &Report,
    wanted: Option<NodeId>,
) -> Result<Record, Hold> {
    let Some(recorded) = record.master else { return Err(Hold::NoMaster) };
    let able = |id: NodeId| -> Result<&Report, Hold> {
        let report = view.report(id).ok_or(Hold::Unreachable(id))?;
        if report.loading {
            return Err(Hold::Loading(id));
        }
        let linked = report.link_to(recorded.node).is_some_and(|link| link.up && !link.syncing);
        let listed = master.online_follower(id).is_some();
        let ours = Some(report.history) == record.history && record.member(id).is_some();
        if linked && listed && ours { Ok(report) } else { Err(Hold::NotInSync(id)) }
    };
    let target = if let Some(id) = wanted {
        able(id)?;
        id
    } else {
        let best = view
            .others(recorded.node)
            .filter_map(|id| Some((id, able(id).ok()?)))
            .filter(|(id, report)| {
                let fit = !view.has_trouble(*id, Trouble::Misconf) && !view.node(*id).leaving;
                report.priority > 0 && fit
            })
            .min_by_key(|(id, report)| (report.priority, std::cmp::Reverse(report.offset), *id));
        best.map(|(id, _)| id).ok_or(Hold::NobodyElse)?
    };
    Ok(Record {
        epoch: record.epoch + 1,
        phase: Phase::Switchover,
        target: Some(target),
        ..record.clone()
    })
}

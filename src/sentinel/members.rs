//! The members (`in_sync`) and W while the recorded master leads: who may attach, who is dropped,
//! and how many must hold a write before it counts.
//!
//! Both lists of changes have the same shape: something is seen (a node shut out, back in a new
//! run, a setting in force), then an offset of the master is read (the mark), then enough members
//! acknowledge that offset; only then is it recorded.

use super::failover::send;
use super::local::{Change, Mark};
use super::view::View;
use super::{Action, Command, Durability, Id, Local, Member, NodeId, Record, Report, Rule};

/// Marks are set, or forgotten where their cause has gone.
pub(super) fn mark(view: View<'_>, record: &Record, master: &Report, next: &mut Local) {
    let fresh = Mark {
        master: master.run_id,
        epoch: record.epoch,
        min_replicas_to_write: master.min_replicas_to_write,
        offset: master.offset,
    };
    // An offset means nothing to another master.
    let same_master =
        next.mark.is_some_and(|it| (it.master, it.epoch) == (fresh.master, fresh.epoch));
    if !same_master {
        next.nodes.iter_mut().for_each(|clock| clock.change = None);
    }
    let stands = next
        .mark
        .filter(|it| same_master && it.min_replicas_to_write == fresh.min_replicas_to_write);
    next.mark = Some(stands.unwrap_or(fresh));
    for id in view.ids() {
        let changed = record.member(id).and_then(|member| {
            let back = view.report(id).map(|report| report.run_id);
            if back.is_some_and(|run| run != member.run_id) {
                return back;
            }
            is_shut_out(view, member).then_some(member.run_id)
        });
        let clock = &mut next.nodes[id.index()];
        clock.change = changed.map(|run_id| {
            let noticed = Change { run_id, noticed_ms: view.now_ms, offset: None };
            let change = clock.change.filter(|it| it.run_id == run_id).unwrap_or(noticed);
            // What was asked before may be less than the member acknowledged since.
            let offset = (master.asked_ms > change.noticed_ms).then_some(master.offset);
            Change { offset: change.offset.or(offset), ..change }
        });
    }
}

/// What members and W need next.
pub(super) fn tend(view: View<'_>, record: &Record, master: &Report) -> Option<Action> {
    refresh(view, record, master)
        .or_else(|| shrink(view, record, master))
        .or_else(|| lower(view, record, master))
        .or_else(|| raise(view, record, master))
}

/// Whether a member cannot attach any more without being let in.
fn is_shut_out(view: View<'_>, member: Member) -> bool {
    let node = view.node(member.node);
    if !view.rules.has(Rule::DropShutOut) {
        return true;
    }
    let frozen = view.in_run(member).is_some_and(Report::is_frozen);
    node.shut_out || frozen || (node.gated && view.is_dead(member))
}

/// Members other than `without` that have acknowledged an offset, in their recorded runs.
fn acknowledged(
    view: View<'_>,
    record: &Record,
    master: &Report,
    offset: u64,
    without: Option<NodeId>,
) -> u8 {
    let has = |member: &&Member| {
        let node = member.node;
        let current = view.node(node).report.as_ref().is_none_or(|it| it.run_id == member.run_id);
        // A replica that still loads what it was sent is listed online, with nothing acknowledged.
        let attached = || {
            let report = view.in_run(**member);
            report.is_some_and(|report| Some(report.history) == record.history)
        };
        let follower = master.online_follower(node).filter(|it| it.offset > 0 || attached());
        let acknowledged = follower.is_some_and(|it| it.offset >= offset);
        current && acknowledged && Some(node) != without
    };
    u8::try_from(record.in_sync.iter().filter(has).count()).unwrap_or(u8::MAX)
}

/// The run whose change was noticed, and the offset read after that.
fn change(view: View<'_>, node: NodeId) -> Option<(Id, u64)> {
    let change = view.clock(node).change?;
    Some((change.run_id, change.offset?))
}

/// A member that came back in another run counts for that run once all that the earlier one may
/// have acknowledged is held by it, or by W others: by then nothing depends on that run any more,
/// however long the new one takes to catch up.
fn refresh(view: View<'_>, record: &Record, master: &Report) -> Option<Action> {
    let position = record.in_sync.iter().position(|member| {
        let Some(report) = view.report(member.node) else { return false };
        let Some((run, offset)) = change(view, member.node) else { return false };
        let attached = Some(report.history) == record.history
            && record.master.is_some_and(|it| report.link_to(it.node).is_some_and(|link| link.up));
        let follower = master.online_follower(member.node);
        let caught_up = follower.is_some_and(|it| it.offset >= offset)
            || !view.rules.has(Rule::DropAcknowledged);
        let others = acknowledged(view, record, master, offset, Some(member.node));
        let held = (attached && caught_up) || (record.w > 0 && others >= record.w);
        report.run_id != member.run_id && run == report.run_id && held
    })?;
    let mut next = record.clone();
    let node = next.in_sync[position].node;
    next.in_sync[position] = view.report(node)?.member(node);
    Some(Action::Write(next))
}

/// A member that has been gone for long, and cannot come back by itself, is dropped.
fn shrink(view: View<'_>, record: &Record, master: &Report) -> Option<Action> {
    let patience_ms = view.seen.settings.down_after_ms;
    let gone = |member: &&Member| {
        let unlisted = view.clock(member.node).unlisted_since_ms;
        let long = unlisted.is_some_and(|since| {
            view.now_ms.saturating_sub(view.since_trusted(since)) > patience_ms
        });
        // Who answers is about to be attached again.
        (long || view.is_dead(**member)) && view.report(member.node).is_none()
    };
    let member = *record.in_sync.iter().find(gone)?;
    let rest = record.in_sync.len() - 1;
    if !is_shut_out(view, member) {
        let leads = record.master?.node;
        let spare = view.seen.settings.shuts_out && rest >= usize::from(record.w);
        return spare.then(|| send(view, leads, Command::ShutOut(member.node)))?;
    }
    let (run, offset) = change(view, member.node)?;
    let enough = acknowledged(view, record, master, offset, Some(member.node)) >= record.w
        || !view.rules.has(Rule::DropAcknowledged);
    (run == member.run_id && enough && rest >= usize::from(record.w)).then(|| {
        let mut next = record.clone();
        next.in_sync.retain(|it| *it != member);
        Action::Write(next)
    })
}

fn online(record: &Record, master: &Report) -> u8 {
    let is_online = |member: &&Member| master.online_follower(member.node).is_some();
    u8::try_from(record.in_sync.iter().filter(is_online).count()).unwrap_or(u8::MAX)
}

/// Too few members are online, or people ask for less: W is lowered in the record, then on the
/// master.
fn lower(view: View<'_>, record: &Record, master: &Report) -> Option<Action> {
    let wanted = view.seen.settings.min_replicas_to_write;
    let online = online(record, master);
    let patience_ms = view.seen.settings.down_after_ms;
    let missing_for_good = record.in_sync.iter().all(|member| {
        let unlisted = view.clock(member.node).unlisted_since_ms;
        let long = |since| view.now_ms.saturating_sub(view.since_trusted(since)) > patience_ms;
        master.online_follower(member.node).is_some()
            || view.is_dead(*member)
            || unlisted.is_some_and(long)
    });
    let node = record.master?.node;
    let give_in = missing_for_good && view.seen.settings.durability == Durability::Preferred;
    let target = if give_in { online.min(wanted) } else { wanted };
    if target < record.w && view.rules.has(Rule::LowerRecorded) {
        return Some(Action::Write(Record { w: target, ..record.clone() }));
    }
    let too_high = master.min_replicas_to_write > target;
    let recorded = record.w <= target || !view.rules.has(Rule::LowerRecorded);
    (too_high && recorded).then(|| send(view, node, Command::SetMinReplicas(target)))?
}

/// Enough members are online: W is raised on the master, then, acknowledged, in the record.
fn raise(view: View<'_>, record: &Record, master: &Report) -> Option<Action> {
    let node = record.master?.node;
    let wanted = view.seen.settings.min_replicas_to_write;
    let target = match view.seen.settings.durability {
        Durability::Required => wanted,
        Durability::Preferred => wanted.min(online(record, master)),
    };
    if master.min_replicas_to_write < target {
        return send(view, node, Command::SetMinReplicas(target));
    }
    if record.w >= target {
        return None;
    }
    let mark = view.local.mark?;
    let in_force = mark.min_replicas_to_write >= target;
    let acknowledged = acknowledged(view, record, master, mark.offset, None) >= target;
    let ready = (in_force && acknowledged) || !view.rules.has(Rule::RaiseAcknowledged);
    ready.then(|| Action::Write(Record { w: target, ..record.clone() }))
}

//! The recorded master leads, or is found not to: what keeps a set as it is recorded.

use super::failover::{begin, send};
use super::members;
use super::view::View;
use super::{Action, Command, Event, Hold, Member, NodeId, Pointer, Record, Report, Role, Rule};
use super::{Trouble, Upstream, Wish, handover, witness};

/// What a set in peace needs next.
pub(super) fn keep(view: View<'_>, record: &Record) -> Result<Vec<Action>, Hold> {
    let Some(master) = record.master else { return Err(Hold::NoMaster) };
    let answered = answer(view, record, master);
    if !answered.is_empty() {
        return Ok(answered);
    }
    // Of the master's own node, another run is meant: the recorded one leads no more, or nobody knows.
    if let Some(Wish::Promote(node)) = view.seen.request.map(|request| request.wish)
        && (node != master.node || view.live_master(record).is_none())
    {
        let failover = Record {
            epoch: record.epoch + 1,
            phase: super::Phase::Failover,
            target: Some(node),
            ..record.clone()
        };
        view.report(node).ok_or(Hold::Unreachable(node))?;
        return Ok(vec![Action::Write(failover)]);
    }
    // With a disk fault it answers nevertheless; with any other trouble its report is an old one.
    let speaks = matches!(view.node(master.node).trouble, None | Some(Trouble::Misconf));
    match view.live_master(record) {
        Some(report) if speaks => tend(view, record, report),
        _ => lost(view, record, master),
    }
}

/// The recorded master does not lead: why, and whether that is enough to replace it.
fn lost(view: View<'_>, record: &Record, master: Member) -> Result<Vec<Action>, Hold> {
    let node = master.node;
    // A script that blocks it is asked to stop, once.
    if let Some((_, false)) = view.clock(node).script
        && view.has_trouble(node, Trouble::Busy)
        && let Some(report) = view.node(node).report.as_ref().filter(|_| !view.node(node).busy)
    {
        let command = Command::ScriptKill;
        return Ok(vec![Action::Send { node, run_id: report.run_id, command }]);
    }
    let stepped_down = view.in_run(master).is_some_and(|report| !report.is_master());
    if !stepped_down && !view.is_dead(master) {
        if let Some(looks) = look_for_death(view, master) {
            return looks;
        }
        if !view.is_master_down(master) {
            return Err(match view.node(node).trouble {
                Some(Trouble::Busy | Trouble::Unkillable) => Hold::ScriptRuns(node),
                Some(trouble) => Hold::Troubled(node, trouble),
                None => Hold::Silent(node),
            });
        }
        if view.rules.has(Rule::Blind) && view.is_blind() {
            return Err(Hold::Blind);
        }
        if view.rules.has(Rule::Witness)
            && let Some(by) = witness::who_hears(view, node)
        {
            return Err(Hold::Heard { master: node, by });
        }
        let unacknowledged = record.w == 0 && view.seen.settings.min_replicas_to_write > 0;
        if unacknowledged && view.rules.has(Rule::SilenceElectsNobody) {
            return Err(Hold::NobodyAcknowledges);
        }
    }
    if !view.seen.settings.auto_failover {
        return Err(Hold::SwitchedOff);
    }
    if !view.rules.has(Rule::RecordFirst) {
        return careless(view, record);
    }
    Ok(vec![Action::Write(begin(view, record)?)])
}

/// A process seems to have ended, but replicas that reported before that still show a link: they
/// are asked again, at once.
fn look_for_death(view: View<'_>, master: Member) -> Option<Result<Vec<Action>, Hold>> {
    let ended = view.node(master.node).ended.filter(|ended| ended.run_id == master.run_id)?;
    let master = master.node;
    let stale = |id: &NodeId| {
        let report = view.report(*id);
        report.is_some_and(|it| {
            it.link_to(master).is_some_and(|link| link.up) && it.asked_ms <= ended.at_ms
        })
    };
    let looks: Vec<Action> =
        view.others(master).filter(stale).filter_map(|id| send(view, id, Command::Look)).collect();
    (!looks.is_empty()).then_some(Ok(looks))
}

/// What a sentinel would do that acts before it records.
fn careless(view: View<'_>, record: &Record) -> Result<Vec<Action>, Hold> {
    let ballot = super::election::elect(view, record)?;
    let report = view.report(ballot.winner).ok_or(Hold::NoCandidate)?;
    if report.is_master() {
        let next = super::failover::with_master(view, record, ballot, report);
        return Ok(vec![Action::Write(Record { epoch: record.epoch + 1, ..next })]);
    }
    let action = super::failover::promote(view, record, ballot.winner);
    action.map(|action| vec![action]).ok_or(Hold::Retrying(ballot.winner))
}

/// The recorded master leads: its history, the Service, the replicas, wishes, members, W.
fn tend(view: View<'_>, record: &Record, report: &Report) -> Result<Vec<Action>, Hold> {
    let Some(master) = record.master else { return Err(Hold::NoMaster) };
    if Some(report.history) != record.history {
        // It took a new name by itself (a backlog that timed out); who follows it now is told by
        // its list.
        let follows = |id: NodeId| {
            let member = view.report(id)?.member(id);
            report.online_follower(id).map(|_| member)
        };
        return Ok(vec![Action::Write(Record {
            history: Some(report.history),
            previous_history: record.history,
            base_offset: report.offset,
            in_sync: view.others(master.node).filter_map(follows).collect(),
            w: 0,
            ..record.clone()
        })]);
    }
    let mut actions = Vec::new();
    if view.seen.service != Some(Pointer { node: master.node, epoch: record.epoch }) {
        actions.push(Action::PointService { node: master.node, epoch: record.epoch });
    }
    if let Some(next) = attach(view, record, master.node, report, &mut actions) {
        actions.push(Action::Write(next));
        return Ok(actions);
    }
    if !actions.is_empty() {
        return Ok(actions);
    }
    if view.node(master.node).paused_until_ms.is_some() {
        actions.extend(send(view, master.node, Command::Unpause));
        return Ok(actions);
    }
    let wish = match view.seen.request.map(|request| request.wish) {
        Some(Wish::Switchover(to)) => Some(to),
        _ => None,
    };
    if let Some(to) = wish {
        let next = handover::begin_to(view, record, report, to)?;
        return Ok(vec![Action::Write(next)]);
    }
    if (view.has_trouble(master.node, Trouble::Misconf) || view.node(master.node).leaving)
        && let Ok(next) = handover::begin_to(view, record, report, None)
    {
        return Ok(vec![Action::Write(next)]);
    }
    Ok(members::tend(view, record, report).into_iter().collect())
}

/// Everybody else follows the master: frozen first, recorded second, attached third. Returns the
/// record that has to be written before more can be done.
fn attach(
    view: View<'_>,
    record: &Record,
    master: NodeId,
    leads: &Report,
    actions: &mut Vec<Action>,
) -> Option<Record> {
    let mut next = record.clone();
    let shut_out = |id: NodeId| view.node(id).shut_out && view.seen.settings.shuts_out;
    for id in view.others(master) {
        // Whoever loads cannot be told anything yet.
        let Some(report) = view.report(id).filter(|report| !report.loading) else { continue };
        let upstream = match report.role {
            Role::Replica(link) => Some(link.upstream),
            Role::Master => None,
        };
        if upstream == Some(Upstream::Node(master)) {
            // It was let in by somebody else, or before the record was lost.
            if record.member(id).is_none() && view.rules.has(Rule::MemberFirst) {
                next = next.with_member(report.member(id));
            } else if shut_out(id) {
                // It never stopped trying.
                let_in(view, master, id, actions);
            }
            continue;
        }
        if upstream.is_none() {
            actions.extend(send(view, id, Command::Freeze));
            continue;
        }
        let member = report.member(id);
        if record.member(id).is_none() && view.rules.has(Rule::MemberFirst) {
            next = next.with_member(member);
        } else if shut_out(id) {
            let_in(view, master, id, actions);
        } else if let Some(follow) = send(view, id, Command::Follow(master)) {
            let offset = report.offset;
            // The master holds it up to here, of its own history or of the one it grew out of.
            let shared = if report.history == leads.history {
                Some(offset)
            } else {
                leads.position_on(report.history)
            };
            // A server that has just loaded its data begins a history of its own at 0.
            if shared.is_none_or(|at| at < offset) && offset > 0 && report.keys > 0 {
                actions.push(Action::Tell(Event::DivergedWritesDiscarded { node: id, offset }));
            }
            actions.push(follow);
        }
    }
    // Clients of a node that used to lead are still there, held or talking to a replica.
    for id in view.others(master) {
        if view.node(id).paused_until_ms.is_some() && actions.is_empty() {
            actions.extend(send(view, id, Command::Release));
        }
    }
    (next != *record).then_some(next)
}

/// Has the master let a node in again: one after the other, since a node is told one thing at a time.
fn let_in(view: View<'_>, master: NodeId, id: NodeId, actions: &mut Vec<Action>) {
    let told = |action: &Action| matches!(action, Action::Send { node, .. } if *node == master);
    if !actions.iter().any(told) {
        actions.extend(send(view, master, Command::LetIn(id)));
    }
}

/// A wish that has come true, or cannot.
fn answer(view: View<'_>, record: &Record, master: Member) -> Vec<Action> {
    let Some(request) = view.seen.request else { return Vec::new() };
    let reply = |outcome| vec![Action::Answer { request: request.id, outcome }];
    if let Some((_, before, epoch)) = view.local.accepted.filter(|(id, ..)| *id == request.id) {
        if record.master != Some(before) {
            let wished = match request.wish {
                Wish::Switchover(to) => to,
                Wish::Promote(node) => Some(node),
            };
            if wished.is_some_and(|node| node != master.node) {
                return reply(Err(Hold::HandoverUndone));
            }
            // It has come true for clients once they are sent there.
            let node = master.node;
            let sent = view.seen.service == Some(Pointer { node, epoch: record.epoch });
            return if sent { reply(Ok(())) } else { Vec::new() };
        }
        if record.epoch > epoch {
            return reply(Err(Hold::HandoverUndone));
        }
    }
    let leads = view.live_master(record);
    match request.wish {
        Wish::Switchover(Some(node)) | Wish::Promote(node) if node == master.node => {
            if leads.is_some() { reply(Ok(())) } else { Vec::new() }
        }
        Wish::Switchover(to) => {
            let refusal = match leads {
                None => Some(Hold::Unreachable(master.node)),
                Some(report) => handover::begin_to(view, record, report, to).err(),
            };
            refusal.map_or_else(Vec::new, |hold| reply(Err(hold)))
        }
        Wish::Promote(_) => Vec::new(),
    }
}

//! A lost master is replaced: freeze, elect, wait until the old one must have stopped, promote.

use super::election::{Ballot, elect, grew_out_of, not_yet_frozen};
use super::view::View;
use super::{Action, Command, Event, Hold, Id, Member, NodeId, Phase, Record, Report, Rule, Wish};

/// What a recorded failover to `target` needs next.
pub(super) fn pursue(view: View<'_>, record: &Record, target: NodeId) -> Result<Vec<Action>, Hold> {
    let told = matches!(view.seen.request.map(|request| request.wish), Some(Wish::Promote(_)));
    let promoted = view.report(target).filter(|report| grew_out_of(report, record));
    if promoted.is_none_or(|report| !report.is_master())
        && !told
        && view.live_master(record).is_some()
    {
        // It was never away, or came back before anybody took its place.
        let next = Record {
            phase: Phase::Stable,
            target: None,
            epoch: record.epoch + 1,
            ..record.clone()
        };
        return Ok(vec![Action::Write(next)]);
    }
    if view.rules.has(Rule::FreezeFirst) {
        let freezes: Vec<Action> =
            not_yet_frozen(view, record).filter_map(|id| send(view, id, Command::Freeze)).collect();
        if !freezes.is_empty() {
            return Ok(freezes);
        }
        if not_yet_frozen(view, record).next().is_some() {
            return Err(Hold::Freezing);
        }
    }
    if let Some(report) = promoted
        && !view.rules.has(Rule::ConfirmPromotion)
        && report.is_master()
    {
        let ballot =
            Ballot { winner: target, history: record.history, bound: 0, loss_possible: false };
        return Ok(vec![Action::Write(with_master(view, record, ballot, report))]);
    }
    let ballot = elect(view, record)?;
    if ballot.winner != target {
        let next =
            Record { epoch: record.epoch + 1, target: Some(ballot.winner), ..record.clone() };
        return Ok(vec![Action::Write(next)]);
    }
    if let Some(report) = promoted {
        if report.is_master() {
            return Ok(vec![Action::Write(with_master(view, record, ballot, report))]);
        }
        if view.rules.has(Rule::RecordHistory) {
            // A node remembers two histories only: the one that it has grown since is recorded
            // before it grows another, or nobody could tell any more where it came from.
            let next = with_master(view, record, ballot, report);
            return Ok(vec![Action::Write(Record {
                phase: Phase::Failover,
                target: Some(target),
                ..next
            })]);
        }
    }
    if let Some(history) = own_history(view, record, target) {
        // It is recorded first, or nobody could tell after the promotion where it came from.
        let next = Record {
            history: Some(history),
            previous_history: None,
            base_offset: 0,
            ..record.clone()
        };
        return Ok(vec![Action::Tell(Event::DataLossPossible(target)), Action::Write(next)]);
    }
    wait_for_writer(view, record)?;
    let promotion = promote(view, record, target).ok_or(Hold::Retrying(target))?;
    let told = ballot.loss_possible.then_some(Action::Tell(Event::DataLossPossible(target)));
    Ok(told.into_iter().chain([promotion]).collect())
}

/// The history of a target that was elected although it holds neither of the recorded ones: after
/// a power cut, or because people said so.
fn own_history(view: View<'_>, record: &Record, target: NodeId) -> Option<Id> {
    let report = view.report(target)?;
    let recorded = [record.history, record.previous_history];
    let related = recorded.into_iter().flatten().any(|it| view.position(report, it).is_some());
    (!related).then_some(report.history)
}

/// The record of a failover that has not begun.
pub(super) fn begin(view: View<'_>, record: &Record) -> Result<Record, Hold> {
    let target = match elect(view, record) {
        Ok(ballot) => ballot.winner,
        // The freeze, and who answers by then, may change that.
        Err(hold) => furthest(view, record).ok_or(hold)?,
    };
    Ok(Record {
        epoch: record.epoch + 1,
        phase: Phase::Failover,
        target: Some(target),
        ..record.clone()
    })
}

/// The node with the most data of the recorded history, or of the one before.
fn furthest(view: View<'_>, record: &Record) -> Option<NodeId> {
    let on = |history| {
        let position = move |id: NodeId| view.position(view.report(id)?, history?);
        let holders = view.ids().filter_map(move |id| Some((position(id)?, std::cmp::Reverse(id))));
        holders.max().map(|(_, id)| id.0)
    };
    on(record.history)
        .or_else(|| on(record.previous_history))
        .or_else(|| view.ids().find(|id| view.report(*id).is_some()))
}

/// The record once a target leads: what it was elected on becomes the history before, and whoever
/// is seen may attach.
pub(super) fn with_master(
    view: View<'_>,
    record: &Record,
    ballot: Ballot,
    report: &Report,
) -> Record {
    let node = ballot.winner;
    let on = |id: NodeId| {
        let other = view.report(id)?;
        let history = ballot.history?;
        view.position(other, history)?;
        Some(other.member(id))
    };
    let in_sync: Vec<Member> = view.others(node).filter_map(on).collect();
    let members = u8::try_from(in_sync.len()).unwrap_or(u8::MAX);
    Record {
        phase: Phase::Stable,
        target: None,
        master: Some(report.member(node)),
        history: Some(report.history),
        previous_history: ballot.history,
        base_offset: ballot.bound,
        w: members.min(report.min_replicas_to_write).min(view.seen.settings.min_replicas_to_write),
        in_sync,
        ..record.clone()
    }
}

/// Holds until the lost master must have stopped taking writes: it is dead or frozen, or the last
/// instant at which a member may have acknowledged to it is long enough ago.
fn wait_for_writer(view: View<'_>, record: &Record) -> Result<(), Hold> {
    let Some(master) = record.master else { return Ok(()) };
    let stopped = view.is_dead(master)
        || view.in_run(master).is_some_and(|report| !report.is_master())
        || record.w == 0;
    if stopped || !view.rules.has(Rule::WriterWindow) {
        return Ok(());
    }
    let quiet = |member: &Member| {
        let (run, at) = view.clock(member.node).quiet?;
        (run == member.run_id).then_some(at)
    };
    // Without a member that is seen, people have decided; then the intent's age has to do.
    let began = view.local.pursued_since.map_or(view.now_ms, |(_, since)| since);
    let last = record.in_sync.iter().filter_map(quiet).max().unwrap_or(began);
    let until = last + view.seen.settings.writer_window_ms();
    if view.now_ms >= until {
        Ok(())
    } else {
        Err(Hold::WriterWindow { left_ms: until - view.now_ms })
    }
}

/// The command that makes a node master.
pub(super) fn promote(view: View<'_>, record: &Record, target: NodeId) -> Option<Action> {
    let wanted = view.seen.settings.min_replicas_to_write;
    let followers = view
        .others(target)
        .filter(|id| {
            let position = |history| view.position(view.report(*id)?, history);
            record.history.is_some_and(|history| position(history).is_some())
        })
        .count();
    // Never 0 at once: this command may arrive late, when somebody else leads; without replicas,
    // who is promoted by it takes no writes then.
    let min_replicas_to_write = match view.seen.settings.durability {
        super::Durability::Required => wanted,
        super::Durability::Preferred => {
            wanted.min(u8::try_from(followers).unwrap_or(u8::MAX).max(1))
        }
    };
    send(view, target, Command::Promote { min_replicas_to_write })
}

/// A command to a node that answers and has none under way.
pub(super) fn send(view: View<'_>, node: NodeId, command: Command) -> Option<Action> {
    let report = view.report(node)?;
    let free = !view.node(node).busy || !view.rules.has(Rule::OneCommand);
    free.then_some(Action::Send { node, run_id: report.run_id, command })
}

//! No master is recorded: find the one that leads, or appoint the first.
//!
//! Nothing here takes a master away from anybody, and nothing overwrites a node that has data
//! which the master has not.
//!
//! A set that was just made has nothing to lose. Its nodes come up one after the other, and the
//! first of them leads before the others are there.

use std::cmp::{Ordering, Reverse};

use super::failover::send;
use super::view::View;
use super::{
    Action, Command, Event, Hold, Millis, NodeId, Phase, Record, Report, Role, Rule, Upstream,
};

/// How long the first node may take to come up in a set that was just made, in milliseconds.
const FIRST_NODE_PATIENCE_MS: Millis = 10_000;
/// How long any other that was reached for may take to answer there, in milliseconds.
const BLANK_NODE_PATIENCE_MS: Millis = 1000;

/// What a set without a recorded master needs next.
pub(super) fn find(view: View<'_>, record: &Record) -> Result<Vec<Action>, Hold> {
    let masters: Vec<(NodeId, &Report)> = view
        .ids()
        .filter_map(|id| Some((id, view.report(id)?)))
        .filter(|(_, report)| report.is_master())
        .collect();
    everybody_was_heard(view)?;
    match masters[..] {
        [(node, report)] => adopt(view, record, node, report),
        [] => appoint(view, record),
        [(one, _), (other, _), ..] => Err(Hold::SeveralMasters(one, other)),
    }
}

/// Every node has answered, or been silent for the whole patience.
pub(super) fn everybody_was_heard(view: View<'_>) -> Result<(), Hold> {
    let just_made = was_just_made(view);
    for id in view.ids() {
        let node = view.node(id);
        let heard = node.report.is_some() || view.is_down(id);
        if heard || (just_made && view.silence_ms(id) > BLANK_NODE_PATIENCE_MS) {
            continue;
        }
        return Err(node.trouble.map_or(Hold::Listening, |trouble| Hold::Troubled(id, trouble)));
    }
    Ok(())
}

/// Whether nobody can have led this set, or written to it: no master was ever recorded, who answers
/// is empty and behind its gate, or made the first master, and who does not has nothing.
fn was_just_made(view: View<'_>) -> bool {
    let record = view.seen.record.as_ref();
    let unled = record.is_none_or(|record| record.epoch == 0 && record.master.is_none());
    let term = record.map_or(0, |record| record.term);
    let target = record.and_then(|record| record.target);
    let empty = |report: &Report| report.is_frozen() && report.keys == 0 && !report.loading;
    unled
        && view.seen.service.is_none()
        && view.ids().all(|id| {
            let node = view.node(id);
            let away = node.blank && node.trouble.is_none();
            let new = view.report(id).map_or(away, empty);
            (new || target == Some(id)) && node.remembered.is_none() && node.highest_term <= term
        })
}

/// The same for who goes on with a record: a node that lives but cannot be read is waited for only
/// as long as a silent one.
pub(super) fn everybody_was_waited_for(view: View<'_>) -> Result<(), Hold> {
    let heard = everybody_was_heard(view);
    let waited_ms = view.now_ms.saturating_sub(view.local.trusted_since_ms);
    match heard {
        Err(Hold::Troubled(..)) if waited_ms > view.seen.settings.down_after_ms => Ok(()),
        heard => heard,
    }
}

/// One master leads: it is recorded as it is. Who follows it becomes a member; W counts once it is
/// seen in force.
fn adopt(
    view: View<'_>,
    record: &Record,
    node: NodeId,
    master: &Report,
) -> Result<Vec<Action>, Hold> {
    if master.loading {
        return Err(Hold::Loading(node));
    }
    let mut in_sync = Vec::new();
    for id in view.others(node) {
        let Some(report) = view.report(id) else { continue };
        let grew = record.previous_history.is_some_and(|it| report.position_on(it).is_some());
        let related = report.position_on(master.history).is_some()
            || master.position_on(report.history).is_some()
            || (grew && record.target == Some(node));
        match report.role {
            Role::Replica(link) if link.upstream == Upstream::Node(node) => {
                in_sync.push(report.member(id));
                continue;
            }
            // Whom it follows may be a master of before at the address of then: the link is down,
            // and it holds what this one holds, or the set was led before.
            Role::Replica(link)
                if link.upstream == Upstream::Stranger
                    && (link.up || (!related && record.epoch == 0)) =>
            {
                return Err(Hold::FollowsStranger(id));
            }
            Role::Replica(_) | Role::Master => {}
        }
        if report.keys > 0 && master.keys == 0 && view.rules.has(Rule::EmptyNeverLeads) {
            return Err(Hold::EmptyMaster(id));
        }
        if report.keys > 0 && !related && record.epoch == 0 {
            return Err(Hold::OtherHistory(id));
        }
    }
    let write = Action::Write(Record {
        phase: Phase::Stable,
        epoch: record.epoch + 1,
        target: None,
        master: Some(master.member(node)),
        history: Some(master.history),
        previous_history: None,
        base_offset: 0,
        in_sync,
        w: 0,
        ..record.clone()
    });
    // Who was left behind by an election of before has what nobody acknowledged; who has seen a
    // later one, or none that is remembered, may have more than that.
    let epoch = |id: NodeId| view.node(id).remembered.map(|(epoch, _)| epoch);
    let lacks = |(id, other): (NodeId, &Report)| match epoch(id).cmp(&epoch(node)) {
        Ordering::Less => false,
        Ordering::Equal => master.position_on(other.history).is_none(),
        Ordering::Greater => true,
    };
    let told = with_data(view).any(lacks).then_some(Action::Tell(Event::DataLossPossible(node)));
    Ok(told.into_iter().chain([write]).collect())
}

/// Who has data, with its report.
fn with_data(view: View<'_>) -> impl Iterator<Item = (NodeId, &Report)> {
    let reports = view.ids().filter_map(move |id| Some((id, view.report(id)?)));
    reports.filter(|(_, report)| report.keys > 0)
}

/// Nobody leads: the first master is recorded, then made.
fn appoint(view: View<'_>, record: &Record) -> Result<Vec<Action>, Hold> {
    let empty = |target: &NodeId| {
        let keys = |id: NodeId| view.report(id).map_or(0, |report| report.keys);
        keys(*target) == 0 && view.others(*target).any(|id| keys(id) > 0)
    };
    if let Some(target) = record.target.filter(|target| !empty(target)) {
        if let Some(next) = with_ancestor(view, record, target) {
            return Ok(vec![Action::Write(next)]);
        }
        let promoted = send(view, target, Command::Promote { min_replicas_to_write: 0 });
        return promoted.map(|action| vec![action]).ok_or(Hold::Unreachable(target));
    }
    if !view.seen.settings.may_appoint_first {
        return Err(Hold::NoMaster);
    }
    let just_made = was_just_made(view);
    let waited_ms = view.now_ms.saturating_sub(view.local.trusted_since_ms);
    let first_is_away = view.ids().next().is_some_and(|id| view.report(id).is_none());
    if just_made && first_is_away && waited_ms < FIRST_NODE_PATIENCE_MS {
        return Err(Hold::Listening);
    }
    // A node that is away may be the one with the data.
    if let Some(away) = view.ids().find(|id| view.report(*id).is_none() && !just_made) {
        return Err(Hold::Unreachable(away));
    }
    if let Some(loads) = view.ids().find(|id| view.report(*id).is_some_and(|it| it.loading)) {
        return Err(Hold::Loading(loads));
    }
    // Somebody leads, and nobody knows who: a pod that was deleted by force, or a server of others.
    let hears_stranger = |report: &Report| match report.role {
        Role::Replica(link) => link.upstream == Upstream::Stranger && link.up,
        Role::Master => false,
    };
    if let Some(hears) = view.ids().find(|id| view.report(*id).is_some_and(hears_stranger)) {
        return Err(Hold::FollowsStranger(hears));
    }
    let common = with_data(view).next().map(|(_, report)| report.history);
    let one_history = common.is_some_and(|it| with_data(view).all(|(_, is)| is.history == it));
    let rank = |(id, report): &(NodeId, &Report)| {
        let offset = if one_history { report.offset } else { 0 };
        (report.keys > 0, offset, view.node(*id).remembered, report.keys, Reverse(*id))
    };
    let reports = view.ids().filter_map(|id| Some((id, view.report(id)?)));
    let first = reports.filter(|(_, report)| report.priority > 0).max_by_key(rank);
    let (target, report) = first.ok_or(Hold::NoCandidate)?;
    let epoch = view.ids().filter_map(|id| view.node(id).remembered).map(|(epoch, _)| epoch).max();
    let write = Action::Write(Record {
        target: Some(target),
        // A change of mind begins another epoch: each has one master at most.
        epoch: record.epoch.max(epoch.unwrap_or(0)) + u64::from(record.target.is_some()),
        ..record.clone()
    });
    // Nothing says any more who held what was acknowledged: only whoever holds all that is there
    // is known to lack none of it.
    let holds = |other: &Report| report.position_on(other.history) >= Some(other.offset);
    let lacks = with_data(view).any(|(_, other)| !holds(other));
    let told = lacks.then_some(Action::Tell(Event::DataLossPossible(target)));
    Ok(told.into_iter().chain([write]).collect())
}

/// The record with the history that others still have and that the target has grown out of, if
/// another promotion would make it forget that one: it may have led, and ended, before that was
/// recorded.
fn with_ancestor(view: View<'_>, record: &Record, target: NodeId) -> Option<Record> {
    let report = view.report(target)?;
    let (ancestor, _) = report.previous_history?;
    let left_behind = |id: NodeId| {
        let other = view.report(id).filter(|other| other.keys > 0);
        other.is_some_and(|it| {
            it.position_on(report.history).is_none() && it.position_on(ancestor).is_some()
        })
    };
    let unrecorded = record.previous_history.is_none();
    (unrecorded && view.others(target).any(left_behind)).then(|| Record {
        history: Some(report.history),
        previous_history: Some(ancestor),
        ..record.clone()
    })
}

//! Who becomes master: the quorum, what counts as data, and the order of candidates.
//!
//! An acknowledged write is held by the master and W members. When the members that are seen,
//! frozen and in their recorded runs, number R with R + W > N, each acknowledged write is held by
//! at least W − (N − R) of them: so it lies at or below the position that many of them have
//! reached. That position is the bound, and whoever has reached it has lost nothing.

use std::cmp::Reverse;

use super::view::View;
use super::{Hold, Id, Member, NodeId, Policy, Record, ReplicaOrder, Report, Rule, Upstream, Wish};
use super::{Link, Role};

/// The outcome of an election.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ballot {
    /// Who wins.
    pub winner: NodeId,
    /// The history on which positions were compared.
    pub history: Option<Id>,
    /// No write beyond this was acknowledged on that history.
    pub bound: u64,
    /// Acknowledged writes may be missing.
    pub loss_possible: bool,
}

/// Elects among frozen nodes, or says what is missing.
pub(super) fn elect(view: View<'_>, record: &Record) -> Result<Ballot, Hold> {
    if let Some(Wish::Promote(node)) = view.seen.request.map(|request| request.wish) {
        return promote_as_told(view, record, node);
    }
    let Some(history) = record.history else { return Err(Hold::NoMaster) };
    match quorum(view, record) {
        Ok(Quorum { bound, on_history }) => {
            let winner = NodeId::at(0);
            if on_history {
                let history = Some(history);
                let ballot = Ballot { winner, history, bound, loss_possible: false };
                return best(view, record, ballot);
            }
            // Nobody who was allowed to attach ever held this history: nothing was acknowledged
            // on it, and all that was before it lies at or below where it began.
            let history = record.previous_history.filter(|_| may_go_back(view, record));
            let bound = if view.rules.has(Rule::BaseOffset) { record.base_offset } else { 0 };
            best(view, record, Ballot { winner, history, bound, loss_possible: false })
        }
        Err(hold) => Err(hold),
    }
    .or_else(|hold| without_quorum(view, record, history).ok_or(hold))
}

struct Quorum {
    bound: u64,
    /// Somebody who is seen holds the recorded history.
    on_history: bool,
}

fn may_go_back(view: View<'_>, record: &Record) -> bool {
    record.w > 0 || view.seen.settings.min_replicas_to_write == 0
}

fn seen_members(view: View<'_>, record: &Record) -> Vec<(Member, u64)> {
    let Some(history) = record.history else { return Vec::new() };
    let sees = |member: &Member| {
        let report = if view.rules.has(Rule::RestartedIsUnseen) {
            view.in_run(*member)
        } else {
            view.report(member.node)
        }?;
        // What still loads does not say how far it is.
        (!report.loading).then(|| (*member, view.position(report, history).unwrap_or(0)))
    };
    record.in_sync.iter().filter_map(sees).collect()
}

fn quorum(view: View<'_>, record: &Record) -> Result<Quorum, Hold> {
    let history = record.history;
    let holds = |id: NodeId| {
        let report = view.report(id)?;
        view.position(report, history?)
    };
    let on_history = view.ids().any(|id| holds(id).is_some());
    let master = record.master.and_then(|master| view.in_run(master));
    let master_position = master.and_then(|report| view.position(report, history?));
    let count = |n: usize| u8::try_from(n).unwrap_or(u8::MAX);

    if view.seen.settings.min_replicas_to_write == 0 && record.w == 0 {
        // Nothing counts as acknowledged: one who has the data suffices.
        return Ok(Quorum { bound: 0, on_history });
    }
    let mut positions: Vec<u64> =
        seen_members(view, record).into_iter().map(|(_, position)| position).collect();
    positions.sort_unstable_by_key(|position| Reverse(*position));
    let members = record.in_sync.len();
    let unseen = members - positions.len();
    let w = usize::from(record.w.max(1));
    // What the master began with was acknowledged before it led: a member that has not caught up
    // with that does not tell where it ends.
    let began_with = if view.rules.has(Rule::BaseOffset) { record.base_offset } else { 0 };
    // With W beyond their number they cannot have acknowledged anything.
    let by_members = (members > 0 && w > unseen)
        .then(|| positions.get(w - unseen - 1).copied().unwrap_or_default().max(began_with));
    match (by_members, master_position) {
        (Some(bound), Some(position)) => Ok(Quorum { bound: bound.min(position), on_history }),
        (Some(bound), None) | (None, Some(bound)) => Ok(Quorum { bound, on_history }),
        (None, None) if !view.rules.has(Rule::Quorum) => Ok(Quorum { bound: 0, on_history }),
        (None, None) => Err(Hold::NoQuorum {
            seen: count(positions.len()),
            needed: count((members + 1).saturating_sub(w).max(1)),
        }),
    }
}

/// Somebody who could lead at all, whatever it holds.
fn able(view: View<'_>, id: NodeId) -> Option<&Report> {
    let report = view.report(id)?;
    let others_have_data =
        || view.others(id).filter_map(|other| view.report(other)).any(|other| other.keys > 0);
    let empty = view.rules.has(Rule::EmptyNeverLeads) && report.keys == 0 && others_have_data();
    (!report.loading && report.priority > 0 && !empty).then_some(report)
}

/// The best of those who have reached the bound.
fn best(view: View<'_>, record: &Record, ballot: Ballot) -> Result<Ballot, Hold> {
    let Some(history) = ballot.history else { return Err(Hold::NoCandidate) };
    let candidates = view.ids().filter_map(|id| {
        let report = able(view, id)?;
        let position = view.position(report, history)?;
        (position >= ballot.bound && lately_connected(view, id)).then_some((id, report, position))
    });
    let first = candidates.min_by_key(|(id, report, position)| {
        // A tie leaves the master where it is.
        let moves = record.master.is_none_or(|master| master.node != *id);
        let data = Reverse(*position);
        let leaving = view.node(*id).leaving;
        match view.seen.settings.replica_order {
            ReplicaOrder::DataFirst => (data, leaving, report.priority, data, moves, report.run_id),
            ReplicaOrder::PriorityFirst => {
                (Reverse(0), leaving, report.priority, data, moves, report.run_id)
            }
        }
    });
    if let Some((winner, ..)) = first {
        return Ok(Ballot { winner, ..ballot });
    }
    let loads = view.ids().find(|id| view.report(*id).is_some_and(|report| report.loading));
    Err(loads.map_or(Hold::NoCandidate, Hold::Loading))
}

/// Not without its master for ten times the patience longer than the one that lost it last.
fn lately_connected(view: View<'_>, id: NodeId) -> bool {
    let quiet = |id: NodeId| view.clock(id).quiet.map(|(_, at)| at);
    let last = view.ids().filter(|id| able(view, *id).is_some()).filter_map(quiet).max();
    match (quiet(id), last) {
        (Some(own), Some(last)) => own + view.seen.settings.down_after_ms * 10 >= last,
        _ => true,
    }
}

/// Everybody who may hold something answers, or is proven dead and people have said not to wait:
/// then the best data there is.
fn without_quorum(view: View<'_>, record: &Record, history: Id) -> Option<Ballot> {
    let mut concerned = record.in_sync.iter().copied().chain(record.master);
    let present = |member: Member| view.report(member.node).is_some_and(|report| !report.loading);
    let all_present = concerned.clone().all(present);
    let waited = view.local.pursued_since.is_some_and(|(_, since)| {
        view.now_ms.saturating_sub(since) > view.seen.settings.failover_timeout_ms
    });
    let dead = |member| view.is_dead(member) || !view.rules.has(Rule::ProvenDead);
    let rest_dead = view.seen.settings.policy == Policy::Availability
        && waited
        && concerned.all(|member| present(member) || dead(member));
    if !all_present && !rest_dead {
        return None;
    }
    let able: Vec<(NodeId, &Report)> =
        view.ids().filter_map(|id| Some((id, able(view, id)?))).collect();
    let position = |report: &Report| view.position(report, history);
    let winner = if able.iter().all(|(_, report)| position(report).is_some()) {
        able.iter().max_by_key(|(id, report)| (position(report), Reverse(*id)))
    } else {
        let recorded = able.iter().find(|(id, report)| {
            report.keys > 0 && record.master.is_some_and(|master| master.node == *id)
        });
        let remembers = |id: NodeId| view.node(id).remembered;
        recorded.or_else(|| {
            able.iter().max_by_key(|(id, report)| (remembers(*id), report.keys, Reverse(*id)))
        })
    }?;
    Some(Ballot {
        winner: winner.0,
        history: Some(history),
        bound: position(winner.1).unwrap_or(0),
        loss_possible: true,
    })
}

fn promote_as_told(view: View<'_>, record: &Record, node: NodeId) -> Result<Ballot, Hold> {
    let report = view.report(node).ok_or(Hold::Unreachable(node))?;
    if report.loading {
        return Err(Hold::Loading(node));
    }
    let bound = record.history.and_then(|history| view.position(report, history)).unwrap_or(0);
    Ok(Ballot { winner: node, history: record.history, bound, loss_possible: true })
}

/// The first node that has to be frozen before anybody may be elected: it follows somebody, or
/// leads without being recorded.
pub(super) fn not_yet_frozen(view: View<'_>, record: &Record) -> impl Iterator<Item = NodeId> {
    let frozen = move |id: NodeId| {
        let Some(report) = view.report(id) else { return true };
        match report.role {
            Role::Replica(Link { upstream: Upstream::Nowhere, .. }) => true,
            Role::Replica(_) => false,
            Role::Master => record.target == Some(id) && grew_out_of(report, record),
        }
    };
    view.ids().filter(move |id| !frozen(*id))
}

/// Whether a process was promoted from the recorded history, or from the one before if the
/// election went back to that: it names it as its previous one.
pub(super) fn grew_out_of(report: &Report, record: &Record) -> bool {
    let Some((previous, _)) = report.previous_history else { return false };
    let grown = [record.history, record.previous_history].contains(&Some(previous));
    grown && Some(report.history) != record.history
}

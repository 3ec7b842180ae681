//! Decides who is master; never does anything about it.
//!
//! One pure function, [`step`], is called with what is known of a set and answers with what is to
//! be done next. A failover, from the missed PING to the moved Service, reads like this:
//!
//! ```text
//! clocks    a node owes an answer for longer than down-after: +sdown       (watch)
//! stable    is it lost for certain, or silent and heard by no replica?     (lost)
//!           └─▶ Write: Failover, epoch + 1, target                          the intent, recorded
//! failover  Freeze everybody who can be reached                            (pursue)
//! election  are enough members seen? who holds all that was acknowledged?  (elect)
//! failover  must the lost master have stopped by now?                      (wait_for_writer)
//!           └─▶ Promote the target
//!           └─▶ Write: Stable, the target is master, who may attach
//! stable    PointService; Follow, for everybody else                       (tend)
//! ```
//!
//! Each line is one call: its actions are performed, the world is observed again, and the next
//! call goes on from there. A process that dies between two lines is replaced by another one that
//! reads the same [`Record`]; that is why everything is recorded before it is done.
//!
//! # Guarantees
//!
//! With W ≥ 1 a write that the master and W members hold survives any single fault, and no two
//! nodes take writes at once. The rules behind that have names ([`Rule`]) and each of them is
//! needed.
//!
//! # Assumptions
//!
//! Servers start as replicas of nowhere (`replicaof 127.0.0.1 1`), so that none of them leads or
//! attaches by itself; `down-after` is at least the replication lag allowed plus two seconds; a
//! [`Action::Write`] fails if the record was changed since it was read; commands reach only the
//! run that they are meant for.
//!
//! # What never happens here
//!
//! No clock is read, no socket opened, nothing logged. Time comes in as [`Millis`].
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod action;
mod adopt;
mod clocks;
mod election;
mod failover;
mod guards;
mod handover;
mod hold;
mod id;
mod local;
mod members;
mod observation;
mod record;
mod rules;
mod settings;
mod stable;
mod view;
mod witness;

pub use action::{Action, Command, Event};
pub use clocks::LONGEST_REST_MS;
pub use hold::Hold;
pub use id::{Home, Id, NotAnId};
pub use local::{Change, Clock, Local, Mark};
pub use observation::{
    Ended, EndedBy, Follower, Link, Node, Observation, Pointer, Report, Request, Role, Trouble,
    Upstream, Wish,
};
pub use record::{Member, Phase, Record};
pub use rules::{Rule, Rules};
pub use settings::{Durability, Policy, ReplicaOrder, Settings};

use view::View;

/// Milliseconds since an instant that the caller chose; it never goes back.
pub type Millis = u64;

/// A node of the set, by its place in the list of nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u8);

impl NodeId {
    /// The node at a place.
    #[must_use]
    pub fn at(index: usize) -> Self {
        Self(u8::try_from(index).unwrap_or(u8::MAX))
    }

    /// Its place.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// One decision, under all rules.
#[must_use]
pub fn step(local: &Local, seen: &Observation, now_ms: Millis) -> (Local, Vec<Action>) {
    step_under(Rules::ALL, local, seen, now_ms)
}

/// One decision under the given rules. Only the model checker leaves one out.
#[must_use]
pub fn step_under(
    rules: Rules,
    local: &Local,
    seen: &Observation,
    now_ms: Millis,
) -> (Local, Vec<Action>) {
    let (mut next, events) = clocks::watch(View { rules, local, seen, now_ms });
    let mut actions: Vec<Action> = events.into_iter().map(Action::Tell).collect();
    let watched = next.clone();
    let view = View { rules, local: &watched, seen, now_ms };
    if let Some((record, master)) =
        seen.record.as_ref().and_then(|record| Some((record, view.live_master(record)?)))
    {
        members::mark(view, record, master, &mut next);
    }
    let view = View { local: &next.clone(), ..view };
    next.hold = match decide(view) {
        Ok(decided) => {
            remember(&mut next, seen, &decided);
            actions.extend(decided);
            None
        }
        Err(hold) => Some(hold),
    };
    if !at_rest(view, &next, &actions) {
        actions.push(Action::WakeAt(now_ms + (seen.settings.ping_interval_ms / 20).clamp(5, 50)));
    }
    (next, actions)
}

fn decide(view: View<'_>) -> Result<Vec<Action>, Hold> {
    if let Some(hold) = guards::hold(view) {
        return Err(hold);
    }
    if let Some(takeover) = take_over(view)? {
        return Ok(vec![takeover]);
    }
    let Some(record) = &view.seen.record else { return Err(Hold::NoMaster) };
    match (record.phase, record.target) {
        (Phase::Adopt, _) | (Phase::Failover | Phase::Switchover, None) => {
            adopt::find(view, record)
        }
        (Phase::Stable, _) => stable::keep(view, record),
        (Phase::Failover, Some(target)) => failover::pursue(view, record, target),
        (Phase::Switchover, Some(target)) => handover::pursue(view, record, target),
    }
}

/// The first write of a new leader: a term above every one that the record and the nodes know. A
/// record that is older than what is known elsewhere elects nobody, so it is emptied by that write;
/// by one in its own term, if this process led when an older copy was put in its place.
fn take_over(view: View<'_>) -> Result<Option<Action>, Hold> {
    let seen = view.seen;
    let recorded = seen.record.as_ref().map_or(0, |record| record.term);
    let is_mine = seen.my_term > 0 && recorded == seen.my_term && seen.record.is_some();
    let on_nodes = seen.nodes.iter().map(|node| node.highest_term).max().unwrap_or(0);
    // What Service and volumes carry was recorded before it was written there.
    let remembered = seen.nodes.iter().filter_map(|node| node.remembered).map(|(epoch, _)| epoch);
    let pointed = seen.service.map(|pointer| pointer.epoch);
    let epoch = seen.record.as_ref().map_or(0, |record| record.epoch);
    let known_epoch = remembered.chain(pointed).max().unwrap_or(0);
    let stale = (on_nodes > recorded || known_epoch > epoch) && view.rules.has(Rule::StaleRecord);
    let elects = seen.record.as_ref().is_some_and(|record| record.phase != Phase::Adopt);
    if is_mine && !(stale && elects) {
        return Ok(None);
    }
    if !view.rules.has(Rule::TakeOver) && seen.record.is_some() {
        return Ok(None);
    }
    adopt::everybody_was_waited_for(view)?;
    let term = if is_mine { recorded } else { on_nodes.max(recorded).max(seen.my_term) + 1 };
    let record = match &seen.record {
        Some(record) if !stale => Record { term, ..record.clone() },
        _ => Record::without_master(term, epoch.max(known_epoch)),
    };
    Ok(Some(Action::Write(record)))
}

/// What a decision leaves to be remembered: scripts that were asked to stop, wishes under way.
fn remember(next: &mut Local, seen: &Observation, decided: &[Action]) {
    for action in decided {
        match action {
            Action::Send { node, command: Command::ScriptKill, .. } => {
                if let Some((_, asked)) = &mut next.nodes[node.index()].script {
                    *asked = true;
                }
            }
            Action::Write(record) if record.phase != Phase::Stable => {
                let before = seen.record.as_ref().and_then(|record| record.master);
                if let (Some(request), Some(before)) = (seen.request, before)
                    && next.accepted.is_none_or(|(id, ..)| id != request.id)
                {
                    next.accepted = Some((request.id, before, record.epoch));
                }
            }
            _ => {}
        }
    }
}

/// Whether only an answer, a lost connection or a wish can change the next decision.
fn at_rest(view: View<'_>, next: &Local, actions: &[Action]) -> bool {
    let settings = &view.seen.settings;
    let stable = view.seen.record.as_ref().is_some_and(|record| record.phase == Phase::Stable);
    let quiet = view.ids().all(|id| view.silence_ms(id) <= settings.ping_interval_ms);
    stable && quiet && next.hold.is_none() && actions.is_empty() && view.seen.request.is_none()
}

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

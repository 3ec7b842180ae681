//! What has to be true before anything is decided. Checked in order; the first that holds wins.

use super::view::View;
use super::{Hold, Rule};

/// A reason to do nothing at all, if it applies.
type Guard = fn(View<'_>) -> Option<Hold>;

/// The guards, the most fundamental first. A new guard is a new row.
const GUARDS: [Guard; 5] =
    [leading, superseded_in_record, superseded_on_nodes, same_server, writing];

/// The first guard that holds, or `None` to go ahead.
pub(super) fn hold(view: View<'_>) -> Option<Hold> {
    GUARDS.iter().find_map(|guard| guard(view))
}

fn leading(view: View<'_>) -> Option<Hold> {
    (!view.seen.leading).then_some(Hold::NotLeading)
}

fn superseded_in_record(view: View<'_>) -> Option<Hold> {
    let term = view.seen.record.as_ref()?.term;
    let later = view.seen.my_term > 0 && term > view.seen.my_term;
    (later && view.rules.has(Rule::StepDown)).then_some(Hold::Superseded(term))
}

/// The nodes know who was here last even when the record was restored from a copy.
fn superseded_on_nodes(view: View<'_>) -> Option<Hold> {
    let term = view.seen.nodes.iter().map(|node| node.highest_term).max()?;
    let later = view.seen.my_term > 0 && term > view.seen.my_term;
    (later && view.rules.has(Rule::StepDown)).then_some(Hold::Superseded(term))
}

/// What one server holds is held once, by however many names it is reached.
fn same_server(view: View<'_>) -> Option<Hold> {
    let run = |id| Some(view.report(id)?.run_id);
    view.ids().find_map(|id| {
        let own = run(id)?;
        let twin = view.ids().take(id.index()).find(|it| run(*it) == Some(own))?;
        Some(Hold::SameServer(twin, id))
    })
}

fn writing(view: View<'_>) -> Option<Hold> {
    (view.seen.writing && view.rules.has(Rule::OneWrite)).then_some(Hold::Writing)
}

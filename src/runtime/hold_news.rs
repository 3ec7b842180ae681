//! Which reasons not to act are news: each is told once, until something was done about it.

use crate::sentinel::{Action, Command, Hold};

/// What was told last.
#[derive(Debug, Clone, Default)]
pub struct HoldNews {
    told: Option<Hold>,
}

impl HoldNews {
    /// The reason of a step, if people have not been told it yet. That a disk or a node is still at
    /// what it was told is no reason, and a countdown is the same one all the while.
    pub fn of(&mut self, actions: &[Action], hold: Option<Hold>) -> Option<Hold> {
        match hold {
            Some(Hold::Writing | Hold::Retrying(_)) => None,
            Some(hold) => {
                let before = self.told.replace(hold);
                (!before.is_some_and(|before| is_same(before, hold))).then_some(hold)
            }
            None => {
                let looks = |action: &Action| {
                    matches!(
                        action,
                        Action::WakeAt(_) | Action::Send { command: Command::Look, .. }
                    )
                };
                // To look again, or to wait for that, is part of the same reason.
                if actions.is_empty() || !actions.iter().all(looks) {
                    self.told = None;
                }
                None
            }
        }
    }
}

fn is_same(before: Hold, hold: Hold) -> bool {
    before == hold
        || matches!((before, hold), (Hold::WriterWindow { .. }, Hold::WriterWindow { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentinel::{Id, NodeId};

    #[test]
    fn a_reason_is_told_once_until_something_is_done() {
        let node = NodeId(1);
        let send = |command| Action::Send { node, run_id: Id([1; 20]), command };
        let (look, freeze) = (send(Command::Look), send(Command::Freeze));
        let behind = Some(Hold::NotInSync(node));
        let window = |left_ms| Some(Hold::WriterWindow { left_ms });
        let mut news = HoldNews::default();
        for (actions, hold, told) in [
            (vec![], behind, behind),
            (vec![], behind, None),
            // It is looked at again and again.
            (vec![look.clone()], None, None),
            (vec![], Some(Hold::Retrying(node)), None),
            (vec![Action::WakeAt(5)], Some(Hold::Writing), None),
            (vec![Action::WakeAt(5)], behind, None),
            // Another node is another reason.
            (vec![], Some(Hold::NotInSync(NodeId(2))), Some(Hold::NotInSync(NodeId(2)))),
            (vec![], behind, behind),
            // Something was done.
            (vec![freeze, Action::WakeAt(9)], None, None),
            (vec![], behind, behind),
            // All is well.
            (vec![], None, None),
            (vec![], behind, behind),
            (vec![], window(900), window(900)),
            (vec![], window(800), None),
        ] {
            assert_eq!(news.of(&actions, hold), told, "{actions:?} {hold:?}");
        }
    }
}

//! Actions and events in words, for the story of a trace, for `gungnir explain` and for logs.

use super::names::SetNames;
use crate::sentinel::{Action, Command, Event, Phase, Record};

/// What an action does, in words; `None` for one that nobody wants to read of.
#[must_use]
pub fn action(action: &Action, names: &SetNames) -> Option<String> {
    let name = |node| names.address(node);
    Some(match action {
        Action::Write(record) => self::record(record, names),
        Action::Send { node, run_id: _, command } => self::command(*command, &name(*node), names),
        Action::PointService { node, epoch } => {
            format!("sends clients to `{}` (epoch {epoch})", name(*node))
        }
        Action::Answer { request: _, outcome: Ok(()) } => "answers the request: done".to_owned(),
        Action::Answer { request: _, outcome: Err(hold) } => {
            format!("refuses the request: {}", hold.describe(&name))
        }
        Action::Tell(event) => self::event(*event, names),
        Action::WakeAt(_) => return None,
    })
}

/// What is written down.
fn record(record: &Record, names: &SetNames) -> String {
    let name = |node| names.address(node);
    let Record { term, epoch, phase, target, master, in_sync, w, .. } = record;
    let master = master.map_or_else(|| "nobody".to_owned(), |it| format!("`{}`", name(it.node)));
    let target = target.map_or_else(|| "nobody yet".to_owned(), |it| format!("`{}`", name(it)));
    let what = match phase {
        Phase::Adopt => format!("the first master is to be found, or made of {target}"),
        Phase::Stable => format!("{master} leads"),
        Phase::Failover => format!("failover from {master} to {target}"),
        Phase::Switchover => format!("handover from {master} to {target}"),
    };
    let members: Vec<String> =
        in_sync.iter().map(|member| format!("`{}`", name(member.node))).collect();
    let members = if members.is_empty() { "none".to_owned() } else { members.join(", ") };
    format!("records epoch {epoch}, term {term}: {what}; members {members}; w {w}")
}

fn command(command: Command, node: &str, names: &SetNames) -> String {
    let other = |node| names.address(node);
    match command {
        Command::Freeze => format!("tells `{node}` to follow nobody"),
        Command::Promote { min_replicas_to_write } => {
            format!("promotes `{node}` with min-replicas-to-write {min_replicas_to_write}")
        }
        Command::Follow(master) => format!("tells `{node}` to follow `{}`", other(master)),
        Command::Pause { limit_ms } => {
            format!("holds the writes of clients of `{node}` for at most {limit_ms} ms")
        }
        Command::Release => format!("lets clients of `{node}` go on, on new connections"),
        Command::Unpause => format!("lets clients of `{node}` go on"),
        Command::Look => format!("looks at `{node}` again"),
        Command::ScriptKill => format!("stops the script on `{node}`"),
        Command::SetMinReplicas(count) => format!("sets min-replicas-to-write {count} on `{node}`"),
        Command::ShutOut(replica) => {
            format!("turns off the replication user of `{}` on `{node}`", other(replica))
        }
        Command::LetIn(replica) => {
            format!("turns on the replication user of `{}` on `{node}`", other(replica))
        }
    }
}

/// What people are told by an event.
#[must_use]
pub fn event(event: Event, names: &SetNames) -> String {
    let name = |node| names.address(node);
    match event {
        Event::Down(node) => format!("+sdown `{}`: no answer for too long", name(node)),
        Event::Up(node) => format!("-sdown `{}`: it answers again", name(node)),
        Event::Stalled { for_ms } => {
            format!("+tilt: this process stood still for {for_ms} ms, so all clocks begin anew")
        }
        Event::DivergedWritesDiscarded { node, offset } => format!(
            "`{}` is about to lose what it alone holds: it is at offset {offset} of another \
             history",
            name(node)
        ),
        Event::DataLossPossible(node) => {
            format!("`{}` may lack acknowledged writes", name(node))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentinel::{Hold, Home, Id, Member, NodeId};

    #[test]
    fn each_action_is_a_sentence() {
        let names = SetNames::new("demo", ["a:1", "b:2", "c:3"].map(String::from));
        let (a, b, c) = (NodeId(0), NodeId(1), NodeId(2));
        let send = |command| Action::Send { node: b, run_id: Id([1; 20]), command };
        let record = |phase, target| {
            Action::Write(Record {
                phase,
                target,
                master: Some(Member { node: a, run_id: Id([1; 20]), home: Home::default() }),
                in_sync: vec![Member { node: b, run_id: Id([1; 20]), home: Home::default() }],
                w: 1,
                ..Record::without_master(2, 3)
            })
        };
        for (action, words) in [
            (
                record(Phase::Failover, Some(b)),
                "records epoch 3, term 2: failover from `a:1` to `b:2`; members `b:2`; w 1",
            ),
            (
                record(Phase::Switchover, Some(b)),
                "records epoch 3, term 2: handover from `a:1` to `b:2`; members `b:2`; w 1",
            ),
            (
                record(Phase::Stable, None),
                "records epoch 3, term 2: `a:1` leads; members `b:2`; w 1",
            ),
            (
                record(Phase::Adopt, None),
                "records epoch 3, term 2: the first master is to be found, or made of nobody yet; \
                 members `b:2`; w 1",
            ),
            (send(Command::Freeze), "tells `b:2` to follow nobody"),
            (
                send(Command::Promote { min_replicas_to_write: 1 }),
                "promotes `b:2` with min-replicas-to-write 1",
            ),
            (send(Command::Follow(c)), "tells `b:2` to follow `c:3`"),
            (
                send(Command::Pause { limit_ms: 5 }),
                "holds the writes of clients of `b:2` for at most 5 ms",
            ),
            (send(Command::Release), "lets clients of `b:2` go on, on new connections"),
            (send(Command::Unpause), "lets clients of `b:2` go on"),
            (send(Command::Look), "looks at `b:2` again"),
            (send(Command::ScriptKill), "stops the script on `b:2`"),
            (send(Command::SetMinReplicas(2)), "sets min-replicas-to-write 2 on `b:2`"),
            (send(Command::ShutOut(c)), "turns off the replication user of `c:3` on `b:2`"),
            (send(Command::LetIn(c)), "turns on the replication user of `c:3` on `b:2`"),
            (Action::PointService { node: c, epoch: 4 }, "sends clients to `c:3` (epoch 4)"),
            (Action::Answer { request: 1, outcome: Ok(()) }, "answers the request: done"),
            (
                Action::Answer { request: 1, outcome: Err(Hold::NobodyElse) },
                "refuses the request: there is no other node to hand over to",
            ),
            (Action::Tell(Event::Down(a)), "+sdown `a:1`: no answer for too long"),
            (Action::Tell(Event::Up(a)), "-sdown `a:1`: it answers again"),
            (
                Action::Tell(Event::Stalled { for_ms: 9 }),
                "+tilt: this process stood still for 9 ms, so all clocks begin anew",
            ),
            (
                Action::Tell(Event::DivergedWritesDiscarded { node: a, offset: 7 }),
                "`a:1` is about to lose what it alone holds: it is at offset 7 of another history",
            ),
            (Action::Tell(Event::DataLossPossible(a)), "`a:1` may lack acknowledged writes"),
        ] {
            assert_eq!(self::action(&action, &names).as_deref(), Some(words));
        }
        assert_eq!(action(&Action::WakeAt(1), &names), None);
    }
}

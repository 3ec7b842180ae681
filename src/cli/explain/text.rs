//! An explanation as text for people.

use std::fmt::Write as _;

use crate::cli::columns::{NOTHING, age, columns};
use crate::runtime::{EventExplained, Explanation, NodeExplained};
use crate::sentinel::{Durability, Policy, ReplicaOrder, Settings};

/// The whole text.
pub(super) fn of(explanation: &Explanation) -> String {
    let Explanation {
        name,
        phase,
        term,
        epoch,
        master,
        target,
        endpoint,
        w,
        members,
        nodes,
        next,
        hold,
        settings,
        warnings,
        events,
    } = explanation;
    let none = || "none".to_owned();
    let mut rows = vec![
        ("set", name.clone()),
        ("phase", phase.clone().unwrap_or_else(|| "nothing recorded yet".to_owned())),
        ("epoch", format!("{epoch}, term {term}")),
        ("master", master.clone().unwrap_or_else(none)),
    ];
    rows.extend(target.clone().map(|target| ("to become master", target)));
    rows.push(("clients go to", endpoint.clone().unwrap_or_else(|| "nowhere yet".to_owned())));
    let members = if members.is_empty() { none() } else { members.join(", ") };
    rows.push(("members", format!("{members}; {w} of them must hold a write (W)")));
    rows.push(("settings", self::settings(settings)));
    match &next[..] {
        [] => rows.push(("next", "nothing".to_owned())),
        some => rows.extend(some.iter().map(|next| ("next", next.clone()))),
    }
    rows.extend(hold.clone().map(|hold| ("why not yet", hold)));
    let mut text = String::new();
    for (label, value) in rows {
        let _ = writeln!(text, "{label:<18}{value}");
    }
    text += "\n";
    text += &table(nodes);
    if !warnings.is_empty() {
        text += "\n";
    }
    for warning in warnings {
        let _ = writeln!(text, "warning: {warning}");
    }
    if !events.is_empty() {
        text += "\n";
    }
    let ages: Vec<String> = events.iter().map(|event| age(event.ago_ms)).collect();
    let width = ages.iter().map(String::len).max().unwrap_or(0);
    for (EventExplained { ago_ms: _, times, text: what }, age) in events.iter().zip(&ages) {
        let _ = write!(text, "{age:>width$} ago  {what}");
        if *times > 1 {
            let _ = write!(text, " ({times} times)");
        }
        text += "\n";
    }
    text
}

/// The settings in force, on a line.
fn settings(settings: &Settings) -> String {
    let Settings {
        ping_interval_ms,
        down_after_ms,
        failover_timeout_ms,
        min_replicas_to_write,
        min_replicas_max_lag_s,
        replica_order,
        policy,
        durability,
        may_appoint_first: _,
        auto_failover,
        shuts_out: _,
    } = settings;
    let mut words = vec![
        format!("down after {down_after_ms} ms"),
        format!("asked every {ping_interval_ms} ms"),
        format!("W {min_replicas_to_write}"),
        format!("lag {min_replicas_max_lag_s} s"),
        format!("failover timeout {failover_timeout_ms} ms"),
        match policy {
            Policy::Consistency => "consistency",
            Policy::Availability => "availability",
        }
        .to_owned(),
        match replica_order {
            ReplicaOrder::DataFirst => "data first",
            ReplicaOrder::PriorityFirst => "priority first",
        }
        .to_owned(),
    ];
    if *durability == Durability::Preferred {
        words.push("W is lowered while replicas are missing".to_owned());
    }
    if !auto_failover {
        words.push("no automatic failover".to_owned());
    }
    words.join(", ")
}

/// The nodes, a row each, in columns as wide as they need.
fn table(nodes: &[NodeExplained]) -> String {
    let head = ["NODE", "ROLE", "FOLLOWS", "OFFSET", "BEHIND", "GATE", "STATE"].map(str::to_owned);
    let nothing = || NOTHING.to_owned();
    let row = |node: &NodeExplained| {
        let NodeExplained { address, role, upstream, offset, behind_bytes, state, gate } = node;
        [
            address.clone(),
            role.clone().unwrap_or_else(nothing),
            upstream.clone().unwrap_or_else(nothing),
            offset.map_or_else(nothing, |offset| offset.to_string()),
            behind_bytes.map_or_else(nothing, |bytes| format!("{bytes} B")),
            gate.describe().to_owned(),
            state.join(", "),
        ]
    };
    let rows: Vec<[String; 7]> = std::iter::once(head).chain(nodes.iter().map(row)).collect();
    columns(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Gate;

    fn explanation() -> Explanation {
        let node = |address: &str, gate| NodeExplained {
            address: address.to_owned(),
            role: None,
            upstream: None,
            offset: None,
            behind_bytes: None,
            state: vec!["up".to_owned()],
            gate,
        };
        Explanation {
            name: "demo".to_owned(),
            phase: Some("Failover".to_owned()),
            term: 2,
            epoch: 3,
            master: Some("10.0.0.1:6379".to_owned()),
            target: Some("10.0.0.2:6379".to_owned()),
            endpoint: Some("10.0.0.1:6379".to_owned()),
            w: 1,
            members: vec!["10.0.0.2:6379".to_owned(), "10.0.0.3:6379".to_owned()],
            nodes: vec![
                NodeExplained {
                    state: vec!["dead".to_owned(), "SDOWN".to_owned()],
                    ..node("10.0.0.1:6379", Gate::NotSeen)
                },
                NodeExplained {
                    role: Some("replica".to_owned()),
                    upstream: Some("nowhere".to_owned()),
                    offset: Some(1234),
                    behind_bytes: Some(0),
                    ..node("10.0.0.2:6379", Gate::Seen)
                },
            ],
            next: Vec::new(),
            hold: Some("waits".to_owned()),
            settings: Settings {
                ping_interval_ms: 300,
                down_after_ms: 3000,
                failover_timeout_ms: 60_000,
                min_replicas_to_write: 1,
                min_replicas_max_lag_s: 1,
                replica_order: ReplicaOrder::DataFirst,
                policy: Policy::Consistency,
                durability: Durability::Required,
                may_appoint_first: false,
                auto_failover: true,
                shuts_out: false,
            },
            warnings: vec!["beware".to_owned()],
            events: vec![
                EventExplained { ago_ms: 125_000, times: 1, text: "old".to_owned() },
                EventExplained { ago_ms: 1_250, times: 3, text: "new".to_owned() },
            ],
        }
    }

    #[test]
    fn a_failover_under_way() {
        assert_eq!(
            of(&explanation()),
            "\
set               demo
phase             Failover
epoch             3, term 2
master            10.0.0.1:6379
to become master  10.0.0.2:6379
clients go to     10.0.0.1:6379
members           10.0.0.2:6379, 10.0.0.3:6379; 1 of them must hold a write (W)
settings          down after 3000 ms, asked every 300 ms, W 1, lag 1 s, failover timeout 60000 ms, \
             consistency, data first
next              nothing
why not yet       waits

NODE           ROLE     FOLLOWS  OFFSET  BEHIND  GATE      STATE
10.0.0.1:6379  -        -        -       -       not seen  dead, SDOWN
10.0.0.2:6379  replica  nowhere  1234    0 B     seen      up

warning: beware

2 min 5 s ago  old
    1.2 s ago  new (3 times)
"
        );
    }

    #[test]
    fn nothing_known_yet() {
        let text = of(&Explanation {
            phase: None,
            master: None,
            target: None,
            endpoint: None,
            members: Vec::new(),
            nodes: Vec::new(),
            next: vec!["looks".to_owned(), "waits".to_owned()],
            hold: None,
            warnings: Vec::new(),
            events: Vec::new(),
            ..explanation()
        });
        for line in [
            "phase             nothing recorded yet\n",
            "master            none\n",
            "clients go to     nowhere yet\n",
            "members           none; 1 of them must hold a write (W)\n",
            "next              looks\nnext              waits\n\nNODE  ROLE",
        ] {
            assert!(text.contains(line), "{text}");
        }
        assert!(text.ends_with("STATE\n"), "{text}");
    }
}

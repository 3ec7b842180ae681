//! `gungnir status`: how clusters are, a screen each.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::api::{Election, LastFailover};
use crate::manifest::{Action, compare};
use crate::operator::{ClusterObject, PodSeen, Remark, preview, validated};

use super::columns::{NOTHING, age, columns};
use super::console::Console;
use super::exit::{Failure, Outcome};
use super::live::{ContextArgs, Live, failure, told_of_preview};

/// Arguments of `gungnir status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 done, whatever the status says; 2 usage; 3 the cluster could not be asked, or there is \
no such ValkeyCluster.")]
pub(super) struct StatusArgs {
    /// The ValkeyCluster [default: every one of the namespace].
    #[arg(value_name = "CLUSTER")]
    cluster: Option<String>,

    /// The namespace [default: that of the context].
    #[arg(short, long, value_name = "NAMESPACE")]
    namespace: Option<String>,

    #[command(flatten)]
    context: ContextArgs,

    /// How to print it.
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    #[default]
    Text,
    Json,
}

/// How a cluster is. The shape is a promise: fields may join it, none changes or goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    namespace: String,
    name: String,
    phase: Option<String>,
    master: Option<String>,
    members: Vec<String>,
    w: Option<i32>,
    epoch: Option<i64>,
    term: Option<i64>,
    last_failover: Option<Failover>,
    /// The conditions that hold.
    conditions: Vec<Holds>,
    pods: Vec<PodRow>,
    /// What the operator would do; `None` when that cannot be seen.
    pending: Option<Pending>,
    /// Why something is not shown, and what is in the way.
    notes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failover {
    from: Option<String>,
    to: String,
    reason: String,
    at: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Holds {
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    message: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct PodRow {
    name: String,
    role: Option<String>,
    ready: bool,
    deleting: bool,
    node: Option<String>,
    age_seconds: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Pending {
    add: usize,
    change: usize,
    delete: usize,
    impact: String,
}

pub(super) fn run(arguments: &StatusArgs, console: &Console) -> Result<Outcome, Failure> {
    let StatusArgs { cluster, namespace, context, output } = arguments;
    let found = context.run(namespace.as_deref(), async |live| {
        let clusters = match cluster {
            Some(name) => vec![live.cluster(&live.key(name)).await?],
            None => live.clusters(Some(&live.namespace)).await?,
        };
        if clusters.is_empty() {
            console.note(format_args!("note: there is no ValkeyCluster in `{}`", live.namespace));
        }
        let mut found = Vec::new();
        for cluster in &clusters {
            found.push(look(&live, cluster).await?);
        }
        Ok(found)
    })?;
    match output {
        Format::Text => {
            let screens: Vec<String> = found.iter().map(text).collect();
            console.data(&screens.join("\n"))?;
        }
        Format::Json => {
            let report = serde_json::json!({
                "apiVersion": "gungnir/v1", "kind": "Status", "clusters": found,
            });
            console.data(&format!("{report:#}\n"))?;
        }
    }
    Ok(Outcome::Done)
}

async fn look(live: &Live, cluster: &ClusterObject) -> Result<Status, Failure> {
    let pods = live.inquiry.pods(&cluster.key).await.map_err(|error| failure(&error))?;
    let mut status = reported(cluster, pods);
    let sound = match validated(cluster) {
        Ok(sound) => sound,
        Err(why) => {
            status.notes.push(format!("the spec is at fault: {why}"));
            return Ok(status);
        }
    };
    match preview(&live.inquiry, &cluster.key, &sound, Some(cluster)).await {
        Ok(preview) => {
            status
                .notes
                .extend(preview.remarks.iter().filter(|it| it.differs()).map(Remark::to_string));
            let comparison = compare(&preview.live, &preview.applied)
                .map_err(|error| Failure::Usage(anyhow::Error::new(error)))?;
            status.pending = Some(Pending {
                add: comparison.count(Action::Add),
                change: comparison.count(Action::Change),
                delete: comparison.count(Action::Delete),
                impact: comparison.impact().name().to_owned(),
            });
        }
        // Whoever may look, but not make dry runs, sees the rest.
        Err(error) => status.notes.push(told_of_preview(&error)),
    }
    Ok(status)
}

/// What the status of the object and the pods say.
fn reported(cluster: &ClusterObject, pods: Vec<PodSeen>) -> Status {
    let reported = &cluster.status;
    let election = reported.election.as_ref();
    let holding = reported.conditions.iter().filter(|condition| condition.status == "True");
    let member = |election: &Election| -> Vec<String> {
        election.in_sync.iter().map(|member| member.pod.clone()).collect()
    };
    let mut notes = Vec::new();
    if reported.observed_generation.is_none() {
        notes.push("no operator has reported on it yet".to_owned());
    } else if reported.observed_generation != Some(cluster.generation) {
        notes.push("the operator has not reported on the latest spec yet".to_owned());
    }
    if cluster.deleting {
        notes.push("it is being deleted".to_owned());
    }
    Status {
        namespace: cluster.key.namespace.clone(),
        name: cluster.key.name.clone(),
        phase: reported.phase.clone(),
        master: reported.master.clone(),
        members: election.map(member).unwrap_or_default(),
        w: election.map(|election| election.w),
        epoch: election.map(|election| election.epoch),
        term: election.map(|election| election.term),
        last_failover: reported.last_failover.clone().map(|last| {
            let LastFailover { from, to, reason, at } = last;
            Failover { from, to, reason, at: at.map(|at| at.0.to_string()) }
        }),
        conditions: holding
            .map(|condition| Holds {
                kind: condition.type_.clone(),
                reason: condition.reason.clone(),
                message: condition.message.clone(),
            })
            .collect(),
        pods: pods
            .into_iter()
            .map(|PodSeen { name, role, ready, deleting, node, age }| PodRow {
                name,
                role,
                ready,
                deleting,
                node,
                age_seconds: age.as_secs(),
            })
            .collect(),
        pending: None,
        notes,
    }
}

fn text(status: &Status) -> String {
    let Status {
        namespace,
        name,
        phase,
        master,
        members,
        w,
        epoch,
        term,
        last_failover,
        conditions,
        pods,
        pending,
        notes,
    } = status;
    let none = || "none".to_owned();
    let mut rows = vec![
        ("cluster", format!("{namespace}/{name}")),
        ("phase", phase.clone().unwrap_or_else(|| "nothing reported yet".to_owned())),
        ("master", master.clone().unwrap_or_else(none)),
    ];
    if let (Some(w), Some(epoch), Some(term)) = (w, epoch, term) {
        let members = if members.is_empty() { none() } else { members.join(", ") };
        rows.push(("members", format!("{members}; {w} of them must hold a write (W)")));
        rows.push(("epoch", format!("{epoch}, term {term}")));
    }
    if let Some(Failover { from, to, reason, at }) = last_failover {
        let from = from.as_ref().map(|from| format!("{from} → ")).unwrap_or_default();
        let at = at.as_ref().map(|at| format!(", {at}")).unwrap_or_default();
        rows.push(("last failover", format!("{from}{to}, {reason}{at}")));
    }
    let would = match pending {
        None => "not known".to_owned(),
        Some(Pending { add: 0, change: 0, delete: 0, .. }) => "nothing".to_owned(),
        Some(Pending { add, change, delete, impact }) => format!(
            "{add} to add, {change} to change, {delete} to delete; impact: {impact} (`gungnir diff \
             --live -n {namespace}` says more)"
        ),
    };
    rows.push(("to be applied", would));
    let mut text = String::new();
    for (label, value) in rows {
        let _ = writeln!(text, "{label:<15}{value}");
    }
    if !conditions.is_empty() {
        let head = ["CONDITION", "MESSAGE"].map(str::to_owned);
        let row = |holds: &Holds| [holds.kind.clone(), holds.message.clone()];
        text += "\n";
        text +=
            &columns(&std::iter::once(head).chain(conditions.iter().map(row)).collect::<Vec<_>>());
    }
    if !pods.is_empty() {
        let head = ["POD", "ROLE", "READY", "NODE", "AGE"].map(str::to_owned);
        let nothing = || NOTHING.to_owned();
        let row = |pod: &PodRow| {
            let ready = match (pod.ready, pod.deleting) {
                (_, true) => "leaving",
                (true, false) => "yes",
                (false, false) => "no",
            };
            [
                pod.name.clone(),
                pod.role.clone().unwrap_or_else(nothing),
                ready.to_owned(),
                pod.node.clone().unwrap_or_else(nothing),
                age(pod.age_seconds.saturating_mul(1000)),
            ]
        };
        text += "\n";
        text += &columns(&std::iter::once(head).chain(pods.iter().map(row)).collect::<Vec<_>>());
    }
    if !notes.is_empty() {
        text += "\n";
    }
    for note in notes {
        let _ = writeln!(text, "note: {note}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status() -> Status {
        let pod = |name: &str, role: Option<&str>, ready, deleting| PodRow {
            name: name.to_owned(),
            role: role.map(str::to_owned),
            ready,
            deleting,
            node: role.map(|_| "node-a".to_owned()),
            age_seconds: 300,
        };
        Status {
            namespace: "demo".to_owned(),
            name: "shop".to_owned(),
            phase: Some("Running".to_owned()),
            master: Some("shop-1".to_owned()),
            members: vec!["shop-0".to_owned(), "shop-2".to_owned()],
            w: Some(1),
            epoch: Some(4),
            term: Some(2),
            last_failover: Some(Failover {
                from: Some("shop-0".to_owned()),
                to: "shop-1".to_owned(),
                reason: "Switchover".to_owned(),
                at: Some("2026-01-01T12:00:00Z".to_owned()),
            }),
            conditions: vec![Holds {
                kind: "Ready".to_owned(),
                reason: "Running".to_owned(),
                message: "3 of 3 pods are ready".to_owned(),
            }],
            pods: vec![
                pod("shop-0", Some("replica"), true, false),
                pod("shop-1", Some("master"), true, true),
                pod("shop-2", None, false, false),
            ],
            pending: Some(Pending { add: 0, change: 1, delete: 0, impact: "reload".to_owned() }),
            notes: vec!["beware".to_owned()],
        }
    }

    #[test]
    fn one_screen_says_how_a_cluster_is() {
        assert_eq!(
            text(&status()),
            "\
cluster        demo/shop
phase          Running
master         shop-1
members        shop-0, shop-2; 1 of them must hold a write (W)
epoch          4, term 2
last failover  shop-0 → shop-1, Switchover, 2026-01-01T12:00:00Z
to be applied  0 to add, 1 to change, 0 to delete; impact: reload (`gungnir diff --live -n demo` \
             says more)

CONDITION  MESSAGE
Ready      3 of 3 pods are ready

POD     ROLE     READY    NODE    AGE
shop-0  replica  yes      node-a  5 min 0 s
shop-1  master   leaving  node-a  5 min 0 s
shop-2  -        no       -       5 min 0 s

note: beware
"
        );
    }

    #[test]
    fn nothing_is_known_of_a_cluster_without_an_operator() {
        let bare =
            Status { namespace: "demo".to_owned(), name: "shop".to_owned(), ..Status::default() };
        assert_eq!(
            text(&bare),
            "\
cluster        demo/shop
phase          nothing reported yet
master         none
to be applied  not known
"
        );
    }
}

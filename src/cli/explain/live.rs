//! What the operator of a cluster says, or as much of it as the cluster's status does.

use crate::cli::console::Console;
use crate::cli::exit::Failure;
use crate::cli::live::{ContextArgs, Live, failure, told};
use crate::operator::{ClusterObject, InquiryError, explanation_of, validated};
use crate::runtime::Explanation;

/// Asks the leader; where it cannot be asked, the status has to do, and stderr says why.
pub(super) fn ask(
    name: &str,
    namespace: Option<&str>,
    context: &ContextArgs,
    console: &Console,
) -> Result<Explanation, Failure> {
    context.run(namespace, async |live| {
        let cluster = live.cluster(&live.key(name)).await?;
        let mut explanation = match leader(&live, &cluster).await {
            Ok(explanation) => explanation,
            Err(why) => {
                console.note(format_args!("warning: only what is recorded is shown: {why}"));
                recorded(&live, &cluster).await?
            }
        };
        let holding = cluster.status.conditions.iter().filter(|condition| {
            let usual = matches!(condition.type_.as_str(), "Ready" | "Progressing" | "Degraded");
            condition.status == "True" && !usual
        });
        explanation
            .warnings
            .extend(holding.map(|condition| format!("{}: {}", condition.type_, condition.message)));
        Ok(explanation)
    })
}

/// What the leader says, or why it says nothing.
pub(in crate::cli) async fn leader(
    live: &Live,
    cluster: &ClusterObject,
) -> Result<Explanation, String> {
    let lease = cluster.status.election.as_ref().and_then(|election| election.operator.as_deref());
    let Some(lease) = lease else {
        return Err("no operator has elected a master here yet; \
                    `kubectl get pods -A -l app.kubernetes.io/name=gungnir-operator` shows whether \
                    one runs"
            .to_owned());
    };
    let namespace = lease.split('/').next().unwrap_or_default();
    live.inquiry.explanation(lease, &cluster.key).await.map_err(|error| match error {
        InquiryError::Request(error) => match error.status() {
            Some(status) if status.code == 403 => format!(
                "{}; explaining needs `get` on `leases` and on `pods/proxy` in namespace \
                 `{namespace}`",
                told(&error)
            ),
            Some(status) if status.code == 404 => {
                format!("{}; the operator may just have begun to lead: ask again", told(&error))
            }
            _ => told(&error),
        },
        InquiryError::NoLeader(_) => {
            format!("{error}: no operator leads; look at its pods in namespace `{namespace}`")
        }
        InquiryError::Answer { .. } => format!("{error}; is it of another release?"),
    })
}

async fn recorded(live: &Live, cluster: &ClusterObject) -> Result<Explanation, Failure> {
    let key = &cluster.key;
    let sound = validated(cluster)
        .map_err(|why| Failure::usage(format_args!("ValkeyCluster {key} is at fault: {why}")))?;
    let pods = live.inquiry.pods(key).await.map_err(|error| failure(&error))?;
    Ok(explanation_of(cluster, &sound, &pods))
}

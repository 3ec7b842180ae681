//! A cluster that another operator has: its record names the lease of that one.
//!
//! **Guarantees.** While the other may be there, nothing of the cluster is written, but that this is
//! so: one event and one condition, once, in the very version of the status that was seen. The other
//! writes the status as it sees fit, and is not contradicted.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::api::coordination::v1::LeaseSpec;
use kube::api::{ApiResource, GroupVersionKind};
use serde::Deserialize as _;
use serde_json::json;
use tokio::time::Instant;
use tracing::debug;

use super::cache::{ClusterObject, KindId, Part};
use super::condition::{Finding, condition};
use super::error::{RequestError, chain};
use super::facts::ClusterKey;
use super::lease::OtherOperator;
use super::memory::Memory;
use super::reason::Reason;
use super::reconcile::Context;
use super::status;

/// How often the other's lease is looked at, once for all its clusters.
const LOOK_PERIOD: Duration = Duration::from_secs(5);

/// That another operator has a cluster, or may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// Its lease, as `namespace/name`.
    pub lease: String,
    /// That lease may not be read.
    pub hidden: bool,
}

impl Elsewhere {
    /// By what is seen of the other.
    #[must_use]
    pub fn of(lease: &str, operator: OtherOperator) -> Option<Self> {
        let hidden = match operator {
            OtherOperator::Gone => return None,
            OtherOperator::Live => false,
            OtherOperator::Hidden => true,
        };
        Some(Self { lease: lease.to_owned(), hidden })
    }

    /// What people are told, with the cure.
    #[must_use]
    pub fn message(&self, cluster: &ClusterKey) -> String {
        let Self { lease, hidden } = self;
        if !hidden {
            return format!(
                "the operator of the lease `{lease}` manages this cluster; this one keeps off until \
                 that lease is no longer renewed"
            );
        }
        let ClusterKey { namespace, name } = cluster;
        format!(
            "the operator of the lease `{lease}` manages this cluster, and this one may not read \
             that lease (403), so it cannot see whether the other is still there, and keeps off; if \
             the other is gone: kubectl -n {namespace} patch valkeycluster {name} \
             --subresource=status --type=merge -p \
             '{{\"status\":{{\"election\":{{\"operator\":null}}}}}}'"
        )
    }
}

/// The leases of other operators, as they were seen last.
#[derive(Debug, Default)]
pub struct OtherLeases(RefCell<BTreeMap<String, (Instant, OtherOperator)>>);

impl OtherLeases {
    fn seen(&self, lease: &str) -> Option<OtherOperator> {
        let mut all = self.0.borrow_mut();
        all.retain(|_, (at, _)| at.elapsed() < LOOK_PERIOD);
        all.get(lease).map(|(_, operator)| *operator)
    }

    fn note(&self, lease: &str, operator: OtherOperator) {
        self.0.borrow_mut().insert(lease.to_owned(), (Instant::now(), operator));
    }
}

/// Looks whose a cluster is, and keeps off one that is another's; when to look again, and nothing for
/// one that is not.
pub async fn keep_off(
    context: &Context,
    cluster: &ClusterObject,
    memory: &RefCell<Memory>,
) -> Option<Instant> {
    let again = Some(Instant::now() + LOOK_PERIOD);
    let elsewhere = match look(context, cluster).await {
        Ok(Some(elsewhere)) => elsewhere,
        Ok(None) => {
            memory.borrow_mut().elsewhere = None;
            return None;
        }
        Err(error) => {
            debug!(error = chain(&error), "whose it is cannot be told");
            return again;
        }
    };
    if memory.borrow().elsewhere.as_ref() == Some(&elsewhere) {
        return again;
    }
    let message = elsewhere.message(&cluster.key);
    // What fails is tried again with the next look.
    if tell(context, cluster, message.clone()).await.is_ok() {
        memory.borrow_mut().elsewhere = Some(elsewhere);
        context.events.tell(cluster, true, Reason::ForeignLease.name(), &message, None).await;
    }
    again
}

async fn look(
    context: &Context,
    cluster: &ClusterObject,
) -> Result<Option<Elsewhere>, RequestError> {
    let recorded = cluster.status.election.as_ref().and_then(|record| record.operator.as_deref());
    let Some(lease) = recorded.filter(|lease| *lease != context.identity) else { return Ok(None) };
    let operator = if let Some(operator) = context.other_leases.seen(lease) {
        operator
    } else {
        let operator = look_at(context, lease).await?;
        context.other_leases.note(lease, operator);
        operator
    };
    Ok(Elsewhere::of(lease, operator))
}

async fn look_at(context: &Context, lease: &str) -> Result<OtherOperator, RequestError> {
    let Some((namespace, name)) = lease.split_once('/') else { return Ok(OtherOperator::Gone) };
    let place = ClusterKey { namespace: namespace.to_owned(), name: name.to_owned() };
    let kind = GroupVersionKind::gvk("coordination.k8s.io", "v1", "Lease");
    match context.requests.read(&ApiResource::from_gvk(&kind), &place).await {
        Ok(answer) => {
            let spec = answer.and_then(|answer| LeaseSpec::deserialize(&answer.data["spec"]).ok());
            Ok(OtherOperator::of(spec.as_ref(), context.clock.now()))
        }
        Err(error) if error.status().is_some_and(|status| status.code == 403) => {
            Ok(OtherOperator::Hidden)
        }
        Err(error) => Err(error),
    }
}

/// Adds the condition to the status as it is; a later version of the status is left as it is.
async fn tell(
    context: &Context,
    cluster: &ClusterObject,
    message: String,
) -> Result<(), RequestError> {
    let Some(kind) = KindId::all().find(|kind| kind.row().part == Part::Cluster) else {
        return Ok(());
    };
    let finding = Finding { reason: Reason::ForeignLease, message };
    let told = finding.kind();
    let mut status = cluster.status.clone();
    status.election = None;
    let old = std::mem::take(&mut status.conditions);
    let held = condition(&old, told, &finding, true, cluster.generation, context.clock.now());
    status.conditions = old.into_iter().filter(|old| old.type_ != told.name()).collect();
    status.conditions.push(held);
    let Some(mut object) = status::object(cluster, &status) else { return Ok(()) };
    object["metadata"]["resourceVersion"] = json!(cluster.resource_version);
    context.requests.apply_status(kind, &cluster.key, &object).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_cannot_see_the_other_says_so_and_how_to_go_on() {
        let cluster = ClusterKey { namespace: "ns".to_owned(), name: "shop".to_owned() };
        let told = |operator| Elsewhere::of("old/lease", operator).map(|it| it.message(&cluster));
        assert_eq!(told(OtherOperator::Gone), None);
        let live = told(OtherOperator::Live).unwrap();
        assert!(live.contains("`old/lease`") && !live.contains("kubectl"), "{live}");
        let hidden = told(OtherOperator::Hidden).unwrap();
        let cure = "kubectl -n ns patch valkeycluster shop --subresource=status --type=merge -p \
                    '{\"status\":{\"election\":{\"operator\":null}}}'";
        assert!(hidden.contains("`old/lease`") && hidden.ends_with(cure), "{hidden}");
    }
}

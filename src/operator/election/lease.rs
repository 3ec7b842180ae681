//! Whether another operator, which claims a cluster, is there.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::jiff::Timestamp;
use kube::{Api, Client};

use crate::operator::WallClock;

use super::calls::{self, CallError};

/// How far two clocks may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(30);

/// Whether the lease of that name (`namespace/name`) is being renewed. Who may not read it cannot
/// know, and keeps its hands off.
pub(super) async fn is_live(client: &Client, lease: &str, clock: WallClock) -> bool {
    let Some((namespace, name)) = lease.split_once('/') else { return false };
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    match calls::find(&leases, name).await {
        Ok(None) | Err(CallError::Missing) => false,
        Ok(Some(lease)) => is_held(&lease, clock.now()),
        Err(_) => true,
    }
}

fn is_held(lease: &Lease, now: Timestamp) -> bool {
    let Some(spec) = &lease.spec else { return false };
    let held = spec.holder_identity.as_deref().is_some_and(|holder| !holder.is_empty());
    let Some(renewed) = &spec.renew_time else { return false };
    let seconds = u64::try_from(spec.lease_duration_seconds.unwrap_or(0)).unwrap_or(0);
    let patience = Duration::from_secs(seconds) + CLOCK_SKEW;
    held && now.duration_since(renewed.0).unsigned_abs() <= patience
}

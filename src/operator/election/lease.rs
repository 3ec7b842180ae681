//! Whether another operator, which claims a cluster, is there.

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};

use crate::operator::WallClock;
use crate::operator::lease::OtherOperator;

use super::calls::{self, CallError};

/// What the lease of that name (`namespace/name`) shows.
///
/// # Errors
///
/// [`CallError`] when the API server cannot tell now.
pub(super) async fn look(
    client: &Client,
    lease: &str,
    clock: WallClock,
) -> Result<OtherOperator, CallError> {
    let Some((namespace, name)) = lease.split_once('/') else { return Ok(OtherOperator::Gone) };
    let leases: Api<Lease> = Api::namespaced(client.clone(), namespace);
    match calls::find(&leases, name).await {
        Ok(found) => {
            let spec = found.and_then(|lease| lease.spec);
            Ok(OtherOperator::of(spec.as_ref(), clock.now()))
        }
        Err(CallError::Missing) => Ok(OtherOperator::Gone),
        Err(CallError::Forbidden(_)) => Ok(OtherOperator::Hidden),
        Err(error) => Err(error),
    }
}

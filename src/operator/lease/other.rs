//! What the lease of another operator shows of it: pure.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::LeaseSpec;
use k8s_openapi::jiff::Timestamp;

/// How far two clocks may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(30);

/// What is seen of another operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherOperator {
    /// Its lease is renewed: it is there.
    Live,
    /// Its lease is gone, was given back, or is not renewed any more.
    Gone,
    /// Its lease may not be read: nobody can know, so it may be there.
    Hidden,
}

impl OtherOperator {
    /// By its lease, if there is one.
    #[must_use]
    pub fn of(lease: Option<&LeaseSpec>, now: Timestamp) -> Self {
        match lease {
            Some(lease) if is_held(lease, now) => Self::Live,
            _ => Self::Gone,
        }
    }
}

fn is_held(lease: &LeaseSpec, now: Timestamp) -> bool {
    let held = lease.holder_identity.as_deref().is_some_and(|holder| !holder.is_empty());
    let Some(renewed) = &lease.renew_time else { return false };
    let seconds = u64::try_from(lease.lease_duration_seconds.unwrap_or(0)).unwrap_or(0);
    let patience = Duration::from_secs(seconds) + CLOCK_SKEW;
    held && now.duration_since(renewed.0).unsigned_abs() <= patience
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;

    use super::*;

    fn lease(holder: Option<&str>, renewed: Option<i64>, seconds: Option<i32>) -> LeaseSpec {
        LeaseSpec {
            holder_identity: holder.map(str::to_owned),
            renew_time: renewed.map(|second| MicroTime(Timestamp::from_second(second).unwrap())),
            lease_duration_seconds: seconds,
            ..LeaseSpec::default()
        }
    }

    #[test]
    fn who_renews_its_lease_is_there() {
        let now = Timestamp::from_second(1000).unwrap();
        for (what, lease, expected) in [
            ("just renewed", lease(Some("a_1"), Some(999), Some(5)), OtherOperator::Live),
            ("at the last moment", lease(Some("a_1"), Some(965), Some(5)), OtherOperator::Live),
            ("a moment later", lease(Some("a_1"), Some(964), Some(5)), OtherOperator::Gone),
            ("its clock is ahead", lease(Some("a_1"), Some(1035), Some(5)), OtherOperator::Live),
            ("ahead of any clock", lease(Some("a_1"), Some(1036), Some(5)), OtherOperator::Gone),
            ("given back", lease(Some(""), Some(999), Some(1)), OtherOperator::Gone),
            ("held by nobody", lease(None, Some(999), Some(5)), OtherOperator::Gone),
            ("never renewed", lease(Some("a_1"), None, Some(5)), OtherOperator::Gone),
            ("of no duration", lease(Some("a_1"), Some(970), None), OtherOperator::Live),
            ("of one below zero", lease(Some("a_1"), Some(969), Some(-9)), OtherOperator::Gone),
        ] {
            assert_eq!(OtherOperator::of(Some(&lease), now), expected, "{what}");
        }
        assert_eq!(OtherOperator::of(None, now), OtherOperator::Gone, "there is no lease");
    }
}

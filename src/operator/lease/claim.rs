//! What a lease says, and what follows from it: pure.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

/// What a lease says. A lease that does not exist says nothing, and has no version.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Claim {
    /// `metadata.resourceVersion`.
    pub version: Option<String>,
    /// Who holds it; nobody when it is empty.
    pub holder: Option<String>,
    /// How long it is good for since it last changed.
    pub duration: Duration,
    acquired: Option<MicroTime>,
    transitions: i32,
    metadata: ObjectMeta,
}

/// A claim, and since when it is seen as it is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Watched {
    /// What the lease says.
    pub claim: Claim,
    /// By the local clock.
    pub since: Instant,
}

/// What to do with a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Move {
    /// Somebody else has it.
    Wait,
    /// It is free.
    Take,
    /// It is ours.
    Renew,
}

impl Watched {
    /// Notes a claim at the instant at which the answer was read: the question may have been on its way
    /// for long, and the holder may have renewed just before it came.
    pub(super) fn see(watched: &mut Option<Self>, claim: Claim, now: Instant) {
        let same = watched.as_ref().is_some_and(|known| known.claim.version == claim.version);
        if !same || claim.version.is_none() {
            *watched = Some(Self { claim, since: now });
        }
    }
}

/// What follows from what was seen.
pub(super) fn next_move(me: &str, watched: Option<&Watched>, now: Instant) -> Move {
    let Some(Watched { claim, since }) = watched else { return Move::Wait };
    match claim.holder.as_deref() {
        None | Some("") => Move::Take,
        Some(holder) if holder == me => Move::Renew,
        // Counted by our own clock from the first sight of this very version.
        Some(_) if now.saturating_duration_since(*since) >= claim.duration => Move::Take,
        Some(_) => Move::Wait,
    }
}

impl Claim {
    pub(super) fn of(lease: &Lease) -> Self {
        let spec = lease.spec.clone().unwrap_or_default();
        let seconds = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
        Self {
            version: lease.metadata.resource_version.clone(),
            holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
            duration: Duration::from_secs(seconds.unwrap_or(0)),
            acquired: spec.acquire_time,
            transitions: spec.lease_transitions.unwrap_or(0),
            metadata: ObjectMeta { managed_fields: None, ..lease.metadata.clone() },
        }
    }

    /// The lease as `me` writes it over this one. The times are for people.
    pub(super) fn claimed_by(
        &self,
        me: &str,
        namespace: &str,
        name: &str,
        duration: Duration,
        now: Timestamp,
    ) -> Lease {
        let mine = self.holder.as_deref() == Some(me);
        let mut metadata = self.metadata.clone();
        metadata.name = Some(name.to_owned());
        metadata.namespace = Some(namespace.to_owned());
        let acquired = self.acquired.clone().filter(|_| mine);
        Lease {
            metadata,
            spec: Some(LeaseSpec {
                holder_identity: Some(me.to_owned()),
                lease_duration_seconds: i32::try_from(duration.as_secs()).ok(),
                acquire_time: acquired.or(Some(MicroTime(now))),
                renew_time: Some(MicroTime(now)),
                lease_transitions: Some(self.transitions.saturating_add(i32::from(!mine))),
                ..LeaseSpec::default()
            }),
        }
    }

    /// The lease as its holder leaves it.
    pub(super) fn released(&self) -> Lease {
        Lease {
            metadata: self.metadata.clone(),
            spec: Some(LeaseSpec {
                holder_identity: Some(String::new()),
                lease_duration_seconds: Some(1),
                lease_transitions: Some(self.transitions),
                ..LeaseSpec::default()
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(version: &str, holder: &str) -> Claim {
        Claim {
            version: Some(version.to_owned()),
            holder: (!holder.is_empty()).then(|| holder.to_owned()),
            duration: Duration::from_secs(5),
            ..Claim::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_may_take_a_lease() {
        let start = Instant::now();
        let after = |ms| start + Duration::from_millis(ms);
        let seen = |holder| Some(Watched { claim: claim("7", holder), since: start });
        for (name, watched, at, expected) in [
            ("nothing was read", None, start, Move::Wait),
            (
                "it does not exist",
                Some(Watched { claim: Claim::default(), since: start }),
                start,
                Move::Take,
            ),
            ("it was given back", seen(""), start, Move::Take),
            ("it is ours", seen("me"), start, Move::Renew),
            ("it is ours, however old", seen("me"), after(60_000), Move::Renew),
            ("another has just got it", seen("you"), start, Move::Wait),
            ("another has it until the last moment", seen("you"), after(4999), Move::Wait),
            ("another has let it run out", seen("you"), after(5000), Move::Take),
        ] {
            assert_eq!(next_move("me", watched.as_ref(), at), expected, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_record_that_changes_is_counted_anew_whatever_its_times_say() {
        let start = Instant::now();
        let later = start + Duration::from_secs(4);
        let mut watched = None;
        Watched::see(&mut watched, claim("7", "you"), start);
        Watched::see(&mut watched, claim("7", "you"), later);
        assert_eq!(watched.as_ref().unwrap().since, start, "unchanged since the first sight");
        Watched::see(&mut watched, claim("8", "you"), later);
        assert_eq!(watched.as_ref().unwrap().since, later);
    }

    #[test]
    fn a_lease_that_changes_hands_is_counted() {
        let now = Timestamp::UNIX_EPOCH;
        let take = claim("7", "you").claimed_by("me", "ns", "lease", Duration::from_secs(5), now);
        let spec = take.spec.clone().unwrap();
        assert_eq!((spec.lease_transitions, spec.lease_duration_seconds), (Some(1), Some(5)));
        let renew = Claim::of(&take).claimed_by("me", "ns", "lease", Duration::from_secs(5), now);
        assert_eq!(renew.spec.unwrap().lease_transitions, Some(1));
        assert_eq!(Claim::of(&Claim::of(&take).released()).holder, None);
    }
}

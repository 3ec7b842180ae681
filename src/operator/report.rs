//! What one look at a cluster found: conditions, failures, and when to look again.

use tokio::time::Instant;

use super::condition::Finding;
use super::error::{ReconcileError, Retry, chain};
use super::reason::Reason;

/// What one look found.
#[derive(Debug, Default)]
pub struct Report {
    /// What holds.
    pub findings: Vec<Finding>,
    /// The first failure, for people.
    pub failing: Option<String>,
    /// What a restart of pods is at.
    pub rolling: Option<String>,
    /// When to try again what failed: the soonest of them.
    pub retry: Option<Retry>,
    /// When to look again although nothing failed.
    pub wake_at: Option<Instant>,
}

impl Report {
    /// Notes what holds.
    pub fn find(&mut self, reason: Reason, message: impl Into<String>) {
        self.findings.push(Finding { reason, message: message.into() });
    }

    /// Notes a failure. Failing to act without the lease is none.
    pub fn fail(&mut self, error: &ReconcileError) {
        let retry = error.retry();
        if retry != Retry::OnChange && retry != Retry::Now && self.failing.is_none() {
            self.failing = Some(chain(error));
        }
        self.again(retry);
    }

    /// Has a retry noted, unless a sooner one is.
    pub fn again(&mut self, retry: Retry) {
        let rank = |retry: &Retry| match retry {
            Retry::Now => 0,
            Retry::After(_) => 1,
            Retry::Backoff => 2,
            Retry::OnChange => 3,
        };
        if self.retry.as_ref().is_none_or(|known| rank(&retry) < rank(known)) {
            self.retry = Some(retry);
        }
    }

    /// Has the cluster looked at again at an instant.
    pub fn wake_at(&mut self, at: Instant) {
        self.wake_at = Some(self.wake_at.map_or(at, |known| known.min(at)));
    }
}

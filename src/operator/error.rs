//! What can go wrong, and when to try again.

use std::time::Duration;

use crate::discovery::ServerError;
use crate::manifest::ManifestError;
use crate::render::RenderError;

/// Why the operator ended.
#[derive(Debug, thiserror::Error)]
pub enum OperatorError {
    /// There is no way to an API server.
    #[error("no configuration leads to an API server")]
    Config {
        /// What kube says.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Clients of Sentinel cannot be answered.
    #[error("cannot answer clients of Sentinel")]
    Discovery {
        /// Why.
        source: ServerError,
    },
    /// A port for metrics and probes cannot be had.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
}

/// Why a request to the API server did not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The API server answered with an error, or could not be asked.
    #[error("{what}")]
    Refused {
        /// What was asked for.
        what: String,
        /// What kube says.
        source: Box<kube::Error>,
    },
    /// It did not answer in time.
    #[error("{what}: no answer within {} ms", limit.as_millis())]
    TimedOut {
        /// What was asked for.
        what: String,
        /// How long was waited.
        limit: Duration,
    },
    /// This process may not change anything now.
    #[error("{what}: the lease was lost")]
    NotLeading {
        /// What was to be asked for.
        what: String,
    },
}

/// Why a cluster could not be brought to what it is to be.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// Gungnir's own fault.
    #[error("cannot render")]
    Render {
        /// What the renderer says.
        source: RenderError,
    },
    /// Gungnir's own fault.
    #[error("cannot read what was rendered")]
    Manifest {
        /// What the reader says.
        source: ManifestError,
    },
    /// A request failed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// No random bytes for a password.
    #[error("no random bytes can be had: {cause}")]
    Random {
        /// What the system says.
        cause: getrandom::Error,
    },
}

/// When a failed request is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// When something changes: trying again gives the same answer.
    OnChange,
    /// At once: what it was decided on is old.
    Now,
    /// After a growing wait.
    Backoff,
    /// After the wait that the API server asked for.
    After(Duration),
}

impl RequestError {
    /// When to try again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Refused { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => retry_of(status),
                _ => Retry::Backoff,
            },
            Self::TimedOut { .. } => Retry::Backoff,
            Self::NotLeading { .. } => Retry::OnChange,
        }
    }

    /// The API server's answer.
    #[must_use]
    pub fn status(&self) -> Option<&kube::core::Status> {
        match self {
            Self::Refused { source, .. } => match source.as_ref() {
                kube::Error::Api(status) => Some(status),
                _ => None,
            },
            Self::TimedOut { .. } | Self::NotLeading { .. } => None,
        }
    }
}

fn retry_of(status: &kube::core::Status) -> Retry {
    let asked = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
    match status.code {
        // What was sent is at fault: only another spec, or another policy of admission, helps.
        // That may come without any event, so it is tried again at length.
        400 | 403 | 404 | 405 | 415 | 422 => Retry::Backoff,
        409 => Retry::Now,
        _ if asked > 0 => Retry::After(Duration::from_secs(u64::from(asked))),
        _ => Retry::Backoff,
    }
}

impl ReconcileError {
    /// When to try again.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::Render { .. } | Self::Manifest { .. } => Retry::OnChange,
            Self::Request(error) => error.retry(),
            Self::Random { .. } => Retry::Backoff,
        }
    }
}

/// An error and its causes in one line.
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // kube's errors carry their cause in their own text.
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_is_tried_again_when_that_may_help() {
        let retry = |code: u16, seconds: u32| {
            let status = json!({
                "code": code, "message": "", "reason": "",
                "details": { "retryAfterSeconds": seconds },
            });
            retry_of(&serde_json::from_value(status).unwrap())
        };
        assert_eq!(retry(409, 0), Retry::Now);
        assert_eq!(retry(422, 0), Retry::Backoff);
        assert_eq!(retry(403, 7), Retry::Backoff, "a policy says nothing of when");
        for code in [429, 500, 503, 504] {
            assert_eq!(retry(code, 0), Retry::Backoff, "{code}");
            assert_eq!(retry(code, 7), Retry::After(Duration::from_secs(7)), "{code}");
        }
        let bare = serde_json::from_value(json!({ "code": 429, "message": "", "reason": "" }));
        assert_eq!(retry_of(&bare.unwrap()), Retry::Backoff);
    }
}

//! What is asked of the API server, each with a deadline.

use std::fmt::Debug;
use std::io;
use std::time::Duration;

use kube::Api;
use kube::api::{Patch, PatchParams};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::operator::Manager;

/// How long the API server may take. What it still does then is found by the next look.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why a call had no effect, or none that is known.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    /// The object is another version by now, or another object.
    #[error("it was changed by somebody else")]
    Conflict,
    /// What was sent cannot be, as a uid that is another by now.
    #[error("it is refused: {0}")]
    Invalid(String),
    /// There is no such object.
    #[error("it does not exist")]
    Missing,
    /// We are not let.
    #[error("it is forbidden: {0}")]
    Forbidden(String),
    /// Anything else.
    #[error("the API server does not do it")]
    Failed(#[source] io::Error),
}

impl CallError {
    /// The same for whoever knows of disks and networks only.
    pub fn into_io(self) -> io::Error {
        match self {
            Self::Failed(error) => error,
            other => io::Error::other(other.to_string()),
        }
    }
}

/// Whatever is asked, in time. What it takes is held only while it is asked: a future that may ask
/// is as large as if it did, and there is one a cluster.
pub(super) fn in_time<T>(
    call: impl Future<Output = Result<T, kube::Error>>,
) -> impl Future<Output = Result<T, CallError>> {
    let call = Box::pin(call);
    async move { outcome(timeout(PATIENCE, call).await) }
}

fn outcome<T>(ended: Result<Result<T, kube::Error>, Elapsed>) -> Result<T, CallError> {
    match ended {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(kube::Error::Api(status))) => Err(match status.code {
            404 => CallError::Missing,
            409 => CallError::Conflict,
            422 => CallError::Invalid(status.message.clone()),
            401 | 403 => CallError::Forbidden(status.message.clone()),
            _ => CallError::Failed(io::Error::other(status.message.clone())),
        }),
        Ok(Err(error)) => Err(CallError::Failed(io::Error::other(error))),
        Err(_) => {
            let late = io::Error::new(io::ErrorKind::TimedOut, "the API server does not answer");
            Err(CallError::Failed(late))
        }
    }
}

/// An object as it is; `None` when there is none.
pub(super) async fn find<K>(api: &Api<K>, name: &str) -> Result<Option<K>, CallError>
where
    K: Clone + DeserializeOwned + Debug,
{
    in_time(api.get_opt(name)).await
}

/// Applies fields that are the sentinel's alone, so that whoever else has taken one loses it. The
/// body names the version or the uid that it is meant for.
pub(super) async fn apply<K>(api: &Api<K>, name: &str, body: &Value) -> Result<K, CallError>
where
    K: Clone + DeserializeOwned + Debug,
{
    in_time(api.patch(name, &as_sentinel(true), &Patch::Apply(body))).await
}

/// The same for a status.
pub(super) async fn apply_status<K>(api: &Api<K>, name: &str, body: &Value) -> Result<K, CallError>
where
    K: Clone + DeserializeOwned + Debug,
{
    in_time(api.patch_status(name, &as_sentinel(true), &Patch::Apply(body))).await
}

/// Changes a status.
pub(super) async fn merge_status<K>(api: &Api<K>, name: &str, body: &Value) -> Result<K, CallError>
where
    K: Clone + DeserializeOwned + Debug,
{
    in_time(api.patch_status(name, &as_sentinel(false), &Patch::Merge(body))).await
}

/// Changes an object that is there, and makes none.
pub(super) async fn merge<K>(api: &Api<K>, name: &str, body: &Value) -> Result<K, CallError>
where
    K: Clone + DeserializeOwned + Debug,
{
    in_time(api.patch(name, &as_sentinel(false), &Patch::Merge(body))).await
}

fn as_sentinel(force: bool) -> PatchParams {
    let field_manager = Some(Manager::Sentinel.name().to_owned());
    PatchParams { force, field_manager, ..PatchParams::default() }
}

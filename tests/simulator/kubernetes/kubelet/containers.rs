//! What a container really is comes from outside.

use std::collections::BTreeMap;

use futures_util::future::LocalBoxFuture;

/// A container that is to start.
#[derive(Debug, Clone)]
pub struct ContainerStart {
    /// `containerID`: another one each time.
    pub id: String,
    pub pod: String,
    /// Of the pod.
    pub uid: String,
    /// Of the pod.
    pub ip: String,
    /// The name of the container.
    pub container: String,
    pub env: BTreeMap<String, String>,
    /// What `ConfigMap`s and Secrets bring, by whole path.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The uids of the volume claims, by where they are mounted: what is on a volume outlives pods.
    pub volumes: BTreeMap<String, String>,
}

/// How a process ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    pub code: i32,
    /// `Error`, `Completed`, `OOMKilled`.
    pub reason: &'static str,
}

impl Exit {
    /// By its own will, or of a signal.
    pub fn of(code: i32) -> Self {
        Self { code, reason: if code == 0 { "Completed" } else { "Error" } }
    }
}

/// What a kubelet asks a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    Startup,
    Liveness,
    Readiness,
}

/// What containers really are. A container is known by its [`ContainerStart::id`].
pub trait Containers {
    /// Starts one. What is given back ends when its process has ended, whatever ended it.
    fn start(&self, start: ContainerStart) -> LocalBoxFuture<'static, Exit>;

    /// Asks one something; the kubelet's patience is applied outside.
    fn probe(&self, id: &str, probe: Probe) -> LocalBoxFuture<'static, bool>;

    /// Runs the hook before the stop of one.
    fn pre_stop(&self, id: &str) -> LocalBoxFuture<'static, ()>;

    /// SIGTERM.
    fn terminate(&self, id: &str);

    /// SIGKILL, or the power is gone.
    fn kill(&self, id: &str);
}

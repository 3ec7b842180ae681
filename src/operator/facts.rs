//! What the election has to know of Kubernetes: facts, copied out of the caches by whoever watches.

use std::fmt;

use crate::api::Election;
use crate::runtime::LiveSettings;
use crate::sentinel::Settings;
use crate::valkey::Secret;

/// A cluster by its name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterKey {
    /// The namespace.
    pub namespace: String,
    /// The name of the `ValkeyCluster`.
    pub name: String,
}

impl fmt::Display for ClusterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// One cluster as the caches have it.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterFacts {
    /// Which.
    pub key: ClusterKey,
    /// `metadata.uid` of the `ValkeyCluster`: one that is made anew under the name is another.
    pub uid: String,
    /// `metadata.resourceVersion` of the `ValkeyCluster`.
    pub resource_version: String,
    /// What people ask for.
    pub settings: Settings,
    /// The port of the servers.
    pub port: u16,
    /// What the servers are set to while they run.
    pub live: LiveSettings,
    /// The pods of the set, each at the place of its ordinal; there are as many as the cluster has
    /// or is to have, whichever is more.
    pub pods: Vec<PodFacts>,
    /// How the servers are reached; `None` while the Secrets for that are not there.
    pub access: Option<Access>,
    /// `N-client`; `None` before it is made.
    pub service: Option<ServiceFacts>,
    /// `status.election`.
    pub election: Option<Election>,
    /// There is one, and this version cannot read it.
    pub record_unreadable: bool,
    /// The pod that is to be master by a planned handover, by annotation.
    pub switchover_to: Option<String>,
    /// The pod that is to be master by a planned handover, because the one that is has to restart
    /// or to go.
    pub heir: Option<String>,
    /// The pod that is to be promoted whatever it lacks, by annotation.
    pub promote: Option<String>,
    /// The pod that serves no reads, by annotation.
    pub fence: Option<String>,
    /// Nothing may be changed, by annotation.
    pub paused: bool,
}

/// A pod of a set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PodFacts {
    /// Its name, whether or not there is such a pod now.
    pub name: String,
    /// `metadata.uid`; `None` while there is no pod.
    pub uid: Option<String>,
    /// `status.podIP`.
    pub ip: Option<String>,
    /// `spec.nodeName`: where it runs.
    pub host: Option<String>,
    /// The DNS name that its certificate carries.
    pub dns_name: String,
    /// It is being deleted or evicted.
    pub deleting: bool,
    /// `containerID` of the running server, as the kubelet reports it.
    pub container_id: Option<String>,
    /// The server's containers that the kubelet says have ended.
    pub terminated: Vec<Terminated>,
    /// It runs with another memory limit than the spec says.
    pub other_memory_limit: bool,
    /// The label `valkey.verilean.io/role`.
    pub role: Option<String>,
    /// Its volume claim.
    pub volume: Option<VolumeFacts>,
}

/// A container that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terminated {
    /// The pod's uid.
    pub pod_uid: String,
    /// `containerID`.
    pub container_id: String,
}

/// A volume claim of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VolumeFacts {
    /// Its name.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// The annotation `valkey.verilean.io/epoch`: `<epoch>/<role>`.
    pub epoch: Option<String>,
    /// It was made before the `ValkeyCluster`: its data is of an earlier life.
    pub older_than_cluster: bool,
}

/// `N-client`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceFacts {
    /// `metadata.uid`: one that is gone is not made anew by who moves it.
    pub uid: String,
    /// `metadata.resourceVersion`: the write that moves it names the one that it was decided on.
    pub resource_version: String,
    /// The pod that it selects; `None` before it selects one.
    pub pod: Option<String>,
    /// The annotation `valkey.verilean.io/epoch`.
    pub epoch: Option<u64>,
}

/// How the servers of a cluster are reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The password of the user `gungnir`.
    pub operator_password: Secret,
    /// The certificates of `N`'s TLS Secret, PEM; `None` without TLS.
    pub tls: Option<TlsFiles>,
}

/// The parts of a TLS Secret, in PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// `ca.crt`.
    pub ca: Vec<u8>,
    /// `tls.crt`.
    pub certificate: Vec<u8>,
    /// `tls.key`.
    pub key: Vec<u8>,
}

impl fmt::Debug for TlsFiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TlsFiles")
    }
}

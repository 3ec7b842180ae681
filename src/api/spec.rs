//! `ValkeyCluster`: what people write.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, Container, EnvVar, LocalObjectReference, ResourceRequirements, Toleration,
    TopologySpreadConstraint, Volume, VolumeMount,
};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::access::{Auth, Tls};
use super::metrics::Metrics;
use super::network::{DisruptionBudget, NetworkPolicySpec, ServiceSpec};
use super::persistence::Persistence;
use super::pod::{ContextOverride, ImagePullPolicy, ServiceAccountSpec};
use super::replication::{Replication, Sentinel};
use super::status::ValkeyClusterStatus;
use super::transition;

/// One Valkey data set: a master, its replicas, and everything around them.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[kube(
    group = "valkey.verilean.io",
    version = "v1",
    kind = "ValkeyCluster",
    plural = "valkeyclusters",
    shortname = "vk",
    category = "all",
    namespaced,
    status = "ValkeyClusterStatus",
    derive = "PartialEq",
    derive = "Default",
    scale(
        spec_replicas_path = ".spec.replicas",
        status_replicas_path = ".status.replicas",
        label_selector_path = ".status.selector"
    ),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Master", type_ = "string", json_path = ".status.master"),
    printcolumn(name = "Ready", type_ = "integer", json_path = ".status.readyReplicas"),
    printcolumn(name = "Replicas", type_ = "integer", json_path = ".spec.replicas"),
    printcolumn(
        name = "Epoch",
        type_ = "integer",
        json_path = ".status.election.epoch",
        priority = 1
    ),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.image", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("size(self.metadata.name) <= 52")
        .message("metadata.name has at most 52 characters: Kubernetes appends a hash to it in a label of 63"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')")
        .message("metadata.name starts with a letter and holds a-z, 0-9 and '-': Services are named after it")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new(transition::PORT.cel).message(transition::PORT.message),
    validation = Rule::new(transition::PERSISTENCE.cel).message(transition::PERSISTENCE.message),
    validation = Rule::new(transition::STORAGE_CLASS.cel).message(transition::STORAGE_CLASS.message),
    validation = Rule::new(transition::STORAGE_SIZE.cel).message(transition::STORAGE_SIZE.message),
    validation = Rule::new(transition::PERSISTENCE_MODE.cel).message(transition::PERSISTENCE_MODE.message),
    validation = Rule::new("self.?replication.?minReplicasToWrite.orValue(0) < self.?replicas.orValue(3)")
        .message("replication.minReplicasToWrite is at most replicas - 1: the master is not its own replica"),
    validation = Rule::new("self.?replication.?minReplicasToWrite.orValue(self.?replicas.orValue(3) / 2) == 0 || self.?sentinel.?downAfterMs.orValue(5000) >= (self.?replication.?minReplicasMaxLag.orValue(2) + 2) * 1000")
        .message("sentinel.downAfterMs is at least (replication.minReplicasMaxLag + 2) * 1000: else two masters could take writes at once"),
    validation = Rule::new("!has(self.restoreFrom)")
        .message("restoreFrom is not supported by this version of Gungnir")
)]
pub struct ValkeyClusterSpec {
    /// The number of pods, the master included; an autoscaler needs it to be set. Default: 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9))]
    pub replicas: Option<i32>,

    /// The Valkey image, 7.2 or newer. Default: docker.io/valkey/valkey, pinned by Gungnir.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,

    /// When the kubelet pulls the images. Default: Kubernetes' own rule.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_pull_policy: Option<ImagePullPolicy>,

    /// Secrets with the credentials of private registries. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub image_pull_secrets: Option<Vec<LocalObjectReference>>,

    /// The TCP port of the servers and Services. Immutable. Default: 6379.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1024, max = 65_535))]
    pub port: Option<i32>,

    /// Who applies the manifests: `Operator`, or `GitOps` when the rendered manifests are in Git.
    /// Default: Operator.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub management: Option<Management>,

    /// Volumes and the files on them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Persistence>,

    /// Requests and limits of each Valkey container. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,

    /// How much of the memory limit holds data (`maxmemory`), in percent; the rest is for
    /// replication buffers and copy-on-write. Without a memory limit it has no effect.
    /// Default: 75.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub max_memory_percent_of_limit: Option<i32>,

    /// Directives of valkey.conf. Those that Gungnir needs are refused by name. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("maxProperties" = 128))]
    pub config: Option<BTreeMap<String, String>>,

    /// Password authentication of applications.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,

    /// Encryption of client and replication traffic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,

    /// How the replicas follow the master.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication: Option<Replication>,

    /// When the master counts as gone, and who takes over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinel: Option<Sentinel>,

    /// The read-write Service `NAME-client`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceSpec>,

    /// The `PodDisruptionBudget` `NAME-pdb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_disruption_budget: Option<DisruptionBudget>,

    /// The `NetworkPolicy` `NAME`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_policy: Option<NetworkPolicySpec>,

    /// The metrics exporter beside each server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Metrics>,

    /// The `ServiceAccount` of the pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account: Option<ServiceAccountSpec>,

    /// Labels of every object that is made. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,

    /// Annotations of every object that is made. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,

    /// Labels of the pods; a change restarts them. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_labels: Option<BTreeMap<String, String>>,

    /// Annotations of the pods; a change restarts them. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_annotations: Option<BTreeMap<String, String>>,

    /// Labels that a node must have. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_selector: Option<BTreeMap<String, String>>,

    /// Taints that the pods tolerate. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub tolerations: Option<Vec<Toleration>>,

    /// Where the pods may and should run. Default: spread over nodes, then zones, where possible.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,

    /// How evenly the pods are spread; an absent `labelSelector` selects the cluster's pods.
    /// Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub topology_spread_constraints: Option<Vec<TopologySpreadConstraint>>,

    /// The `PriorityClass` of the pods. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub priority_class_name: Option<String>,

    /// Environment variables of the Valkey container. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 128),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub env: Option<Vec<EnvVar>>,

    /// Containers beside Valkey's. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 16),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub extra_containers: Option<Vec<Container>>,

    /// Volumes of the pods. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"])
    )]
    pub extra_volumes: Option<Vec<Volume>>,

    /// Mounts of the Valkey container. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 64),
        extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["mountPath"])
    )]
    pub extra_volume_mounts: Option<Vec<VolumeMount>>,

    /// How long a pod may take to stop, in seconds, at least 30: handing over takes up to 15,
    /// waiting for replicas up to 10. Default: 60.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30, max = 86_400))]
    pub termination_grace_period_seconds: Option<i64>,

    /// Keys that replace those of the pods' security context; `null` removes one, and needs a
    /// server-side apply, since a client-side one drops it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_security_context: Option<ContextOverride>,

    /// Keys that replace those of the containers' security context; `null` removes one, and needs
    /// a server-side apply, since a client-side one drops it. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_context: Option<ContextOverride>,

    /// A backup to start from. Not supported yet: an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restore_from: Option<RestoreFrom>,
}

/// Who applies the manifests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Management {
    /// The operator applies what it renders.
    #[default]
    Operator,
    /// A GitOps tool applies what `gungnir render` printed; the operator elects and restarts.
    GitOps,
}

/// A backup to start from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RestoreFrom {
    /// The `ValkeyBackup`'s name.
    #[schemars(length(min = 1, max = 253))]
    pub backup_name: String,
}

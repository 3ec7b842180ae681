//! How clients reach the servers, and who may: the resolved `spec.service`,
//! `spec.podDisruptionBudget` and `spec.networkPolicy`.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use crate::api::{
    DisruptionBudget, ExternalTrafficPolicy, NetworkPolicySpec, ServiceSpec, ServiceType,
};

use super::fault::{Faults, number, spec};
use super::label::checked_annotations;
use super::name::key_fault;
use super::replication::{WriteQuorum, default_max_unavailable};

/// The read-write Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientService {
    /// Its type.
    pub service_type: &'static str,
    /// Its own annotations.
    pub annotations: BTreeMap<String, String>,
    /// The port on every node.
    pub node_port: Option<u32>,
    /// Which load balancer implementation to use.
    pub load_balancer_class: Option<String>,
    /// The client networks that a load balancer lets in.
    pub load_balancer_source_ranges: Vec<String>,
    /// Which nodes answer traffic from outside.
    pub external_traffic_policy: Option<&'static str>,
}

impl ClientService {
    pub(super) fn resolve(service: Option<ServiceSpec>, faults: &mut Faults) -> Self {
        let ServiceSpec {
            service_type,
            annotations,
            node_port,
            load_balancer_class,
            load_balancer_source_ranges,
            external_traffic_policy,
        } = service.unwrap_or_default();
        let path = spec("service");
        let service_type = service_type.unwrap_or_default();

        let outside = service_type != ServiceType::ClusterIP;
        let balanced = service_type == ServiceType::LoadBalancer;
        for (field, set, allowed, types) in [
            ("nodePort", node_port.is_some(), outside, "NodePort or LoadBalancer"),
            (
                "externalTrafficPolicy",
                external_traffic_policy.is_some(),
                outside,
                "NodePort or LoadBalancer",
            ),
            ("loadBalancerClass", load_balancer_class.is_some(), balanced, "LoadBalancer"),
            (
                "loadBalancerSourceRanges",
                load_balancer_source_ranges.is_some(),
                balanced,
                "LoadBalancer",
            ),
        ] {
            if set && !allowed {
                faults.add_with_help(
                    path.clone().key(field),
                    format!("has no meaning for a Service of type {}", service_type.as_str()),
                    format!("set service.type to {types}, or leave it out"),
                );
            }
        }
        if let Some(class) = load_balancer_class.as_deref()
            && let Some(fault) = key_fault(class)
        {
            faults.add(path.clone().key("loadBalancerClass"), format!("`{class}`: {fault}"));
        }
        let ranges = load_balancer_source_ranges.unwrap_or_default();
        for (index, range) in ranges.iter().enumerate().filter(|(_, range)| !is_cidr(range)) {
            faults.add_with_help(
                path.clone().key("loadBalancerSourceRanges").index(index),
                format!("`{range}` is not a network"),
                "write an address and a prefix length, like `10.0.0.0/8`",
            );
        }
        let annotations =
            checked_annotations(annotations, &path.clone().key("annotations"), faults);
        let node_port =
            node_port.map(|port| number(Some(port), 1..=65_535, 0, &path.key("nodePort"), faults));
        Self {
            service_type: service_type.as_str(),
            annotations,
            node_port,
            load_balancer_class,
            load_balancer_source_ranges: ranges,
            external_traffic_policy: external_traffic_policy.map(ExternalTrafficPolicy::as_str),
        }
    }
}

fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let most = match address.parse() {
        Ok(IpAddr::V4(_)) => 32,
        Ok(IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|length| length <= most)
}

/// How many pods an eviction may take at once; `None` when there is no budget.
pub(super) fn max_unavailable(
    budget: Option<DisruptionBudget>,
    replicas: u32,
    quorum: &WriteQuorum,
    faults: &mut Faults,
) -> Option<IntOrString> {
    let DisruptionBudget { enabled, max_unavailable } = budget.unwrap_or_default();
    let path = spec("podDisruptionBudget").key("maxUnavailable");
    let own = default_max_unavailable(replicas, quorum.min_replicas_to_write);
    let wanted =
        max_unavailable.unwrap_or_else(|| IntOrString::Int(i32::try_from(own).unwrap_or(i32::MAX)));
    let fits = match &wanted {
        IntOrString::Int(count) => *count >= 0,
        IntOrString::String(share) => share
            .strip_suffix('%')
            .and_then(|percent| percent.parse::<u8>().ok())
            .is_some_and(|percent| percent <= 100),
    };
    if !fits {
        faults.add_with_help(
            path,
            "is neither a number of pods nor a percentage",
            "write a number like `1`, or a percentage like `\"34%\"`",
        );
    }
    enabled.unwrap_or(true).then_some(wanted)
}

/// Who may reach the servers' port beside the cluster and the operator; `None` when there is no
/// policy.
pub(super) fn allowed_peers(
    policy: Option<NetworkPolicySpec>,
    faults: &mut Faults,
) -> Option<Vec<NetworkPolicyPeer>> {
    let NetworkPolicySpec { enabled, allow_from } = policy.unwrap_or_default();
    let peers = allow_from.unwrap_or_default();
    for (index, peer) in peers.iter().enumerate() {
        let path = spec("networkPolicy").key("allowFrom").index(index);
        let NetworkPolicyPeer { ip_block, namespace_selector, pod_selector } = peer;
        let selected = namespace_selector.is_some() || pod_selector.is_some();
        match ip_block {
            None if !selected => faults.add_with_help(
                path,
                "names nobody",
                "set ipBlock, podSelector or namespaceSelector; `namespaceSelector: {}` is everybody in Kubernetes",
            ),
            Some(_) if selected => {
                faults.add(path, "ipBlock and the selectors exclude each other");
            }
            Some(block) if !is_cidr(&block.cidr) => faults.add(
                path.key("ipBlock").key("cidr"),
                format!("`{}` is not a network", block.cidr),
            ),
            _ => {}
        }
    }
    enabled.unwrap_or(false).then_some(peers)
}

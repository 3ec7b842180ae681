//! Services, peers and certificates.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::cluster::CertificateRequest;
use crate::cluster::ClientService;
use crate::cluster::Names;
use crate::cluster::OPERATOR_LABEL;

use super::block::Block;
use super::label::{Labels, both};

/// The read-write Service.
#[derive(Debug, Serialize)]
pub(super) struct Service<'a> {
    r#type: &'static str,
    annotations: Block<BTreeMap<&'a str, &'a str>>,
    node_port: Option<u32>,
    load_balancer_class: Option<&'a str>,
    load_balancer_source_ranges: Block<&'a [String]>,
    external_traffic_policy: Option<&'static str>,
}

/// The Certificate.
#[derive(Debug, Serialize)]
pub(super) struct Certificate<'a> {
    issuer_name: &'a str,
    issuer_kind: &'a str,
    issuer_group: &'a str,
    duration: &'a str,
    renew_before: &'a str,
    dns_names: Block<Vec<String>>,
}

/// What the read-write Service says.
pub(super) fn client_service<'a>(
    service: &'a ClientService,
    annotations: &'a BTreeMap<String, String>,
) -> Service<'a> {
    let ClientService {
        service_type,
        annotations: own,
        node_port,
        load_balancer_class,
        load_balancer_source_ranges,
        external_traffic_policy,
    } = service;
    Service {
        r#type: service_type,
        annotations: Block(both(annotations, Some(own))),
        node_port: *node_port,
        load_balancer_class: load_balancer_class.as_deref(),
        load_balancer_source_ranges: Block(load_balancer_source_ranges),
        external_traffic_policy: *external_traffic_policy,
    }
}

/// The cluster's own pods and the operator, wherever it runs, then whom the spec names.
pub(super) fn all_peers(selector: &Labels<'_>, allowed: &Value) -> Vec<Value> {
    let (key, value) = OPERATOR_LABEL;
    let mut peers = vec![
        json!({ "podSelector": { "matchLabels": selector } }),
        json!({ "namespaceSelector": {}, "podSelector": { "matchLabels": { key: value } } }),
    ];
    peers.extend(allowed.as_array().into_iter().flatten().cloned());
    peers
}

/// Every name by which a client or a replica may reach a server.
pub(super) fn certificate<'a>(
    request: &'a CertificateRequest,
    names: &Names,
    namespace: Option<&str>,
) -> Certificate<'a> {
    let CertificateRequest {
        issuer_name,
        issuer_kind,
        issuer_group,
        duration,
        renew_before,
        extra_dns_names,
    } = request;
    let hosts = [
        names.client.clone(),
        names.replicas.clone(),
        names.headless.clone(),
        format!("*.{}", names.headless),
    ];
    let mut dns_names = vec!["localhost".to_owned()];
    for host in hosts {
        if let Some(namespace) = namespace {
            dns_names.push(format!("{host}.{namespace}"));
            dns_names.push(format!("{host}.{namespace}.svc"));
            dns_names.push(format!("{host}.{namespace}.svc.cluster.local"));
        }
        dns_names.push(host);
    }
    dns_names.extend(extra_dns_names.iter().cloned());
    let dns_names = Block(dns_names);
    Certificate { issuer_name, issuer_kind, issuer_group, duration, renew_before, dns_names }
}

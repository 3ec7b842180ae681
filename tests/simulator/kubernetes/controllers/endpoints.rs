//! Keeps one `EndpointSlice` for each Service that selects pods.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::kubernetes::api::delete::{Deletion, delete, is_ready};
use crate::kubernetes::api::kind::Row;
use crate::kubernetes::api::selector::Selector;
use crate::kubernetes::api::store::Store;
use crate::kubernetes::object::{all, is_leaving, name, namespace, text, uid, write};

const WHO: &str = "endpointslice-controller";
const KIND: &str = "EndpointSlice";

/// Looks at every Service.
pub fn turn(store: &mut Store) {
    let mut kept = BTreeSet::new();
    let pods = all(store, "Pod");
    for service in all(store, "Service") {
        if service["spec"]["selector"].is_null() {
            continue;
        }
        let selector = Selector::of_object(&service["spec"]["selector"]);
        let chosen = pods.iter().filter(|pod| {
            namespace(pod) == namespace(&service)
                && selector.matches(pod)
                && pod["status"]["podIP"].is_string()
                && !matches!(text(&pod["status"]["phase"]), "Failed" | "Succeeded")
        });
        let open = service["spec"]["publishNotReadyAddresses"] == true;
        let endpoints: Vec<Value> = chosen.map(|pod| endpoint(pod, open)).collect();
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": KIND,
            "metadata": {
                "name": format!("{}-slice", name(&service)), "namespace": namespace(&service),
                "labels": { "kubernetes.io/service-name": name(&service) },
                "ownerReferences": [{
                    "apiVersion": "v1", "kind": "Service", "name": name(&service),
                    "uid": uid(&service), "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "addressType": "IPv4", "endpoints": endpoints, "ports": ports(&service),
        });
        kept.insert((namespace(&slice).to_owned(), name(&slice).to_owned()));
        let own = write(WHO, KIND, &slice);
        match store.get(KIND, namespace(&slice), name(&slice)) {
            None => drop(own.create(store, slice.clone())),
            Some(_) => drop(own.merge(store, &slice)),
        }
    }
    for slice in all(store, KIND) {
        if !kept.contains(&(namespace(&slice).to_owned(), name(&slice).to_owned())) {
            let (namespace, name) = (namespace(&slice), name(&slice));
            let _ = delete(store, WHO, Row::named(KIND), namespace, name, &Deletion::default());
        }
    }
}

fn endpoint(pod: &Value, open: bool) -> Value {
    let (ready, leaving) = (is_ready(pod), is_leaving(pod));
    json!({
        "addresses": [pod["status"]["podIP"]],
        "conditions": {
            "ready": open || ready && !leaving, "serving": ready, "terminating": leaving,
        },
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": {
            "kind": "Pod", "name": name(pod), "namespace": namespace(pod), "uid": uid(pod),
        },
    })
}

fn ports(service: &Value) -> Vec<Value> {
    let ports = service["spec"]["ports"].as_array().into_iter().flatten();
    ports
        .map(|port| {
            json!({ "name": port["name"], "port": port["port"], "protocol": port["protocol"] })
        })
        .collect()
}

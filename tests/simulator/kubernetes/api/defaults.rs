//! What the API server fills in where nothing is said.

use serde_json::{Map, Value, json};

use super::store::Store;

/// Fills in the defaults of an object. `live` is what is there already.
pub fn fill(store: &mut Store, kind: &str, object: &mut Value, live: Option<&Value>) {
    match kind {
        "Service" => service(store, object, live),
        "StatefulSet" => {
            let spec = &mut object["spec"];
            set(spec, "podManagementPolicy", json!("OrderedReady"));
            set(spec, "replicas", json!(1));
            set(spec, "revisionHistoryLimit", json!(10));
            set(spec, "updateStrategy", json!({ "type": "RollingUpdate" }));
            if spec["updateStrategy"]["type"] == "RollingUpdate" {
                set(&mut spec["updateStrategy"], "rollingUpdate", json!({ "partition": 0 }));
            }
            let retain = json!({ "whenDeleted": "Retain", "whenScaled": "Retain" });
            set(spec, "persistentVolumeClaimRetentionPolicy", retain);
            pod_spec(&mut spec["template"]["spec"]);
            for claim in items(spec, "volumeClaimTemplates") {
                set(claim, "apiVersion", json!("v1"));
                set(claim, "kind", json!("PersistentVolumeClaim"));
                set(&mut claim["spec"], "volumeMode", json!("Filesystem"));
                set(claim, "status", json!({ "phase": "Pending" }));
            }
            set(object, "status", json!({ "availableReplicas": 0, "replicas": 0 }));
        }
        "Pod" => {
            pod_spec(&mut object["spec"]);
            set(&mut object["spec"], "enableServiceLinks", json!(true));
            set(object, "status", json!({ "phase": "Pending", "qosClass": "BestEffort" }));
        }
        "PersistentVolumeClaim" => {
            set(&mut object["spec"], "volumeMode", json!("Filesystem"));
            set(&mut object["spec"], "storageClassName", json!("standard"));
            set(object, "status", json!({ "phase": "Pending" }));
            if live.is_none() {
                let finalizers = json!(["kubernetes.io/pvc-protection"]);
                set(&mut object["metadata"], "finalizers", finalizers);
            }
        }
        "Secret" => set(object, "type", json!("Opaque")),
        "PodDisruptionBudget" => set(
            object,
            "status",
            json!({
                "currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0,
                "expectedPods": 0,
            }),
        ),
        "NetworkPolicy" => {
            let egress = object["spec"]["egress"].is_array();
            let types = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
            set(&mut object["spec"], "policyTypes", types);
        }
        _ => {}
    }
}

/// Says a field where it is not said.
fn set(object: &mut Value, field: &str, value: Value) {
    if object.is_null() {
        *object = Value::Object(Map::new());
    }
    if object[field].is_null() {
        object[field] = value;
    }
}

fn items<'v>(object: &'v mut Value, field: &str) -> impl Iterator<Item = &'v mut Value> {
    object.get_mut(field).and_then(Value::as_array_mut).into_iter().flatten()
}

fn service(store: &mut Store, object: &mut Value, live: Option<&Value>) {
    set(object, "status", json!({ "loadBalancer": {} }));
    let spec = &mut object["spec"];
    set(spec, "type", json!("ClusterIP"));
    set(spec, "sessionAffinity", json!("None"));
    set(spec, "internalTrafficPolicy", json!("Cluster"));
    set(spec, "ipFamilies", json!(["IPv4"]));
    set(spec, "ipFamilyPolicy", json!("SingleStack"));
    let kept = live.map(|live| live["spec"]["clusterIP"].clone()).filter(|ip| !ip.is_null());
    let address = kept.unwrap_or_else(|| json!(store.next_service_ip()));
    set(spec, "clusterIP", address);
    let addresses = json!([spec["clusterIP"]]);
    set(spec, "clusterIPs", addresses);
    let outside = spec["type"] == "NodePort" || spec["type"] == "LoadBalancer";
    if outside {
        set(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if spec["type"] == "LoadBalancer" {
        set(spec, "allocateLoadBalancerNodePorts", json!(true));
        if spec["externalTrafficPolicy"] == "Local" {
            let kept = live.map(|live| live["spec"]["healthCheckNodePort"].clone());
            let port = kept.filter(|port| !port.is_null());
            set(spec, "healthCheckNodePort", port.unwrap_or_else(|| json!(store.next_node_port())));
        }
    }
    let before = live.and_then(|live| live["spec"]["ports"].as_array()).cloned();
    for port in items(spec, "ports") {
        set(port, "protocol", json!("TCP"));
        let number = port["port"].clone();
        set(port, "targetPort", number);
        if outside {
            let kept = before.iter().flatten().find(|own| own["port"] == port["port"]);
            let kept = kept.map(|own| own["nodePort"].clone()).filter(|own| !own.is_null());
            if port["nodePort"].is_null() {
                port["nodePort"] = kept.unwrap_or_else(|| json!(store.next_node_port()));
            }
        }
    }
}

fn pod_spec(spec: &mut Value) {
    set(spec, "restartPolicy", json!("Always"));
    set(spec, "dnsPolicy", json!("ClusterFirst"));
    set(spec, "schedulerName", json!("default-scheduler"));
    set(spec, "securityContext", json!({}));
    set(spec, "terminationGracePeriodSeconds", json!(30));
    if spec["serviceAccountName"].is_string() {
        let account = spec["serviceAccountName"].clone();
        set(spec, "serviceAccount", account);
    }
    for field in ["containers", "initContainers"] {
        items(spec, field).for_each(container);
    }
    for volume in items(spec, "volumes") {
        for source in ["configMap", "secret", "projected", "downwardAPI"] {
            if volume[source].is_object() {
                set(&mut volume[source], "defaultMode", json!(420));
            }
        }
    }
}

fn container(container: &mut Value) {
    set(container, "resources", json!({}));
    set(container, "terminationMessagePath", json!("/dev/termination-log"));
    set(container, "terminationMessagePolicy", json!("File"));
    let image = container["image"].as_str().unwrap_or_default();
    let tag = image.rsplit('/').next().and_then(|name| name.split_once(':')).map(|(_, tag)| tag);
    let newest = !image.contains('@') && tag.is_none_or(|tag| tag == "latest");
    let policy = if newest { "Always" } else { "IfNotPresent" };
    set(container, "imagePullPolicy", json!(policy));
    for port in items(container, "ports") {
        set(port, "protocol", json!("TCP"));
    }
    for variable in items(container, "env") {
        if variable["valueFrom"]["fieldRef"].is_object() {
            set(&mut variable["valueFrom"]["fieldRef"], "apiVersion", json!("v1"));
        }
    }
    for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
        let probe = &mut container[probe];
        if probe.is_object() {
            set(probe, "timeoutSeconds", json!(1));
            set(probe, "periodSeconds", json!(10));
            set(probe, "successThreshold", json!(1));
            set(probe, "failureThreshold", json!(3));
            if let Some(get) = probe.get_mut("httpGet") {
                set(get, "path", json!("/"));
                set(get, "scheme", json!("HTTP"));
            }
        }
    }
    container.as_object_mut().unwrap().retain(|_, value| !value.is_null());
}

//! A cluster that speaks TLS alone: its servers are known by their pods' names, and the master moves all
//! the same.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::cluster::{Cluster, Kind, kubectl};
use crate::set::{ValkeySet, World};
use crate::wait::{DEADLINE, until};

/// The Secret with the certificate.
const SECRET: &str = "shop-certificate";

/// The master is killed, and another leads; then people ask for the next.
pub fn failover(world: &World) {
    let set = ValkeySet::none(world, "tls");
    let names =
        ["*.shop-headless", "shop-client"].map(|name| format!("{name}.{}.svc", set.namespace));
    Certificate::new(&names).keep(set.cluster(), &set.namespace, SECRET);
    set.apply(&json!({
        "replicas": 3,
        "tls": { "enabled": true, "certSecretName": SECRET, "clientAuth": "require" },
    }));
    let first = led_by(&set, &|_| true);
    assert_eq!(ask(&set, &first, "SET key value"), "OK");
    assert_eq!(ask(&set, &first, "WAIT 2 10000"), "2");

    let process = world.nodes().process(&set.namespace, &first);
    world.nodes().kill(process);
    let second = led_by(&set, &|master| master != first);
    assert_eq!(ask(&set, &second, "GET key"), "value");

    let third = (0..3).map(ValkeySet::pod).find(|pod| *pod != second).expect("there are others");
    set.annotate("valkey.verilean.io/switchover-to", &third);
    led_by(&set, &|master| master == third);
    assert_eq!(ask(&set, &third, "GET key"), "value");
    assert_eq!(ask(&set, &third, "SET key other"), "OK");

    // Who does not show a certificate is no client.
    let plain = ["exec", "-n", &set.namespace, &third, "-c", "valkey", "--", "valkey-cli", "PING"];
    let said = kubectl(&plain);
    assert!(!said.contains("PONG"), "{said}");
}

/// A certificate, its key, and whoever signed it.
pub struct Certificate {
    folder: TempDir,
    authority: String,
}

impl Certificate {
    /// One for these names.
    pub fn new(names: &[String]) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let files = folder.path().join("tls");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valkey/certificates");
        let status = Command::new(script).arg(&files).args(names).status();
        assert!(status.is_ok_and(|status| status.success()), "no certificate");
        let authority = fs::read_to_string(files.join("ca.crt")).expect("the authority");
        Self { folder, authority }
    }

    /// The authority's certificate.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Makes a Secret of it.
    pub fn keep(&self, cluster: &Cluster, namespace: &str, name: &str) {
        let file = |name: &str| {
            let path = self.folder.path().join("tls").join(name);
            let content = fs::read_to_string(path).expect("a file of the certificate");
            (name.to_owned(), Value::from(content))
        };
        let data: Map<String, Value> =
            ["ca.crt", "tls.crt", "tls.key"].map(file).into_iter().collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls",
            "metadata": { "name": name, "namespace": namespace },
            "stringData": data,
        });
        cluster.apply("people", Kind::Secret, &secret);
    }
}

/// Waits until such a pod leads and the two others follow it in sync.
fn led_by(set: &ValkeySet<'_>, wanted: &dyn Fn(&str) -> bool) -> String {
    until("it is whole", 2 * DEADLINE, || {
        let status = set.resource()["status"].clone();
        let master = status["master"].as_str().unwrap_or_default().to_owned();
        let members = status["election"]["inSync"].as_array().map_or(0, Vec::len);
        let is_whole = status["phase"] == "Running" && status["readyReplicas"] == 3 && members == 2;
        if is_whole && wanted(&master) && set.pointer().as_ref() == Some(&master) {
            Ok(master)
        } else {
            Err(set.told())
        }
    })
}

/// Asks a pod's server from beside it, as an application with a certificate.
fn ask(set: &ValkeySet<'_>, pod: &str, words: &str) -> String {
    let cli = "valkey-cli --tls --cacert /etc/valkey-tls/ca.crt --cert /etc/valkey-tls/tls.crt \
               --key /etc/valkey-tls/tls.key -h 127.0.0.1";
    let start = ["exec", "-n", &set.namespace, pod, "-c", "valkey", "--"];
    let words: Vec<&str> =
        start.into_iter().chain(cli.split_whitespace()).chain(words.split(' ')).collect();
    kubectl(&words).trim().to_owned()
}

//! A `ValkeyCluster` in a namespace of its own.

use std::net::SocketAddr;

use serde_json::{Value, json};

use crate::base64::decode;
use crate::cluster::{Cluster, Kind, kubectl};
use crate::evidence;
use crate::nodes::Nodes;
use crate::wait::{DEADLINE, until};

/// The name of every one that a scenario makes by itself.
pub const NAME: &str = "shop";
/// The namespace that is always there.
const SHARED: &str = "default";

/// What a scenario works with.
pub struct World {
    /// The API server.
    pub cluster: Cluster,
    /// The nodes, where they can be reached into.
    pub nodes: Option<Nodes>,
    /// Whether all scenarios run: what is watched that nothing happens is watched for longer.
    pub takes_its_time: bool,
}

impl World {
    /// The nodes.
    ///
    /// # Panics
    /// When they cannot be reached into: a scenario that needs that is not run then.
    pub fn nodes(&self) -> &Nodes {
        self.nodes.as_ref().expect("this scenario needs nodes that can be reached into")
    }
}

/// A set of servers; it is deleted when this is dropped.
pub struct ValkeySet<'w> {
    /// Where it is.
    pub world: &'w World,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: &'static str,
}

impl<'w> ValkeySet<'w> {
    /// A namespace, and nothing in it yet.
    pub fn none(world: &'w World, scenario: &str) -> Self {
        let namespace = format!("scenario-{}", scenario.to_lowercase());
        let object = json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": namespace, "labels": {
                "pod-security.kubernetes.io/enforce": "restricted",
            } },
        });
        let set = Self { world, namespace, name: NAME };
        // Of a run that was killed.
        set.remove();
        world.cluster.apply("people", Kind::Namespace, &object);
        set
    }

    /// One that people apply by themselves, in the namespace that is always there; nothing of it yet.
    pub fn of_people(world: &'w World, name: &'static str) -> Self {
        let set = Self { world, namespace: SHARED.to_owned(), name };
        set.remove();
        set
    }

    /// Three servers with the defaults, whole.
    pub fn usual(world: &'w World, scenario: &str) -> Self {
        let set = Self::none(world, scenario);
        set.apply(&json!({ "replicas": 3 }));
        set.settle(3);
        set
    }

    /// People apply the cluster with this spec.
    pub fn apply(&self, spec: &Value) {
        let object = json!({
            "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster",
            "metadata": { "name": self.name, "namespace": self.namespace },
            "spec": spec,
        });
        self.cluster().apply("people", Kind::ValkeyCluster, &object);
    }

    /// People annotate it.
    pub fn annotate(&self, key: &str, value: &str) {
        let change = json!({ "metadata": { "annotations": { key: value } } });
        self.cluster().edit("people", Kind::ValkeyCluster, &self.namespace, self.name, &change);
    }

    /// Somebody puts a record in the place of the one that is there; null takes it away.
    pub fn write_election(&self, election: &Value) {
        // Whole: what the record before had, and this one has not, goes.
        let whole = [Value::Null, election.clone()];
        for election in whole.into_iter().take(if election.is_null() { 1 } else { 2 }) {
            let change = json!({ "status": { "election": election } });
            self.cluster().edit_status(Kind::ValkeyCluster, &self.namespace, self.name, &change);
        }
    }

    /// The API server.
    pub fn cluster(&self) -> &'w Cluster {
        &self.world.cluster
    }

    /// An object of its namespace.
    #[track_caller]
    pub fn get(&self, kind: Kind, name: &str) -> Option<Value> {
        self.cluster().get(kind, &self.namespace, name)
    }

    /// Its resource as it is.
    #[track_caller]
    pub fn resource(&self) -> Value {
        self.get(Kind::ValkeyCluster, self.name).expect("the resource is there")
    }

    /// A pod's name.
    pub fn pod(ordinal: usize) -> String {
        format!("{NAME}-{ordinal}")
    }

    /// The pod that clients are sent to.
    #[track_caller]
    pub fn pointer(&self) -> Option<String> {
        let service = self.get(Kind::Service, &format!("{}-client", self.name))?;
        let pod = &service["spec"]["selector"]["statefulset.kubernetes.io/pod-name"];
        Some(pod.as_str()?.to_owned())
    }

    /// Whether clients are sent to that pod.
    pub fn is_led_by(&self, master: &str) -> Result<(), String> {
        match self.pointer() {
            Some(pod) if pod == master => Ok(()),
            other => Err(format!("clients are sent to {other:?}")),
        }
    }

    /// The number of the node that a pod is on.
    #[track_caller]
    pub fn node_of(&self, pod: &str) -> u8 {
        let object = self.get(Kind::Pod, pod).unwrap_or_else(|| panic!("there is no {pod}"));
        let node = object["spec"]["nodeName"].as_str().and_then(Nodes::number);
        node.unwrap_or_else(|| panic!("{pod} is on no node"))
    }

    /// The application's password.
    #[track_caller]
    pub fn password(&self) -> String {
        let data = self.secret();
        let (_, value) = data.iter().find(|(key, _)| key == "password").expect("a password");
        decode(value)
    }

    /// What is in its Secret: each key with its value in base 64.
    #[track_caller]
    pub fn secret(&self) -> Vec<(String, String)> {
        let secret = self.get(Kind::Secret, &format!("{}-secret", self.name)).expect("the Secret");
        let data = secret["data"].as_object().expect("passwords");
        let value = |value: &Value| value.as_str().expect("a text").to_owned();
        data.iter().map(|(key, text)| (key.clone(), value(text))).collect()
    }

    /// The address of `N-client`.
    #[track_caller]
    pub fn address(&self) -> SocketAddr {
        let service =
            self.get(Kind::Service, &format!("{}-client", self.name)).expect("the Service");
        let ip = service["spec"]["clusterIP"].as_str().expect("an address");
        format!("{ip}:6379").parse().expect("an address")
    }

    /// Waits until clients are sent to another pod than that one, and gives its name.
    #[track_caller]
    pub fn moved(&self, from: &str) -> String {
        until("clients are sent to another pod", DEADLINE, || match self.pointer() {
            Some(pod) if pod != from => Ok(pod),
            other => Err(format!("to {other:?}; {}", self.told())),
        })
    }

    /// Waits until it is whole: the master leads, and every other follows it and is known to hold
    /// what is written. Gives the master's name.
    #[track_caller]
    pub fn settle(&self, replicas: usize) -> String {
        until("it is whole", 2 * DEADLINE, || {
            self.is_whole(replicas).map_err(|why| format!("{why}; {}", self.told()))
        })
    }

    fn is_whole(&self, replicas: usize) -> Result<String, String> {
        let resource = self.resource();
        let status = &resource["status"];
        if status["observedGeneration"] != resource["metadata"]["generation"]
            || status["phase"] != "Running"
            || status["readyReplicas"] != replicas
            || status["replicas"] != replicas
        {
            return Err("it is not Running".to_owned());
        }
        let election = &status["election"];
        let members = election["inSync"].as_array().map_or(0, Vec::len);
        if election["phase"] != "Stable" || members + 1 != replicas {
            return Err(format!("{members} members are in sync"));
        }
        // Until then silence elects nobody.
        if replicas > 1 && election["w"] == 0 {
            return Err("no replica has to hold a write".to_owned());
        }
        let master = self.pointer().ok_or("clients are sent nowhere")?;
        if status["master"] != *master || election["master"]["pod"] != *master {
            return Err(format!("clients are sent to {master}, and status says another"));
        }
        for ordinal in 0..replicas {
            let pod = format!("{}-{ordinal}", self.name);
            let object = self.get(Kind::Pod, &pod).ok_or_else(|| format!("{pod} is gone"))?;
            let role = if pod == master { "master" } else { "replica" };
            if object["metadata"]["labels"]["valkey.verilean.io/role"] != role {
                return Err(format!("{pod} is not labelled as {role}"));
            }
            let info = self.ask_once(&pod, &["INFO"])?.texts().concat();
            let has = |line: &str| info.lines().any(|found| found == line);
            // A member of an earlier run holds nothing any more.
            let members = election["inSync"].as_array().into_iter().flatten();
            let recorded = members
                .chain([&json!({ "pod": master, "runId": election["runId"] })])
                .find(|member| member["pod"] == *pod)
                .and_then(|member| Some(format!("run_id:{}", member["runId"].as_str()?)));
            if !recorded.is_some_and(|line| has(&line)) {
                return Err(format!("the run of {pod} is not recorded"));
            }
            let is_there = match role {
                "master" => has("role:master"),
                _ => has("role:slave") && has("master_link_status:up"),
            };
            if !is_there {
                return Err(format!("{pod} is no {role}: {info}"));
            }
        }
        Ok(master)
    }

    /// The conditions that hold, other than that it is ready.
    pub fn amiss(&self) -> Vec<String> {
        let conditions = self.resource()["status"]["conditions"].as_array().cloned();
        let holds = conditions.into_iter().flatten().filter(|it| it["status"] == "True");
        holds.map(|it| it["type"].to_string()).filter(|name| name != "\"Ready\"").collect()
    }

    /// The reason of a condition, when it holds.
    pub fn reason(&self, condition: &str) -> Option<String> {
        let conditions = self.resource()["status"]["conditions"].as_array().cloned();
        let mut found = conditions.into_iter().flatten();
        let found = found.find(|it| it["type"] == condition && it["status"] == "True")?;
        found["reason"].as_str().map(str::to_owned)
    }

    /// Its phase, election and conditions, for whoever waits in vain.
    pub fn told(&self) -> String {
        let resource = self.get(Kind::ValkeyCluster, self.name).unwrap_or_default();
        let status = &resource["status"];
        format!("phase {}, election {}, {}", status["phase"], status["election"], {
            let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
            let shown = conditions.iter().map(|condition| {
                format!("{}={}: {}", condition["type"], condition["status"], condition["message"])
            });
            shown.collect::<Vec<_>>().join("; ")
        })
    }

    /// All of it goes, and the pods at once: nobody's data is waited for. Its namespace goes, too,
    /// unless that is always there.
    fn remove(&self) {
        let (within, is_own) = (["-n", &self.namespace], self.namespace != SHARED);
        if is_own {
            if kubectl(&["get", "namespace", &self.namespace]).contains("NotFound") {
                return;
            }
            kubectl(&["delete", "namespace", &self.namespace, "--wait=false"]);
        }
        let label = format!("valkey.verilean.io/cluster={}", self.name);
        kubectl(&[&["delete", "vk", self.name, "--timeout=60s"][..], &within].concat());
        kubectl(&[&["delete", "sts,pods", "-l", &label, "--force"][..], &within].concat());
        if is_own {
            kubectl(&["wait", "--for=delete", "namespace", &self.namespace, "--timeout=60s"]);
        } else {
            kubectl(&[&["delete", "pvc", "-l", &label, "--timeout=60s"][..], &within].concat());
        }
    }
}

impl Drop for ValkeySet<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            evidence::keep(&self.namespace, self.name);
        }
        self.remove();
    }
}

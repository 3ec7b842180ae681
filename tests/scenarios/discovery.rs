//! Sentinel's protocol in the cluster, as the chart sets it up: whoever asks any operator is told the same.

use serde_json::json;

use crate::cluster::{Kind, kubectl};
use crate::install;
use crate::operator::Again;
use crate::set::{NAME, ValkeySet, World};
use crate::tls::Certificate;
use crate::took::Took;
use crate::wait::{DEADLINE, until};

/// The Secrets that the chart is told of.
const CERTIFICATE: &str = "sentinel-certificate";
const PASSWORDS: &str = "sentinel-password";
/// What is in one of them.
const PASSWORD: &str = "what Sentinel's clients say";
/// The Service of all operators.
const SERVICE: &str = "gungnir-operator-sentinel.gungnir-system.svc";
/// Where an asking pod keeps the authority's certificate.
const AUTHORITY: &str = "/data/authority.crt";

/// Both operators, the leader and the other one, and the Service of both, with a password and TLS.
pub fn asked(world: &World) -> Took {
    let set = ValkeySet::usual(world, "sentinel");
    let certificate = Certificate::new(&[SERVICE.to_owned()]);
    certificate.keep(&world.cluster, install::NAMESPACE, CERTIFICATE);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": PASSWORDS, "namespace": install::NAMESPACE },
        "stringData": { "password": PASSWORD },
    });
    world.cluster.apply("people", Kind::Secret, &secret);
    let again = Again;
    let password = format!("discovery.auth.existingSecret={PASSWORDS}");
    let tls = format!("discovery.tls.secretName={CERTIFICATE}");
    install::helm(&["--set", &password, "--set", &tls]);

    let asker = Asker::new(&set, certificate.authority());
    let full = format!("{}/{NAME}", set.namespace);
    let first = set.settle(3);
    let hosts = asker.hosts();
    asker.all_tell(&hosts, &[&full, NAME], &first);
    for host in &hosts {
        let said = asker.ask(host, "", &["SENTINEL", "MASTERS"]);
        assert!(said.contains("NOAUTH"), "{host} asks for no password: {said}");
        let said = asker.run(&["valkey-cli", "-h", host, "-p", "26379", "PING"]);
        assert!(!said.contains("PONG"), "{host} speaks without TLS: {said}");
    }
    let next = (0..3).map(ValkeySet::pod).find(|pod| *pod != first).expect("there are others");
    set.annotate("valkey.verilean.io/switchover-to", &next);
    let (took, ()) = Took::until("every operator names the next master", || {
        asker.all_tell(&hosts, &[&full, NAME], &next);
    });

    // A second one of that name: the bare name is nobody's any more.
    let other = ValkeySet::none(world, "sentinel-other");
    other.apply(&json!({ "replicas": 1 }));
    other.settle(1);
    for host in &hosts {
        until(&format!("{host} refuses the bare name"), DEADLINE, || {
            let said = asker.address(host, NAME);
            if said.contains("ask for NAMESPACE/NAME") { Ok(()) } else { Err(said) }
        });
    }
    asker.all_tell(&hosts, &[&full], &next);
    drop(again);
    took
}

/// Who asks, from a pod of the set.
struct Asker<'s, 'w>(&'s ValkeySet<'w>);

impl<'s, 'w> Asker<'s, 'w> {
    fn new(set: &'s ValkeySet<'w>, authority: &str) -> Self {
        let asker = Self(set);
        let write = format!("printf %s \"$1\" >{AUTHORITY}");
        asker.run(&["sh", "-c", &write, "sh", authority]);
        asker
    }

    /// The Service, and every operator by its address.
    fn hosts(&self) -> Vec<String> {
        let cluster = self.0.cluster();
        let pods = until("both operators are there, and no other", DEADLINE, || {
            let pods = cluster.list(Kind::Pod, install::NAMESPACE);
            if pods.len() == 2 { Ok(pods) } else { Err(format!("{} are", pods.len())) }
        });
        let ip = |pod: &serde_json::Value| pod["status"]["podIP"].as_str().map(str::to_owned);
        let hosts: Vec<String> = pods.iter().filter_map(ip).chain([SERVICE.to_owned()]).collect();
        assert_eq!(hosts.len(), 3, "{hosts:?}");
        hosts
    }

    /// Waits until each host names the address of that pod by each of these names.
    #[track_caller]
    fn all_tell(&self, hosts: &[String], names: &[&str], master: &str) {
        let pod = self.0.get(Kind::Pod, master).expect("the master's pod");
        let expected = format!("{}\n6379", pod["status"]["podIP"].as_str().expect("an address"));
        for (host, name) in hosts.iter().flat_map(|host| names.iter().map(move |name| (host, name)))
        {
            until(&format!("{host} tells who is master of {name}"), DEADLINE, || {
                let said = self.address(host, name);
                if said == expected { Ok(()) } else { Err(format!("{said}, not {expected}")) }
            });
        }
    }

    fn address(&self, host: &str, name: &str) -> String {
        self.ask(host, PASSWORD, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name])
    }

    /// Asks an operator with TLS, and that password unless it is empty.
    fn ask(&self, host: &str, password: &str, words: &[&str]) -> String {
        let auth = format!("REDISCLI_AUTH={password}");
        let way = ["valkey-cli", "-h", host, "-p", "26379", "--tls", "--cacert", AUTHORITY];
        let auth: &[&str] = if password.is_empty() { &[] } else { &[&auth] };
        self.run(&[&["env"][..], auth, &way, words].concat())
    }

    /// Runs a command in a pod that has no password of its own to say.
    fn run(&self, words: &[&str]) -> String {
        let (set, pod) = (self.0, ValkeySet::pod(0));
        let start = ["exec", "-n", &set.namespace, &pod, "-c", "valkey", "--"];
        let without = ["env", "-u", "VALKEYCLI_AUTH", "-u", "REDISCLI_AUTH"];
        kubectl(&[&start[..], &without, words].concat()).trim().to_owned()
    }
}

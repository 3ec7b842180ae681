//! Tools that apply the rendered set again and again.

use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::cluster::{Cluster, Kind, kubectl};
use crate::figures::Figures;
use crate::set::{NAME, ValkeySet, World};
use crate::trial::Trial;
use crate::wait::{DEADLINE, until};

/// How often it is applied to the new master's set.
const TIMES_AFTER: usize = 5;

/// C16.
pub fn reapplied(world: &World) -> Figures {
    let set = ValkeySet::none(world, "C16");
    let folder = tempfile::TempDir::new().expect("a temporary folder");
    let (source, rendered) = (folder.path().join("cluster.yaml"), folder.path().join("set.yaml"));
    let spec = json!({ "replicas": 3, "management": "GitOps" });
    let object = json!({
        "apiVersion": "valkey.verilean.io/v1", "kind": "ValkeyCluster",
        "metadata": { "name": NAME, "namespace": set.namespace },
        "spec": spec,
    });
    std::fs::write(&source, object.to_string()).expect("a file can be written");
    let program = env!("CARGO_BIN_EXE_gungnir");
    let output = Command::new(program).arg("render").arg(&source).output().expect("gungnir runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    std::fs::write(&rendered, &output.stdout).expect("a file can be written");
    let rendered = rendered.to_str().expect("a path of letters");
    let apply = ["apply", "--server-side", "--force-conflicts"];
    let apply = [&apply[..], &["--field-manager=argocd-controller", "-f", rendered]].concat();
    kubectl(&apply);
    set.apply(&spec);
    let master = set.settle(3);

    let (ends, applied) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (figures, pointers) = thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                let said = kubectl(&apply);
                assert!(!said.contains("rror"), "{said}");
                applied.fetch_add(1, Ordering::Relaxed);
                thread::sleep(Duration::from_secs(1));
            }
        });
        let watcher = scope.spawn(|| pointers(&set.namespace, &ends));
        let mut trial = Trial::start(&set);
        let process = world.nodes().process(&set.namespace, &master);
        trial.fault(|| world.nodes().kill(process));
        let end = End(&ends);
        set.moved(&master);
        let before = applied.load(Ordering::Relaxed);
        until("it is applied on and on", DEADLINE, || match applied.load(Ordering::Relaxed) {
            now if now >= before + TIMES_AFTER => Ok(()),
            now => Err(format!("{now} times")),
        });
        let figures = trial.finish(3);
        drop(end);
        (figures, watcher.join().expect("the pointer can be watched"))
    });
    let next = set.pointer().expect("a master");
    assert_eq!(pointers, [master, next], "the pointer goes from one to the other, once");
    figures.are_safe();
    figures
}

/// Ends the threads around a trial, whatever becomes of that.
struct End<'e>(&'e AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Where clients are sent, each change of it.
fn pointers(namespace: &str, ends: &AtomicBool) -> Vec<String> {
    let cluster = Cluster::connect();
    let mut found: Vec<String> = Vec::new();
    while !ends.load(Ordering::Relaxed) {
        let service = cluster.get(Kind::Service, namespace, &format!("{NAME}-client"));
        let selector = &service.unwrap_or_default()["spec"]["selector"];
        let pod = selector["statefulset.kubernetes.io/pod-name"].as_str().unwrap_or("nobody");
        if found.last().is_none_or(|last| last != pod) {
            found.push(pod.to_owned());
        }
        thread::sleep(Duration::from_millis(50));
    }
    found
}

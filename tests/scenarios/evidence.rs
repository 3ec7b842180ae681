//! What is kept of a scenario that failed.

use std::env;
use std::fs;
use std::path::PathBuf;

use crate::cluster::kubectl;
use crate::install;

/// Writes down the operator's logs, events, objects and the servers' logs, before they are deleted.
/// Beside the logs of the cluster, where there are any, which are kept when the run fails.
pub fn keep(namespace: &str, name: &str) {
    let logs =
        env::var_os("GUNGNIR_TEST_CLUSTER").map(|cluster| PathBuf::from(cluster).join("log"));
    let folder = logs.unwrap_or_else(env::temp_dir).join("scenarios").join(namespace);
    let selector = format!("app.kubernetes.io/instance={}", install::RELEASE);
    let (all, operator) = (["-n", namespace], ["-n", install::NAMESPACE]);
    let logs = ["logs", "--prefix", "--timestamps", "--tail=-1", "-l", &selector];
    let servers = ["logs", "--prefix", "--timestamps", "--tail=-1", "--all-containers"];
    let cluster = format!("valkey.verilean.io/cluster={name}");
    let kept = [
        ("operator.log", [&logs[..], &operator].concat()),
        ("operator.previous.log", [&logs[..], &operator, &["--previous"]].concat()),
        ("servers.log", [&servers[..], &all, &["-l", &cluster]].concat()),
        ("events.txt", [&["get", "events", "--sort-by=.lastTimestamp"], &all[..]].concat()),
        ("cluster.yaml", [&["get", "valkeyclusters", "-o", "yaml"], &all[..]].concat()),
        (
            "objects.yaml",
            [&["get", "sts,svc,cm,pdb,pods,pvc", "-o", "yaml", "--show-managed-fields"], &all[..]]
                .concat(),
        ),
        ("pods.txt", vec!["get", "pods", "-A", "-o", "wide"]),
    ];
    for (file, words) in kept {
        let written = fs::create_dir_all(&folder)
            .and_then(|()| fs::write(folder.join(file), kubectl(&words)));
        if let Err(error) = written {
            println!("{file} could not be kept: {error}");
        }
    }
    println!("operator's logs, events and objects are kept in {}", folder.display());
}

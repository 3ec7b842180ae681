//! The operator, installed as people do it: its image on the nodes, and the chart.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::cluster::{Cluster, Kind, kubectl};
use crate::dockerfile::LastStage;
use crate::wait::{DEADLINE, until};

/// The namespace of the operator.
pub const NAMESPACE: &str = "gungnir-system";
/// The name of its release, its pods' labels and its lease.
pub const RELEASE: &str = "gungnir-operator";
/// The image that the chart names by itself.
const IMAGE: &str = concat!("ghcr.io/verilean/gungnir:", env!("CARGO_PKG_VERSION"));
/// The one after it.
const NEXT_IMAGE: &str = concat!("ghcr.io/verilean/gungnir:", env!("CARGO_PKG_VERSION"), "-next");
/// A line of the pods' template, and what the next Gungnir has in its place.
pub const TEMPLATE_LINES: [&str; 2] = ["failureThreshold: 180", "failureThreshold: 181"];
/// The repository.
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Brings this build onto the nodes, unless an image is named that the cluster can pull, and installs
/// the chart.
pub fn install() {
    if env::var_os("GUNGNIR_IMAGE").is_none() {
        make_image(IMAGE, |_| {});
    }
    helm(&["--create-namespace"]);
}

/// Upgrades to the next Gungnir, and says whether that makes another template of the pods. Where the
/// image is given, it is the same one with another setting.
pub fn upgrade() -> bool {
    if env::var_os("GUNGNIR_IMAGE").is_some() {
        helm(&["--set", "log.level=debug"]);
        return false;
    }
    make_image(NEXT_IMAGE, |program| {
        let [line, next] = TEMPLATE_LINES.map(str::as_bytes);
        let starts = (0..=program.len() - line.len()).filter(|at| program[*at..].starts_with(line));
        let starts: Vec<usize> = starts.collect();
        assert!(!starts.is_empty(), "the program has no such line");
        for at in starts {
            program[at..at + line.len()].copy_from_slice(next);
        }
    });
    let (_, tag) = NEXT_IMAGE.rsplit_once(':').expect("a tag");
    helm(&["--set-string", &format!("image.tag={tag}")]);
    true
}

/// Brings this build's program onto the nodes as the image of the Dockerfile, after a change of its
/// bytes.
fn make_image(name: &str, change: impl FnOnce(&mut [u8])) {
    let folder = TempDir::new().expect("a temporary folder");
    let program = folder.path().join("gungnir");
    fs::copy(static_program(), &program).expect("this build's program");
    // What a debugger would want is most of it.
    run(Command::new("strip").arg(&program));
    let mut bytes = fs::read(&program).expect("the program");
    change(&mut bytes);
    LastStage::read().make(name, &bytes);
}

/// This build's program as it is released: one that needs no library, since its image has none.
fn static_program() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let flags = ["--", "-C", "target-feature=+crt-static"];
        let mut build = Command::new(env!("CARGO"));
        run(build.args(["rustc", "--locked", "--bin", "gungnir"]).args(flags).current_dir(ROOT));
        let program = PathBuf::from(env!("CARGO_BIN_EXE_gungnir"));
        let needs = Command::new("ldd").arg(&program).output().expect("ldd runs");
        let needs = String::from_utf8_lossy(&needs.stdout).into_owned();
        assert!(!needs.contains('/'), "the program needs libraries: {needs}");
        program
    })
}

/// `helm upgrade --install` with these words, until every pod of the operator is ready.
pub fn helm(words: &[&str]) {
    let chart = Path::new(ROOT).join("charts/gungnir-operator");
    let mut command = Command::new("helm");
    command.args(["upgrade", "--install", RELEASE]).arg(chart);
    command.args(["--namespace", NAMESPACE, "--wait", "--timeout", "3m"]).args(words);
    if let Ok(image) = env::var("GUNGNIR_IMAGE") {
        let (repository, tag) = image.rsplit_once(':').expect("GUNGNIR_IMAGE has a tag");
        command.args(["--set", &format!("image.repository={repository}")]);
        command.args(["--set-string", &format!("image.tag={tag}")]);
    }
    run(&mut command);
}

/// `helm uninstall`, until nothing of the operator runs.
pub fn uninstall(cluster: &Cluster) {
    run(Command::new("helm").args(["uninstall", RELEASE, "--namespace", NAMESPACE, "--wait"]));
    until("the operator is gone", DEADLINE, || match cluster.list(Kind::Pod, NAMESPACE).len() {
        0 => Ok(()),
        pods => Err(format!("{pods} pods")),
    });
}

/// The operator's pods.
pub fn pods(cluster: &Cluster) -> Vec<String> {
    let pods = cluster.list(Kind::Pod, NAMESPACE);
    let name = |pod: &Value| Some(pod["metadata"]["name"].as_str()?.to_owned());
    pods.iter().filter_map(name).collect()
}

/// Waits until as many operators are ready as there should be.
pub fn wait_until_rolled_out() {
    let deployment = format!("deployment/{RELEASE}");
    let status = ["rollout", "status", &deployment, "-n", NAMESPACE, "--timeout=120s"];
    run(Command::new("kubectl").args(status));
}

/// All that a pod has logged.
pub fn log(pod: &str) -> String {
    kubectl(&["logs", "-n", NAMESPACE, pod, "--tail=-1"])
}

/// What a pod measures of itself and its clusters.
pub fn metrics(pod: &str) -> String {
    kubectl(&[
        "get",
        "--raw",
        &format!("/api/v1/namespaces/{NAMESPACE}/pods/{pod}:8080/proxy/metrics"),
    ])
}

/// The pod that leads.
pub fn leader(cluster: &Cluster) -> String {
    until("an operator leads", DEADLINE, || {
        let lease = cluster.get(Kind::Lease, NAMESPACE, RELEASE).ok_or("there is no lease")?;
        let holder = lease["spec"]["holderIdentity"].as_str().unwrap_or_default();
        let (pod, _) = holder.rsplit_once('_').ok_or("nobody holds the lease")?;
        if pods(cluster).iter().any(|name| name == pod) {
            return Ok(pod.to_owned());
        }
        Err(format!("{pod} holds the lease, and is gone"))
    })
}

/// Runs a command to its end.
///
/// # Panics
/// When it fails.
pub fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}

//! Runs rendered scripts as a pod does: in a version's own root, read-only, as an ordinary user
//! without capabilities, with volumes where the manifest mounts them.
//!
//! A [`Container`] has the namespaces of a real one, its own loopback included, so that a rendered
//! configuration runs unchanged, port and paths and all, and many run at once; `network`
//! connects some of them. Seccomp profiles and resource limits are not imitated. It needs root, as all that
//! makes containers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::chown;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use super::valkey::Installed;
use super::valkey::create_file;
use super::valkey::read_logs;
use super::valkey::send_signal;
use super::valkey::wait_for_exit;
use super::valkey::wait_until;
use super::valkey::write_file;

/// The user and group that Gungnir's pods run as.
pub const USER_ID: u32 = 999;
/// How long the namespaces and mounts may take.
pub(super) const SETUP_DEADLINE: Duration = Duration::from_secs(10);
/// How long a killed container may take to be gone.
const KILL_DEADLINE: Duration = Duration::from_secs(10);
/// The search path of the official images.
pub(super) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a container is started with. `/data` is always there, as an empty folder if no volume is.
#[derive(Debug, Clone, Default)]
pub struct ContainerSetup {
    /// The whole command line, as `command` and `args` of the manifest.
    pub command: Vec<String>,
    /// The environment; nothing else is set but PATH and HOSTNAME.
    pub env: Vec<(String, String)>,
    /// Where each volume is mounted.
    pub volumes: Vec<(String, Volume)>,
    /// The pod's name; `valkey-0` when empty.
    pub hostname: String,
    /// What it is connected to; its own loopback is always there.
    pub network: Attachment,
    /// Addresses and the names they have, beside `localhost`.
    pub hosts: Vec<(String, String)>,
}

/// What a container is connected to.
#[derive(Debug, Clone, Default)]
pub enum Attachment {
    /// Nothing: its own loopback only.
    #[default]
    None,
    /// The host's network, so that a client in the test reaches the server.
    Host,
    /// A network, by [`Network::attach`](super::network::Network::attach).
    Switch {
        /// Whose network namespace has the bridge.
        process_id: u32,
        /// The container's address.
        address: String,
    },
}

/// The kinds of volume that Gungnir's pods have.
#[derive(Debug, Clone)]
pub enum Volume {
    /// Files by name, read-only: a `ConfigMap` or a Secret, with the mode of its files.
    Files(Vec<(String, Vec<u8>)>, u32),
    /// A folder of the test, writable: a volume claim, whose content outlives the container.
    Folder(PathBuf),
    /// An `emptyDir`.
    Empty,
}

/// A running container; all its processes are killed when it is dropped.
#[derive(Debug)]
pub struct Container {
    process: Child,
    first_process_id: u32,
    env: Vec<(String, String)>,
    // Held so that root, volumes and logs live as long as the processes.
    folder: TempDir,
}

impl Installed {
    /// Starts a container in the root of this version; its command runs when this returns.
    ///
    /// # Panics
    /// When the container cannot be made.
    pub fn in_container(&self, setup: &ContainerSetup) -> Container {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no folder: {error}"));
        let path = folder.path();
        set_mode(path, 0o755);
        let hostname = if setup.hostname.is_empty() { "valkey-0" } else { &setup.hostname };
        let mut env = vec![("PATH".into(), PATH.into()), ("HOSTNAME".into(), hostname.into())];
        env.extend_from_slice(&setup.env);

        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child"]);
        let network = match &setup.network {
            Attachment::None => "own".to_owned(),
            Attachment::Host => "host".to_owned(),
            Attachment::Switch { process_id, address } => format!("{process_id}:{address}/24"),
        };
        if network != "host" {
            command.arg("--net");
        }
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valkey/container"))
            .args([&new_root(path), &self.folder.join("root"), &path.join("pid")])
            .args([hostname, &network])
            .args(mounts(path, setup.volumes.clone()))
            .args(hosts_file(path, &setup.hosts))
            .arg("--")
            .args(as_pod_user())
            .args(&setup.command)
            .env_clear()
            .envs(env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(create_file(&path.join("stdout.log")))
            .stderr(create_file(&path.join("stderr.log")));
        let mut process =
            command.spawn().unwrap_or_else(|error| panic!("cannot run unshare: {error}"));

        let mut first_process_id = None;
        wait_until(SETUP_DEADLINE, || {
            first_process_id =
                fs::read_to_string(path.join("pid")).ok().and_then(|text| text.trim().parse().ok());
            first_process_id.is_some() || !matches!(process.try_wait(), Ok(None))
        });
        let Some(first_process_id) = first_process_id else {
            let _ = process.kill();
            let _ = process.wait();
            panic!("the container was not made (is this root?):\n{}", read_logs(path));
        };
        Container { process, first_process_id, env, folder }
    }
}

impl Container {
    /// Runs a command inside, as a probe or hook runs: same user, same environment. After
    /// `limit_seconds` it is killed and its status is 124, `timeout`'s own.
    pub fn exec(&self, limit_seconds: u32, command: &[&str]) -> Output {
        self.exec_with(limit_seconds, command, &[])
    }

    /// [`Container::exec`] with more of environment.
    pub fn exec_with(&self, limit_seconds: u32, command: &[&str], env: &[(&str, &str)]) -> Output {
        Command::new("timeout")
            .args(["--kill-after=1", &limit_seconds.to_string(), "nsenter"])
            .args(["--target", &self.first_process_id.to_string()])
            .args(["--mount", "--pid", "--uts", "--ipc", "--net", "--", "chroot"])
            .arg(new_root(self.folder.path()))
            .args(as_pod_user())
            .args(command)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .output()
            .unwrap_or_else(|error| panic!("cannot run nsenter: {error}"))
    }

    /// Runs `command` inside until it succeeds.
    ///
    /// # Panics
    /// When it has not within `limit`, or the container ends, with all that the container wrote.
    pub fn wait_for(&mut self, limit: Duration, command: &[&str]) {
        let mut last = None;
        let succeeded = wait_until(limit, || {
            if self.has_ended() {
                return true;
            }
            let output = self.exec(5, command);
            let success = output.status.success();
            last = Some(output);
            success
        });
        assert!(!self.has_ended(), "the container ended; it wrote:\n{}", self.log());
        assert!(succeeded, "{command:?}: not within {limit:?}: {last:?}; the log:\n{}", self.log());
    }

    /// Waits until the first process ends; its status, or a failure if a signal killed it.
    ///
    /// # Panics
    /// When it still runs after `limit`, with all that it wrote.
    pub fn wait(&mut self, limit: Duration) -> ExitStatus {
        wait_for_exit(&mut self.process, limit)
            .unwrap_or_else(|| panic!("the container still runs after {limit:?}:\n{}", self.log()))
    }

    /// Sends a signal (`TERM`, as a kubelet does, `STOP`, `KILL`) to the first process.
    pub fn signal(&self, signal: &str) {
        send_signal(signal, self.first_process_id);
    }

    /// The first process's id, as the host sees it.
    pub fn process_id(&self) -> u32 {
        self.first_process_id
    }

    /// Whether the first process has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }

    /// What the container wrote, its errors first.
    pub fn log(&self) -> String {
        read_logs(self.folder.path())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if self.has_ended() {
            return;
        }
        // The first process takes every other of its namespace along; unshare ends after it.
        let _ = Command::new("kill").args(["-KILL", &self.first_process_id.to_string()]).status();
        if wait_for_exit(&mut self.process, KILL_DEADLINE).is_none() {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }
}

/// The words before a command that make it run as the restricted security context says.
fn as_pod_user() -> Vec<String> {
    // A change of user clears the parent-death signal of unshare, so it is set here again.
    let switch = "/usr/bin/setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all \
                  --no-new-privs --pdeathsig=KILL";
    let mut words: Vec<String> = switch.split_whitespace().map(Into::into).collect();
    words.extend(["reuid", "regid", "groups"].map(|option| format!("--{option}={USER_ID}")));
    words.extend(["--", "/usr/bin/env", "--chdir=/data", "--"].map(Into::into));
    words
}

/// Makes the volumes' folders; answers `SOURCE TARGET ro|rw` for each, outer targets first.
fn mounts(folder: &Path, mut volumes: Vec<(String, Volume)>) -> Vec<String> {
    if !volumes.iter().any(|(target, _)| target == "/data") {
        volumes.push(("/data".into(), Volume::Empty));
    }
    volumes.sort_by(|one, other| one.0.cmp(&other.0));
    fs::create_dir(new_root(folder)).unwrap_or_else(|error| panic!("no mount point: {error}"));
    let mut words = Vec::new();
    for (index, (target, volume)) in volumes.iter().enumerate() {
        let own = folder.join(format!("volume-{index}"));
        let (source, access) = match volume {
            Volume::Files(files, mode) => {
                for (name, content) in files {
                    write_file(&own.join(name), content);
                    set_mode(&own.join(name), *mode);
                    give_to_pod_group(&own.join(name));
                }
                (own, "ro")
            }
            Volume::Folder(folder) => (folder.clone(), "rw"),
            Volume::Empty => (own, "rw"),
        };
        fs::create_dir_all(&source)
            .unwrap_or_else(|error| panic!("cannot make {}: {error}", source.display()));
        set_mode(&source, if access == "rw" { 0o2777 } else { 0o755 });
        give_to_pod_group(&source);
        // A mount inside of this one needs its mount point before this one is read-only.
        for (inner, _) in &volumes {
            let below = inner.strip_prefix(target.as_str()).and_then(|rest| rest.strip_prefix('/'));
            if let Some(below) = below {
                fs::create_dir_all(source.join(below))
                    .unwrap_or_else(|error| panic!("cannot make {inner}: {error}"));
            }
        }
        words.extend([source.display().to_string(), target.clone(), access.to_owned()]);
    }
    words
}

/// `/etc/hosts`, as a kubelet writes it; answers `SOURCE TARGET ro`.
fn hosts_file(folder: &Path, hosts: &[(String, String)]) -> Vec<String> {
    let lines = hosts.iter().map(|(address, name)| format!("{address} {name}\n"));
    let text = format!("127.0.0.1 localhost\n::1 localhost\n{}", lines.collect::<String>());
    let file = folder.join("hosts");
    write_file(&file, text.as_bytes());
    set_mode(&file, 0o644);
    vec![file.display().to_string(), "/etc/hosts".into(), "ro".into()]
}

fn new_root(folder: &Path) -> PathBuf {
    folder.join("root")
}

/// What `fsGroup` does to a volume.
fn give_to_pod_group(path: &Path) {
    chown(path, None, Some(USER_ID))
        .unwrap_or_else(|error| panic!("cannot chown {} (root?): {error}", path.display()));
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .unwrap_or_else(|error| panic!("cannot chmod {}: {error}", path.display()));
}

//! A world: one test in a process of its own, in network, process and mount namespaces of its own.
//!
//! Every world has the same addresses and meets no other, so that many run at once. The kernel
//! ends it: when its first process is gone, so are all others, the interfaces, the rules and the
//! mounts, however the test ended. The test's own process only starts it, keeps its deadline, and
//! shows its logs when it failed.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use super::network::Network;
use crate::support::valkey::create_file;
use crate::support::valkey::wait_for_exit;
use crate::version::versions;

/// Names the folder of the world that this process is in.
const VARIABLE: &str = "GUNGNIR_WORLD";
/// What the test itself said.
const TEST_LOG: &str = "test.log";
/// One line a run.
const REPORTS: &str = "reports";
/// How many lines of each log are shown when a test failed.
const SHOWN_LINES: usize = 60;

/// Where one test takes place.
#[derive(Debug)]
pub struct World {
    folder: PathBuf,
    network: Arc<Network>,
}

/// Runs `body` in a world. `test` is the test's name as the test runner knows it, by which this
/// program is started again inside.
///
/// # Panics
/// When `body` does, with all logs; or when it runs for more than `limit`.
pub fn in_own_world(test: &str, limit: Duration, body: impl FnOnce(&World)) {
    let arguments = ["--exact", test, "--nocapture", "--test-threads=1"];
    match env::var_os(VARIABLE) {
        Some(folder) => body(&World::enter(folder.into())),
        None => outside(&arguments, limit),
    }
}

/// Runs `body` in a world, and all of a program that is no test with it: what it says goes where
/// this program's words go. The exit code is the inner program's.
pub fn in_one_world(arguments: &[String], body: impl FnOnce(&World)) -> ExitCode {
    if let Some(folder) = env::var_os(VARIABLE) {
        body(&World::enter(folder.into()));
        return ExitCode::SUCCESS;
    }
    versions();
    let folder = TempDir::new().expect("a folder");
    let mut child = again(folder.path())
        .args(arguments)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run setpriv: {error}"));
    let status = child.wait().expect("it ends");
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn outside(arguments: &[&str], limit: Duration) {
    // There is no way to a mirror from inside.
    versions();
    let folder = TempDir::new().expect("a folder");
    let log = create_file(&folder.path().join(TEST_LOG));
    let mut child = again(folder.path())
        .args(arguments)
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run setpriv: {error}"));
    let status = wait_for_exit(&mut child, limit);
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    let reports = fs::read_to_string(folder.path().join(REPORTS)).unwrap_or_default();
    if status.is_some_and(|status| status.success()) {
        print!("{reports}");
        return;
    }
    let kept = folder.keep();
    let cause = status.map_or(format!("it still ran after {limit:?}"), |status| status.to_string());
    panic!("{cause}; all of it is in {}\n{reports}{}", kept.display(), logs(&kept));
}

/// This program once more, in new namespaces.
fn again(folder: &Path) -> Command {
    // unshare goes when the thread that started it does, and takes the first process with it.
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig=KILL", "unshare", "--net", "--mount", "--pid", "--ipc", "--fork"])
        .args(["--kill-child", "--mount-proc"])
        .arg(env::current_exe().expect("this program"))
        .env(VARIABLE, folder)
        .stdin(Stdio::null());
    command
}

/// The end of every log below a folder, the test's own first.
fn logs(folder: &Path) -> String {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "log") {
                files.push(path);
            }
        }
    }
    files.sort_by_key(|path| (!path.ends_with(TEST_LOG), path.clone()));
    let mut shown = String::new();
    for file in files {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap_or_default()).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        let end = lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n");
        let name = file.strip_prefix(folder).unwrap_or(&file).display();
        let _ = writeln!(shown, "=== {name}\n{end}");
    }
    shown
}

impl World {
    /// Makes this process the first of a world.
    fn enter(folder: PathBuf) -> Self {
        Self { network: Arc::new(Network::enter()), folder }
    }

    /// A folder for a part of the world, by name; made at the first call.
    pub fn folder(&self, name: &str) -> PathBuf {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
        folder
    }

    /// A part of it for one run of several: the same places, other folders. What ran in the part
    /// before has to be gone.
    pub fn part(&self, name: &str) -> Self {
        Self { folder: self.folder(name), network: Arc::clone(&self.network) }
    }

    /// Deletes its folders.
    pub fn discard(self) {
        let _ = fs::remove_dir_all(&self.folder);
    }

    /// Its network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// Keeps a line for who started the test.
    pub fn report(&self, line: &str) {
        let file = OpenOptions::new().create(true).append(true).open(self.folder.join(REPORTS));
        let written = file.and_then(|mut file| writeln!(file, "{line}"));
        written.unwrap_or_else(|error| panic!("no report: {error}"));
    }
}

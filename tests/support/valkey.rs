//! Real Valkey servers, of every supported version, as processes of the test.
//!
//! [`install`] brings the versions (Debian's packages, by `tests/valkey/install`); [`Installed::start`]
//! runs one on a free loopback port, for tests that speak to it through a client. What has to run
//! as in a pod (start scripts, probes, hooks) belongs in `container`. Nothing here outlives the
//! value that started it.

use std::fs;
use std::io;
use std::io::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::process::Stdio;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tempfile::TempDir;

/// How long a server may take until it answers.
pub const START_DEADLINE: Duration = Duration::from_secs(20);
/// How long one command of `valkey-cli` may take, in seconds.
const CLI_LIMIT_SECONDS: &str = "20";
/// How often a condition is looked at while it is waited for.
const POLL_PERIOD: Duration = Duration::from_millis(10);
/// How many free ports are tried: another process may take one before the server binds it.
const PORT_ATTEMPTS: u32 = 5;

/// One installed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The full version, `8.1.1`.
    pub version: String,
    /// Holds `root/`, a small Debian with this version, and `bin/`, its programs for use outside.
    pub folder: PathBuf,
}

/// What a server on the host is started with.
#[derive(Debug, Clone, Default)]
pub struct ServerSetup {
    /// The text of `valkey.conf`. Port, address and folder are set on top of it.
    pub conf: String,
    /// Files of the server's folder, by relative name; the configuration names them so, too.
    pub files: Vec<(String, Vec<u8>)>,
    /// Options after the configuration file, which win over it: `["--maxmemory", "1mb"]`.
    pub options: Vec<String>,
    /// Listen with TLS only. The configuration names the certificates.
    pub tls: bool,
    /// What `valkey-cli` needs besides the port: `["--tls", "--cacert", "ca.crt"]`.
    pub cli_options: Vec<String>,
    /// The default user's password, for `valkey-cli`.
    pub password: Option<String>,
}

/// A running server; it is killed when dropped.
#[derive(Debug)]
pub struct Server {
    /// Its port on 127.0.0.1.
    pub port: u16,
    installed: Installed,
    setup: ServerSetup,
    process: Child,
    folder: TempDir,
}

/// Every supported version, the oldest first; installed by the first call in this process.
pub fn install() -> Vec<Installed> {
    static INSTALLED: OnceLock<Vec<Installed>> = OnceLock::new();
    INSTALLED.get_or_init(|| install_series(&["--all"])).clone()
}

/// The versions of the series named, which may be ones that [`install`] leaves out (`7.0`).
pub fn install_series(series: &[&str]) -> Vec<Installed> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valkey/install");
    let output = Command::new(&script)
        .args(series)
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", script.display()));
    assert!(output.status.success(), "{} failed: {}", script.display(), output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    let found: Vec<Installed> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(version, folder)| Installed { version: version.into(), folder: folder.into() })
        .collect();
    assert!(!found.is_empty(), "{} named no version: {text:?}", script.display());
    found
}

impl Installed {
    /// One of this version's programs (`valkey-server`, `valkey-cli`, `valkey-sentinel`) to run on
    /// the host.
    pub fn program(&self, name: &str) -> Command {
        Command::new(self.folder.join("bin").join(name))
    }

    /// Starts a server on a free port of 127.0.0.1 and returns when it answers.
    ///
    /// # Panics
    /// When it ends or does not answer in time, with everything it wrote.
    pub fn start(&self, setup: &ServerSetup) -> Server {
        for _ in 0..PORT_ATTEMPTS {
            let mut server = self.spawn(setup);
            match server.wait_until_it_answers() {
                Ok(()) => return server,
                Err(_) if server.log().contains("Address already in use") => {}
                Err(cause) => {
                    panic!("valkey-server {} {cause}\n{}", self.version, server.log())
                }
            }
        }
        panic!("every one of {PORT_ATTEMPTS} free ports was taken before the server bound it")
    }

    /// Runs a server that is expected to refuse its configuration and end, with its exit status
    /// and everything it wrote.
    ///
    /// # Panics
    /// When it starts.
    pub fn refusal(&self, setup: &ServerSetup) -> (ExitStatus, String) {
        let mut server = self.spawn(setup);
        match server.wait_until_it_answers() {
            Ok(()) => panic!("valkey-server {} took\n{}", self.version, setup.conf),
            Err(_) => match server.process.try_wait() {
                Ok(Some(status)) => (status, server.log()),
                _ => panic!("valkey-server {} neither ends nor answers", self.version),
            },
        }
    }

    fn spawn(&self, setup: &ServerSetup) -> Server {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no folder: {error}"));
        let path = folder.path();
        write_file(&path.join("valkey.conf"), setup.conf.as_bytes());
        for (name, content) in &setup.files {
            write_file(&path.join(name), content);
        }
        let port = free_port();
        let (plain, tls) = if setup.tls { (0, port) } else { (port, 0) };
        let process = self
            .program("valkey-server")
            .arg(path.join("valkey.conf"))
            .args(["--port", &plain.to_string(), "--tls-port", &tls.to_string()])
            .args(["--bind", "127.0.0.1", "--dir"])
            .arg(path)
            .args(&setup.options)
            .current_dir(path)
            .stdin(Stdio::null())
            .stdout(create_file(&path.join("stdout.log")))
            .stderr(create_file(&path.join("stderr.log")))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start valkey-server: {error}"));
        Server { port, installed: self.clone(), setup: setup.clone(), process, folder }
    }
}

impl Server {
    /// Runs this version's `valkey-cli` against the server.
    pub fn cli(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("timeout");
        command
            .args(["--kill-after=1", CLI_LIMIT_SECONDS])
            .arg(self.installed.program("valkey-cli").get_program())
            .args(["-p", &self.port.to_string()])
            .args(&self.setup.cli_options)
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        if let Some(password) = &self.setup.password {
            // Valkey 8 reads only the first of these, and 9 prefers the second.
            command.env("REDISCLI_AUTH", password).env("VALKEYCLI_AUTH", password);
        }
        command.output().unwrap_or_else(|error| panic!("cannot run valkey-cli: {error}"))
    }

    /// The server's folder: its data, its files and its log.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The process id, for signals.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Everything that the server wrote: its errors, then its log.
    pub fn log(&self) -> String {
        read_logs(self.folder.path())
    }

    /// Sends SIGTERM and waits for the end.
    ///
    /// # Panics
    /// When it still runs after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> ExitStatus {
        send_signal("TERM", self.process.id());
        wait_for_exit(&mut self.process, limit).unwrap_or_else(|| {
            panic!("still running {limit:?} after SIGTERM\n{}", read_logs(self.folder.path()))
        })
    }

    fn wait_until_it_answers(&mut self) -> Result<(), String> {
        let began = Instant::now();
        loop {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Err(format!("ended ({status})"));
            }
            // An error reply is an answer too; only a refused connection is a failure of the cli.
            if self.cli(&["PING"]).status.success() {
                return Ok(());
            }
            if began.elapsed() > START_DEADLINE {
                return Err(format!("does not answer after {START_DEADLINE:?}"));
            }
            thread::sleep(POLL_PERIOD);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits for a process to end; `None` when it still runs after `limit`.
pub fn wait_for_exit(process: &mut Child, limit: Duration) -> Option<ExitStatus> {
    let mut status = None;
    wait_until(limit, || {
        status =
            process.try_wait().unwrap_or_else(|error| panic!("cannot wait for a process: {error}"));
        status.is_some()
    });
    status
}

/// Looks at `holds` until it is true (then true) or `limit` has passed (then false).
pub fn wait_until(limit: Duration, mut holds: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    loop {
        if holds() {
            return true;
        }
        if began.elapsed() > limit {
            return false;
        }
        thread::sleep(POLL_PERIOD);
    }
}

/// Sends a signal by name (`TERM`, `STOP`) to a process.
pub fn send_signal(signal: &str, process_id: u32) {
    let status = Command::new("kill").args(["-s", signal, &process_id.to_string()]).status();
    assert!(
        status.as_ref().is_ok_and(ExitStatus::success),
        "cannot send SIG{signal} to process {process_id}: {status:?}"
    );
}

/// What a process wrote into the two log files of its folder, its errors first.
pub fn read_logs(folder: &Path) -> String {
    ["stderr.log", "stdout.log"]
        .map(|name| fs::read(folder.join(name)).unwrap_or_default())
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat()
}

/// Writes a file, with the folders above it.
pub fn write_file(path: &Path, content: &[u8]) {
    let written = path
        .parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::File::create(path))
        .and_then(|mut file| file.write_all(content));
    written.unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
}

/// Creates a file for a process to write to.
pub fn create_file(path: &Path) -> fs::File {
    fs::File::create(path).unwrap_or_else(|error| panic!("cannot make {}: {error}", path.display()))
}

/// A port of 127.0.0.1 that nobody has at this moment.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let port: io::Result<u16> =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| Ok(socket.local_addr()?.port()));
    port.unwrap_or_else(|error| panic!("no free port on 127.0.0.1: {error}"))
}

/// A certificate for the names and addresses, `localhost` among them, with its key and authority:
/// the files of a TLS Secret.
pub fn certificate_files(names: &[&str]) -> Vec<(String, Vec<u8>)> {
    let folder = TempDir::new().unwrap_or_else(|error| panic!("no folder: {error}"));
    let files = folder.path().join("tls");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/valkey/certificates");
    let status = Command::new(&script).arg(&files).args(names).status();
    assert!(
        status.as_ref().is_ok_and(ExitStatus::success),
        "{} failed: {status:?}",
        script.display()
    );
    ["ca.crt", "tls.crt", "tls.key"]
        .map(|name| {
            let content = fs::read(files.join(name));
            (name.to_owned(), content.unwrap_or_else(|error| panic!("no {name}: {error}")))
        })
        .to_vec()
}

//! `gungnir sentinel`, as people run it.

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Output;
use std::time::Duration;

use super::controller::Controller;
use super::directory::Directory;
use super::directory::read_endpoint;
use super::network::Place;
use super::network::controller_address;
use super::process::Process;
use super::set::Set;
use super::wait::wait_until;
use super::world::World;

/// How long it may take to name a master, to act, or to end.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What it is started with.
#[derive(Debug, Clone)]
pub struct GungnirSetup {
    /// 1 for the first; each has its own place and files.
    pub number: u8,
    /// `--down-after`, in milliseconds.
    pub down_after_ms: u32,
    /// More words of its command line.
    pub options: Vec<String>,
    /// The default user's password.
    pub password: Option<String>,
    /// More of its environment.
    pub env: Vec<(String, String)>,
    /// The number of another one whose state and endpoint files it is given.
    pub files_of: Option<u8>,
    /// `--nodes`, where it is not every node of the set.
    pub nodes: Option<String>,
}

impl Default for GungnirSetup {
    /// Three seconds: what a lag of one second needs.
    fn default() -> Self {
        Self {
            number: 1,
            down_after_ms: 3000,
            options: Vec::new(),
            password: None,
            env: Vec::new(),
            files_of: None,
            nodes: None,
        }
    }
}

/// A controller that may be running or not. What it keeps is in files, and outlives its process.
#[derive(Debug)]
pub struct Gungnir {
    setup: GungnirSetup,
    nodes: String,
    place: Place,
    folder: PathBuf,
    /// Where its state and endpoint files are.
    kept: PathBuf,
    process: Process,
}

/// The program: the one that was built with the tests, or the one that `GUNGNIR` names.
pub fn program() -> PathBuf {
    env::var_os("GUNGNIR").map_or_else(|| env!("CARGO_BIN_EXE_gungnir").into(), PathBuf::from)
}

impl Gungnir {
    /// Starts it over a set and waits until it names the master.
    pub fn start(world: &World, set: &Set, setup: &GungnirSetup) -> Self {
        let gungnir = Self::new(world, set, setup);
        gungnir.spawn();
        gungnir.wait_until_it_names_somebody();
        gungnir
    }

    /// One that does not run yet.
    pub fn new(world: &World, set: &Set, setup: &GungnirSetup) -> Self {
        let gungnir = Self {
            setup: setup.clone(),
            nodes: setup.nodes.clone().unwrap_or_else(|| set.addresses()),
            place: world.network().place(controller_address(setup.number)),
            folder: folder_of(world, setup.number),
            kept: folder_of(world, setup.files_of.unwrap_or(setup.number)),
            process: Process::default(),
        };
        if let Some(password) = &setup.password {
            gungnir.set_password(password);
        }
        gungnir
    }

    /// Starts it, and does not wait.
    pub fn spawn(&self) {
        self.process.start(&mut self.command(), &self.log_file());
    }

    /// Waits until the endpoint file is there.
    ///
    /// # Panics
    /// When it ended, or names nobody in time.
    pub fn wait_until_it_names_somebody(&self) {
        wait_until("gungnir names a master", DEADLINE, || {
            assert!(self.process.runs(), "gungnir ended:\n{}", self.log());
            self.named().is_some()
        });
    }

    /// Waits until as many replicas as are asked for hold each write, and that is recorded, and
    /// nothing is waited for: before that, silence elects nobody and nobody hands over.
    ///
    /// # Panics
    /// When it is not in time.
    pub fn wait_until_writes_count(&self) {
        wait_until("enough replicas hold each write", DEADLINE, || {
            let said = self.explained();
            let wanted = said["settings"]["min_replicas_to_write"].as_u64();
            wanted.is_some() && said["w"].as_u64() >= wanted && said["hold"].is_null()
        });
    }

    /// The command line, to run in its place.
    pub fn command(&self) -> Command {
        let mut command = self.place.command(program());
        let file = |name: &str| self.folder.join(name);
        command
            .args(["sentinel", "--nodes", &self.nodes])
            .args(["--down-after", &self.setup.down_after_ms.to_string()])
            .arg("--endpoint-file")
            .arg(self.endpoint_file())
            .arg("--state")
            .arg(self.state_file())
            .arg("--control")
            .arg(file("control"))
            .arg("--record")
            .arg(self.trace_file());
        if self.setup.password.is_some() {
            command.arg("--password-file").arg(self.password_file());
        }
        command.args(&self.setup.options).envs(self.setup.env.iter().cloned());
        command
    }

    /// Whether it runs.
    pub fn runs(&self) -> bool {
        self.process.runs()
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Its process id.
    pub fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// Suspends it.
    pub fn suspend(&self) {
        self.process.signal("STOP");
    }

    /// Lets it go on after [`Gungnir::suspend`].
    pub fn resume(&self) {
        self.process.signal("CONT");
    }

    /// Asks it to end, and waits for it.
    pub fn terminate(&self) -> ExitStatus {
        self.process.signal("TERM");
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(&self) -> ExitStatus {
        self.process.wait(DEADLINE)
    }

    /// Its machine.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// `gungnir switchover` against it; to this node, or one of its choice.
    pub fn switchover(&self, to: Option<SocketAddr>) -> Output {
        let mut command = self.place.command(program());
        command.args(["switchover", "--control"]).arg(self.folder.join("control"));
        if let Some(to) = to {
            command.args(["--to", &to.to_string()]);
        }
        run(command)
    }

    /// `gungnir explain` against it.
    pub fn explain(&self) -> Output {
        let mut command = self.place.command(program());
        command.args(["explain", "--control"]).arg(self.folder.join("control"));
        run(command)
    }

    /// `gungnir explain -o json` against it; null when it does not answer.
    pub fn explained(&self) -> serde_json::Value {
        let mut command = self.place.command(program());
        command.args(["explain", "-o", "json", "--control"]).arg(self.folder.join("control"));
        serde_json::from_slice(&run(command).stdout).unwrap_or_default()
    }

    /// What `gungnir explain` says of the gate of the node at an address.
    pub fn gate_of(&self, address: SocketAddr) -> String {
        let said = self.explained();
        let nodes = said["nodes"].as_array().cloned().unwrap_or_default();
        let node = nodes.iter().find(|node| node["address"] == *address.to_string());
        node.and_then(|node| node["gate"].as_str()).unwrap_or_default().to_owned()
    }

    /// `gungnir explain --replay` of what it recorded: whether `step` decides the same again.
    ///
    /// # Panics
    /// When it does not.
    pub fn replay(&self) {
        let mut command = self.place.command(program());
        command.args(["explain", "--replay"]).arg(self.trace_file());
        let output = run(command);
        assert!(output.status.success(), "the trace does not replay: {output:?}");
    }

    /// The file with the default user's password.
    pub fn set_password(&self, password: &str) {
        let new = self.folder.join("password.new");
        fs::write(&new, password).expect("a file");
        fs::rename(&new, self.password_file()).expect("a file");
    }

    /// The file that names the master.
    pub fn endpoint_file(&self) -> PathBuf {
        self.kept.join("endpoint")
    }

    /// The file that it goes on from.
    pub fn state_file(&self) -> PathBuf {
        self.kept.join("state")
    }

    /// Everything that it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    fn log_file(&self) -> PathBuf {
        self.folder.join("gungnir.log")
    }

    fn trace_file(&self) -> PathBuf {
        self.folder.join("trace")
    }

    fn password_file(&self) -> PathBuf {
        self.folder.join("password")
    }
}

impl Controller for Gungnir {
    fn name(&self) -> &'static str {
        "gungnir"
    }

    fn directory(&self) -> Directory {
        Directory::File(self.endpoint_file())
    }

    fn named(&self) -> Option<SocketAddr> {
        read_endpoint(&self.endpoint_file())
    }

    fn hand_over(&self) {
        let output = self.switchover(None);
        assert!(output.status.success(), "{output:?}\n{}", self.log());
    }
}

fn folder_of(world: &World, number: u8) -> PathBuf {
    world.folder(&format!("gungnir-{number}"))
}

fn run(mut command: Command) -> Output {
    // The tool says itself when it gives up; this is for one that does not.
    let mut limited = Command::new("timeout");
    limited.args(["--kill-after=1", "20"]).arg(command.get_program()).args(command.get_args());
    command = limited;
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

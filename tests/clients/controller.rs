//! Who watches the set and tells clients where its master is: three `valkey-sentinel`s, or one
//! `gungnir sentinel`. Both are asked in the same words.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::process::Process;
use crate::set::Set;
use crate::valkey::Installed;
use crate::valkey::free_port;
use crate::valkey::wait_until;
use crate::valkey::write_file;

/// The set's name.
pub const NAME: &str = "mymaster";
/// How long a master may be silent before it is taken for dead, in ms.
pub const DOWN_AFTER_MS: u32 = 1000;
/// What clients sign in with at the controller; the servers have no password.
pub const PASSWORD: &str = "open-sesame";
/// How long a controller may take to know the whole set, each other, or a new master.
const DEADLINE: Duration = Duration::from_secs(20);
/// How often one is started on another port: a process may take a free one before it is bound.
const PORT_ATTEMPTS: u32 = 5;
/// How many `valkey-sentinel`s there are.
const SENTINELS: usize = 3;
/// How many of them have to agree that a master is down.
const QUORUM: usize = 2;
/// How long one command of `valkey-cli` may take, in seconds.
const CLI_LIMIT_SECONDS: &str = "10";

/// The two kinds of controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Three processes of Valkey's own.
    Sentinel,
    /// One process of ours.
    Gungnir,
}

/// A controller that knows the set.
#[derive(Debug)]
pub struct Controller {
    kind: Kind,
    installed: Installed,
    ports: Vec<u16>,
    processes: Vec<Process>,
    // Held so that logs and configurations live as long as the processes.
    folder: TempDir,
}

impl Controller {
    /// Starts it and returns when it knows the whole set.
    ///
    /// # Panics
    /// When it does not start, or does not come to know the set.
    pub fn start(kind: Kind, installed: &Installed, set: &Set) -> Self {
        let mut controller = Self {
            kind,
            installed: installed.clone(),
            ports: Vec::new(),
            processes: Vec::new(),
            folder: TempDir::new().expect("a temporary folder can be made"),
        };
        let number = if kind == Kind::Sentinel { SENTINELS } else { 1 };
        for index in 0..number {
            controller.start_one(index, set);
        }
        let knows = wait_until(DEADLINE, || controller.knows(set));
        assert!(knows, "{kind:?} does not come to know the set:\n{}", controller.log());
        controller
    }

    /// `HOST:PORT,…` of where clients ask.
    pub fn addresses(&self) -> String {
        let addresses = self.ports.iter().map(|port| format!("127.0.0.1:{port}"));
        addresses.collect::<Vec<_>>().join(",")
    }

    /// Asks for a planned handover to a replica of the controller's choice.
    ///
    /// # Panics
    /// When it is refused.
    pub fn hand_over(&self) {
        let said = self.ask(self.ports[0], &["SENTINEL", "FAILOVER", NAME]);
        assert_eq!(said.trim(), "OK", "{:?}:\n{}", self.kind, self.log());
    }

    /// Waits until each process names this port as the master's.
    ///
    /// # Panics
    /// When one of them does not.
    pub fn wait_until_it_names(&self, port: u16) {
        let names = wait_until(DEADLINE, || self.ports.iter().all(|&at| self.names(at, port)));
        assert!(names, "{:?} does not name port {port}:\n{}", self.kind, self.log());
        if self.kind == Kind::Gungnir {
            let endpoint = fs::read_to_string(self.folder.path().join("0/endpoint"));
            assert_eq!(endpoint.expect("the endpoint file"), format!("127.0.0.1 {port}\n"));
        }
    }

    /// Ends every process as a service manager does.
    ///
    /// # Panics
    /// When one of them had ended, or does not end well.
    pub fn terminate(mut self) {
        for process in self.processes.drain(..) {
            process.terminate();
        }
    }

    /// What all of them wrote.
    pub fn log(&self) -> String {
        self.processes.iter().map(Process::log).collect::<Vec<_>>().join("\n")
    }

    fn start_one(&mut self, index: usize, set: &Set) {
        let folder = self.folder.path().join(index.to_string());
        for _ in 0..PORT_ATTEMPTS {
            let port = free_port();
            let command = match self.kind {
                Kind::Sentinel => sentinel(&self.installed, &folder, port, set.first_port()),
                Kind::Gungnir => gungnir(&folder, port, &set.addresses()),
            };
            let mut process = Process::start(command, &folder);
            let answers = wait_until(DEADLINE, || {
                process.ended().is_some() || self.ask(port, &["PING"]).trim() == "PONG"
            });
            assert!(answers, "{:?} does not answer:\n{}", self.kind, process.log());
            if process.ended().is_none() {
                self.ports.push(port);
                self.processes.push(process);
                return;
            }
            let log = process.log();
            assert!(log.contains("ddress already in use"), "{:?} ended:\n{log}", self.kind);
        }
        panic!("every one of {PORT_ATTEMPTS} free ports was taken before it was bound")
    }

    /// Whether every process knows the master, both replicas as usable, and the others.
    fn knows(&self, set: &Set) -> bool {
        let usable = format!("OK {} usable Sentinels.", self.ports.len());
        self.ports.iter().all(|&at| {
            let replicas = self.ask(at, &["SENTINEL", "REPLICAS", NAME]);
            self.names(at, set.first_port())
                && replicas.matches("master-link-status\nok\n").count() == set.addresses().len() - 1
                && self.ask(at, &["SENTINEL", "CKQUORUM", NAME]).starts_with(&usable)
        })
    }

    fn names(&self, at: u16, port: u16) -> bool {
        let address = self.ask(at, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]);
        address == format!("127.0.0.1\n{port}\n")
    }

    /// What the process on a port replies; nothing when it does not answer.
    fn ask(&self, port: u16, arguments: &[&str]) -> String {
        let output = Command::new("timeout")
            .args(["--kill-after=1", CLI_LIMIT_SECONDS])
            .arg(self.installed.program("valkey-cli").get_program())
            .args(["-p", &port.to_string()])
            .args(arguments)
            .env("REDISCLI_AUTH", PASSWORD)
            .output()
            .unwrap_or_else(|error| panic!("cannot run valkey-cli: {error}"));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

fn sentinel(installed: &Installed, folder: &Path, port: u16, master_port: u16) -> Command {
    // The timeout matters only for a failover that fails: it is not tried again sooner.
    let conf = format!(
        "port {port}\n\
         bind 127.0.0.1\n\
         requirepass {PASSWORD}\n\
         dir {}\n\
         sentinel monitor {NAME} 127.0.0.1 {master_port} {QUORUM}\n\
         sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n\
         sentinel failover-timeout {NAME} 10000\n",
        folder.display()
    );
    let file = folder.join("sentinel.conf");
    write_file(&file, conf.as_bytes());
    let mut command = installed.program("valkey-sentinel");
    command.arg(file);
    command
}

fn gungnir(folder: &Path, port: u16, nodes: &[String]) -> Command {
    let password_file = folder.join("password");
    write_file(&password_file, format!("{PASSWORD}\n").as_bytes());
    let mut command = Command::new(env!("CARGO_BIN_EXE_gungnir"));
    command
        .args(["sentinel", "--name", NAME, "--nodes", &nodes.join(",")])
        .args(["--down-after", &DOWN_AFTER_MS.to_string()])
        .args(["--listen", &format!("127.0.0.1:{port}")])
        .args(["--listen-password-file".as_ref(), password_file.as_os_str()])
        .args(["--endpoint-file".as_ref(), folder.join("endpoint").as_os_str()]);
    command
}

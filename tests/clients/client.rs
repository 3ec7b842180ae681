//! The clients' programs, as `tests/clients/install` builds them.

use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::OnceLock;

use tempfile::TempDir;

use crate::controller::Controller;
use crate::controller::NAME;
use crate::controller::PASSWORD;
use crate::events::Events;
use crate::process::Process;
use crate::valkey::Installed;

/// After so many seconds a client ends by itself, should a test be gone without ending it.
const LIMIT_SECONDS: &str = "120";

/// A client that writes; it is ended when dropped.
#[derive(Debug)]
pub struct Client {
    /// The name of its folder.
    pub name: String,
    /// What it has said.
    pub events: Events,
    process: Process,
    // Held so that its output lives as long as the process.
    _folder: TempDir,
}

/// What a client is started from.
#[derive(Debug)]
pub struct Program {
    name: String,
    path: PathBuf,
}

/// Every client's program; built by the first call.
pub fn programs() -> &'static [Program] {
    static PROGRAMS: OnceLock<Vec<Program>> = OnceLock::new();
    PROGRAMS.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/install");
        let output = Command::new(&script).stderr(Stdio::inherit()).output().expect("install runs");
        assert!(output.status.success(), "{} failed: {}", script.display(), output.status);
        let text = String::from_utf8(output.stdout).expect("paths are UTF-8");
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        pairs.map(|(name, path)| Program { name: name.to_owned(), path: path.into() }).collect()
    })
}

impl Client {
    /// Starts one that asks this controller.
    pub fn start(program: &Program, installed: &Installed, controller: &Controller) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let mut command = Command::new(&program.path);
        let path = std::env::var("PATH").expect("PATH is set");
        command
            .args([&controller.addresses(), NAME, LIMIT_SECONDS])
            .env("SENTINEL_PASSWORD", PASSWORD)
            .env("PATH", format!("{}/bin:{path}", installed.folder.display()));
        let process = Process::start(command, folder.path());
        let events = Events::of(folder.path().join("stdout.log"));
        Self { name: program.name.clone(), events, process, _folder: folder }
    }

    /// Reads what it has said since.
    ///
    /// # Panics
    /// When it has ended.
    pub fn read_on(&mut self) -> &Events {
        self.events.read_on();
        let ended = self.process.ended();
        assert_eq!(ended, None, "{} ended:\n{}", self.name, self.process.log());
        &self.events
    }

    /// Ends it; its name, and all that it has said.
    pub fn end(self) -> (String, Events) {
        let Self { name, mut events, process, _folder } = self;
        drop(process);
        events.read_on();
        (name, events)
    }
}

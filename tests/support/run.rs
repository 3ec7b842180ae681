//! Runs a program and holds everything that it says against what it should: stdout, stderr and
//! status, each of them exactly.
//!
//! A [`Run`] starts at the top of the repository with an empty environment but PATH, so that no
//! setting of the machine reaches a test. It never runs longer than [`DEADLINE`].

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use similar::TextDiff;

/// How long a program may run; each test here needs milliseconds.
const DEADLINE: Duration = Duration::from_secs(60);
/// The program that is tested.
pub const GUNGNIR: &str = env!("CARGO_BIN_EXE_gungnir");
/// The top of the repository.
pub const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A program with its arguments, and what it is expected to say. Silence and success, unless a
/// test says otherwise.
#[derive(Debug)]
#[must_use = "nothing runs before `check` or `finish`"]
pub struct Run {
    command: Command,
    stdin: Vec<u8>,
    stdout: String,
    stderr: String,
    status: i32,
}

/// What a program said.
#[derive(Debug)]
pub struct Finished {
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
    /// The exit code; 128 and the signal's number when a signal ended it, as in a shell.
    pub status: i32,
}

impl Run {
    /// `gungnir` with these arguments.
    pub fn gungnir<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self::program(GUNGNIR, arguments)
    }

    /// A shell script with these arguments (`$1`…); `$GUNGNIR` is the program.
    pub fn shell<A: AsRef<OsStr>>(script: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let mut run = Self::program("sh", ["-euc", script, "sh"]).env("GUNGNIR", GUNGNIR);
        run.command.args(arguments);
        run
    }

    /// Any program with these arguments.
    pub fn program<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(ROOT).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, stdin: Vec::new(), stdout: String::new(), stderr: String::new(), status: 0 }
    }

    /// Runs in this folder.
    pub fn folder(mut self, folder: impl AsRef<Path>) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Gives the program something to read.
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        bytes.as_ref().clone_into(&mut self.stdin);
        self
    }

    /// Sends stdout elsewhere; then it is expected to be empty.
    pub fn stdout_to(mut self, target: impl Into<Stdio>) -> Self {
        self.command.stdout(target);
        self
    }

    /// Expects this on stdout.
    pub fn stdout(mut self, text: impl Into<String>) -> Self {
        self.stdout = text.into();
        self
    }

    /// Expects this on stderr.
    pub fn stderr(mut self, text: impl Into<String>) -> Self {
        self.stderr = text.into();
        self
    }

    /// Expects this exit code.
    pub fn status(mut self, code: i32) -> Self {
        self.status = code;
        self
    }

    /// Runs the program; panics with a diff of each thing that is not as expected.
    #[track_caller]
    pub fn check(mut self) {
        let expected = Finished {
            stdout: std::mem::take(&mut self.stdout),
            stderr: std::mem::take(&mut self.stderr),
            status: self.status,
        };
        let command = format!("{:?}", self.command);
        let found = self.finish();
        let mut wrong = String::new();
        for (what, expected, found) in [
            ("stdout", &expected.stdout, &found.stdout),
            ("stderr", &expected.stderr, &found.stderr),
        ] {
            if expected != found {
                wrong += &difference(expected, found, &format!("expected {what}"), what);
            }
        }
        if expected.status != found.status {
            let _ = writeln!(wrong, "expected status {}, found {}", expected.status, found.status);
        }
        assert!(wrong.is_empty(), "{command}\n{wrong}");
    }

    /// Runs the program and tells what it said.
    #[track_caller]
    pub fn finish(self) -> Finished {
        let Self { mut command, stdin, .. } = self;
        let deadline = Instant::now() + DEADLINE;
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let stdout = read_aside(child.stdout.take());
        let stderr = read_aside(child.stderr.take());
        if let Some(mut pipe) = child.stdin.take() {
            // A program that does not read its stdin closes it: that is no fault of the test.
            thread::spawn(move || pipe.write_all(&stdin));
        }
        let mut text = |pipe: &Receiver<Vec<u8>>| {
            let left = deadline.saturating_duration_since(Instant::now());
            let bytes = pipe.recv_timeout(left).unwrap_or_else(|_| {
                let _ = child.kill();
                panic!("{command:?} still runs after {DEADLINE:?}")
            });
            String::from_utf8(bytes).expect("the program writes UTF-8")
        };
        let (stdout, stderr) = (text(&stdout), text(&stderr));
        // Both pipes are closed: it has ended, or is about to.
        let status = child.wait().expect("a child that was started ends");
        let by_signal = || status.signal().map_or(-1, |signal| 128 + signal);
        Finished { stdout, stderr, status: status.code().unwrap_or_else(by_signal) }
    }
}

fn read_aside(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            pipe.read_to_end(&mut bytes).expect("a pipe can be read");
        }
        // The receiver is gone when the test has failed already.
        let _ = sender.send(bytes);
    });
    receiver
}

/// How two texts differ, as a unified diff.
pub fn difference(expected: &str, found: &str, expected_name: &str, found_name: &str) -> String {
    let diff = TextDiff::from_lines(expected, found);
    diff.unified_diff().context_radius(3).header(expected_name, found_name).to_string()
}

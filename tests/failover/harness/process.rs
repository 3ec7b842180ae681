//! A process of a world: its log in a file, gone with its value.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use crate::support::valkey::send_signal;
use crate::support::valkey::wait_for_exit;

/// A process that can be started again; one at a time.
#[derive(Debug, Default)]
pub struct Process {
    child: Mutex<Option<Child>>,
}

impl Process {
    /// Starts it; what it says is appended to `log`, stdout and stderr alike.
    ///
    /// # Panics
    /// When it cannot be started, or still runs.
    pub fn start(&self, command: &mut Command, log: &Path) {
        let mut child = self.child();
        assert!(child.is_none(), "{log:?} is of a process that still runs", log = log.display());
        let open = || OpenOptions::new().create(true).append(true).open(log);
        let file = || open().unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        command.stdin(Stdio::null()).stdout(file()).stderr(file());
        *child = Some(command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}")));
    }

    /// Whether it runs, suspended or not.
    pub fn runs(&self) -> bool {
        self.child().as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)))
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it was not started.
    pub fn id(&self) -> u32 {
        self.child().as_ref().expect("a process that was started").id()
    }

    /// Kills it and waits for its end; nothing, if it does not run.
    pub fn kill(&self) {
        if let Some(mut child) = self.child().take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Sends a signal by name.
    ///
    /// # Panics
    /// When it does not run.
    pub fn signal(&self, signal: &str) {
        send_signal(signal, self.id());
    }

    /// Waits for its end.
    ///
    /// # Panics
    /// When it was not started, or still runs after `limit`.
    pub fn wait(&self, limit: Duration) -> ExitStatus {
        let mut child = self.child().take().expect("a process that was started");
        let status = wait_for_exit(&mut child, limit);
        if status.is_none() {
            let _ = child.kill();
            let _ = child.wait();
        }
        status.unwrap_or_else(|| panic!("a process still runs after {limit:?}"))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        // A test that failed elsewhere still cleans up.
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

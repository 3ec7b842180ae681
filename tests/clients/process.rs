//! A process of a test with all that it starts; gone when dropped.

use std::os::unix::process::CommandExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use crate::valkey::create_file;
use crate::valkey::read_logs;
use crate::valkey::send_signal;
use crate::valkey::wait_for_exit;

/// How long a process may take to end when it is told to.
const TERM_DEADLINE: Duration = Duration::from_secs(10);

/// A running process, in a process group of its own.
#[derive(Debug)]
pub struct Process {
    child: Child,
    folder: PathBuf,
}

impl Process {
    /// Starts it in `folder`, where its output goes to `stdout.log` and `stderr.log`.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(mut command: Command, folder: &Path) -> Self {
        command
            .current_dir(folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(create_file(&folder.join("stdout.log")))
            .stderr(create_file(&folder.join("stderr.log")));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self { child, folder: folder.to_owned() }
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a process that was started can be waited for")
    }

    /// What it wrote, its errors first.
    pub fn log(&self) -> String {
        read_logs(&self.folder)
    }

    /// Ends it by SIGTERM.
    ///
    /// # Panics
    /// When it had ended before, ends with an error, or does not end.
    pub fn terminate(mut self) {
        assert_eq!(self.ended(), None, "it ended by itself:\n{}", self.log());
        send_signal("TERM", self.child.id());
        let status = wait_for_exit(&mut self.child, TERM_DEADLINE)
            .unwrap_or_else(|| panic!("it runs {TERM_DEADLINE:?} after SIGTERM:\n{}", self.log()));
        assert!(status.success(), "{status}, signal {:?}:\n{}", status.signal(), self.log());
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The group has the process's own id; what the process started is in it, too. An id that
        // was waited for may be another's by now.
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            let group = format!("-{}", self.child.id());
            let _ = Command::new("kill").args(["-s", "KILL", "--", &group]).status();
        }
        let _ = self.child.wait();
    }
}

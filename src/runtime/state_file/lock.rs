//! One process at a time on a state file: two that decide for one set would undo each other.

use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::super::disk::beside;
use super::StateError;

/// The lock of a state file, held until this value, or the process, has gone. The kernel keeps it,
/// so a killed process leaves none behind; the file `FILE.lock` stays and says nothing by itself.
#[derive(Debug)]
pub(in crate::runtime) struct StateLock {
    _file: File,
}

impl StateLock {
    /// Takes the lock of the state file at `place`, called `path` by people.
    pub(in crate::runtime) fn take(place: &Path, path: &Path) -> Result<Self, StateError> {
        let lock = beside(path, ".lock");
        let cannot = |source| StateError::CannotLock { lock: lock.clone(), source };
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(beside(place, ".lock"))
            .map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let path = path.to_owned();
                return Err(StateError::Locked { path, holder: holder(&file) });
            }
            Err(TryLockError::Error(source)) => return Err(cannot(source)),
        }
        write_pid(&mut file).map_err(cannot)?;
        Ok(Self { _file: file })
    }
}

/// For people: which process to look for.
fn write_pid(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Who holds it, in words; a holder that has only just taken it has not written its number yet.
fn holder(file: &File) -> String {
    let mut text = String::new();
    let _ = file.take(32).read_to_string(&mut text);
    let pid: Option<u32> = text.trim().parse().ok();
    pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"))
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// Another process that holds the lock until it is told to end.
    fn holds(lock: &Path) -> Child {
        let mut child = Command::new("flock")
            .arg("--nonblock")
            .arg(lock)
            .args(["sh", "-c", "echo $$ > \"$0\"; echo held; read line"])
            .arg(lock)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "held\n");
        child
    }

    #[test]
    fn another_process_is_refused_in_both_directions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let lock = folder.path().join("state.lock");

        let mut other = holds(&lock);
        let pid = std::fs::read_to_string(&lock).unwrap();
        let refused = StateLock::take(&path, &path).unwrap_err().to_string();
        assert!(refused.contains(&format!("`{}`", path.display())), "{refused}");
        assert!(refused.contains(&format!("process {}", pid.trim())), "{refused}");
        other.stdin.take();
        other.wait().unwrap();

        let own = StateLock::take(&path, &path).unwrap();
        assert_eq!(std::fs::read_to_string(&lock).unwrap(), format!("{}\n", std::process::id()));
        let other = || Command::new("flock").arg("--nonblock").arg(&lock).arg("true").status();
        assert_eq!(other().unwrap().code(), Some(1));
        drop(own);
        assert_eq!(other().unwrap().code(), Some(0));
    }

    #[test]
    fn the_lock_of_a_killed_process_is_free() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let lock = folder.path().join("state.lock");
        // Without a shell between them, the killed process is the one that holds it.
        let mut other = Command::new("flock")
            .args(["--nonblock", "--no-fork"])
            .arg(&lock)
            .args(["sh", "-c", "echo held; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(other.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(matches!(StateLock::take(&path, &path), Err(StateError::Locked { .. })));
        other.kill().unwrap();
        other.wait().unwrap();
        StateLock::take(&path, &path).unwrap();
    }

    #[test]
    fn a_holder_without_a_number_is_somebody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        let _own = StateLock::take(&path, &path).unwrap();
        std::fs::write(folder.path().join("state.lock"), "").unwrap();
        let refused = StateLock::take(&path, &path).unwrap_err().to_string();
        assert!(refused.contains("another process"), "{refused}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let path = Path::new("/nowhere/at/all/state");
        let error = StateLock::take(path, path).unwrap_err().to_string();
        assert!(error.contains("/nowhere/at/all/state.lock"), "{error}");
    }
}

//! Writes a trace, on a thread of its own: a disk that stands still must not keep anybody from
//! failing over. What cannot be written ends the recording, once, with a warning; a trace with a
//! gap could not be replayed.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use super::super::names::SetNames;
use super::{head, line};
use crate::sentinel::{Action, Hold, Millis, Observation};

/// How many lines may wait for the disk; a step a millisecond fills that in a second.
const MAX_WAITING_LINES: usize = 1024;
/// How long the end of the process waits for the last lines.
const PATIENCE: Duration = Duration::from_secs(2);

/// A line, and whether it must not stay in a buffer.
struct Entry {
    text: Vec<u8>,
    flush: bool,
}

/// Records the steps of one process. When it goes, what it was given is in the file.
#[derive(Debug)]
pub struct Recorder {
    path: PathBuf,
    /// `None` once the recording has ended.
    lines: Option<SyncSender<Entry>>,
    done: Receiver<()>,
    last_hold: Option<Hold>,
}

impl Recorder {
    /// Begins to record into a file, after what is there.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened or written.
    pub fn start(path: &Path, names: &SetNames) -> io::Result<Self> {
        let mut file =
            File::options().read(true).append(true).create(true).mode(0o600).open(path)?;
        if ends_in_a_line(&mut file)? {
            file.write_all(b"\n")?;
        }
        file.write_all(&head(names)?)?;
        let (lines, waiting) = sync_channel(MAX_WAITING_LINES);
        let (is_done, done) = sync_channel(1);
        let shown = path.to_owned();
        thread::Builder::new().name("trace".to_owned()).spawn(move || {
            if let Err(error) = write(file, &waiting) {
                tracing::warn!(file = %shown.display(), %error, "the trace ends here");
            }
            // Nobody waits for it before the end.
            let _ = is_done.try_send(());
        })?;
        Ok(Self { path: path.to_owned(), lines: Some(lines), done, last_hold: None })
    }

    /// Records a step: what was seen then, and what was decided.
    pub fn step(
        &mut self,
        now_ms: Millis,
        seen: &Observation,
        actions: &[Action],
        hold: Option<Hold>,
    ) {
        let Some(lines) = &self.lines else { return };
        let flush =
            hold != self.last_hold || actions.iter().any(|it| !matches!(it, Action::WakeAt(_)));
        self.last_hold = hold;
        let sent = match line(now_ms, seen, actions, hold) {
            Ok(text) => lines.try_send(Entry { text, flush }),
            Err(error) => {
                tracing::warn!(file = %self.path.display(), %error, "the trace ends here");
                self.lines = None;
                return;
            }
        };
        match sent {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => {
                let error = "the disk is too slow";
                tracing::warn!(file = %self.path.display(), error, "the trace ends here");
            }
            // The thread has said why.
            Err(TrySendError::Disconnected(_)) => {}
        }
        self.lines = None;
    }

    /// Whether steps are still recorded.
    #[must_use]
    pub fn is_recording(&self) -> bool {
        self.lines.is_some()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.lines = None;
        if self.done.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!(file = %self.path.display(), "the end of the trace is not written");
        }
    }
}

/// Whether a file ends in the middle of a line, as that of a killed process may.
fn ends_in_a_line(file: &mut File) -> io::Result<bool> {
    // What is no file has no end.
    if !file.metadata()?.is_file() || file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn write(file: File, waiting: &Receiver<Entry>) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 16, file);
    while let Ok(Entry { text, flush }) = waiting.recv() {
        file.write_all(&text)?;
        if flush {
            file.flush()?;
        }
    }
    file.flush()
}

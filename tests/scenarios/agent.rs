//! This program once more, in the network of a node: the clients of a scenario are where pods are.

use std::env;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// The environment variable with the application's password.
pub const PASSWORD: &str = "SCENARIO_PASSWORD";

/// A process that says what it sees, one JSON value a line, and its findings when its input ends.
#[derive(Debug)]
pub struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    reader: Option<JoinHandle<()>>,
    last: Arc<Mutex<Value>>,
}

impl Agent {
    /// Starts this program with these words in a network namespace.
    pub fn start(netns: &str, words: &[&str], password: &str) -> Self {
        let program = env::current_exe().expect("this program has a path");
        let mut child = Command::new("nsenter")
            .arg(format!("--net={netns}"))
            .arg(program)
            .args(words)
            .env(PASSWORD, password)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("nsenter: {error}"));
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let last = Arc::new(Mutex::new(Value::Null));
        let kept = Arc::clone(&last);
        let reader = thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if let Ok(value) = serde_json::from_str(&line) {
                    *lock(&kept) = value;
                }
            }
        });
        Self { child, input, reader: Some(reader), last }
    }

    /// Tells it something.
    pub fn tell(&mut self, line: &Value) {
        let input = self.input.as_mut().expect("it was not stopped yet");
        writeln!(input, "{line}").unwrap_or_else(|error| panic!("an agent is gone: {error}"));
    }

    /// What it said last.
    pub fn last(&self) -> Value {
        lock(&self.last).clone()
    }

    /// Ends it, and gives its findings.
    pub fn stop(mut self) -> Value {
        drop(self.input.take());
        let status = self.child.wait().expect("a child can be waited for");
        if let Some(reader) = self.reader.take() {
            assert!(reader.join().is_ok(), "an agent's words could not be read");
        }
        assert!(status.success(), "an agent failed: {status}");
        self.last()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Ends when who started this process wants it to end.
pub async fn until_input_ends() {
    let (ends, ended) = tokio::sync::oneshot::channel::<()>();
    thread::spawn(move || {
        let _open = ends;
        io::stdin().lines().map_while(Result::ok).for_each(drop);
    });
    // Nobody sends anything: the end of the thread is the word.
    let _ = ended.await;
}

/// Says something to who started this process.
pub fn say(value: &Value) {
    // Who started it may be gone; then nobody wants to know.
    let _ = writeln!(io::stdout(), "{value}");
}

/// The time that all processes of this machine share, in nanoseconds.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    u64::try_from(since.as_nanos()).expect("it is before 2554")
}

/// A lock of somebody who panicked is as good as any: the scenario failed already.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

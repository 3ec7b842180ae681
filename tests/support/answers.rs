//! A control socket that gives every question the same answer, as a sentinel would one.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::folder::Folder;
use super::run::Run;

/// Answers until the test's process ends, and keeps what it was asked.
#[derive(Debug)]
pub struct Answers(Arc<Mutex<Vec<String>>>);

impl Answers {
    /// Listens in a folder under this name.
    pub fn start(folder: &Folder, name: &str, reply: &str) -> Self {
        let listener = UnixListener::bind(folder.path().join(name)).expect("a socket");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        let reply = format!("{reply}\n");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(&stream, &kept, &reply);
            }
        });
        Self(asked)
    }

    /// What it was asked.
    pub fn asked(&self) -> Vec<String> {
        self.0.lock().expect("nobody panics with it").clone()
    }
}

fn answer(mut stream: &UnixStream, asked: &Mutex<Vec<String>>, reply: &str) {
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).expect("a question");
    asked.lock().expect("nobody panics with it").push(line);
    stream.write_all(reply.as_bytes()).expect("whoever asks waits for it");
}

/// Runs a command where no sentinel listens at `socket`: nothing is there, the socket of a killed
/// process, or a file.
#[track_caller]
pub fn where_nobody_listens(arguments: &[&str], socket: &str) {
    let check = |folder: &Folder, cause: &str| {
        Run::gungnir(arguments)
            .folder(folder.path())
            .stderr(format!(
                "error: nobody listens at `{socket}`: is `gungnir sentinel` running with that \
                 endpoint file?: {cause}\n"
            ))
            .status(3)
            .check();
    };
    let folder = Folder::new();
    check(&folder, "No such file or directory (os error 2)");
    drop(UnixListener::bind(folder.path().join(socket)).expect("a socket"));
    check(&folder, "Connection refused (os error 111)");
    fs::remove_file(folder.path().join(socket)).expect("a socket");
    folder.write(socket, "");
    check(&folder, "Connection refused (os error 111)");
}

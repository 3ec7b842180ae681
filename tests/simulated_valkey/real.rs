//! The stage of real servers: processes of this host.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::stage::{Signal, Stage};
use crate::support::{Installed, free_port, install_series, send_signal, wait_for_exit};
use crate::valkey::{reply_bytes, shown};

const LIMIT: Duration = Duration::from_secs(30);

struct Place {
    port: u16,
    folder: TempDir,
    process: Option<Child>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    received: Vec<u8>,
}

pub struct Real {
    installed: Installed,
    places: BTreeMap<usize, Place>,
    clients: BTreeMap<(usize, String), Connection>,
}

impl Real {
    pub fn new() -> Self {
        let installed = install_series(&["9"]).remove(0);
        Self { installed, places: BTreeMap::new(), clients: BTreeMap::new() }
    }

    fn place(&mut self, server: usize) -> &mut Place {
        self.places.entry(server).or_insert_with(|| Place {
            port: free_port(),
            folder: TempDir::new().expect("a folder"),
            process: None,
        })
    }

    fn process_id(&mut self, server: usize) -> u32 {
        self.place(server).process.as_ref().expect("a process").id()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        for process in self.places.values_mut().filter_map(|place| place.process.as_mut()) {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Stage for Real {
    fn start(&mut self, server: usize, configuration: &str) {
        self.clients.retain(|(known, _), _| *known != server);
        let mut program = self.installed.program("valkey-server");
        let place = self.place(server);
        let path = place.folder.path();
        std::fs::write(path.join("valkey.conf"), configuration).expect("a file");
        let log = std::fs::File::options().create(true).append(true).open(path.join("log"));
        let process = program
            .arg(path.join("valkey.conf"))
            .args(["--port", &place.port.to_string(), "--bind", "127.0.0.1", "--dir"])
            .arg(path)
            .stdin(Stdio::null())
            .stdout(log.expect("a log"))
            .spawn();
        place.process = Some(process.expect("a process"));
        let (port, began) = (place.port, Instant::now());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < LIMIT, "it does not listen");
            sleep(Duration::from_millis(10));
        }
        sleep(Duration::from_millis(200));
    }

    fn signal(&mut self, server: usize, signal: Signal) {
        let name = match signal {
            Signal::Kill => "KILL",
            Signal::Terminate => "TERM",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        };
        send_signal(name, self.process_id(server));
        if signal == Signal::Kill {
            // Until its kernel is done with it.
            self.exit(server);
        }
    }

    fn exit(&mut self, server: usize) -> String {
        let process = self.place(server).process.as_mut().expect("a process");
        match wait_for_exit(process, LIMIT) {
            Some(status) => match (status.code(), status.signal()) {
                (Some(code), _) => format!("code {code}"),
                (None, signal) => format!("signal {}", signal.unwrap_or(0)),
            },
            None => "none".to_owned(),
        }
    }

    fn send(&mut self, server: usize, client: &str, words: &[&str]) -> Result<(), String> {
        let key = (server, client.to_owned());
        let kind = |error: io::Error| format!("{:?}", error.kind());
        if !self.clients.contains_key(&key) {
            let port = self.place(server).port;
            let stream = TcpStream::connect(("127.0.0.1", port)).map_err(kind)?;
            stream.set_nodelay(true).map_err(kind)?;
            self.clients.insert(key.clone(), Connection { stream, received: Vec::new() });
        }
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        let connection = self.clients.get_mut(&key).unwrap();
        connection.stream.write_all(&command.get_packed_command()).map_err(kind)
    }

    fn answer(&mut self, server: usize, client: &str, limit: Duration) -> String {
        let key = (server, client.to_owned());
        let Some(own) = self.clients.get_mut(&key) else { return "no connection".to_owned() };
        own.stream.set_read_timeout(Some(limit)).expect("a limit");
        loop {
            if let Some(length) = reply_bytes(&own.received, 0) {
                let value = redis::parse_redis_value(&own.received[..length]).expect("a reply");
                own.received.drain(..length);
                return shown(&value);
            }
            let mut bytes = [0; 16_384];
            let failure = match own.stream.read(&mut bytes) {
                Ok(0) => io::ErrorKind::UnexpectedEof,
                Ok(count) => {
                    own.received.extend_from_slice(&bytes[..count]);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return "silence".to_owned();
                }
                Err(error) => error.kind(),
            };
            self.leave(server, client);
            return format!("{failure:?}");
        }
    }

    fn leave(&mut self, server: usize, client: &str) {
        self.clients.remove(&(server, client.to_owned()));
    }

    fn break_disk(&mut self, server: usize) {
        // Nobody renames a file over a folder with something in it.
        let snapshot = self.place(server).folder.path().join("dump.rdb");
        let _ = std::fs::remove_file(&snapshot);
        std::fs::create_dir_all(snapshot.join("in-the-way")).expect("a folder");
    }

    fn pass(&mut self, time: Duration) {
        sleep(time);
    }

    fn port(&mut self, server: usize) -> u16 {
        self.place(server).port
    }
}

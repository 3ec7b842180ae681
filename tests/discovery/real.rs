//! A real master, two replicas, and a real Sentinel that watches them.

use std::fs;
use std::net::TcpListener;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use gungnir::discovery::{Directory, Instance, ReplicaState, Role, Set};
use tempfile::TempDir;

use crate::support::valkey::{Installed, Server, ServerSetup, create_file, read_logs, wait_until};
use crate::wire::{Client, Value};

/// How long anything of Sentinel's may take: it looks at replicas every ten seconds.
pub const LIMIT: Duration = Duration::from_secs(60);

/// The set's name.
pub const NAME: &str = "demo";

/// How long a server may be silent, in milliseconds.
pub const DOWN_AFTER_MS: u64 = 1000;

/// A running Sentinel; it is killed when dropped.
pub struct Sentinel {
    pub port: u16,
    process: Child,
    folder: TempDir,
}

/// A set and its Sentinel.
pub struct Watched {
    /// The master first, as long as nobody fails over.
    pub servers: Vec<Server>,
    pub sentinel: Sentinel,
}

impl Sentinel {
    /// Starts one that watches the master at a port; it answers when this returns.
    pub fn start(installed: &Installed, master_port: u16, more: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        drop(socket);
        let conf = folder.path().join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {NAME} 127.0.0.1 {master_port} 1\n\
             sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\n{more}\n",
            folder.path().display()
        );
        fs::write(&conf, text).unwrap();
        let process = installed
            .program("valkey-sentinel")
            .arg(&conf)
            .stdin(Stdio::null())
            .stdout(create_file(&folder.path().join("stdout.log")))
            .stderr(create_file(&folder.path().join("stderr.log")))
            .spawn()
            .unwrap();
        let sentinel = Self { port, process, folder };
        let answers = || {
            let found = std::net::TcpStream::connect(("127.0.0.1", port));
            found.is_ok_and(|_| Client::connect(port).ask("PING") != Value::End)
        };
        assert!(wait_until(LIMIT, answers), "no sentinel\n{}", read_logs(sentinel.folder.path()));
        sentinel
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // It may have ended already; either way it is gone afterwards.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Watched {
    /// Starts all of it; Sentinel knows both replicas when this returns.
    pub fn start(installed: &Installed) -> Self {
        let conf = "save \"\"\nrepl-diskless-sync-delay 0\n".to_owned();
        let master = installed.start(&ServerSetup { conf: conf.clone(), ..Default::default() });
        let replica = || {
            let conf = format!("{conf}replicaof 127.0.0.1 {}\n", master.port);
            installed.start(&ServerSetup { conf, ..Default::default() })
        };
        let replicas = [replica(), replica()];
        let linked = |server: &Server| info(server, "master_link_status").as_deref() == Some("up");
        assert!(wait_until(LIMIT, || replicas.iter().all(linked)), "a replica has no link");
        let sentinel = Sentinel::start(installed, master.port, "");
        let watched = Self { servers: [master].into_iter().chain(replicas).collect(), sentinel };
        watched.wait_for_replicas(|replica| {
            replica.field("flags").as_deref() == Some("slave")
                && replica.field("master-link-status").as_deref() == Some("ok")
                && replica.field("runid").is_some_and(|run_id| !run_id.is_empty())
        });
        watched
    }

    /// Waits until Sentinel says so of both replicas.
    pub fn wait_for_replicas(&self, holds: impl Fn(&Value) -> bool) {
        let mut client = Client::connect(self.sentinel.port);
        let began = Instant::now();
        loop {
            let replicas = client.ask(&format!("SENTINEL REPLICAS {NAME}"));
            if replicas.list().len() == 2 && replicas.list().iter().all(&holds) {
                return;
            }
            assert!(began.elapsed() < LIMIT, "{replicas:#?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What is so, asked of the servers themselves.
    pub fn directory(&self) -> Directory {
        let mut set = Set::new(Instant::now());
        set.down_after_ms = DOWN_AFTER_MS;
        for server in &self.servers {
            let mut instance = Instance::at("127.0.0.1", server.port);
            instance.run_id = info(server, "run_id");
            instance.info_age_ms = Some(10);
            if info(server, "role").as_deref() == Some("master") {
                set.master = Some(instance);
            } else {
                instance.role_reported = Role::Replica;
                instance.replica = ReplicaState {
                    master_link_up: info(server, "master_link_status").as_deref() == Some("up"),
                    master_host: info(server, "master_host"),
                    master_port: info(server, "master_port").unwrap().parse().unwrap(),
                    offset: info(server, "slave_repl_offset").unwrap().parse().unwrap(),
                    ..ReplicaState::default()
                };
                set.replicas.push(instance);
            }
        }
        let mut directory = Directory::default();
        directory.sets.insert(NAME.into(), set.into());
        directory
    }
}

/// A field of a server's INFO.
fn info(server: &Server, field: &str) -> Option<String> {
    let Value::Text(text) = Client::connect(server.port).ask("INFO") else { panic!("no INFO") };
    let value = |line: &str| line.strip_prefix(field)?.strip_prefix(':').map(str::to_owned);
    text.lines().find_map(value)
}

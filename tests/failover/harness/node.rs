//! One valkey-server in a place of its own, with a folder that outlives its processes.
//!
//! The test speaks to it through a socket in that folder, as a user of its own: no fault of the
//! network is in the way, and no password that a scenario changes.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::fs::chown;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitStatus;
use std::time::Duration;
use std::time::Instant;

use redis::FromRedisValue;
use redis::RedisResult;

use super::network::PORT;
use super::network::Place;
use super::process::Process;
use super::wait::wait_for;
use super::wait::wait_until;
use crate::support::container::USER_ID;
use crate::support::valkey::Installed;
use crate::support::valkey::write_file;

/// How long a server may take to start, load, attach or end.
pub const DEADLINE: Duration = Duration::from_secs(20);
/// How long an answer to the test may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// What a node is started with.
#[derive(Debug, Clone)]
pub struct NodeSetup {
    /// Whether it starts as a replica of nowhere, by the command line.
    pub gate: bool,
    /// More of its configuration.
    pub conf: String,
    /// Whether it runs as an ordinary user and not as root.
    pub ordinary_user: bool,
}

/// A node: a server that may be running or not.
#[derive(Debug)]
pub struct Node {
    /// 1 for the first.
    pub number: u8,
    place: Place,
    installed: Installed,
    setup: NodeSetup,
    folder: PathBuf,
    process: Process,
}

/// What a node holds, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Role {
    /// It appends to a history of its own.
    Master,
    /// It follows another one.
    Replica {
        /// Whom it follows, `HOST:PORT`.
        of: String,
        /// Whether it has all that its master sent.
        linked: bool,
    },
    /// It does not say.
    Silent,
}

impl Node {
    /// A node that does not run yet. Its folder is made.
    pub fn new(
        number: u8,
        place: Place,
        installed: &Installed,
        setup: NodeSetup,
        folder: PathBuf,
    ) -> Self {
        let node = Self {
            number,
            place,
            installed: installed.clone(),
            setup,
            folder,
            process: Process::default(),
        };
        fs::create_dir_all(node.data()).expect("a folder");
        write_file(&node.conf_file(), node.conf().as_bytes());
        if node.setup.ordinary_user {
            for path in [&node.folder, &node.data(), &node.conf_file()] {
                chown(path, Some(USER_ID), Some(USER_ID)).expect("root may");
            }
            let world = node.folder.parent().expect("a world's folder");
            fs::set_permissions(world, fs::Permissions::from_mode(0o755)).expect("root may");
        }
        node
    }

    /// Puts its data on a volume of its own, before its first start.
    pub fn put_on_small_volume(&self, mebibytes: u32) {
        let size = format!("size={mebibytes}m,mode=777");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", &size, "data"]).arg(self.data()));
    }

    /// Its address for clients.
    pub fn address(&self) -> SocketAddr {
        (self.place.address, PORT).into()
    }

    /// Its machine.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Where its data is.
    pub fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// The socket that reaches it whatever the network does.
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// Starts it, and does not wait.
    pub fn spawn(&self) {
        let mut command = if self.setup.ordinary_user {
            let id = USER_ID.to_string();
            let mut command = self.place.command("setpriv");
            command.args(["--reuid", &id, "--regid", &id, "--clear-groups", "--"]);
            command.arg(self.installed_for_everybody().join("bin/valkey-server"));
            command
        } else {
            self.place.command(self.installed.program("valkey-server").get_program())
        };
        command.arg(self.conf_file());
        if self.setup.gate {
            command.args(["--replicaof", "127.0.0.1 1"]);
        }
        self.process.start(&mut command, &self.folder.join("server.log"));
    }

    /// Starts it and waits until it answers, be it that it loads.
    pub fn start(&self) {
        self.spawn();
        self.wait_until_it_answers();
    }

    /// Waits until it answers.
    ///
    /// # Panics
    /// When it ended, or does not answer in time.
    pub fn wait_until_it_answers(&self) {
        wait_until(&format!("node {} answers", self.number), DEADLINE, || {
            assert!(self.process.runs(), "node {} ended:\n{}", self.number, self.log());
            match self.ask::<String>(&["PING"]) {
                Ok(_) => true,
                Err(error) => error.code().is_some(),
            }
        });
    }

    /// Waits until it has loaded its data.
    pub fn wait_until_it_has_loaded(&self) {
        wait_until(&format!("node {} has loaded", self.number), DEADLINE, || {
            self.info("persistence").get("loading").is_some_and(|loading| loading == "0")
        });
    }

    /// Whether its process is there, suspended or not.
    pub fn runs(&self) -> bool {
        self.process.runs()
    }

    /// Kills it, as `kill -9` does.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Suspends it: it is there, and silent.
    pub fn suspend(&self) {
        self.process.signal("STOP");
    }

    /// Lets it go on after [`Node::suspend`].
    pub fn resume(&self) {
        self.process.signal("CONT");
    }

    /// Asks it to end.
    pub fn terminate(&self) {
        self.process.signal("TERM");
    }

    /// Waits for its end.
    pub fn wait_for_its_end(&self) -> ExitStatus {
        self.process.wait(DEADLINE)
    }

    /// Deletes its data. It must not run.
    pub fn erase(&self) {
        assert!(!self.runs(), "node {} runs", self.number);
        for entry in fs::read_dir(self.data()).expect("its data").flatten() {
            let path = entry.path();
            let removed =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            removed.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }

    /// Copies its data, as a backup or a snapshot of its disk does. Answers where the copy is.
    pub fn copy_data(&self) -> PathBuf {
        let copy = self.folder.join("copy");
        copy_folder(&self.data(), &copy);
        copy
    }

    /// Puts a copy in the place of its data. It must not run.
    pub fn put_back(&self, copy: &Path) {
        self.erase();
        copy_folder(copy, &self.data());
    }

    /// Asks it something.
    ///
    /// # Errors
    /// What it answers, or that it does not answer.
    pub fn ask<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        self.ask_within(ANSWER_LIMIT, words)
    }

    /// [`Node::ask`], with a limit of its own.
    ///
    /// # Errors
    /// What it answers, or that it does not answer in time.
    pub fn ask_within<T: FromRedisValue>(&self, limit: Duration, words: &[&str]) -> RedisResult<T> {
        let url = format!("redis+unix://{}?user=harness&pass=any", self.socket().display());
        let mut connection = redis::Client::open(url)?.get_connection_with_timeout(limit)?;
        connection.set_read_timeout(Some(limit))?;
        let mut command = redis::cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        command.query(&mut connection)
    }

    /// Tells it something.
    ///
    /// # Panics
    /// When it refuses.
    #[track_caller]
    pub fn tell(&self, words: &[&str]) {
        let answer = self.ask::<redis::Value>(words);
        assert!(answer.is_ok(), "node {}: {words:?}: {answer:?}", self.number);
    }

    /// A section of INFO; empty when it does not answer.
    pub fn info(&self, section: &str) -> BTreeMap<String, String> {
        let text = self.ask_within::<String>(Duration::from_secs(1), &["INFO", section]);
        text.unwrap_or_default()
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim_end().to_owned()))
            .collect()
    }

    /// A number of INFO; 0 when it does not answer.
    pub fn info_number(&self, section: &str, name: &str) -> u64 {
        self.info(section).get(name).and_then(|value| value.parse().ok()).unwrap_or(0)
    }

    /// What it says it is.
    pub fn role(&self) -> Role {
        let info = self.info("replication");
        let field = |name: &str| info.get(name).map_or("", String::as_str);
        match field("role") {
            "master" => Role::Master,
            "slave" => Role::Replica {
                of: format!("{}:{}", field("master_host"), field("master_port")),
                linked: field("master_link_status") == "up",
            },
            _ => Role::Silent,
        }
    }

    /// Whether it follows `master` and has all that it sent when it attached.
    pub fn follows(&self, master: &Self) -> bool {
        self.role() == Role::Replica { of: master.address().to_string(), linked: true }
    }

    /// Waits until it follows `master`.
    pub fn wait_until_it_follows(&self, master: &Self) {
        let what = format!("node {} follows node {}", self.number, master.number);
        wait_until(&what, DEADLINE, || self.follows(master));
    }

    /// Waits until it has every byte that `master` has now.
    pub fn wait_until_it_has_all_of(&self, master: &Self) {
        let wanted = master.info_number("replication", "master_repl_offset");
        let what = format!("node {} has offset {wanted}", self.number);
        wait_until(&what, DEADLINE, || {
            self.info_number("replication", "slave_repl_offset") >= wanted
        });
    }

    /// Waits until a line of its log has this text, and answers how long that took.
    pub fn wait_for_log(&self, text: &str) -> Duration {
        let began = Instant::now();
        let what = format!("node {} says `{text}`", self.number);
        wait_for(&what, DEADLINE, || self.log().contains(text).then(|| began.elapsed()))
    }

    /// Everything that it said.
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.join("server.log")).unwrap_or_default()
    }

    /// Where an ordinary user reaches the programs: they may be installed in root's own folder.
    fn installed_for_everybody(&self) -> PathBuf {
        let folder = PathBuf::from(format!("/run/node-{}", self.number));
        if !folder.exists() {
            fs::create_dir(&folder).expect("a mount point");
            run(Command::new("mount").arg("--bind").args([&self.installed.folder, &folder]));
        }
        folder
    }

    fn conf_file(&self) -> PathBuf {
        self.folder.join("valkey.conf")
    }

    fn conf(&self) -> String {
        format!(
            "bind *\nport {PORT}\nprotected-mode no\ntcp-backlog 128\n\
             unixsocket {socket}\nunixsocketperm 777\ndir {data}\ndaemonize no\nlogfile \"\"\n\
             save \"\"\nappendonly no\nenable-debug-command yes\n\
             user harness on nopass ~* &* +@all\n\
             repl-diskless-sync yes\nrepl-diskless-sync-delay 0\nrepl-diskless-load disabled\n\
             repl-ping-replica-period 1\nrepl-backlog-size 32mb\nrepl-backlog-ttl 0\n\
             busy-reply-threshold 400\n{more}",
            socket = self.socket().display(),
            data = self.data().display(),
            more = self.setup.conf,
        )
    }
}

fn copy_folder(from: &Path, to: &Path) {
    run(Command::new("cp").arg("-aT").args([from, to]));
}

fn run(command: &mut Command) {
    let status = command.status();
    assert!(status.as_ref().is_ok_and(ExitStatus::success), "{command:?}: {status:?}");
}

//! The client as a test uses it: one thread, one runtime, deadlines everywhere.

use std::time::Duration;
use std::time::Instant;

use gungnir::valkey::Address;
use gungnir::valkey::Answer;
use gungnir::valkey::Closed;
use gungnir::valkey::Command;
use gungnir::valkey::Connection;
use gungnir::valkey::Credentials;
use gungnir::valkey::Dial;
use gungnir::valkey::ErrorReply;
use gungnir::valkey::Info;
use gungnir::valkey::Lost;
use gungnir::valkey::Network;
use gungnir::valkey::OpenError;
use gungnir::valkey::Secret;
use redis::Value;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::support::valkey::Installed;
use crate::support::valkey::Server;
use crate::support::valkey::ServerSetup;

/// How long one request or one opening may take.
pub const LIMIT: Duration = Duration::from_secs(5);
/// How long a state may take to come about.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// A connection with the runtime that drives it.
#[derive(Debug)]
pub struct Client {
    runtime: Runtime,
    connection: Connection,
}

/// How to reach a port of this host without anything else.
pub fn dial(port: u16) -> Dial {
    Dial {
        address: Address::new("127.0.0.1", port).expect("an address"),
        server_name: None,
        tls: None,
        credentials: None,
        connect_timeout: LIMIT,
        network: Network::Tcp,
    }
}

pub fn credentials(user: Option<&str>, password: &str) -> Credentials {
    let password = Secret::new(password.to_owned());
    Credentials { user: user.map(str::to_owned), password }
}

/// A server with these lines of configuration, without snapshots.
pub fn server(version: &Installed, conf: &str) -> Server {
    let conf = format!("save \"\"\nrepl-diskless-sync-delay 0\n{conf}\n");
    version.start(&ServerSetup { conf, ..ServerSetup::default() })
}

impl Client {
    /// Opens a connection, or tells why there is none.
    pub fn try_open(dial: &Dial) -> Result<Self, OpenError> {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let connection = runtime.block_on(Connection::open(dial))?;
        Ok(Self { runtime, connection })
    }

    /// Opens a connection to a server without passwords.
    pub fn open(server: &Server) -> Self {
        Self::try_open(&dial(server.port)).expect("a connection")
    }

    pub fn request(&mut self, commands: &[Command], limit: Duration) -> Result<Vec<Answer>, Lost> {
        self.runtime.block_on(self.connection.request(commands, limit))
    }

    /// What the server answers to one command.
    pub fn ask(&mut self, command: Command) -> Answer {
        let mut answers = self.request(&[command], LIMIT).expect("an answer");
        answers.pop().expect("an answer")
    }

    /// What a command succeeds with.
    pub fn value(&mut self, command: Command) -> Value {
        self.ask(command).expect("a success")
    }

    /// The error that a command is answered with.
    pub fn error(&mut self, command: Command) -> ErrorReply {
        self.ask(command).expect_err("an error")
    }

    pub fn info(&mut self) -> Info {
        let text = self.text(Command::info_full());
        Info::parse(&text)
            .unwrap_or_else(|error| panic!("{error}\n{}", String::from_utf8_lossy(&text)))
    }

    /// The text that a command is answered with.
    pub fn text(&mut self, command: Command) -> Vec<u8> {
        match self.value(command) {
            Value::BulkString(text) => text,
            other => panic!("{other:?} is no text"),
        }
    }

    /// Waits until `holds` of the server's INFO.
    pub fn wait_for_info(&mut self, what: &str, holds: impl Fn(&Info) -> bool) -> Info {
        let mut info = self.info();
        let began = Instant::now();
        while !holds(&info) {
            assert!(began.elapsed() < DEADLINE, "{what} did not come about:\n{info:#?}");
            std::thread::sleep(Duration::from_millis(10));
            info = self.info();
        }
        info
    }

    /// How the connection ends, when it does in time.
    pub fn closed(&mut self) -> Closed {
        let closed =
            self.runtime.block_on(async { timeout(LIMIT, self.connection.closed()).await });
        closed.expect("the end of a connection")
    }

    /// Whether the connection is still there after `time`.
    pub fn stays_open(&mut self, time: Duration) -> bool {
        self.runtime.block_on(async { timeout(time, self.connection.closed()).await.is_err() })
    }
}

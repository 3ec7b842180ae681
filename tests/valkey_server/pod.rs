//! A running pod of a rendered `StatefulSet`: its probes and hooks, run as the object says, and its
//! server, asked as its users ask it.

use std::collections::BTreeMap;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::kubelet::Place;
use crate::kubelet::container_setup;
use crate::kubelet::words;
use crate::rendered::Rendered;
use crate::support::container::Container;
use crate::support::valkey::Installed;
use crate::support::valkey::wait_until;

/// How long a server may take to answer, or to reach a state.
pub const DEADLINE: Duration = Duration::from_secs(30);
/// How long a command may take, in seconds.
const COMMAND_SECONDS: u32 = 20;
/// The password of the user that a test makes by the operator's: it may do everything.
pub const TERM_PASSWORD: &str = "the-password-of-a-term";

/// A running pod.
#[derive(Debug)]
pub struct Pod {
    /// Its container.
    pub container: Container,
    env: BTreeMap<String, String>,
    /// What `valkey-cli` needs to reach the server.
    cli: Vec<String>,
    server: Value,
}

impl Pod {
    /// Starts the server's container; returns at once.
    pub fn spawn(version: &Installed, rendered: &Rendered, place: &Place) -> Self {
        let setup = container_setup(rendered, place);
        let env: BTreeMap<String, String> = setup.env.iter().cloned().collect();
        let server = rendered.server().clone();
        let port = server["ports"][0]["containerPort"].to_string();
        let mut cli = vec!["valkey-cli".to_owned(), "-p".to_owned(), port];
        if setup.volumes.iter().any(|(target, _)| target == "/etc/valkey-tls") {
            let tls = "--tls --cacert /etc/valkey-tls/ca.crt --cert /etc/valkey-tls/tls.crt \
                       --key /etc/valkey-tls/tls.key";
            cli.extend(tls.split_whitespace().map(Into::into));
        }
        Self { container: version.in_container(&setup), env, cli, server }
    }

    /// Starts the server's container; returns when its startup probe succeeds.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn start(version: &Installed, rendered: &Rendered, place: &Place) -> Self {
        let mut pod = Self::spawn(version, rendered, place);
        pod.wait_until_started();
        pod
    }

    /// Waits until the startup probe succeeds.
    ///
    /// # Panics
    /// When it does not in time, or the container ends.
    pub fn wait_until_started(&mut self) {
        let command = words(&self.server["startupProbe"]["exec"]["command"]);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        self.container.wait_for(DEADLINE, &command);
    }

    /// What the start script was given.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.env.get(name).map(String::as_str)
    }

    /// Runs a probe of the manifest as a kubelet does, with its time limit.
    pub fn probe(&self, probe: &str) -> Output {
        let probe = &self.server[probe];
        let seconds = probe["timeoutSeconds"].as_u64().and_then(|limit| u32::try_from(limit).ok());
        self.run(seconds.expect("a probe has a time limit"), &probe["exec"]["command"])
    }

    /// Runs the preStop hook, if the manifest has one.
    pub fn pre_stop(&self, limit_seconds: u32) -> Option<Output> {
        let command = &self.server["lifecycle"]["preStop"]["exec"]["command"];
        (!command.is_null()).then(|| self.run(limit_seconds, command))
    }

    fn run(&self, limit_seconds: u32, command: &Value) -> Output {
        let command = words(command);
        let command: Vec<&str> = command.iter().map(String::as_str).collect();
        self.container.exec(limit_seconds, &command)
    }

    /// Whether the liveness probe succeeds.
    pub fn is_alive(&self) -> bool {
        self.probe("livenessProbe").status.success()
    }

    /// Whether the readiness probe succeeds.
    pub fn is_ready(&self) -> bool {
        self.probe("readinessProbe").status.success()
    }

    /// Waits until the readiness probe succeeds.
    ///
    /// # Panics
    /// When it does not in time.
    pub fn wait_until_ready(&self) {
        assert!(wait_until(DEADLINE, || self.is_ready()), "{}", self.container.log());
    }

    /// Puts a command as the application does; the answer, or what went wrong.
    pub fn app(&self, command: &[&str]) -> String {
        self.ask(&[], None, command)
    }

    /// Puts a command as a user with a password.
    pub fn user(&self, name: &str, password: &str, command: &[&str]) -> String {
        self.ask(&["--user", name], Some(password), command)
    }

    /// Puts a command as the operator's user.
    pub fn operator(&self, command: &[&str]) -> String {
        self.user("gungnir", self.variable("OPERATOR_PASSWORD").unwrap_or_default(), command)
    }

    /// Puts a command as the user that [`Pod::take_over`] made.
    pub fn term(&self, command: &[&str]) -> String {
        self.user("gungnir-t1", TERM_PASSWORD, command)
    }

    /// Makes the user of a term, as an operator that takes over does.
    ///
    /// # Panics
    /// When the operator's user may not.
    pub fn take_over(&self) {
        let password = format!(">{TERM_PASSWORD}");
        let command =
            ["ACL", "SETUSER", "gungnir-t1", "reset", "on", &password, "~*", "&*", "+@all"];
        assert_eq!(self.operator(&command), "OK");
    }

    /// Takes over and makes this server the master.
    ///
    /// # Panics
    /// When it does not become one.
    pub fn open_gate(&self) {
        self.take_over();
        assert_eq!(self.term(&["REPLICAOF", "NO", "ONE"]), "OK");
    }

    /// Several settings at once, by name, as the user of a term.
    pub fn config(&self, names: &[&str]) -> BTreeMap<String, String> {
        let answer = self.term(&[&["CONFIG", "GET"], names].concat());
        let lines: Vec<&str> = answer.split('\n').collect();
        let pairs = lines.chunks(2).filter(|pair| !pair[0].is_empty());
        pairs
            .map(|pair| (pair[0].into(), pair.get(1).copied().unwrap_or_default().into()))
            .collect()
    }

    /// A field of INFO, as the operator sees it.
    pub fn info(&self, field: &str) -> String {
        let info = self.operator(&["INFO", "everything"]);
        let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        value.unwrap_or_else(|| panic!("INFO has no {field}:\n{info}")).to_owned()
    }

    /// Waits until a field of INFO has a value.
    ///
    /// # Panics
    /// When it has not in time.
    pub fn wait_for_info(&self, field: &str, value: &str) {
        let mut last = String::new();
        let reached = wait_until(DEADLINE, || {
            last = self.info(field);
            last == value
        });
        assert!(reached, "{field} is {last}, not {value}; the log:\n{}", self.container.log());
    }

    /// Waits until a key has a value, as a replica's has shortly after its master's.
    ///
    /// # Panics
    /// When it has not in time.
    pub fn wait_for_key(&self, key: &str, value: &str) {
        let mut last = String::new();
        let reached = wait_until(DEADLINE, || {
            last = self.app(&["GET", key]);
            last == value
        });
        assert!(reached, "{key} is {last:?}, not {value:?}; the log:\n{}", self.container.log());
    }

    /// Ends the server as a kubelet does, and checks that it ended well.
    ///
    /// # Panics
    /// When it does not end in time, or with an error.
    pub fn stop(&mut self) {
        self.container.signal("TERM");
        let status = self.container.wait(DEADLINE);
        assert!(status.success(), "{status}; the log:\n{}", self.container.log());
    }

    fn ask(&self, options: &[&str], password: Option<&str>, command: &[&str]) -> String {
        let mut all: Vec<&str> = self.cli.iter().map(String::as_str).collect();
        all.extend(options);
        all.extend(command);
        // An empty password is none: valkey-cli does not authenticate then.
        let env = password.map(|word| [("VALKEYCLI_AUTH", word), ("REDISCLI_AUTH", word)]);
        let env = env.as_ref().map_or(&[][..], |env| &env[..]);
        let output = self.container.exec_with(COMMAND_SECONDS, &all, env);
        let text = String::from_utf8_lossy(&output.stdout).replace("\r\n", "\n");
        let errors = String::from_utf8_lossy(&output.stderr);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        if errors.is_empty() {
            text.to_owned()
        } else {
            format!("{text}\n{errors}").trim().to_owned()
        }
    }
}

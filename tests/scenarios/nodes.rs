//! The nodes of a cluster of `tests/cluster`, and the faults that can be made on them.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

/// The nodes.
#[derive(Debug)]
pub struct Nodes(Vec<(u8, String)>);

/// A node or a process that is as it should be again when this is dropped.
#[derive(Debug)]
pub struct Fault(Vec<String>);

#[allow(clippy::unused_self, reason = "who has no nodes can make no faults")]
impl Nodes {
    /// The nodes of the cluster that the environment speaks of, if its nodes can be reached into.
    pub fn find() -> Option<Self> {
        env::var_os("GUNGNIR_TEST_CLUSTER")?;
        let numbers = env::var("GUNGNIR_TEST_NODES").ok()?;
        let netns = |number: &str| env::var(format!("GUNGNIR_TEST_NODE_{number}_NETNS")).ok();
        let node = |number: &str| Some((number.parse().ok()?, netns(number)?));
        let nodes: Vec<(u8, String)> = numbers.split_whitespace().filter_map(node).collect();
        (!nodes.is_empty()).then_some(Self(nodes))
    }

    /// Their numbers.
    pub fn numbers(&self) -> Vec<u8> {
        self.0.iter().map(|(number, _)| *number).collect()
    }

    /// The number of the node with this name.
    pub fn number(name: &str) -> Option<u8> {
        name.strip_prefix("node")?.parse().ok()
    }

    /// The network namespace of a node.
    pub fn netns(&self, number: u8) -> &str {
        let node = self.0.iter().find(|(found, _)| *found == number);
        &node.unwrap_or_else(|| panic!("there is no node {number}")).1
    }

    /// Pulls the cable of a node.
    pub fn cut(&self, number: u8) -> Fault {
        let number = number.to_string();
        node(&["cut", &number]);
        Fault(vec!["heal".to_owned(), number])
    }

    /// Drops what two addresses exchange, on the node of one of them.
    pub fn part(&self, number: u8, one: &str, other: &str) -> Fault {
        let number = number.to_string();
        node(&["cut", &number, &format!("{one}={other}")]);
        Fault(vec!["heal".to_owned(), number])
    }

    /// What a pod asks of the API server goes to a port of its node instead.
    pub fn detour(&self, number: u8, port: u16, pod: &str) -> Fault {
        let number = number.to_string();
        node(&["detour", &number, &port.to_string(), pod]);
        Fault(vec!["heal".to_owned(), number])
    }

    /// A power cut, until it is healed: everything on the node ends, its disk stays.
    pub fn power_cut(&self, number: u8) -> Fault {
        let number = number.to_string();
        node(&["kill", &number]);
        Fault(vec!["start".to_owned(), number])
    }

    /// The API server's address.
    pub fn api_server(&self) -> String {
        env::var("GUNGNIR_TEST_API_ADDRESS").expect("a cluster of tests/cluster says it")
    }

    /// The id of the first process of a pod's container, out here.
    pub fn process(&self, namespace: &str, pod: &str) -> u32 {
        let began = Instant::now();
        loop {
            match Self::process_now(namespace, pod) {
                Ok(process) => return process,
                Err(output) => assert!(
                    began.elapsed() < Duration::from_secs(30),
                    "no process of {namespace}/{pod}: {output}"
                ),
            }
        }
    }

    /// The same, if it runs at the moment.
    ///
    /// # Errors
    /// What was said instead.
    pub fn process_now(namespace: &str, pod: &str) -> Result<u32, String> {
        let output = run(&["pid", "-n", namespace, pod]);
        output.trim().parse().map_err(|_| output)
    }

    /// Kills a process.
    pub fn kill(&self, process: u32) {
        signal("KILL", process);
    }

    /// Stops a process, which goes on later.
    pub fn stop(&self, process: u32) -> Fault {
        signal("STOP", process);
        Fault(vec!["CONT".to_owned(), process.to_string()])
    }
}

impl Fault {
    /// Undoes it.
    pub fn heal(self) {
        drop(self);
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        let words: Vec<&str> = self.0.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["CONT", process] => {
                // A process that was killed meanwhile needs nothing.
                let _ = Command::new("kill").args(["-CONT", process]).status();
            }
            words => {
                run(words);
            }
        }
    }
}

fn signal(name: &str, process: u32) {
    let status = Command::new("kill").args([format!("-{name}"), process.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -{name} {process}");
}

#[track_caller]
fn node(words: &[&str]) {
    let output = command(words).output().unwrap_or_else(|error| panic!("node: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "node {words:?}: {errors}");
}

/// What it says, its errors if it fails.
fn run(words: &[&str]) -> String {
    let output = command(words).output().unwrap_or_else(|error| panic!("node: {error}"));
    let said = if output.status.success() { output.stdout } else { output.stderr };
    String::from_utf8_lossy(&said).into_owned()
}

fn command(words: &[&str]) -> Command {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cluster/node"));
    command.args(words);
    command
}

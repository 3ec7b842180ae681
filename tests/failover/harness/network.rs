//! A network with a place for each process, and the faults between places.
//!
//! The test is the router: every place has its own network namespace and one cable to it, so that
//! every packet passes its rules. Clients are in the test itself; each has an address of its own,
//! and rules take it for another machine.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::thread;

/// Where servers listen.
pub const PORT: u16 = 6379;

/// The addresses of a world.
#[derive(Debug)]
pub struct Network {
    rules: Arc<Mutex<Rules>>,
}

/// A machine of the world: a network namespace with one address.
#[derive(Debug, Clone)]
pub struct Place {
    /// Its address.
    pub address: Ipv4Addr,
    name: String,
}

/// A fault of the network; it heals when dropped.
#[derive(Debug)]
#[must_use = "a fault heals when it is dropped"]
pub struct Fault {
    number: u64,
    rules: Arc<Mutex<Rules>>,
}

#[derive(Debug, Default)]
struct Rules {
    last_number: u64,
    of: Vec<(u64, Rule)>,
}

#[derive(Debug)]
enum Rule {
    /// A statement of every packet's chain.
    Packet(String),
    /// A statement of the chain that new connections pass before they are routed.
    Connection(String),
}

/// The address of the node with this number.
pub fn node_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, number)
}

/// The address of the controller with this number, from 1.
pub fn controller_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 100 + number)
}

/// The address of the client with this number: any of 10.0.1.0/24 is the test's own.
pub fn client_address(number: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 1, number)
}

/// Every client's address, as rules write it.
pub const CLIENTS: &str = "10.0.1.0/24";

impl Network {
    /// Makes this process the router.
    ///
    /// # Panics
    /// When it is not in a network namespace of its own, or not root.
    pub fn enter() -> Self {
        // Namespaces get their names in a folder that only this world sees.
        shell(
            "mount -t tmpfs run /run && mkdir /run/netns
             ip link set lo up
             echo 1 >/proc/sys/net/ipv4/ip_forward
             ip route add local 10.0.1.0/24 dev lo",
            &[],
        );
        let network = Self { rules: Arc::default() };
        lock(&network.rules).apply();
        network
    }

    /// The machine at an address; made at the first call.
    ///
    /// # Panics
    /// When it cannot be made.
    #[allow(clippy::unused_self)] // without a network there is no place in it
    pub fn place(&self, address: Ipv4Addr) -> Place {
        let [.., last] = address.octets();
        let name = format!("p{last}");
        shell(
            "[ ! -e /run/netns/$1 ] || exit 0
             ip netns add $1
             ip link add $1 type veth peer name eth0 netns $1
             ip addr add 169.254.1.1/32 dev $1
             ip link set $1 up
             ip route add $2 dev $1
             ip -n $1 -batch - <<END
             link set lo up
             addr add $2/32 dev eth0
             link set eth0 up
             route add default via 169.254.1.1 dev eth0 onlink
END
             ",
            &[&name, &address.to_string()],
        );
        Place { address, name }
    }

    /// Gives an address a name, for every process of the world; another one may have had it.
    #[allow(clippy::unused_self)] // without a network nobody has a name in it
    pub fn give_name(&self, name: &str, address: Ipv4Addr) {
        shell(
            "[ -e /run/hosts ] || { cp /etc/hosts /run/hosts; mount --bind /run/hosts /etc/hosts; }
             { grep -v \" $1\\$\" /run/hosts || true; echo $2 $1; } >/run/hosts.new
             cat /run/hosts.new >/run/hosts",
            &[name, &address.to_string()],
        );
    }

    /// Drops every packet between one side and the other, in silence. A side is addresses or
    /// networks.
    pub fn cut(&self, one: &[String], other: &[String]) -> Fault {
        let (one, other) = (one.join(", "), other.join(", "));
        let there = format!("ip saddr {{ {one} }} ip daddr {{ {other} }} drop");
        let back = format!("ip saddr {{ {other} }} ip daddr {{ {one} }} drop");
        self.add(Rule::Packet(format!("{there}\n{back}")))
    }

    /// Answers whatever `from` sends to a server at `to` with a reset, as a firewall does: new
    /// connections are refused, and old ones end.
    pub fn refuse(&self, from: Ipv4Addr, to: Ipv4Addr) -> Fault {
        self.add(Rule::Packet(format!(
            "ip saddr {from} ip daddr {to} tcp dport {PORT} reject with tcp reset"
        )))
    }

    /// Leads new connections from `from` to the server at `to` to a port of the test instead.
    pub fn redirect(&self, from: Ipv4Addr, to: Ipv4Addr, port: u16) -> Fault {
        self.add(Rule::Connection(format!(
            "ip saddr {from} ip daddr {to} tcp dport {PORT} redirect to :{port}"
        )))
    }

    fn add(&self, rule: Rule) -> Fault {
        let mut rules = lock(&self.rules);
        rules.last_number += 1;
        let number = rules.last_number;
        rules.of.push((number, rule));
        rules.apply();
        Fault { number, rules: Arc::clone(&self.rules) }
    }
}

impl Place {
    /// A program, to run there.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/run/netns/{}", self.name)).arg("--").arg(program);
        command
    }

    /// Takes the machine's interface down: neighbours that look for it are told so after a while.
    pub fn unplug(&self) {
        shell("ip -n $1 link set eth0 down", &[&self.name]);
    }

    /// Takes it up again.
    pub fn plug(&self) {
        shell(
            "ip -n $1 link set eth0 up
             ip -n $1 route add default via 169.254.1.1 dev eth0 onlink",
            &[&self.name],
        );
    }
}

impl Fault {
    /// Ends the fault.
    pub fn heal(self) {
        drop(self);
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        let mut rules = lock(&self.rules);
        rules.of.retain(|(number, _)| *number != self.number);
        // The world goes anyway, and a second panic would hide the first.
        if !thread::panicking() {
            rules.apply();
        }
    }
}

impl Rules {
    /// Puts all of them in force at once.
    fn apply(&self) {
        let (mut packets, mut connections) = (String::new(), String::new());
        for (_, rule) in &self.of {
            let (chain, statement) = match rule {
                Rule::Packet(statement) => (&mut packets, statement),
                Rule::Connection(statement) => (&mut connections, statement),
            };
            let _ = writeln!(chain, "{statement}");
        }
        let hooks: String = ["forward", "input", "output"]
            .map(|hook| {
                format!(
                    "chain {hook} {{\ntype filter hook {hook} priority 0\njump every_packet\n}}\n"
                )
            })
            .concat();
        let text = format!(
            "table inet faults\ndelete table inet faults\ntable inet faults {{\n\
             chain every_packet {{\n{packets}}}\n{hooks}}}\n\
             table ip redirects\ndelete table ip redirects\ntable ip redirects {{\n\
             chain prerouting {{\ntype nat hook prerouting priority -100\n{connections}}}\n}}\n"
        );
        let output = fed(Command::new("nft").args(["-f", "-"]), &text);
        assert!(output.status.success(), "nft: {output:?}\n{text}");
    }
}

fn lock(rules: &Mutex<Rules>) -> MutexGuard<'_, Rules> {
    rules.lock().unwrap_or_else(PoisonError::into_inner)
}

fn shell(script: &str, arguments: &[&str]) {
    let output = Command::new("sh").args(["-euc", script, "sh"]).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run sh: {error}"));
    assert!(output.status.success(), "{script}\n{arguments:?} (is this root?): {output:?}");
}

fn fed(command: &mut Command, text: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(text.as_bytes()).expect("it reads");
    drop(stdin);
    child.wait_with_output().expect("it ends")
}

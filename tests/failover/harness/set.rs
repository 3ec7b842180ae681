//! A set: a master and its replicas, as somebody made them by hand.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use super::certificates::Certificates;
use super::network::PORT;
use super::network::node_address;
use super::node::DEADLINE;
use super::node::Node;
use super::node::NodeSetup;
use super::node::Role;
use super::wait::wait_until;
use super::world::World;
use crate::version::version;

/// What a set is made of.
#[derive(Debug, Clone)]
pub struct SetSetup {
    /// The servers' series, `8.1`.
    pub series: String,
    /// How many there are.
    pub nodes: u8,
    /// Whether they start as replicas of nowhere.
    pub gate: bool,
    /// `min-replicas-to-write`.
    pub replicas_to_write: u32,
    /// `min-replicas-max-lag`, in seconds.
    pub max_lag_s: u32,
    /// The default user's password, of replication as well.
    pub password: Option<&'static str>,
    /// More of every node's configuration.
    pub conf: &'static str,
    /// More of one node's, by number.
    pub conf_of: Vec<(u8, &'static str)>,
    /// Whether the servers run as an ordinary user.
    pub ordinary_user: bool,
    /// A node whose data is on a volume of so many MiB.
    pub small_volume: Option<(u8, u32)>,
    /// Whether they take only TLS, from clients with a certificate.
    pub tls: bool,
}

impl Default for SetSetup {
    /// Three gated nodes of Valkey 8.1 that write only what a replica heard of a second ago.
    fn default() -> Self {
        Self {
            series: "8.1".into(),
            nodes: 3,
            gate: true,
            replicas_to_write: 1,
            max_lag_s: 1,
            password: None,
            conf: "",
            conf_of: Vec::new(),
            ordinary_user: false,
            small_volume: None,
            tls: false,
        }
    }
}

/// A set of nodes.
#[derive(Debug)]
pub struct Set {
    /// What it was made of.
    pub setup: SetSetup,
    nodes: Vec<Arc<Node>>,
}

impl Set {
    /// Starts every node, appoints node 1 and waits until the others have all of it.
    pub fn start(world: &World, setup: &SetSetup) -> Self {
        let set = Self::spawn(world, setup);
        for node in set.nodes() {
            node.wait_until_it_answers();
        }
        set.appoint(1);
        set
    }

    /// Starts every node; nobody is master yet.
    pub fn spawn(world: &World, setup: &SetSetup) -> Self {
        let nodes = (1..=setup.nodes).map(|number| Arc::new(setup.node(world, number)));
        let set = Self { setup: setup.clone(), nodes: nodes.collect() };
        for node in set.nodes() {
            node.spawn();
        }
        set
    }

    /// The first so many nodes of a set, as a set of their own.
    pub fn first(&self, count: u8) -> Self {
        let setup = SetSetup { nodes: count, ..self.setup.clone() };
        let nodes = self.nodes.iter().take(usize::from(count));
        Self { setup, nodes: nodes.map(Arc::clone).collect() }
    }

    /// Makes a node master by hand, and the others its replicas.
    pub fn appoint(&self, number: u8) {
        let master = self.node(number);
        master.tell(&["REPLICAOF", "NO", "ONE"]);
        for node in self.others(number) {
            node.tell(&["REPLICAOF", &master.address().ip().to_string(), "6379"]);
        }
        for node in self.others(number) {
            node.wait_until_it_follows(master);
        }
        // It counts the replicas that it hears once a second.
        wait_until("the master takes writes", DEADLINE, || {
            master.ask::<String>(&["SET", "appointed", "1"]).is_ok()
        });
    }

    /// Every node.
    pub fn nodes(&self) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.iter()
    }

    /// A node by its number.
    pub fn node(&self, number: u8) -> &Arc<Node> {
        &self.nodes[usize::from(number) - 1]
    }

    /// All but one.
    pub fn others(&self, number: u8) -> impl Iterator<Item = &Arc<Node>> {
        self.nodes.iter().filter(move |node| node.number != number)
    }

    /// The node at an address.
    ///
    /// # Panics
    /// When there is none.
    pub fn at(&self, address: SocketAddr) -> &Arc<Node> {
        let found = self.nodes.iter().find(|node| node.address() == address);
        found.unwrap_or_else(|| panic!("{address} is no node"))
    }

    /// Every address, as `--nodes` wants it.
    pub fn addresses(&self) -> String {
        let addresses: Vec<String> =
            self.nodes.iter().map(|node| node.address().to_string()).collect();
        addresses.join(",")
    }

    /// Whether every running node but `master` follows it, and it takes writes.
    pub fn is_whole_under(&self, master: &Node) -> bool {
        master.role() == Role::Master
            && self
                .others(master.number)
                .filter(|node| node.runs())
                .all(|node| node.follows(master))
            && master.ask::<String>(&["SET", "whole", "1"]).is_ok()
    }

    /// What every node says it is, for messages.
    pub fn roles(&self) -> Vec<(u8, Role)> {
        self.nodes.iter().map(|node| (node.number, node.role())).collect()
    }
}

impl SetSetup {
    fn node(&self, world: &World, number: u8) -> Node {
        let mut conf = format!(
            "min-replicas-to-write {}\nmin-replicas-max-lag {}\n{}\n",
            self.replicas_to_write, self.max_lag_s, self.conf
        );
        if let Some(password) = self.password {
            let _ = writeln!(conf, "requirepass {password}\nmasterauth {password}");
        }
        if self.tls {
            let files = Certificates::of(world);
            let _ = writeln!(
                conf,
                "port 0\ntls-port {PORT}\ntls-replication yes\ntls-ca-cert-file {}\n\
                 tls-cert-file {}\ntls-key-file {}",
                files.authority(),
                files.certificate(),
                files.key()
            );
        }
        for (_, more) in self.conf_of.iter().filter(|(of, _)| *of == number) {
            conf = conf + more + "\n";
        }
        // The clients of a scenario are not touched by what it does to the default user.
        conf += "user app on nopass ~* &* +@all\n";
        let setup = NodeSetup { gate: self.gate, conf, ordinary_user: self.ordinary_user };
        let place = world.network().place(node_address(number));
        let folder = world.folder(&format!("node-{number}"));
        let node = Node::new(number, place, version(&self.series), setup, folder);
        match self.small_volume {
            Some((of, mebibytes)) if of == number => node.put_on_small_volume(mebibytes),
            _ => {}
        }
        node
    }
}

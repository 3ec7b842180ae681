//! By which hosts and ports the nodes of a set are known: as people wrote them, as they resolve,
//! as they announce themselves.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::sentinel::{NodeId, Upstream};
use crate::valkey::Address;

/// Where a frozen server points to, and one behind its boot gate.
const NOWHERE: (&str, u16) = ("127.0.0.1", 1);

/// The names of the nodes of one set.
#[derive(Debug)]
pub struct Aliases {
    nodes: Vec<RefCell<BTreeSet<(String, u16)>>>,
}

impl Aliases {
    /// The nodes as people wrote them, in the order of their [`NodeId`]s.
    #[must_use]
    pub fn new(addresses: &[Address]) -> Self {
        let own = |address: &Address| {
            RefCell::new(BTreeSet::from([(folded(address.host()), address.port())]))
        };
        Self { nodes: addresses.iter().map(own).collect() }
    }

    /// One more name of a node.
    pub fn learn(&self, node: NodeId, host: &str, port: u16) {
        if let Some(names) = self.nodes.get(node.index()) {
            let mut names = names.borrow_mut();
            // What a server announces may change for ever; what it is known by may not grow so.
            if names.len() < 16 {
                names.insert((folded(host), port));
            }
        }
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, host: &str, port: u16) -> Option<NodeId> {
        let name = (folded(host), port);
        self.nodes.iter().position(|names| names.borrow().contains(&name)).map(NodeId::at)
    }

    /// Whom a replica follows that says so.
    #[must_use]
    pub fn upstream(&self, host: &str, port: u16) -> Upstream {
        if (host, port) == NOWHERE {
            return Upstream::Nowhere;
        }
        self.node(host, port).map_or(Upstream::Stranger, Upstream::Node)
    }
}

/// Addresses in one spelling, names without case.
fn folded(host: &str) -> String {
    match host.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().to_string(),
        Err(_) => host.trim_end_matches('.').to_ascii_lowercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_known_by_every_name() {
        let addresses = ["Valkey-0.example:7000", "10.0.0.2:7000"].map(|it| it.parse().unwrap());
        let aliases = Aliases::new(&addresses);
        aliases.learn(NodeId(0), "10.0.0.1", 7000);
        for (host, port, expected) in [
            ("valkey-0.EXAMPLE.", 7000, Upstream::Node(NodeId(0))),
            ("10.0.0.1", 7000, Upstream::Node(NodeId(0))),
            ("::ffff:10.0.0.2", 7000, Upstream::Node(NodeId(1))),
            ("10.0.0.1", 7001, Upstream::Stranger),
            ("127.0.0.1", 1, Upstream::Nowhere),
        ] {
            assert_eq!(aliases.upstream(host, port), expected, "{host}:{port}");
        }
    }
}

//! By which hosts and ports the nodes of a set are known: as people wrote them, as they resolve,
//! as they announce themselves.
//!
//! A name is a node's only while the node is there. An address that a pod has left is soon
//! another's, perhaps of another set.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::sentinel::{NodeId, Upstream};
use crate::valkey::Address;

/// Where a frozen server points to, and one behind its boot gate.
const NOWHERE: (&str, u16) = ("127.0.0.1", 1);

/// The names of the nodes of one set.
#[derive(Debug, Default)]
pub struct Aliases {
    nodes: RefCell<Vec<BTreeSet<(String, u16)>>>,
}

impl Aliases {
    /// A set whose nodes have no names yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A node is somewhere now, or nowhere: all names that it had are forgotten, since they may
    /// belong to somebody else already.
    pub fn place(&self, node: NodeId, address: Option<&Address>) {
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() <= node.index() {
            nodes.resize(node.index() + 1, BTreeSet::new());
        }
        let own = address.map(|address| (folded(address.host()), address.port()));
        nodes[node.index()] = own.into_iter().collect();
    }

    /// One more name of a node.
    pub fn learn(&self, node: NodeId, host: &str, port: u16) {
        if let Some(names) = self.nodes.borrow_mut().get_mut(node.index()) {
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
        self.nodes.borrow().iter().position(|names| names.contains(&name)).map(NodeId::at)
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
        let aliases = Aliases::new();
        for (node, text) in (0..).zip(["Valkey-0.example:7000", "10.0.0.2:7000"]) {
            aliases.place(NodeId(node), Some(&text.parse().unwrap()));
        }
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

    #[test]
    fn a_node_that_moved_is_no_longer_where_it_was() {
        let aliases = Aliases::new();
        let node = NodeId(1);
        aliases.place(node, Some(&"10.0.0.2:6379".parse().unwrap()));
        aliases.learn(node, "valkey-1.example", 6379);
        aliases.place(node, Some(&"10.0.0.9:6379".parse().unwrap()));
        assert_eq!(aliases.upstream("10.0.0.9", 6379), Upstream::Node(node));
        for gone in ["10.0.0.2", "valkey-1.example"] {
            assert_eq!(aliases.upstream(gone, 6379), Upstream::Stranger, "{gone}");
        }
        aliases.place(node, None);
        assert_eq!(aliases.upstream("10.0.0.9", 6379), Upstream::Stranger);
    }
}

//! What people call a set and its nodes. The rules know nodes by their place in a list; files,
//! sockets and messages know them by address.

use crate::sentinel::NodeId;

/// The name of a set and the addresses (`host:port`) of its nodes, each at the place of its
/// [`NodeId`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetNames {
    name: String,
    nodes: Vec<String>,
}

impl SetNames {
    /// A set. Addresses that mean the same have to be written alike.
    #[must_use]
    pub fn new(name: impl Into<String>, nodes: impl IntoIterator<Item = String>) -> Self {
        Self { name: name.into(), nodes: nodes.into_iter().collect() }
    }

    /// The name of the set.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The addresses, in their order.
    #[must_use]
    pub fn nodes(&self) -> &[String] {
        &self.nodes
    }

    /// The address of a node, or a text that says that there is no such node.
    #[must_use]
    pub fn address(&self, node: NodeId) -> String {
        self.nodes
            .get(node.index())
            .map_or_else(|| format!("node {} of {}", node.0, self.nodes.len()), Clone::clone)
    }

    /// The node at an address.
    #[must_use]
    pub fn find(&self, address: &str) -> Option<NodeId> {
        self.nodes.iter().position(|node| node == address).map(NodeId::at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_has_one_address_and_an_address_one_node() {
        let names = SetNames::new("demo", ["a:1".to_owned(), "b:2".to_owned()]);
        assert_eq!(names.address(NodeId(1)), "b:2");
        assert_eq!(names.address(NodeId(2)), "node 2 of 2");
        assert_eq!(names.find("a:1"), Some(NodeId(0)));
        assert_eq!(names.find("a:2"), None);
    }
}

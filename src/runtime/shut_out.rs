//! The users by which replicas replicate, one a node: turned off, a node cannot attach.

use crate::sentinel::NodeId;
use crate::valkey::{AclRule, Answer, Command, User};

/// The user of a node's replication.
fn user(node: usize) -> String {
    format!("replication-{node}")
}

/// Turns a node's user off and ends its link.
pub(super) fn off(node: NodeId) -> Vec<Command> {
    let name = user(node.index());
    let off = AclRule::Word("off".to_owned());
    vec![Command::acl_setuser(&name, &[off]), Command::client_kill_user(&name)]
}

/// Turns a node's user on again.
pub(super) fn on(node: NodeId) -> Vec<Command> {
    vec![Command::acl_setuser(&user(node.index()), &[AclRule::Word("on".to_owned())])]
}

/// Asks for the users of so many nodes.
pub(super) fn questions(nodes: usize) -> Vec<Command> {
    (0..nodes).map(|node| Command::acl_getuser(&user(node))).collect()
}

/// The nodes whose users are off.
pub(super) fn read(answers: &[Answer]) -> Vec<NodeId> {
    let off = |answer: &Answer| {
        let user = answer.as_ref().ok().and_then(|value| User::parse(value).ok());
        user.flatten().is_some_and(|user| !user.on)
    };
    let found = answers.iter().enumerate().filter(|(_, answer)| off(answer));
    found.map(|(index, _)| NodeId::at(index)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_member_is_turned_off() {
        let shown = |commands: Vec<Command>| -> Vec<String> {
            commands.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            shown(off(NodeId(2))),
            ["ACL SETUSER replication-2 off", "CLIENT KILL USER replication-2 SKIPME yes"]
        );
        assert_eq!(shown(on(NodeId(2))), ["ACL SETUSER replication-2 on"]);
        assert_eq!(shown(questions(2)).len(), 2);
    }
}

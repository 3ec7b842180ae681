//! What a controller asks of a server, and what it changes.

/// What looks and changes nothing, by its first word or two.
const LOOKS: [&str; 19] = [
    "PING",
    "INFO",
    "ROLE",
    "HELLO",
    "AUTH",
    "SELECT",
    "DBSIZE",
    "COMMAND",
    "CLIENT ID",
    "CLIENT LIST",
    "CLIENT SETNAME",
    "CLIENT SETINFO",
    "CLIENT NO-EVICT",
    "CLIENT REPLY",
    "CONFIG GET",
    "ACL LIST",
    "ACL USERS",
    "ACL WHOAMI",
    "ACL GETUSER",
];

/// Whether a command, its words joined by spaces, changes nothing on the server.
pub fn only_looks(command: &str) -> bool {
    let upper = command.to_ascii_uppercase();
    let is_look = |look: &&str| {
        upper.strip_prefix(*look).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    LOOKS.iter().any(is_look)
}

//! What a Sentinel does and this does not, with where it is done instead.

/// The command in lower case, and the cure.
const REFUSED: &[(&str, &str)] = &[
    (
        "sentinel|monitor",
        "which servers are watched is said where it runs: `--nodes` of `gungnir sentinel`, or a \
         ValkeyCluster",
    ),
    (
        "sentinel|remove",
        "which servers are watched is said where it runs: `--nodes` of `gungnir sentinel`, or a \
         ValkeyCluster",
    ),
    (
        "sentinel|set",
        "its settings are the options of `gungnir sentinel`, or `spec.sentinel` of the \
         ValkeyCluster",
    ),
    (
        "sentinel|config",
        "its settings are the options of `gungnir sentinel`, or `spec.sentinel` of the \
         ValkeyCluster",
    ),
    (
        "sentinel|debug",
        "its settings are the options of `gungnir sentinel`, or `spec.sentinel` of the \
         ValkeyCluster",
    ),
    (
        "sentinel|reset",
        "replicas that are gone are forgotten by themselves; there is nothing to reset",
    ),
    ("sentinel|flushconfig", "its state is written before it acts; there is nothing to flush"),
    ("sentinel|simulate-failure", "end the process to see what follows"),
    ("sentinel|info-cache", "ask the servers themselves: INFO"),
    ("publish", "it has no peers to hear of; events are published by it alone"),
    (
        "acl",
        "its password is an option of `gungnir sentinel`, or in the Secret of the ValkeyCluster",
    ),
    ("shutdown", "end its process, or scale its Deployment"),
];

/// The error for a command that is refused, by its full name in lower case.
pub(super) fn of(name: &str) -> Option<String> {
    let (_, cure) = REFUSED.iter().find(|(refused, _)| *refused == name)?;
    let shown = name.replace('|', " ").to_ascii_uppercase();
    Some(format!("ERR this is Gungnir; it does not do `{shown}`: {cure}"))
}

//! The files of the `ConfigMap`, and which change of them needs a restart.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::cluster::Roles;
use crate::cluster::ServerConfig;

const START_SCRIPT: &str = include_str!("../../../templates/scripts/start.sh");
const SCRIPTS: [(&str, &str); 5] = [
    ("alive.sh", include_str!("../../../templates/scripts/alive.sh")),
    ("cli.sh", include_str!("../../../templates/scripts/cli.sh")),
    ("prestop.sh", include_str!("../../../templates/scripts/prestop.sh")),
    ("ready.sh", include_str!("../../../templates/scripts/ready.sh")),
    ("start.sh", START_SCRIPT),
];

/// The scripts as block YAML, where the template of the `ConfigMap` puts them. They are the same for
/// every cluster, and a third of what is written: so they are written once.
pub(super) fn scripts() -> minijinja::Value {
    static WRITTEN: LazyLock<minijinja::Value> =
        LazyLock::new(|| minijinja::Value::from_safe_string(written_scripts()));
    WRITTEN.clone()
}

/// Literal blocks, which may hold the scripts as they are: a test holds them against the writer of
/// all other structures, which looks at every character several times.
fn written_scripts() -> String {
    let mut written = String::with_capacity(8 << 10);
    for (name, script) in SCRIPTS {
        written.push_str(if written.is_empty() { "" } else { "\n  " });
        written.push_str(name);
        written.push_str(": |");
        for line in script.lines() {
            written.push_str(if line.is_empty() { "\n" } else { "\n    " });
            written.push_str(line);
        }
    }
    written
}

/// The files that are the cluster's own, by name. They stand behind the scripts, in order.
pub(super) fn files(config: &ServerConfig, users: String) -> BTreeMap<&'static str, String> {
    BTreeMap::from([("users.conf", users), ("valkey.conf", config.to_text())])
}

/// What only a restart brings into force: without an operator nobody reloads, so that is all.
pub(super) fn restart_hash(config: &ServerConfig, users: &str, roles: Roles) -> String {
    let config = match roles {
        Roles::Elected => config.restart_text(),
        Roles::Static { .. } => config.to_text(),
    };
    let digest = Sha256::new()
        .chain_update(config)
        .chain_update([0])
        .chain_update(users)
        .chain_update([0])
        .chain_update(START_SCRIPT)
        .finalize();
    digest.iter().take(16).fold(String::with_capacity(32), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use crate::manifest::yaml;

    use super::super::super::environment::placed;
    use super::*;

    #[test]
    fn the_scripts_are_written_as_every_structure_is() {
        let text = yaml::block(&Value::from_iter(SCRIPTS), 0).unwrap();
        assert_eq!(written_scripts(), placed(&text, 2));
    }
}

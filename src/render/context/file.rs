//! The files of the `ConfigMap`, and which change of them needs a restart.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::LazyLock;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::cluster::Roles;
use crate::cluster::ServerConfig;
use crate::manifest::yaml;

use super::super::environment::placed;

const START_SCRIPT: &str = include_str!("../../../templates/scripts/start.sh");
const SCRIPTS: [(&str, &str); 5] = [
    ("alive.sh", include_str!("../../../templates/scripts/alive.sh")),
    ("cli.sh", include_str!("../../../templates/scripts/cli.sh")),
    ("prestop.sh", include_str!("../../../templates/scripts/prestop.sh")),
    ("ready.sh", include_str!("../../../templates/scripts/ready.sh")),
    ("start.sh", START_SCRIPT),
];

/// The indent of the files in the template of the `ConfigMap`.
const INDENT: usize = 2;

/// The scripts as block YAML, where the template puts them. They are the same for every cluster,
/// and a third of what is written: so they are written once.
pub(super) fn scripts() -> minijinja::Value {
    static WRITTEN: LazyLock<minijinja::Value> = LazyLock::new(|| {
        let scripts = Value::from_iter(SCRIPTS);
        // A writer that refused them would leave the ConfigMap without scripts: the goldens show.
        let text = yaml::block(&scripts, 0).unwrap_or_default();
        minijinja::Value::from_safe_string(placed(&text, INDENT))
    });
    WRITTEN.clone()
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

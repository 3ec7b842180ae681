//! The files of the `ConfigMap`, and which change of them needs a restart.

use std::collections::BTreeMap;
use std::fmt::Write;

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

/// Every file by its name.
pub(super) fn files(config: &ServerConfig, users: String) -> BTreeMap<&'static str, String> {
    let scripts = SCRIPTS.iter().map(|(name, text)| (*name, (*text).to_owned()));
    scripts.chain([("users.conf", users), ("valkey.conf", config.to_text())]).collect()
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

//! Environment variables that come from Secrets.

use serde::Serialize;

use crate::cluster::KeyRef;
use crate::cluster::Passwords;

/// A variable, and the key of the Secret that it comes from.
#[derive(Debug, Serialize)]
pub(super) struct SecretVariable<'a> {
    pub(super) name: &'static str,
    pub(super) secret: &'a str,
    pub(super) key: &'a str,
}

/// In the order in which the start script uses them.
pub(super) fn secret_variables(passwords: &Passwords) -> Vec<SecretVariable<'_>> {
    let Passwords { application, operator, replication } = passwords;
    let variables = [
        // valkey-cli reads the first since Valkey 9, the second ever since: both, so that
        // `kubectl exec POD -- valkey-cli PING` works.
        ("VALKEYCLI_AUTH", application),
        ("REDISCLI_AUTH", application),
        ("OPERATOR_PASSWORD", operator),
        ("REPLICATION_PASSWORD", replication),
    ];
    let named = variables.into_iter().filter_map(|(name, key)| Some((name, key.as_ref()?)));
    named.map(|(name, KeyRef { secret, key })| SecretVariable { name, secret, key }).collect()
}

//! The passwords of `N-secret`: made once, never overwritten, restored when they vanish.

use k8s_openapi::ByteString;
use serde::Deserialize as _;
use serde_json::{Value, json};

use crate::cluster::{KEY_OPERATOR_PASSWORD, KEY_PASSWORD, KEY_REPLICATION_PASSWORD};
use crate::valkey::Secret;

use super::cache::Child;
use super::error::ReconcileError;

/// The keys, in the order of [`Passwords`].
pub const KEYS: [&str; 3] = [KEY_PASSWORD, KEY_OPERATOR_PASSWORD, KEY_REPLICATION_PASSWORD];

/// What `N-secret` holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passwords {
    /// `metadata.resourceVersion` of the Secret that they were read from or written to.
    pub version: String,
    /// By [`KEYS`].
    pub values: [Secret; 3],
}

impl Passwords {
    /// The operator's.
    #[must_use]
    pub fn operator(&self) -> &Secret {
        &self.values[1]
    }

    /// Whether whoever knows `known` alone would be shut out by these.
    #[must_use]
    pub fn locks_out(&self, known: &Self) -> bool {
        self.values[1..] != known.values[1..]
    }

    /// New ones.
    ///
    /// # Errors
    ///
    /// [`ReconcileError::Random`].
    pub fn make() -> Result<[Secret; 3], ReconcileError> {
        let random = || Secret::random().map_err(|cause| ReconcileError::Random { cause });
        Ok([random()?, random()?, random()?])
    }

    /// Out of a Secret's `data`; `None` when a key is missing or cannot be read.
    #[must_use]
    pub fn read(data: &Value) -> [Option<Secret>; 3] {
        KEYS.map(|key| {
            let bytes = bytes_of(&data["data"][key])?;
            String::from_utf8(bytes).ok().map(Secret::new)
        })
    }
}

/// What is known of `N-secret` without reading it: which keys have an owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretState {
    /// There is none.
    Absent,
    /// These of its keys are missing, in this version.
    Missing {
        /// Which.
        keys: Vec<&'static str>,
        /// `metadata.resourceVersion`.
        version: String,
    },
    /// It has all of them, in this version.
    Complete {
        /// `metadata.resourceVersion`.
        version: String,
    },
}

impl SecretState {
    /// Looks at who owns which key.
    #[must_use]
    pub fn of(child: Option<&Child>) -> Self {
        let Some(child) = child.filter(|child| !child.deleting) else { return Self::Absent };
        let trees: Vec<Value> =
            child.fields.iter().map(super::cache::ManagedFields::tree).collect();
        let has = |key: &str| {
            let field = format!("f:{key}");
            trees.iter().any(|tree| tree["f:data"].get(&field).is_some())
        };
        let keys: Vec<&str> = KEYS.into_iter().filter(|key| !has(key)).collect();
        let version = child.resource_version.clone();
        if keys.is_empty() { Self::Complete { version } } else { Self::Missing { keys, version } }
    }
}

/// What to do about `N-secret`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretStep {
    /// It comes with the set.
    Wait,
    /// All is known.
    Nothing,
    /// It has to be read.
    Read,
    /// The passwords have to be made.
    Make,
    /// What is remembered has to be written.
    Restore,
    /// Nobody knows the passwords of pods that run: people have to say.
    Lost,
}

/// Decides it. `servers` is whether any runs or ran: those alone know passwords.
#[must_use]
pub fn next_step(state: &SecretState, known: Option<&Passwords>, servers: bool) -> SecretStep {
    match state {
        SecretState::Absent => SecretStep::Wait,
        SecretState::Complete { version } => {
            if known.is_some_and(|known| known.version == *version) {
                SecretStep::Nothing
            } else {
                SecretStep::Read
            }
        }
        SecretState::Missing { .. } if known.is_some() => SecretStep::Restore,
        SecretState::Missing { .. } if servers => SecretStep::Lost,
        SecretState::Missing { .. } => SecretStep::Make,
    }
}

/// The object that gives `N-secret` its passwords, and only in the version that lacked them.
#[must_use]
pub fn object(namespace: &str, name: &str, version: &str, values: &[Secret; 3]) -> Value {
    let mut data = serde_json::Map::new();
    for (key, value) in KEYS.into_iter().zip(values) {
        data.insert(key.to_owned(), json!(ByteString(value.reveal().as_bytes().to_vec())));
    }
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": { "namespace": namespace, "name": name, "resourceVersion": version },
        "data": data,
    })
}

/// The bytes that the API server writes as base64; `None` when there are none, or something else.
#[must_use]
pub fn bytes_of(value: &Value) -> Option<Vec<u8>> {
    let bytes = ByteString::deserialize(value).ok().map(|ByteString(bytes)| bytes);
    bytes.filter(|bytes| !bytes.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(version: &str) -> Passwords {
        let secret = || Secret::new("x".to_owned());
        Passwords { version: version.to_owned(), values: [secret(), secret(), secret()] }
    }

    #[test]
    fn passwords_are_made_only_for_a_cluster_without_servers() {
        let version = || "7".to_owned();
        let missing = SecretState::Missing { keys: KEYS.to_vec(), version: version() };
        let complete = SecretState::Complete { version: version() };
        let (same, older) = (known("7"), known("6"));
        for (name, state, known, servers, expected) in [
            ("no Secret yet", &SecretState::Absent, None, false, SecretStep::Wait),
            ("the first time", &missing, None, false, SecretStep::Make),
            ("vanished, servers run", &missing, None, true, SecretStep::Lost),
            ("vanished, remembered", &missing, Some(&older), true, SecretStep::Restore),
            (
                "vanished, remembered, no servers",
                &missing,
                Some(&older),
                false,
                SecretStep::Restore,
            ),
            ("after a start", &complete, None, true, SecretStep::Read),
            ("somebody wrote", &complete, Some(&older), true, SecretStep::Read),
            ("at rest", &complete, Some(&same), true, SecretStep::Nothing),
        ] {
            assert_eq!(next_step(state, known, servers), expected, "{name}");
        }
    }

    #[test]
    fn what_is_written_is_read_back_and_what_is_no_bytes_is_not() {
        let values = ["f", "foob", "\u{ff}?>"].map(|text| Secret::new(text.to_owned()));
        let written = object("ns", "shop-secret", "7", &values);
        assert_eq!(written["data"]["password"], "Zg==");
        assert_eq!(Passwords::read(&written), values.map(Some));
        assert_eq!(bytes_of(&json!("*")), None);
        for nothing in [Value::Null, json!("")] {
            assert_eq!(bytes_of(&nothing), None);
        }
    }

    #[test]
    fn nothing_shows_a_password() {
        let shown = format!("{:?}", known("7"));
        assert!(!shown.contains("\"x\""), "{shown}");
        let made = Passwords::make().unwrap();
        assert_ne!(made[0], made[1]);
        assert_eq!(made[0].reveal().len(), 64);
    }
}

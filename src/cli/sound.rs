//! A sound cluster while it waits to be rendered: its text.
//!
//! What is worked out of a cluster takes some 6 KiB, however short its text is; kept for every
//! document of an input, that would be forty times the input. So the text is kept, and worked out
//! anew for whoever needs the cluster. Never here: a cluster that was not validated.

use serde_json::Value;

use crate::api::ValkeyCluster;
use crate::cluster::{Roles, ValidatedCluster, validate};

use super::exit::Failure;

/// A cluster that was validated, as compact JSON with the command line's adjustments in it.
#[derive(Debug)]
pub(super) struct SoundCluster {
    text: Box<str>,
    roles: Roles,
}

impl SoundCluster {
    /// Keeps `value`, which was found to be sound.
    pub(super) fn of(value: &Value, roles: Roles) -> Self {
        Self { text: value.to_string().into(), roles }
    }

    /// How much is kept, in bytes.
    pub(super) fn length_bytes(&self) -> usize {
        self.text.len()
    }

    /// The cluster, worked out anew.
    ///
    /// # Errors
    ///
    /// None that anybody can bring about: it was sound before.
    pub(super) fn validated(&self) -> Result<ValidatedCluster, Failure> {
        let cluster: ValkeyCluster =
            serde_json::from_str(&self.text).map_err(|error| Failure::Usage(error.into()))?;
        validate(cluster, self.roles).map_err(|faults| {
            let faults: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            Failure::usage(faults.join("; "))
        })
    }
}

//! What survives a restart: the resolved `spec.persistence`.

use crate::api::{Persistence, PersistenceMode, ReclaimPolicy};

use super::fault::{Faults, spec};
use super::name::is_dns_name;
use super::quantity::Quantity;

/// The size of a volume when the spec names none.
pub const DEFAULT_STORAGE_SIZE: &str = "1Gi";

/// What survives a restart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The volume of each pod, if it has one.
    pub volume: Option<VolumeClaim>,
    /// What the server writes; `None` without a volume.
    pub mode: PersistenceMode,
}

/// The volume of each pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumeClaim {
    /// Its size, as a Kubernetes quantity in the author's spelling.
    pub size: String,
    /// Its StorageClass; `None` is the cluster's default.
    pub class: Option<String>,
    /// What becomes of it when no pod uses it any more.
    pub reclaim: ReclaimPolicy,
}

impl Storage {
    pub(super) fn resolve(persistence: Option<Persistence>, faults: &mut Faults) -> Self {
        let Persistence { enabled, storage_size, storage_class_name, mode, reclaim_policy } =
            persistence.unwrap_or_default();
        let path = spec("persistence");

        let size = storage_size.unwrap_or_else(|| DEFAULT_STORAGE_SIZE.to_owned());
        match size.parse::<Quantity>() {
            Ok(quantity) if quantity.as_bytes().is_some_and(|bytes| bytes > 0) => {}
            Ok(_) => faults.add(path.clone().key("storageSize"), "a volume is larger than 0 bytes"),
            Err(error) => faults.add(path.clone().key("storageSize"), error.to_string()),
        }
        if let Some(class) = storage_class_name.as_deref().filter(|class| !is_dns_name(class)) {
            faults.add(
                path.key("storageClassName"),
                format!("`{class}` is not a StorageClass's name: a DNS name was expected"),
            );
        }

        if enabled.unwrap_or(true) {
            let reclaim = reclaim_policy.unwrap_or_default();
            let volume = VolumeClaim { size, class: storage_class_name, reclaim };
            Self { volume: Some(volume), mode: mode.unwrap_or_default() }
        } else {
            Self { volume: None, mode: PersistenceMode::None }
        }
    }
}

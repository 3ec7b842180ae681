//! Requests, limits, and what of the memory limit holds data.

use k8s_openapi::api::core::v1::ResourceRequirements;

use super::fault::Faults;
use super::field_path::FieldPath;
use super::quantity::Quantity;

/// The share of the memory limit that holds data when the spec says nothing, in percent.
pub const DEFAULT_MAX_MEMORY_PERCENT: u32 = 75;
/// The least `maxmemory` that is of any use, in bytes (4 MiB): an empty server takes 1 to 2.
pub const MIN_MAX_MEMORY_BYTES: u64 = 4 << 20;

/// Notes a fault for each amount that is no quantity, and for requests above their limits.
pub(super) fn check_resources(
    resources: &ResourceRequirements,
    path: &FieldPath,
    faults: &mut Faults,
) {
    let ResourceRequirements { claims: _, limits, requests } = resources;
    let mut amount = |kind: &str, name: &str, text: &str| {
        text.parse::<Quantity>()
            .map_err(|error| faults.add(path.clone().key(kind).key(name), error.to_string()))
            .ok()
    };
    let mut above = Vec::new();
    for (name, limit) in limits.iter().flatten() {
        amount("limits", name, &limit.0);
    }
    for (name, request) in requests.iter().flatten() {
        let limit = limits.as_ref().and_then(|limits| limits.get(name));
        let wanted = amount("requests", name, &request.0);
        let most = limit.and_then(|limit| limit.0.parse::<Quantity>().ok());
        if let (Some(wanted), Some(most), Some(limit)) = (wanted, most, limit)
            && wanted > most
        {
            above.push((name, format!("{} is more than its limit of {}", request.0, limit.0)));
        }
    }
    for (name, message) in above {
        faults.add(path.clone().key("requests").key(name), message);
    }
}

/// The memory limit in bytes, if there is one.
#[must_use]
pub fn memory_limit_bytes(resources: &ResourceRequirements) -> Option<u64> {
    resources.limits.as_ref()?.get("memory")?.0.parse::<Quantity>().ok()?.as_bytes()
}

/// `maxmemory` in bytes for a container limited to `limit_bytes`: `percent` of it, rounded down.
#[must_use]
pub fn max_memory_bytes(limit_bytes: u64, percent: u32) -> u64 {
    let bytes = u128::from(limit_bytes) * u128::from(percent) / 100;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

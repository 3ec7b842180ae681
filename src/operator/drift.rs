//! How often a field was taken and repaired: pure. A tug-of-war is ended, not won.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::manifest::ObjectKey;

use super::converged::Taken;

/// So many repairs of one field within [`WINDOW`] are a conflict.
const REPAIRS: usize = 3;
/// The time in which they are counted, and for which a field is then left alone.
const WINDOW: Duration = Duration::from_secs(600);

/// When which field was repaired.
#[derive(Debug, Default)]
pub struct Repairs(BTreeMap<String, Vec<Instant>>);

impl Repairs {
    /// Notes a repair.
    pub fn note(&mut self, key: &ObjectKey, taken: &[Taken], now: Instant) {
        for Taken { path, .. } in taken {
            self.0.entry(place(key, path)).or_default().push(now);
        }
        self.forget(now);
    }

    /// Until when a field is left to whoever wants it.
    #[must_use]
    pub fn contested_until(&self, key: &ObjectKey, taken: &Taken, now: Instant) -> Option<Instant> {
        let times = self.0.get(&place(key, &taken.path))?;
        let recent = times.iter().filter(|time| now.duration_since(**time) < WINDOW);
        let recent: Vec<&Instant> = recent.collect();
        if recent.len() < REPAIRS {
            return None;
        }
        recent.first().map(|first| **first + WINDOW)
    }

    fn forget(&mut self, now: Instant) {
        for times in self.0.values_mut() {
            times.retain(|time| now.duration_since(*time) < WINDOW);
        }
        self.0.retain(|_, times| !times.is_empty());
    }
}

fn place(key: &ObjectKey, path: &str) -> String {
    format!("{}/{}: {path}", key.kind, key.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_third_repair_within_ten_minutes_is_the_last() {
        let key = ObjectKey::new("v1", "Service", Some("ns"), "shop-client");
        let taken = Taken { path: "spec.type".to_owned(), by: None, at: None };
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut repairs = Repairs::default();
        for seconds in [0, 10, 20] {
            assert_eq!(repairs.contested_until(&key, &taken, at(seconds)), None, "{seconds} s");
            repairs.note(&key, std::slice::from_ref(&taken), at(seconds));
        }
        assert_eq!(repairs.contested_until(&key, &taken, at(21)), Some(at(600)));
        assert_eq!(repairs.contested_until(&key, &taken, at(600)), None);
        let other = Taken { path: "spec.ports".to_owned(), ..taken };
        assert_eq!(repairs.contested_until(&key, &other, at(21)), None);
    }
}

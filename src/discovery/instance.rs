//! An instance as Sentinel tells it: field by field, in its order.

use std::time::Duration;

use super::directory::{Instance, Role, Set};
use super::reply::Reply;

/// The fields of the master of `set`.
pub(super) fn master(name: &str, set: &Set, master: &Instance) -> Reply {
    let mut fields = Fields::of(name.to_owned(), master, Role::Master, set);
    fields.number("config-epoch", set.epoch);
    fields.number("num-slaves", count(&set.replicas));
    fields.number("num-other-sentinels", 0);
    fields.number("quorum", u64::from(set.quorum));
    fields.number("failover-timeout", set.failover_timeout_ms);
    fields.number("parallel-syncs", u64::from(set.parallel_syncs));
    Reply::Map(fields.pairs)
}

/// The fields of one replica of `set`.
pub(super) fn replica(set: &Set, replica: &Instance) -> Reply {
    let name = format!("{}:{}", replica.host, replica.port);
    let mut fields = Fields::of(name, replica, Role::Replica, set);
    let state = &replica.replica;
    fields.number("master-link-down-time", state.master_link_down_ms);
    fields.text("master-link-status", if state.master_link_up { "ok" } else { "err" });
    fields.text("master-host", state.master_host.as_deref().unwrap_or("?"));
    fields.number("master-port", u64::from(state.master_port));
    fields.number("slave-priority", u64::from(state.priority));
    fields.number("slave-repl-offset", state.offset);
    fields.number("replica-announced", 1);
    Reply::Map(fields.pairs)
}

fn count<T>(items: &[T]) -> u64 {
    u64::try_from(items.len()).unwrap_or(u64::MAX)
}

struct Fields {
    pairs: Vec<(Reply, Reply)>,
    /// How long ago the ages were taken.
    aged: Duration,
}

impl Fields {
    /// What masters and replicas have in common.
    fn of(name: String, instance: &Instance, role: Role, set: &Set) -> Self {
        let mut fields = Self { pairs: Vec::new(), aged: set.aged() };
        fields.text("name", name);
        fields.text("ip", instance.host.as_str());
        fields.number("port", u64::from(instance.port));
        fields.text("runid", instance.run_id.as_deref().unwrap_or_default());
        fields.text("flags", flags(instance, role));
        fields.number("link-pending-commands", u64::from(instance.link_pending_commands));
        fields.number("link-refcount", 1);
        if let (Role::Master, Some(state)) = (role, set.failover) {
            fields.text("failover-state", state.word());
        }
        fields.age("last-ping-sent", instance.pending_ping_age_ms);
        fields.age("last-ok-ping-reply", Some(instance.last_ok_ping_reply_age_ms));
        fields.age("last-ping-reply", Some(instance.last_ping_reply_age_ms));
        if let Some(age_ms) = instance.down_age_ms {
            fields.age("s-down-time", Some(age_ms));
        }
        fields.number("down-after-milliseconds", set.down_after_ms);
        fields.age("info-refresh", instance.info_age_ms);
        fields.text("role-reported", instance.role_reported.word());
        fields.age("role-reported-time", Some(instance.role_reported_age_ms));
        fields
    }

    fn text(&mut self, key: &'static str, value: impl Into<String>) {
        self.pairs.push((Reply::word(key), Reply::text(value)));
    }

    fn number(&mut self, key: &'static str, value: u64) {
        self.text(key, value.to_string());
    }

    /// An age as of now; 0 when there is none.
    fn age(&mut self, key: &'static str, age_ms: Option<u64>) {
        let since_ms = u64::try_from(self.aged.as_millis()).unwrap_or(u64::MAX);
        self.number(key, age_ms.map_or(0, |age_ms| age_ms.saturating_add(since_ms)));
    }
}

fn flags(instance: &Instance, role: Role) -> String {
    let down = instance.down_age_ms.map(|_| "s_down");
    let others = instance.flags.iter().map(|flag| flag.word());
    down.into_iter().chain([role.word()]).chain(others).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::{FailoverState, Flag};
    use std::time::Instant;

    fn pairs(reply: Reply) -> Vec<(String, String)> {
        let text = |reply: Reply| match reply {
            Reply::Text(text) => String::from_utf8(text.into_owned()).unwrap(),
            other => panic!("{other:?}"),
        };
        let Reply::Map(pairs) = reply else { panic!("{reply:?}") };
        pairs.into_iter().map(|(key, value)| (text(key), text(value))).collect()
    }

    #[test]
    fn a_master_that_is_down_says_so() {
        let mut set = Set::new(Instant::now());
        let mut instance = Instance::at("10.0.0.1", 6379);
        instance.down_age_ms = Some(1500);
        instance.flags = [Flag::FailoverInProgress, Flag::Disconnected].into();
        set.failover = Some(FailoverState::WaitPromotion);
        let pairs = pairs(master("demo", &set, &instance));
        let get = |key: &str| {
            pairs.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
        };
        assert_eq!(get("name"), Some("demo"));
        assert_eq!(get("flags"), Some("s_down,master,disconnected,failover_in_progress"));
        assert_eq!(get("failover-state"), Some("wait_promotion"));
        assert!(get("s-down-time").unwrap().parse::<u64>().unwrap() >= 1500);
        assert_eq!(get("last-ping-sent"), Some("0"));
        assert_eq!(get("num-other-sentinels"), Some("0"));
    }

    #[test]
    fn ages_grow_while_nobody_publishes() {
        let set = Set::new(Instant::now().checked_sub(Duration::from_secs(60)).unwrap());
        let pairs = pairs(replica(&set, &Instance::at("::1", 6379)));
        let age = pairs.iter().find(|(key, _)| key == "last-ok-ping-reply").unwrap();
        assert!(age.1.parse::<u64>().unwrap() >= 60_000, "{age:?}");
        assert_eq!(pairs[0].1, "::1:6379");
    }
}

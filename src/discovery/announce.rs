//! From what the sentinel knows of a set to what its clients are told.

use std::time::Instant;

use crate::sentinel::{self, Local, Millis, NodeId, Observation, Phase};
use crate::valkey;

use super::directory::{FailoverState, Flag, Instance, ReplicaState, Role, Set, SetName};
use super::event::{Address, Event, Happening, Subject};

/// How old what is told may get while nothing happens, in milliseconds.
const REFRESH_MS: Millis = 1000;

/// Tells of one set: what is so, and what has changed since it was asked last.
#[derive(Debug)]
pub struct Announcer {
    names: Vec<SetName>,
    addresses: Vec<Place>,
    told: Option<Told>,
}

/// Where clients reach a node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Place {
    now: Option<Address>,
    /// Where it was last, for what is said of it.
    last: Option<Address>,
}

/// What was told last.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Told {
    at_ms: Millis,
    master: Option<NodeId>,
    epoch: u64,
    phase: Phase,
    down: Vec<bool>,
    replicas: Vec<bool>,
}

impl Announcer {
    /// For the set of that name, whose nodes clients reach at these addresses.
    #[must_use]
    pub fn new(name: impl Into<SetName>, addresses: &[valkey::Address]) -> Self {
        let mut new = Self { names: vec![name.into()], addresses: Vec::new(), told: None };
        new.place(addresses.iter().map(Some));
        new
    }

    /// Events are told under each of these names.
    pub fn rename(&mut self, names: Vec<SetName>) {
        self.names = names;
    }

    /// The nodes are there now, or nowhere.
    pub fn place<'a>(&mut self, addresses: impl Iterator<Item = Option<&'a valkey::Address>>) {
        let mut places = Vec::new();
        for (index, address) in addresses.enumerate() {
            let now = address.map(|it| Address::new(it.host(), it.port()));
            let last = self.addresses.get(index).and_then(|place| place.last.clone());
            places.push(Place { last: now.clone().or(last), now });
        }
        if places != self.addresses {
            self.addresses = places;
            if let Some(told) = &mut self.told {
                // It is told anew, whatever else is as it was.
                told.at_ms = 0;
            }
        }
    }

    /// What clients are to be told now; `None` when that is what they were told last.
    pub fn tell(
        &mut self,
        seen: &Observation,
        local: &Local,
        now_ms: Millis,
    ) -> Option<(Set, Vec<Event>)> {
        let record = seen.record.as_ref()?;
        // Where the Service points is what clients hear, so that both ways lead to one place.
        let master = seen.service.map(|pointer| pointer.node);
        let follows = |index: usize| {
            let report = seen.nodes[index].report.as_ref();
            master.is_some_and(|master| report.is_some_and(|it| it.link_to(master).is_some()))
        };
        let now = Told {
            at_ms: now_ms,
            master,
            epoch: record.epoch,
            phase: record.phase,
            down: local.nodes.iter().map(|clock| clock.down).collect(),
            replicas: (0..seen.nodes.len()).map(follows).collect(),
        };
        let events = self.events(&now);
        let fresh = self.told.as_ref().is_some_and(|told| {
            now_ms < told.at_ms + REFRESH_MS && *told == Told { at_ms: told.at_ms, ..now.clone() }
        });
        if fresh {
            return None;
        }
        let set = self.set(seen, local, &now);
        self.told = Some(now);
        Some((set, events))
    }

    fn address(&self, node: NodeId) -> Option<Address> {
        self.addresses.get(node.index())?.last.clone()
    }

    fn subject(&self, set: &SetName, node: NodeId, master: NodeId) -> Option<Subject> {
        let (set, address) = (set.clone(), self.address(node)?);
        Some(if node == master {
            Subject::Master { set, address }
        } else {
            Subject::Replica { set, address, master: self.address(master)? }
        })
    }

    fn events(&self, now: &Told) -> Vec<Event> {
        let (Some(told), Some(master)) = (&self.told, now.master) else { return Vec::new() };
        let mut events = Vec::new();
        let mut epoch = (told.epoch != now.epoch).then_some(Event::NewEpoch(now.epoch));
        for name in &self.names {
            self.events_of(name, told, now, master, epoch.take(), &mut events);
        }
        events
    }

    fn events_of(
        &self,
        name: &SetName,
        told: &Told,
        now: &Told,
        master: NodeId,
        epoch: Option<Event>,
        events: &mut Vec<Event>,
    ) {
        let before = told.master.unwrap_or(master);
        let about = |happening, node, master| {
            self.subject(name, node, master).map(|it| Event::About(happening, it))
        };
        for (index, down) in now.down.iter().enumerate() {
            if told.down.get(index).copied().unwrap_or_default() != *down {
                let happening = if *down { Happening::Down } else { Happening::DownEnded };
                events.extend(about(happening, NodeId::at(index), before));
            }
        }
        events.extend(epoch);
        let under_way = |phase| matches!(phase, Phase::Failover | Phase::Switchover);
        if under_way(now.phase) && !under_way(told.phase) {
            events.extend(about(Happening::TryFailover, before, before));
        }
        if before != master
            && let (Some(old), Some(new)) = (self.address(before), self.address(master))
        {
            events.push(Event::SwitchMaster { set: name.clone(), old, new });
            events.extend(about(Happening::FailoverEnd, master, master));
        }
        for (index, follows) in now.replicas.iter().enumerate() {
            let followed = before == master && told.replicas.get(index) == Some(&true);
            if *follows && !followed {
                events.extend(about(Happening::Replica, NodeId::at(index), master));
            }
        }
    }

    fn set(&self, seen: &Observation, local: &Local, now: &Told) -> Set {
        let instance = |index| self.instance(seen, local, now, NodeId::at(index));
        let mut set = Set::new(Instant::now());
        set.epoch = now.epoch;
        set.down_after_ms = seen.settings.down_after_ms;
        set.failover_timeout_ms = seen.settings.failover_timeout_ms;
        set.failover = match now.phase {
            Phase::Adopt | Phase::Stable => None,
            Phase::Failover => Some(FailoverState::SelectReplica),
            Phase::Switchover => Some(FailoverState::WaitPromotion),
        };
        let name = |node: NodeId| match self.address(node) {
            Some(address) => format!("{}:{}", address.host, address.port),
            None => format!("node {}", node.0),
        };
        set.cannot_fail_over = local.hold.map(|hold| hold.describe(&name));
        for index in 0..seen.nodes.len() {
            if now.master == Some(NodeId::at(index)) {
                set.master = instance(index);
            } else {
                set.replicas.extend(instance(index));
            }
        }
        set
    }

    fn instance(
        &self,
        seen: &Observation,
        local: &Local,
        now: &Told,
        node: NodeId,
    ) -> Option<Instance> {
        let address = self.addresses.get(node.index())?.now.as_ref()?;
        let known = &seen.nodes[node.index()];
        let report = known.report.as_ref();
        let silence_ms = known.asked_ms.map(|asked| now.at_ms.saturating_sub(asked));
        let down = local.nodes.get(node.index()).is_some_and(|clock| clock.down);
        let is_master = now.master == Some(node);
        let mut instance = Instance::at(address.host.clone(), address.port);
        instance.run_id = report.map(|it| it.run_id).or(known.last_run).map(|id| id.to_string());
        instance.down_age_ms =
            down.then(|| silence_ms.unwrap_or(0).saturating_sub(seen.settings.down_after_ms));
        instance.pending_ping_age_ms = silence_ms;
        instance.last_ok_ping_reply_age_ms = silence_ms.unwrap_or(0);
        instance.last_ping_reply_age_ms = silence_ms.unwrap_or(0);
        instance.info_age_ms = report.map(|it| now.at_ms.saturating_sub(it.asked_ms));
        instance.role_reported = match report.map(sentinel::Report::is_master) {
            Some(true) => Role::Master,
            None if is_master => Role::Master,
            Some(false) | None => Role::Replica,
        };
        if report.is_none() {
            instance.flags.insert(Flag::Disconnected);
        }
        if is_master && matches!(now.phase, Phase::Failover | Phase::Switchover) {
            instance.flags.insert(Flag::FailoverInProgress);
        }
        if let Some(sentinel::Role::Replica(link)) = report.map(|it| it.role) {
            let upstream = match link.upstream {
                sentinel::Upstream::Node(upstream) => self.address(upstream),
                sentinel::Upstream::Nowhere | sentinel::Upstream::Stranger => None,
            };
            instance.replica = ReplicaState {
                master_link_up: link.up,
                master_link_down_ms: link.down_since_s.unwrap_or(0) * 1000,
                master_port: upstream.as_ref().map_or(0, |it| it.port),
                master_host: upstream.map(|it| it.host),
                priority: report.map_or(100, |it| it.priority),
                offset: report.map_or(0, |it| it.offset),
            };
        }
        Some(instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentinel::fixture::{Set as Watched, link, n};
    use crate::sentinel::{Pointer, Role};

    fn announcer() -> Announcer {
        let addresses = ["10.0.0.1:1", "10.0.0.2:2", "10.0.0.3:3"].map(|it| it.parse().unwrap());
        Announcer::new("demo", &addresses)
    }

    /// The events of one look, as they are published; `None` when nothing is told.
    fn told(announcer: &mut Announcer, set: &Watched) -> Option<Vec<String>> {
        let (_, events) = announcer.tell(&set.seen, &set.local, set.now_ms)?;
        Some(events.iter().map(|it| format!("{} {}", it.channel(), it.payload())).collect())
    }

    #[test]
    fn a_failover_is_told_when_it_happens_and_once() {
        let nothing: [&str; 0] = [];
        let (mut announcer, mut set) = (announcer(), Watched::of(3));
        assert_eq!(told(&mut announcer, &set).unwrap(), nothing, "what was before is no news");
        set.local.nodes[0].down = true;
        assert_eq!(told(&mut announcer, &set).unwrap(), ["+sdown master demo 10.0.0.1 1"]);
        set = set.failover(1);
        assert_eq!(
            told(&mut announcer, &set).unwrap(),
            ["+new-epoch 2", "+try-failover master demo 10.0.0.1 1"]
        );
        // The record names another one, clients are not sent there yet.
        set.record().phase = Phase::Stable;
        assert_eq!(told(&mut announcer, &set).unwrap(), nothing);
        set.seen.service = Some(Pointer { node: n(1), epoch: 2 });
        set.report(2).role = Role::Replica(link(1));
        assert_eq!(
            told(&mut announcer, &set).unwrap(),
            [
                "+switch-master demo 10.0.0.1 1 10.0.0.2 2",
                "+failover-end master demo 10.0.0.2 2",
                "+slave slave 10.0.0.3:3 10.0.0.3 3 @ demo 10.0.0.2 2",
            ]
        );
        set.local.nodes[0].down = false;
        let old = "slave 10.0.0.1:1 10.0.0.1 1 @ demo 10.0.0.2 2";
        assert_eq!(told(&mut announcer, &set).unwrap(), [format!("-sdown {old}")]);
        set.report(0).role = Role::Replica(link(1));
        assert_eq!(told(&mut announcer, &set).unwrap(), [format!("+slave {old}")]);
        assert_eq!(told(&mut announcer, &set), None);
    }

    #[test]
    fn what_is_as_it_was_is_told_anew_only_when_it_is_old_or_elsewhere() {
        let (mut announcer, mut set) = (announcer(), Watched::of(3));
        assert!(told(&mut announcer, &set).is_some());
        for (later_ms, is_told) in [(REFRESH_MS - 1, false), (1, true), (1, false)] {
            set.now_ms += later_ms;
            assert_eq!(told(&mut announcer, &set).is_some(), is_told, "{later_ms}");
        }
        let elsewhere: valkey::Address = "10.0.0.9:9".parse().unwrap();
        announcer.place([None, Some(&elsewhere), None].into_iter());
        let (directory, _) = announcer.tell(&set.seen, &set.local, set.now_ms).unwrap();
        assert!(directory.master.is_none(), "it is nowhere");
        assert_eq!(directory.replicas.len(), 1);
        // Whom it is about is said by where it was last.
        set.local.nodes[0].down = true;
        assert_eq!(told(&mut announcer, &set).unwrap(), ["+sdown master demo 10.0.0.1 1"]);
    }

    #[test]
    fn every_name_of_a_set_is_told_and_an_epoch_once() {
        let (mut announcer, set) = (announcer(), Watched::of(3));
        announcer.rename(vec!["demo".to_owned(), "default/demo".to_owned()]);
        assert!(told(&mut announcer, &set).is_some());
        assert_eq!(
            told(&mut announcer, &set.switchover(2)).unwrap(),
            [
                "+new-epoch 2",
                "+try-failover master demo 10.0.0.1 1",
                "+try-failover master default/demo 10.0.0.1 1",
            ]
        );
    }
}

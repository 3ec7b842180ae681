//! From facts of Kubernetes to what a set is watched for.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;

use crate::operator::{ClusterFacts, PodFacts};
use crate::runtime::{LiveSettings, NodeTarget, ProcessTarget, SetTargets};
use crate::sentinel::{NodeId, Record, Settings};
use crate::valkey::{Address, Credentials, Dial, Network};

use super::record::home_of;
use super::seats::Seats;

/// The user that looks, and takes over.
const USER: &str = "gungnir";

/// How much data a server may hold.
const MAX_MEMORY: &str = "maxmemory";

/// What facts alone do not say.
pub(super) struct Beside<'a> {
    /// The record as it was read or written last.
    pub record: Option<&'a Record>,
    /// Which run sits in which container.
    pub seats: &'a Seats,
    /// The certificates, where they are used and can be.
    pub tls: Option<&'a Arc<ClientConfig>>,
    /// The way to the servers.
    pub network: &'a Network,
    /// How often somebody else has written.
    pub reread: u64,
    /// How often leading has begun or ended.
    pub leadership: u64,
}

/// What a set is watched for.
pub(super) fn targets(facts: &ClusterFacts, beside: &Beside<'_>) -> SetTargets {
    let nodes = facts.pods.len().max(beside.record.map_or(0, nodes_of));
    let gone = PodFacts::default();
    let target = |index: usize| {
        let pod = facts.pods.get(index).unwrap_or(&gone);
        let node = NodeId::at(index);
        let recorded = beside.record.and_then(|record| record.master);
        let recorded = recorded.filter(|master| master.node == node).map(|master| master.run_id);
        let volume = pod.volume.as_ref();
        let fenced = facts.fence.as_deref() == Some(&pod.name);
        let remembered = volume.and_then(|volume| remembered(volume.epoch.as_deref()?));
        NodeTarget {
            process: process(facts, pod, beside).map(Rc::new),
            gated: true,
            // A fenced master hands over, as one does whose pod is about to go.
            leaving: pod.deleting || fenced,
            never_leads: fenced,
            remembered,
            live: live(facts, pod),
            blank: volume.is_none_or(|it| it.epoch.is_none() && !it.older_than_cluster),
            ended: beside.seats.ended(node, pod, recorded),
        }
    };
    SetTargets {
        settings: Settings { may_appoint_first: true, shuts_out: true, ..facts.settings.clone() },
        nodes: (0..nodes).map(target).collect(),
        reread: beside.reread,
        leadership: beside.leadership,
    }
}

/// A server that runs with less memory than the spec gives it would be killed for using more.
fn live(facts: &ClusterFacts, pod: &PodFacts) -> LiveSettings {
    if pod.other_memory_limit { facts.live.without(MAX_MEMORY) } else { facts.live.clone() }
}

/// How many nodes a record speaks of.
fn nodes_of(record: &Record) -> usize {
    let members = record.in_sync.iter().chain(&record.master).map(|member| member.node);
    let highest = members.chain(record.target).max();
    highest.map_or(0, |node| node.index() + 1)
}

fn process(facts: &ClusterFacts, pod: &PodFacts, beside: &Beside<'_>) -> Option<ProcessTarget> {
    let access = facts.access.as_ref()?;
    let home = home_of(pod.uid.as_deref()?)?;
    let address = Address::new(pod.ip.as_deref()?, facts.port).ok()?;
    // Without certificates that can be used nothing is said to a server that has some.
    let tls = match &access.tls {
        None => None,
        Some(_) => Some(Arc::clone(beside.tls?)),
    };
    let limit = Duration::from_millis(facts.settings.down_after_ms / 2);
    let dial = Dial {
        address: address.clone(),
        server_name: tls.is_some().then(|| pod.dns_name.clone()),
        tls,
        credentials: Some(Credentials {
            user: Some(USER.to_owned()),
            password: access.operator_password.clone(),
        }),
        connect_timeout: limit.clamp(Duration::from_millis(100), Duration::from_secs(5)),
        network: beside.network.clone(),
    };
    Some(ProcessTarget { address, dial, password_file: None, home })
}

/// What a volume's annotation says: `7/master`.
pub(super) fn remembered(annotation: &str) -> Option<(u64, bool)> {
    let (epoch, role) = annotation.split_once('/')?;
    Some((epoch.parse().ok()?, role == "master"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{UIDS, facts};
    use super::*;
    use crate::operator::{Terminated, TlsFiles, VolumeFacts};
    use crate::sentinel::{Id, Member, Phase};

    fn of(facts: &ClusterFacts, seats: &Seats) -> SetTargets {
        targets(
            facts,
            &Beside {
                record: None,
                seats,
                tls: None,
                network: &Network::Tcp,
                reread: 3,
                leadership: 0,
            },
        )
    }

    #[test]
    fn a_pod_is_reached_by_its_address_and_known_by_its_uid() {
        let mut facts = facts(3);
        facts.pods[1].ip = None;
        facts.pods[2].uid = None;
        facts.pods[0].deleting = true;
        let set = of(&facts, &Seats::default());
        let process = set.nodes[0].process.as_ref().unwrap();
        assert_eq!(process.address.to_string(), "10.0.0.1:6379");
        assert_eq!(Some(process.home), home_of(UIDS[0]));
        assert_eq!(process.dial.credentials.as_ref().unwrap().user.as_deref(), Some("gungnir"));
        assert!(process.dial.server_name.is_none() && set.nodes[0].leaving);
        assert!(set.nodes[1].process.is_none() && set.nodes[2].process.is_none());
        assert!(set.settings.may_appoint_first && set.reread == 3);
    }

    #[test]
    fn a_pod_with_another_memory_limit_keeps_its_maximum_until_it_restarts() {
        let mut facts = facts(2);
        let directive = |name: &str| (name.to_owned(), "1".to_owned());
        facts.live = LiveSettings::new(vec![directive(MAX_MEMORY), directive("maxclients")]);
        facts.pods[1].other_memory_limit = true;
        let set = of(&facts, &Seats::default());
        assert_eq!(set.nodes[0].live, facts.live);
        assert_eq!(set.nodes[1].live, LiveSettings::new(vec![directive("maxclients")]));
    }

    #[test]
    fn with_tls_and_no_certificate_nobody_is_asked_in_clear() {
        let mut facts = facts(1);
        let nothing = TlsFiles { ca: vec![], certificate: vec![], key: vec![] };
        facts.access.as_mut().unwrap().tls = Some(nothing);
        assert!(of(&facts, &Seats::default()).nodes[0].process.is_none());
    }

    #[test]
    fn a_record_of_pods_that_are_gone_keeps_their_nodes() {
        let home = home_of(UIDS[0]).unwrap();
        let member = |node| Member { node: NodeId(node), run_id: Id([node; 20]), home };
        let record = Record {
            phase: Phase::Stable,
            master: Some(member(0)),
            in_sync: vec![member(4)],
            ..Record::without_master(1, 1)
        };
        let seats = Seats::default();
        let beside = Beside {
            record: Some(&record),
            seats: &seats,
            tls: None,
            network: &Network::Tcp,
            reread: 0,
            leadership: 0,
        };
        assert_eq!(targets(&facts(3), &beside).nodes.len(), 5);
    }

    #[test]
    fn volumes_say_whether_there_may_be_data_from_before() {
        let volume = |epoch: Option<&str>, older_than_cluster| VolumeFacts {
            name: "data".into(),
            uid: "v".into(),
            epoch: epoch.map(Into::into),
            older_than_cluster,
        };
        for (volume, remembered, blank) in [
            (None, None, true),
            (Some(volume(None, false)), None, true),
            (Some(volume(None, true)), None, false),
            (Some(volume(Some("7/master"), false)), Some((7, true)), false),
            (Some(volume(Some("7/replica"), true)), Some((7, false)), false),
            (Some(volume(Some("garbage"), false)), None, false),
        ] {
            let mut facts = facts(1);
            facts.pods[0].volume = volume;
            let set = of(&facts, &Seats::default());
            assert_eq!((set.nodes[0].remembered, set.nodes[0].blank), (remembered, blank));
        }
    }

    #[test]
    fn the_end_of_a_container_ends_its_run() {
        let mut facts = facts(1);
        let (home, run_id) = (home_of(UIDS[0]).unwrap(), Id([5; 20]));
        let mut seats = Seats::default();
        seats.note(NodeId(0), run_id, home, "containerd://a", None);
        assert_eq!(of(&facts, &seats).nodes[0].ended, None);
        facts.pods[0].terminated =
            vec![Terminated { pod_uid: UIDS[0].into(), container_id: "containerd://a".into() }];
        assert_eq!(of(&facts, &seats).nodes[0].ended, Some(run_id));
    }
}

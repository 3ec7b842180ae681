//! Operators that are no longer what they think they are.

use std::time::Duration;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::agent::Agent;
use crate::audit::Audit;
use crate::cluster::Kind;
use crate::cut::{Leader, place};
use crate::delay;
use crate::figures::Figures;
use crate::install;
use crate::nodes::{Fault, Nodes};
use crate::set::{ValkeySet, World};
use crate::took::Took;
use crate::trial::Trial;
use crate::wait::{DEADLINE, stays, until};

/// How long a lease holds that is not given back, less what two clocks and a busy machine take.
const LEASE_RUNS_OUT: SignedDuration = SignedDuration::from_secs(4);
/// How long the leader is away from the API server.
const CUT: Duration = Duration::from_secs(30);
/// How long the API server is slow.
const SLOW: Duration = Duration::from_secs(120);
/// How soon all is as it should be, once it is quick again.
const CONVERGED: Duration = Duration::from_secs(30);
/// How long a leader that was replaced is watched when it goes on.
const WATCHED: Duration = Duration::from_secs(20);

/// C4: the leader hears no API server, and the master dies. It still reaches every server.
pub fn cut_off(world: &World) -> Figures {
    let (set, nodes) = (ValkeySet::usual(world, "C4"), world.nodes());
    let master = place(&set, Leader::Elsewhere);
    let leader = Operator::leading(&set);
    let audit = Audit::start().expect("an audit log");
    let mut trial = Trial::start(&set);
    let process = nodes.process(&set.namespace, &master);
    let cut = trial.fault(|| {
        let cut = nodes.part(leader.node, &leader.ip, &nodes.api_server());
        nodes.kill(process);
        cut
    });
    let next = set.moved(&master);
    assert!(audit.has_another_leader(&leader.pod), "{leader:?} moved the master without a record");
    trial.write_on();
    let rest = CUT.saturating_sub(trial.since_fault());
    stays("the new master leads", rest, || set.is_led_by(&next));
    cut.heal();
    stays("nobody moves back", WATCHED, || set.is_led_by(&next));
    let figures = trial.finish(3);
    assert_eq!(audit.changes_without_lease(&leader.pod), []);
    figures.are_safe();
    figures
}

/// C17: the leader stands still while another one takes over and moves the master; then it goes on.
pub fn stopped(world: &World) -> Figures {
    let (set, nodes) = (ValkeySet::usual(world, "C17"), world.nodes());
    let master = place(&set, Leader::Elsewhere);
    let leader = Operator::leading(&set);
    let audit = Audit::start().expect("an audit log");
    let mut trial = Trial::start(&set);
    let process = nodes.process(&set.namespace, &master);
    let stop = trial.fault(|| {
        let stop = nodes.stop(nodes.process(install::NAMESPACE, &leader.pod));
        nodes.kill(process);
        stop
    });
    let next = set.moved(&master);
    assert!(audit.has_another_leader(&leader.pod), "nobody else leads");
    trial.write_on();
    stop.heal();
    stays("the new master leads", WATCHED, || set.is_led_by(&next));
    let figures = trial.finish(3);
    assert_eq!(audit.changes_without_lease(&leader.pod), []);
    figures.are_safe();
    figures
}

/// C5: every request of the operators takes 3 s ± 1 s. That alone moves no master.
pub fn slow(world: &World) -> Figures {
    let (set, nodes) = (ValkeySet::usual(world, "C5"), world.nodes());
    let master = set.settle(3);
    let epoch = |set: &ValkeySet<'_>| set.resource()["status"]["election"]["epoch"].clone();
    let before = epoch(&set);
    let leader = Operator::leading(&set);
    let target = format!("{}:6443", nodes.api_server());
    let mut trial = Trial::start(&set);
    let audit = Audit::start().expect("an audit log");
    let ways: Vec<(Fault, Agent)> = trial.fault(|| {
        let pods = install::pods(&world.cluster);
        pods.iter()
            .map(|pod| {
                let operator = Operator::of(&set, pod);
                let agent = Agent::start(nodes.netns(operator.node), &[delay::WORD, &target], "");
                let port = until("the slow way is open", DEADLINE, || {
                    let port = agent.last().as_u64().and_then(|port| u16::try_from(port).ok());
                    port.ok_or_else(|| "no port".to_owned())
                });
                (nodes.detour(operator.node, port, &operator.ip), agent)
            })
            .collect()
    });
    stays("the master leads", SLOW, || set.is_led_by(&master));
    for (detour, agent) in ways {
        detour.heal();
        let ended = agent.stop();
        assert_eq!(ended, json!("ended"));
    }
    set.apply(&json!({ "replicas": 3, "labels": { "example.com/turn": "second" } }));
    until("a change is made", CONVERGED, || {
        let service = set.get(Kind::Service, "shop-client").ok_or("it is gone")?;
        let turn = &service["metadata"]["labels"]["example.com/turn"];
        if turn == "second" { Ok(()) } else { Err(turn.to_string()) }
    });
    let figures = trial.finish(3);
    assert_eq!((set.pointer(), epoch(&set)), (Some(master), before), "a failover");
    assert_eq!(audit.changes_without_lease(&leader.pod), []);
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "{figures}");
    figures
}

/// The leader's pod is deleted as a rollout does it: it gives the lease back, so nobody waits until
/// that has run out.
pub fn asked_to_end(world: &World) -> Took {
    let leader = install::leader(&world.cluster);
    let lease = || world.cluster.get(Kind::Lease, install::NAMESPACE, install::RELEASE);
    let mut before = lease().expect("the lease");
    let (took, after) = Took::until("another leads", || {
        world.cluster.delete(Kind::Pod, install::NAMESPACE, &leader);
        until("another leads", DEADLINE, || {
            let now = lease().ok_or("there is no lease")?;
            match now["spec"]["holderIdentity"].as_str().unwrap_or_default() {
                "" => Err("nobody does".to_owned()),
                holder if holder.starts_with(&format!("{leader}_")) => {
                    before = now;
                    Err("it leads on".to_owned())
                }
                _ => Ok(now),
            }
        })
    });
    let time = |lease: &Value, field: &str| -> Timestamp {
        lease["spec"][field].as_str().and_then(|text| text.parse().ok()).expect("a time")
    };
    // From its last renewal, so that how soon it was asked to end does not count.
    let gap = time(&after, "acquireTime").duration_since(time(&before, "renewTime"));
    assert!(gap < LEASE_RUNS_OUT, "{gap:?} after the last renewal: it was not given back");
    install::wait_until_rolled_out();
    took
}

/// A pod of the operator.
#[derive(Debug)]
struct Operator {
    pod: String,
    node: u8,
    ip: String,
}

impl Operator {
    fn leading(set: &ValkeySet<'_>) -> Self {
        Self::of(set, &install::leader(set.cluster()))
    }

    fn of(set: &ValkeySet<'_>, pod: &str) -> Self {
        let object = set.cluster().get(Kind::Pod, install::NAMESPACE, pod).expect("it runs");
        let node = object["spec"]["nodeName"].as_str().and_then(Nodes::number);
        let ip = object["status"]["podIP"].as_str().expect("it runs").to_owned();
        Self { pod: pod.to_owned(), node: node.expect("it is on a node"), ip }
    }
}

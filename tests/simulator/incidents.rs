//! What went wrong elsewhere, told again: each incident is one that users of another operator had, or
//! that its code invites, with the property that it broke.
#![cfg(test)]

use std::time::Duration;

use serde_json::json;

use crate::run::{Outcome, simulate, trace};
use crate::schedule::Action::{
    CutNode, CutOperatorFromServers, Delete, DeleteByForce, DeleteClaim, DiskFull, EditChild, Kill,
    KillOperator, LoseVolume, NodeDown, RestoreStatus, Roll, Scale, Stop, StopOperator, Switchover,
    WipeStatus,
};
use crate::schedule::Who::{Master, Replica};
use crate::schedule::{Action, Event, Schedule};
use crate::story::Story;

/// How many seeds each is told with.
const SEEDS: u64 = 10;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Tells it; the outcomes, of which every property held.
fn tell(replicas: u64, events: &[(u64, Action)]) -> Vec<Outcome> {
    let event = |(at_ms, action): &(u64, Action)| Event { at: ms(*at_ms), action: *action };
    let schedule = Schedule(events.iter().map(event).collect());
    let story = Story { spec: json!({ "replicas": replicas }), chapters: vec![schedule] };
    let outcomes: Vec<Outcome> = (0..SEEDS).map(|seed| simulate(seed, Some(&story))).collect();
    for outcome in &outcomes {
        let trace = || trace(outcome.seed, Some(&story)).1.join("\n");
        assert!(outcome.violations.is_empty(), "{}\n{outcome}", trace());
    }
    outcomes
}

/// Clients were sent to another pod.
fn moved(outcomes: &[Outcome]) {
    for outcome in outcomes {
        assert!(outcome.masters.len() > 1, "{outcome}{:?}", outcome.masters);
    }
}

/// Clients stayed where they were.
fn stayed(outcomes: &[Outcome]) {
    for outcome in outcomes {
        assert_eq!(outcome.masters.len(), 1, "{outcome}{:?}", outcome.masters);
    }
}

/// `reachable < 2` ended the look at a set of two: it never failed over.
#[test]
fn a_set_of_two_fails_over() {
    moved(&tell(2, &[(500, Kill(Master))]));
    moved(&tell(2, &[(500, NodeDown(Master, ms(60_000)))]));
}

/// After a partition the side with more keys was taken for the newer one, though keys had been deleted
/// and expired on the other.
#[test]
fn a_partition_that_heals_does_not_bring_the_old_master_back() {
    moved(&tell(3, &[(500, CutNode(Master, ms(40_000)))]));
}

/// A rolling change deleted the master though its heir could not be promoted.
#[test]
fn a_roll_without_an_heir_leaves_the_master_alone() {
    let heirless = [(0, DiskFull(Replica(0), ms(60_000))), (0, DiskFull(Replica(1), ms(60_000)))];
    tell(3, &[&heirless[..], &[(500, Roll), (600, CutOperatorFromServers(ms(20_000)))]].concat());
}

/// A master whose pod was missing or pending had no time of its last change, and was waited for for ever.
#[test]
fn a_master_whose_pod_is_gone_is_replaced() {
    moved(&tell(3, &[(500, DeleteByForce(Master))]));
    moved(&tell(3, &[(500, NodeDown(Master, ms(120_000))), (2_000, DeleteByForce(Master))]));
}

/// A server that hangs was ready to its kubelet, and so to the operator.
#[test]
fn a_master_that_hangs_is_replaced() {
    moved(&tell(3, &[(500, Stop(Master, ms(40_000)))]));
}

/// A master that came back at once with an empty disk was followed by all who had its data.
#[test]
fn a_master_that_comes_back_empty_wipes_nobody() {
    moved(&tell(3, &[(3_000, LoseVolume(Master))]));
}

/// The operator died between the promotion and its record, and the next one promoted the old master.
#[test]
fn an_operator_that_dies_in_a_failover_is_gone_on_from() {
    for after_ms in [5, 20, 50, 100, 200, 400] {
        let events = [(500, Kill(Master)), (500 + after_ms, KillOperator(ms(300)))];
        moved(&tell(3, &events));
    }
}

/// All pods had to be scheduled and running before anybody was promoted: a lost node blocked it.
#[test]
fn a_lost_node_blocks_no_failover() {
    moved(&tell(3, &[(500, NodeDown(Master, ms(90_000)))]));
}

/// The first missed answer was a failover, whatever the timeouts said.
#[test]
fn a_short_silence_is_no_failover() {
    stayed(&tell(3, &[(500, Stop(Master, ms(1_500)))]));
    stayed(&tell(3, &[(500, CutOperatorFromServers(ms(2_000)))]));
}

/// An old master that came back overwrote what had been written meanwhile.
#[test]
fn an_old_master_that_comes_back_follows() {
    let events = [(500, StopOperator(ms(4_000))), (600, Stop(Master, ms(12_000)))];
    tell(3, &events);
}

/// After a restart of the operator no master was chosen any more.
#[test]
fn an_operator_that_restarts_knows_its_master() {
    stayed(&tell(3, &[(500, KillOperator(ms(8_000)))]));
}

/// All pods were replicas, and nobody was promoted.
#[test]
fn after_the_end_of_all_one_leads() {
    tell(3, &[(500, Kill(Master)), (500, Kill(Replica(0))), (500, Kill(Replica(1)))]);
    tell(3, &[(500, Delete(Master)), (500, Delete(Replica(0))), (500, Delete(Replica(1)))]);
}

/// What every look repaired kept the watching half from seeing the master die.
#[test]
fn repairs_do_not_keep_a_failover_waiting() {
    let edits = (0..10).map(|at| (at * 300, EditChild));
    let events: Vec<(u64, Action)> = edits.chain([(1_000, Kill(Master))]).collect();
    let mut sorted = events;
    sorted.sort_by_key(|(at, _)| *at);
    moved(&tell(3, &sorted));
}

/// A pod that ends kept the role until it was gone.
#[test]
fn a_pod_that_ends_hands_over_first() {
    moved(&tell(3, &[(500, Delete(Master))]));
}

/// A stale record elected who had long been overtaken.
#[test]
fn a_record_that_is_gone_elects_nobody_new() {
    stayed(&tell(3, &[(500, WipeStatus)]));
    stayed(&tell(3, &[(500, RestoreStatus)]));
}

/// A record was wiped while its leader stood still, and another one began in the same term.
#[test]
fn a_wiped_record_lets_the_next_leader_lead() {
    let still = StopOperator(Duration::from_secs(31));
    tell(3, &[(500, still), (6000, WipeStatus), (13_000, Kill(Master))]);
}

/// A record that was put back made volumes forget who had led since: one that had missed it led.
#[test]
fn what_volumes_know_outlives_a_record_that_is_put_back() {
    let kills = [(502, Kill(Master)), (5091, Kill(Master)), (5091, KillOperator(ms(1476)))];
    tell(3, &[&[(0, RestoreStatus)][..], &kills].concat());
}

/// A record that was put back named pods that had been scaled away, and kept naming them.
#[test]
fn who_is_gone_is_not_counted_on_again() {
    tell(3, &[(500, RestoreStatus), (4500, Scale(2)), (8700, Scale(1))]);
}

/// A handover and a death at once left two masters.
#[test]
fn a_death_in_a_handover_leaves_one_master() {
    for after_ms in [1, 10, 30, 100] {
        tell(3, &[(500, Switchover(Replica(0))), (500 + after_ms, Kill(Master))]);
        tell(3, &[(500, Switchover(Replica(0))), (500 + after_ms, Kill(Replica(0)))]);
    }
}

/// A pod whose claim was being deleted was restarted with a new template, and its data went with it.
#[test]
fn a_roll_takes_no_only_copy_along() {
    // What both held is on one pod then. It waits until one more replica has taken a copy.
    let alone = [(1_000, Scale(1)), (30_000, DeleteClaim(Master)), (32_000, Roll)];
    moved(&tell(2, &[&alone[..], &[(60_000, Scale(2))]].concat()));
    // Where others have what goes, it goes on.
    tell(3, &[(500, DeleteClaim(Master)), (600, DeleteClaim(Replica(1))), (2_000, Roll)]);
}

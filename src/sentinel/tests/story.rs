//! Whole stories: what happens to a set, and everything that is done about it, in order.

use super::server::Boot;
use super::world::{Do, World};
use crate::sentinel::fixture::n;
use crate::sentinel::*;

/// What was done, and when, in lines of milliseconds and text.
fn lines(text: &str) -> String {
    let lines = text.lines().map(str::trim_start).filter(|line| !line.is_empty());
    let parts = lines.map(|line| line.split_once(' ').unwrap());
    let lines: Vec<String> = parts.map(|(at_ms, text)| format!("{at_ms:>6} {text}\n")).collect();
    lines.concat()
}

fn told(mut world: World, events: &[(Millis, Do)], until_ms: Millis, expected: &str) -> World {
    world.tell(events, until_ms);
    assert_eq!(world.told(), lines(expected), "\n{}", world.told());
    world.assert_settled("");
    world
}

fn story(nodes: usize, w: u8, events: &[(Millis, Do)], until_ms: Millis, expected: &str) -> World {
    let world = told(World::of(nodes, w), events, until_ms, expected);
    assert!(w == 0 || world.writers == 1, "{} nodes took writes at once", world.writers);
    world
}

#[test]
fn a_killed_master_is_replaced() {
    story(
        3,
        1,
        &[(505, Do::Kill(0))],
        3000,
        "
        540 look 1
        540 look 2
        540 record 1.2 Failover to 1, members [1 2], w 1
        540 freeze 1
        540 freeze 2
        540 promote 1 with 1
        540 record 1.2 Stable under 1, members [2], w 1
        540 service to 1 in epoch 2
        540 2 follows 1
        ",
    );
}

#[test]
fn a_hung_master_is_replaced_and_comes_back() {
    story(
        3,
        1,
        &[(505, Do::Hang(0)), (20_000, Do::Resume(0))],
        25_000,
        "
        6010 +sdown 0
        6010 record 1.2 Failover to 1, members [1 2], w 1
        6010 freeze 1
        6010 freeze 2
        6510 promote 1 with 1
        6510 record 1.2 Stable under 1, members [2], w 1
        6510 service to 1 in epoch 2
        6510 2 follows 1
        20000 -sdown 0
        20000 freeze 0
        20000 record 1.2 Stable under 1, members [0 2], w 1
        20000 0 follows 1
        ",
    );
}

#[test]
fn without_w_a_hung_master_is_replaced_at_once() {
    story(
        3,
        0,
        &[(505, Do::Hang(0)), (20_000, Do::Resume(0))],
        25_000,
        "
        6010 +sdown 0
        6010 record 1.2 Failover to 1, members [1 2], w 0
        6010 freeze 1
        6010 freeze 2
        6010 promote 1 with 0
        6010 record 1.2 Stable under 1, members [2], w 0
        6010 service to 1 in epoch 2
        6010 2 follows 1
        20000 -sdown 0
        20000 freeze 0
        20000 record 1.2 Stable under 1, members [0 2], w 0
        20000 0 follows 1
        ",
    );
}

#[test]
fn a_master_that_restarts_empty_wipes_nobody() {
    story(
        3,
        1,
        &[(505, Do::Kill(0)), (510, Do::Start(0, Boot::Empty))],
        3000,
        "
        520 record 1.2 Failover to 1, members [1 2], w 1
        520 freeze 1
        520 freeze 2
        520 promote 1 with 1
        520 record 1.2 Stable under 1, members [2], w 1
        520 service to 1 in epoch 2
        520 2 follows 1
        520 record 1.2 Stable under 1, members [0 2], w 1
        520 0 follows 1
        ",
    );
}

#[test]
fn a_planned_handover() {
    story(
        3,
        1,
        &[(505, Do::Ask(Wish::Switchover(Some(n(2)))))],
        3000,
        "
        510 record 1.2 Switchover to 2, members [1 2], w 1
        510 pause 0 for 5000
        510 look 2
        510 look 0
        510 freeze 0
        510 promote 2 with 1
        510 record 1.2 Stable under 2, members [0 1], w 1
        510 service to 2 in epoch 2
        510 0 follows 2
        510 1 follows 2
        510 answer Ok(())
        510 release 0
        ",
    );
}

#[test]
fn a_disk_fault_hands_over() {
    story(
        3,
        1,
        &[(505, Do::Misconf(0))],
        3000,
        "
        1000 record 1.2 Switchover to 1, members [1 2], w 1
        1000 pause 0 for 5000
        1000 look 1
        1000 look 0
        1000 freeze 0
        1000 promote 1 with 1
        1000 record 1.2 Stable under 1, members [0 2], w 1
        1000 service to 1 in epoch 2
        1000 0 follows 1
        1000 2 follows 1
        1000 release 0
        ",
    );
}

#[test]
fn old_masters_rejoin_and_a_second_failover_follows() {
    let events = [
        (505, Do::Kill(0)),
        (5000, Do::Start(0, Boot::Whole)),
        (10_000, Do::Kill(1)),
        (15_000, Do::Start(1, Boot::Older(3))),
        (20_000, Do::Kill(0)),
        (25_000, Do::Start(0, Boot::Empty)),
    ];
    story(
        3,
        1,
        &events,
        30_000,
        "
        540 look 1
        540 look 2
        540 record 1.2 Failover to 1, members [1 2], w 1
        540 freeze 1
        540 freeze 2
        540 promote 1 with 1
        540 record 1.2 Stable under 1, members [2], w 1
        540 service to 1 in epoch 2
        540 2 follows 1
        5010 record 1.2 Stable under 1, members [0 2], w 1
        5010 0 follows 1
        10030 look 0
        10030 look 2
        10030 record 1.3 Failover to 0, members [0 2], w 1
        10030 freeze 0
        10030 freeze 2
        10030 promote 0 with 1
        10030 record 1.3 Stable under 0, members [2], w 1
        10030 service to 0 in epoch 3
        10030 2 follows 0
        15010 record 1.3 Stable under 0, members [1 2], w 1
        15010 1 follows 0
        20030 look 1
        20030 look 2
        20030 record 1.4 Failover to 1, members [1 2], w 1
        20030 freeze 1
        20030 freeze 2
        20030 promote 1 with 1
        20030 record 1.4 Stable under 1, members [2], w 1
        20030 service to 1 in epoch 4
        20030 2 follows 1
        25010 record 1.4 Stable under 1, members [0 2], w 1
        25010 0 follows 1
        ",
    );
}

#[test]
fn a_replica_is_gone_for_an_hour_and_then_the_master_dies() {
    story(
        3,
        1,
        &[(505, Do::Kill(2)), (3_600_000, Do::Kill(0))],
        3_605_000,
        "
        1500 record 1.1 Stable under 0, members [1], w 1
        5530 +sdown 2
        3600030 look 1
        3600030 record 1.2 Failover to 1, members [1], w 1
        3600030 freeze 1
        3600030 promote 1 with 1
        3600030 record 1.2 Stable under 1, members [], w 0
        3600030 service to 1 in epoch 2
        3600030 min-replicas 0 on 1
        ",
    );
}

#[test]
fn a_replica_that_came_back_counts_again() {
    let events = [
        (505, Do::Kill(2)),
        (60_000, Do::Start(2, Boot::Empty)),
        (120_000, Do::Kill(1)),
        (180_000, Do::Kill(0)),
    ];
    story(
        3,
        1,
        &events,
        185_000,
        "
        1500 record 1.1 Stable under 0, members [1], w 1
        5530 +sdown 2
        60010 -sdown 2
        60010 record 1.1 Stable under 0, members [1 2], w 1
        60010 2 follows 0
        121000 record 1.1 Stable under 0, members [2], w 1
        125030 +sdown 1
        180030 look 2
        180030 record 1.2 Failover to 2, members [2], w 1
        180030 freeze 2
        180030 promote 2 with 1
        180030 record 1.2 Stable under 2, members [], w 0
        180030 service to 2 in epoch 2
        180030 min-replicas 0 on 2
        ",
    );
}

#[test]
fn all_nodes_restart_at_once_with_their_snapshots() {
    let down = [0, 1, 2].map(|node| (505, Do::Kill(node)));
    let boots = [Boot::Whole, Boot::Whole, Boot::Older(2)];
    let up = [0, 1, 2].map(|node| (3000, Do::Start(node, boots[node])));
    story(
        3,
        1,
        &[down, up].concat(),
        6000,
        "
        3010 record 1.2 Failover to 0, members [1 2], w 1
        3010 tell DataLossPossible(NodeId(0))
        3010 promote 0 with 1
        3010 record 1.2 Stable under 0, members [1 2], w 1
        3010 service to 0 in epoch 2
        3010 1 follows 0
        3010 2 follows 0
        ",
    );
}

#[test]
fn all_nodes_restart_at_once_with_append_only_files() {
    let down = [0, 1, 2].map(|node| (505, Do::Kill(node)));
    let up = [0, 1, 2].map(|node| (3000, Do::Start(node, Boot::Renamed)));
    story(
        3,
        1,
        &[down, up].concat(),
        6000,
        "
        3010 record 1.2 Failover to 0, members [1 2], w 1
        3010 tell DataLossPossible(NodeId(0))
        3010 record 1.2 Failover to 0, members [1 2], w 1
        3010 tell DataLossPossible(NodeId(0))
        3010 promote 0 with 1
        3010 record 1.2 Stable under 0, members [], w 0
        3010 service to 0 in epoch 2
        3010 record 1.2 Stable under 0, members [1 2], w 0
        3010 tell DivergedWritesDiscarded { node: NodeId(1), offset: 16 }
        3010 1 follows 0
        3010 tell DivergedWritesDiscarded { node: NodeId(2), offset: 16 }
        3010 2 follows 0
        3500 record 1.2 Stable under 0, members [1 2], w 1
        ",
    );
}

#[test]
fn one_alone_restarts() {
    let events = |boot| [(505, Do::Kill(0)), (3000, Do::Start(0, boot))];
    story(
        1,
        0,
        &events(Boot::Whole),
        6000,
        "
        3010 record 1.2 Failover to 0, members [], w 0
        3010 promote 0 with 0
        3010 record 1.2 Stable under 0, members [], w 0
        3010 service to 0 in epoch 2
        ",
    );
    story(
        1,
        0,
        &events(Boot::Renamed),
        6000,
        "
        3010 record 1.2 Failover to 0, members [], w 0
        3010 tell DataLossPossible(NodeId(0))
        3010 record 1.2 Failover to 0, members [], w 0
        3010 promote 0 with 0
        3010 record 1.2 Stable under 0, members [], w 0
        3010 service to 0 in epoch 2
        ",
    );
}

#[test]
fn two_nodes_lower_w_while_one_is_away() {
    let events = [(505, Do::Kill(1)), (10_000, Do::Start(1, Boot::Whole))];
    let world = story(
        2,
        1,
        &events,
        13_000,
        "
        1000 record 1.1 Stable under 0, members [1], w 0
        1000 min-replicas 0 on 0
        1500 record 1.1 Stable under 0, members [], w 0
        5530 +sdown 1
        10010 -sdown 1
        10010 record 1.1 Stable under 0, members [1], w 0
        10010 1 follows 0
        10500 min-replicas 1 on 0
        10500 record 1.1 Stable under 0, members [1], w 1
        ",
    );
    // From the write at 500 to the one at 1100: that of 1000 came before W was lowered.
    assert_eq!(world.longest_pause_ms, 600);
}

#[test]
fn two_nodes_wait_where_w_is_required() {
    let events = [(505, Do::Kill(1)), (10_000, Do::Start(1, Boot::Whole))];
    let mut world = World::of(2, 1);
    world.seen.settings.durability = Durability::Required;
    let world = told(
        world,
        &events,
        13_000,
        "
        5530 +sdown 1
        10010 -sdown 1
        10010 1 follows 0
        10500 record 1.1 Stable under 0, members [1], w 1
        ",
    );
    assert_eq!(world.longest_pause_ms, 9600);
}

#[test]
fn a_master_that_only_we_cannot_reach_leads_on() {
    story(
        3,
        1,
        &[(505, Do::Cut(0)), (60_000, Do::Heal(0))],
        62_000,
        "
        6010 +sdown 0
        60000 -sdown 0
        ",
    );
}

#[test]
fn nine_nodes() {
    let world = story(
        9,
        4,
        &[(505, Do::Kill(0)), (5000, Do::Start(0, Boot::Empty))],
        8000,
        "
        540 look 1
        540 look 2
        540 look 3
        540 look 4
        540 look 5
        540 look 6
        540 look 7
        540 look 8
        540 record 1.2 Failover to 1, members [1 2 3 4 5 6 7 8], w 4
        540 freeze 1
        540 freeze 2
        540 freeze 3
        540 freeze 4
        540 freeze 5
        540 freeze 6
        540 freeze 7
        540 freeze 8
        540 promote 1 with 4
        540 record 1.2 Stable under 1, members [2 3 4 5 6 7 8], w 4
        540 service to 1 in epoch 2
        540 2 follows 1
        540 3 follows 1
        540 4 follows 1
        540 5 follows 1
        540 6 follows 1
        540 7 follows 1
        540 8 follows 1
        5010 record 1.2 Stable under 1, members [0 2 3 4 5 6 7 8], w 4
        5010 0 follows 1
        ",
    );
    assert_eq!(world.seen.record.unwrap().in_sync.len(), 8);
}

//! Who leads, who follows, and what becomes of histories.

use crate::stage::Signal;
use crate::transcript::Transcript;

scripts!(
    a_gate_and_a_promotion,
    replication,
    a_failover,
    a_failover_that_loses,
    a_killed_master,
    a_chain,
    good_replicas,
    announced,
);

fn a_gate_and_a_promotion(script: &mut Transcript<'_>) {
    script.start(0, "");
    script.show(0);
    script.ask(0, "SET a 1");
    script.ask(0, "DBSIZE");
    script.ask(0, "REPLICAOF NO ONE");
    script.ask(0, "SET a 1");
    script.ask(0, "REPLICAOF NO ONE");
    script.show(0);
    script.ask(0, "REPLICAOF 127.0.0.1 1");
    script.show(0);
    script.ask(0, "REPLICAOF NO ONE");
    script.show(0);
}

fn replication(script: &mut Transcript<'_>) {
    script.set(3, "replica-priority 7\n");
    (0..3).for_each(|server| script.show(server));
    script.ask(0, "SET a 1");
    script.ask(0, "WAIT 2 1000");
    script.level(3);
    (0..3).for_each(|server| script.show(server));
    script.ask(0, "SET b 1");
    script.ask(0, "DEL a");
    script.level(3);
    script.ask(1, "GET b");
    script.ask(1, "SET b 2");
    script.ask(1, "WAIT 1 1");
    script.follow(1, 0);
    (0..3).for_each(|server| script.show(server));
}

/// Freezes both replicas and lets the first of them lead.
fn hand_over(script: &mut Transcript<'_>, lost: bool) {
    script.set(3, "");
    script.ask(0, "SET a 1");
    script.level(3);
    script.ask(1, "REPLICAOF 127.0.0.1 1");
    script.ask(2, "REPLICAOF 127.0.0.1 1");
    if lost {
        script.ask(0, "SET lost 1");
    }
    (0..3).for_each(|server| script.show(server));
    script.ask(1, "REPLICAOF NO ONE");
    script.show(1);
    script.ask(1, "SET b 1");
    script.follow(2, 1);
    script.until(2, "master_link_status", "up");
    script.follow(0, 1);
    script.until(0, "master_link_status", "up");
    script.pass(1500);
    (0..3).for_each(|server| script.show(server));
    script.ask(1, "SET c 1");
    script.pass(1500);
    (0..3).for_each(|server| script.show(server));
}

fn a_failover(script: &mut Transcript<'_>) {
    hand_over(script, false);
}

fn a_failover_that_loses(script: &mut Transcript<'_>) {
    hand_over(script, true);
}

fn a_killed_master(script: &mut Transcript<'_>) {
    script.set(2, "");
    script.ask(0, "SET a 1");
    script.level(2);
    script.signal(0, Signal::Kill);
    script.ask(0, "PING");
    script.ask(0, "PING");
    script.until(1, "master_link_status", "down");
    script.show(1);
    script.ask(1, "REPLICAOF NO ONE");
    script.start(0, "");
    script.show(0);
    script.follow(0, 1);
    script.until(0, "master_link_status", "up");
    script.pass(1500);
    script.show(0);
    script.show(1);
}

fn a_chain(script: &mut Transcript<'_>) {
    script.set(2, "");
    script.start(2, "");
    script.follow(2, 1);
    script.until(2, "master_link_status", "up");
    script.ask(0, "SET a 1");
    script.pass(2500);
    (0..3).for_each(|server| script.show(server));
    script.ask(1, "REPLICAOF NO ONE");
    script.pass(2500);
    (0..3).for_each(|server| script.show(server));
    // A replica without link feeds nobody.
    script.ask(1, "REPLICAOF 127.0.0.1 1");
    script.pass(1000);
    (1..3).for_each(|server| script.show(server));
    script.ask(2, "REPLICAOF 127.0.0.1 1");
    script.follow(2, 1);
    script.pass(2500);
    (1..3).for_each(|server| script.show(server));
}

fn good_replicas(script: &mut Transcript<'_>) {
    script.start(0, "min-replicas-to-write 1\n");
    script.start(1, "");
    script.ask(0, "REPLICAOF NO ONE");
    script.show(0);
    script.ask(0, "SET a 1");
    script.ask(0, "GET a");
    script.follow(1, 0);
    script.until(1, "master_link_status", "up");
    script.until(0, "min_slaves_good_slaves", "1");
    script.ask(0, "SET a 1");
    script.signal(1, Signal::Stop);
    script.until(0, "min_slaves_good_slaves", "0");
    script.ask(0, "SET a 2");
    script.ask(0, "CONFIG SET min-replicas-to-write 0");
    script.ask(0, "SET a 2");
    script.show(0);
    script.ask(0, "CONFIG SET min-replicas-to-write 1 min-replicas-max-lag 2");
    script.ask(0, "SET a 3");
    script.signal(1, Signal::Continue);
    script.until(0, "min_slaves_good_slaves", "1");
    script.ask(0, "SET a 3");
    // Who leaves does not count from then on.
    script.ask(1, "REPLICAOF 127.0.0.1 1");
    script.until(0, "connected_slaves", "0");
    script.ask(0, "SET a 4");
}

fn announced(script: &mut Transcript<'_>) {
    script.set(2, "replica-announce-ip 10.1.2.3\nreplica-announce-port 77\n");
    (0..2).for_each(|server| script.show(server));
}

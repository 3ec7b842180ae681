//! What a volume gives back, and what a faulty one costs.

use crate::stage::Signal;
use crate::transcript::Transcript;

scripts!(snapshots, append_only_files, transfers_by_disk, a_disk_fault,);

fn snapshots(script: &mut Transcript<'_>) {
    let saves = "save 3600 1\n";
    script.set(2, saves);
    script.ask(0, "SET a 1");
    script.level(2);
    // What its first transfer left.
    script.signal(1, Signal::Kill);
    script.start(1, saves);
    script.show(1);
    script.follow(1, 0);
    script.until(1, "master_link_status", "up");
    script.show(1);
    // What an orderly end leaves.
    script.signal(1, Signal::Terminate);
    script.exit(1);
    script.start(1, saves);
    script.show(1);
    script.follow(1, 0);
    script.until(1, "master_link_status", "up");
    script.show(1);
    script.level(2);
    script.show(0);
    // The master: nothing, then everything.
    script.signal(0, Signal::Kill);
    script.start(0, saves);
    script.show(0);
    script.signal(1, Signal::Terminate);
    script.exit(1);
    script.start(1, saves);
    script.ask(1, "REPLICAOF NO ONE");
    script.show(1);
}

fn append_only_files(script: &mut Transcript<'_>) {
    let appends = "appendonly yes\n";
    script.start(0, appends);
    script.ask(0, "REPLICAOF NO ONE");
    script.ask(0, "SET a 1");
    script.show(0);
    script.start(1, appends);
    script.follow(1, 0);
    script.until(1, "master_link_status", "up");
    script.ask(0, "SET b 1");
    script.level(2);
    (0..2).for_each(|server| script.show(server));
    for server in 0..2 {
        script.signal(server, Signal::Kill);
        script.start(server, appends);
        script.show(server);
    }
    script.ask(1, "REPLICAOF NO ONE");
    script.ask(1, "SET c 1");
    script.signal(1, Signal::Terminate);
    script.exit(1);
    script.start(1, appends);
    script.show(1);
}

fn transfers_by_disk(script: &mut Transcript<'_>) {
    for keeps in ["save 3600 1\n", "rdb-del-sync-files yes\n"] {
        let more = format!("repl-diskless-sync no\n{keeps}");
        script.set(2, &more);
        script.ask(0, "SET a 1");
        script.level(2);
        (0..2).for_each(|server| script.show(server));
        for server in 0..2 {
            script.signal(server, Signal::Kill);
            script.start(server, &more);
            script.show(server);
            script.signal(server, Signal::Kill);
        }
    }
}

fn a_disk_fault(script: &mut Transcript<'_>) {
    script.set(2, "save 3600 1\n");
    for server in 0..2 {
        script.break_disk(server);
        script.ask(server, "BGSAVE");
        script.until(server, "rdb_last_bgsave_status", "err");
        script.ask(server, "PING");
        script.ask(server, "GET a");
        script.ask(server, "SET a 1");
        script.ask(server, "ROLE");
    }
    script.signal(1, Signal::Terminate);
    script.pass(500);
    script.ask(1, "PING");
    // A replica that cannot save does not survive its master's next write.
    script.ask(0, "CONFIG SET stop-writes-on-bgsave-error no");
    script.ask(0, "SET a 1");
    script.exit(1);
    script.show(0);
}

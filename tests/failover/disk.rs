//! Masters whose disk fails: they live, and refuse to write.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::DOWN_AFTER;
use crate::scenario::finish;
use crate::scenario::scenarios;
use crate::scenario::start;

scenarios!(
    a_master_on_a_full_volume_hands_over,
    a_master_that_cannot_append_hands_over,
    a_master_that_may_not_write_its_folder_hands_over,
);

/// Snapshots matter to these servers, and come when they are asked for.
const SNAPSHOTS: &str = "save 3600 1000000\n";

/// Fills the volume to the last byte.
fn fill(folder: &Path) {
    let mut file = fs::File::create(folder.join("filler")).expect("a file");
    for size in [1 << 16, 1] {
        let bytes = vec![0; size];
        while file.write(&bytes).is_ok_and(|written| written > 0) {}
    }
}

/// Asks for a snapshot and waits until it has failed: from then on writes are refused.
fn fail_a_snapshot(set: &Set) {
    let master = set.node(1);
    // That it cannot even begin is as good.
    let _ = master.ask::<redis::Value>(&["BGSAVE"]);
    wait_until("a snapshot fails", DOWN_AFTER * 3, || {
        let persistence = master.info("persistence");
        persistence.get("rdb_last_bgsave_status").is_some_and(|status| status == "err")
    });
}

fn hands_over(
    world: &World,
    name: &str,
    mut trial: Trial<'_>,
    gungnir: &Gungnir,
    act: impl FnOnce(),
) {
    trial.fault(act);
    trial.wait_until_it_names_another_than(1);
    trial.settle();
    let report = finish(world, name, trial, gungnir);
    // It lives: nothing has to be lost at all.
    assert_eq!(report.plain_lost, 0, "{report}");
}

fn a_master_on_a_full_volume_hands_over(world: &World) {
    let setup = SetSetup { conf: SNAPSHOTS, small_volume: Some((1, 8)), ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    let trial = Trial::start(&set, &gungnir, &Load::default());
    hands_over(world, "full volume, snapshots", trial, &gungnir, || {
        fill(&set.node(1).data());
        fail_a_snapshot(&set);
    });
}

fn a_master_that_cannot_append_hands_over(world: &World) {
    let conf = "appendonly yes\nappendfsync everysec\n";
    let setup = SetSetup { conf, small_volume: Some((1, 8)), ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    let trial = Trial::start(&set, &gungnir, &Load::default());
    hands_over(world, "full volume, append-only file", trial, &gungnir, || {
        fill(&set.node(1).data());
    });
}

fn a_master_that_may_not_write_its_folder_hands_over(world: &World) {
    // Root may write everywhere.
    let setup = SetSetup { conf: SNAPSHOTS, ordinary_user: true, ..SetSetup::default() };
    let (set, gungnir) = start(world, &setup, &GungnirSetup::default());
    let trial = Trial::start(&set, &gungnir, &Load::default());
    hands_over(world, "folder without permission", trial, &gungnir, || {
        let read_only = fs::Permissions::from_mode(0o555);
        fs::set_permissions(set.node(1).data(), read_only).expect("root may");
        fail_a_snapshot(&set);
    });
}

//! Clocks that jump under the controller.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::harness::controller::Controller as _;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::network::controller_address;
use crate::harness::node::DEADLINE;
use crate::harness::sentinel_client::ask;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::stays;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::DOWN_AFTER;
use crate::scenario::finish;
use crate::scenario::scenarios;
use crate::scenario::start;

scenarios!(
    a_clock_that_jumps_fails_nobody_over,
    a_machine_that_slept_for_an_hour_fails_nobody_over,
);

/// The wall clock: set by hand, or by NTP after a long while.
fn a_clock_that_jumps_fails_nobody_over(world: &World) {
    jumps(world, "wall clock", &[3600, -7200, 0], true);
}

/// Every clock: what a machine's sleep, or a guest that was moved, looks like.
fn a_machine_that_slept_for_an_hour_fails_nobody_over(world: &World) {
    jumps(world, "every clock", &[3600, 7200], false);
}

/// Jumps to each of these offsets from the machine's clock, in seconds.
fn jumps(world: &World, name: &str, jumps: &[i64], wall_only: bool) {
    let offset = world.folder("clock").join("offset");
    set_offset(&offset, 0);
    let listen = SocketAddr::from((controller_address(1), 26379));
    let options = vec!["--listen".to_owned(), listen.to_string()];
    let variable = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut env = vec![
        variable("LD_PRELOAD", &library().display().to_string()),
        variable("FAKETIME_TIMESTAMP_FILE", &offset.display().to_string()),
        variable("FAKETIME_NO_CACHE", "1"),
    ];
    if wall_only {
        env.push(variable("FAKETIME_DONT_FAKE_MONOTONIC", "1"));
    }
    let setup = GungnirSetup { options, env, ..GungnirSetup::default() };
    let (set, gungnir) = start(world, &SetSetup::default(), &setup);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let is_told = |jumps| stalls_of_hours(&gungnir.log()) == if wall_only { 0 } else { jumps };
    for (done, jump) in (1..).zip(jumps) {
        trial.fault(|| set_offset(&offset, *jump));
        // The library is in force: what the process takes for the time is off by as much.
        let (wall_s, uptime_s) = clocks(listen);
        assert!((wall_s - now_s() - jump).abs() < 300, "{wall_s} s after {jump}");
        assert_eq!(uptime_s >= 3600, !wall_only, "{uptime_s} s after {jump}");
        wait_until("a standstill is told of where there was one", DEADLINE, || is_told(done));
        stays("node 1 is named", DOWN_AFTER, || {
            gungnir.runs() && gungnir.named() == Some(set.node(1).address())
        });
        assert_eq!(trial.watcher().promotion_after(trial.fault_at()), None, "after {jump}");
    }
    assert!(is_told(jumps.len()), "{}", gungnir.log());
    // It still does what it is for.
    trial.fault(|| set.node(1).kill());
    trial.wait_until_it_names_another_than(1);
    set.node(1).start();
    trial.settle();
    let report = finish(world, &format!("{name} jumped, then kill -9"), trial, &gungnir);
    assert!(report.promoted.is_some_and(|promoted| promoted < DOWN_AFTER), "{report}");
}

/// How often it told that it stood still for as long as a clock jumps.
fn stalls_of_hours(log: &str) -> usize {
    let stalls = log.split("+tilt this process stood still for ").skip(1);
    let ms = stalls.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok());
    ms.filter(|ms| *ms > 3_000_000).count()
}

/// What the controller's own clocks say: seconds since 1970, and since it began to listen.
fn clocks(listen: SocketAddr) -> (i64, i64) {
    let info: String = ask(listen, None, &["INFO", "server"]).expect("an answer");
    let number = |name: &str| -> i64 {
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|value| value.trim().parse().ok()).unwrap_or_else(|| panic!("{name} {info}"))
    };
    (number("server_time_usec:") / 1_000_000, number("uptime_in_seconds:"))
}

fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("it is after 1970");
    i64::try_from(since.as_secs()).expect("a time of this age")
}

fn set_offset(file: &Path, offset_s: i64) {
    let new = file.with_extension("new");
    fs::write(&new, format!("{offset_s:+}")).expect("a file");
    fs::rename(&new, file).expect("a file");
}

/// Debian's libfaketime, in the folder of whatever architecture this is.
fn library() -> PathBuf {
    let folders = fs::read_dir("/usr/lib").expect("/usr/lib").flatten();
    let library = |folder: fs::DirEntry| folder.path().join("faketime/libfaketimeMT.so.1");
    let found = folders.map(library).find(|path| path.exists());
    found.expect("Debian's package libfaketime")
}

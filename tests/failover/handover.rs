//! Planned handovers: all live, and nothing at all may be lost.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use crate::harness::controller::Controller as _;
use crate::harness::directory::SET_NAME;
use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::network::controller_address;
use crate::harness::node::DEADLINE;
use crate::harness::sentinel_client::ask;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::stays;
use crate::harness::wait::wait_until;
use crate::harness::world::World;
use crate::scenario::DOWN_AFTER;
use crate::scenario::finish;
use crate::scenario::scenarios;
use crate::scenario::start_usual;

scenarios!(
    a_handover_under_load_loses_nothing,
    a_handover_to_somebody_goes_there,
    a_handover_that_cannot_be_is_refused_and_changes_nothing,
    clients_of_sentinels_protocol_hand_over_where_they_may,
);

/// What two cores can do beside everything else.
fn full_load() -> Load {
    Load { waiting: vec![1, 1], plain: 4, depth: 50, per_second: 10_000, ..Load::default() }
}

fn a_handover_under_load_loses_nothing(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &full_load());
    trial.fault(|| gungnir.hand_over());
    trial.wait_until_it_names_another_than(1);
    trial.settle();
    let report = finish(world, "handover under load", trial, &gungnir);
    assert_eq!(report.plain_lost, 0, "{report}");
    assert_eq!(report.full_resyncs, 0, "{report}");
    // Far more than it takes; what `downAfter` would add is more.
    assert!(report.write_gap < Duration::from_secs(1), "{report}");
}

fn a_handover_to_somebody_goes_there(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    for number in [3, 1, 2] {
        trial.fault(|| {
            let output = gungnir.switchover(Some(set.node(number).address()));
            assert!(output.status.success(), "{output:?}\n{}", gungnir.log());
        });
        assert_eq!(trial.settle().number, number);
    }
    let report = finish(world, "three handovers", trial, &gungnir);
    assert_eq!(report.plain_lost, 0, "{report}");
    assert_eq!(report.full_resyncs, 0, "{report}");
}

fn a_handover_that_cannot_be_is_refused_and_changes_nothing(world: &World) {
    let (set, gungnir) = start_usual(world);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    let leads = |set: &Set| gungnir.named() == Some(set.node(1).address());
    trial.fault(|| set.node(2).kill());
    for to in ["10.0.0.99:6379".to_owned(), set.node(2).address().to_string()] {
        let output = gungnir.switchover(Some(to.parse().expect("an address")));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "to {to}: {output:?}");
        assert!(said.contains(&to), "to {to}: {said}");
    }
    stays("node 1 is named", DOWN_AFTER, || leads(&set));
    set.node(2).start();
    assert_eq!(trial.settle().number, 1);
    let report = finish(world, "handovers that cannot be", trial, &gungnir);
    assert_eq!(report.promoted, None, "{report}");
    assert_eq!(report.plain_lost, 0, "{report}");
}

/// Whoever reaches the port learns who is master; only who is let moves it.
fn clients_of_sentinels_protocol_hand_over_where_they_may(world: &World) {
    const PASSWORD: &str = "listen-password";
    let listen = SocketAddr::from((controller_address(1), 26379));
    let file = world.folder("listen").join("password");
    fs::write(&file, PASSWORD).expect("a file");
    let file = file.display().to_string();
    let set = Set::start(world, &SetSetup::default());
    let both = "--listen-password-file or --listen-allow-failover";
    for (more, password, refusal) in [
        (vec![], None, Some(both)),
        (vec!["--listen-allow-failover"], None, None),
        (vec!["--listen-password-file", &file], None, Some("Authentication required")),
        (vec!["--listen-password-file", &file], Some(PASSWORD), None),
    ] {
        let mut options = vec!["--listen".to_owned(), listen.to_string()];
        options.extend(more.iter().map(|word| (*word).to_owned()));
        let setup = GungnirSetup { options, ..GungnirSetup::default() };
        let gungnir = Gungnir::start(world, &set, &setup);
        gungnir.wait_until_writes_count();
        let before = gungnir.named().expect("a master");
        let answer = ask::<String>(listen, password, &["SENTINEL", "FAILOVER", SET_NAME]);
        if let Some(refusal) = refusal {
            let said = answer.expect_err("a refusal").to_string();
            assert!(said.contains(refusal), "{more:?}: {said}");
            stays("nobody moves", Duration::from_millis(500), || gungnir.named() == Some(before));
        } else {
            assert_eq!(answer.as_deref(), Ok("OK"), "{more:?}");
            wait_until("another leads the set", DEADLINE, || {
                let named = gungnir.named().filter(|named| *named != before);
                named.is_some_and(|named| set.is_whole_under(set.at(named)))
            });
        }
        assert_eq!(gungnir.terminate().code(), Some(0), "{}", gungnir.log());
    }
}

//! Passwords that are wrong, or change.

use crate::harness::controller::Controller as _;
use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
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
use crate::scenario::start;

scenarios!(
    a_wrong_password_at_the_start_is_said_and_changes_nothing,
    a_master_whose_password_changed_is_alive,
    after_a_rotation_a_killed_master_is_replaced,
    with_a_password_a_killed_master_is_replaced,
);

const OLD: &str = "old-password";
const NEW: &str = "new-password";

fn with_password(password: &str) -> (SetSetup, GungnirSetup) {
    (
        SetSetup { password: Some(OLD), ..SetSetup::default() },
        GungnirSetup { password: Some(password.to_owned()), ..GungnirSetup::default() },
    )
}

/// Ends every connection of the default user but this one.
fn end_connections(set: &Set) {
    for node in set.nodes() {
        node.tell(&["CLIENT", "KILL", "USER", "default", "SKIPME", "yes"]);
    }
}

fn a_wrong_password_at_the_start_is_said_and_changes_nothing(world: &World) {
    let (set, gungnir) = with_password(NEW);
    let set = Set::start(world, &set);
    let before = set.roles();
    let gungnir = Gungnir::new(world, &set, &gungnir);
    gungnir.spawn();
    let status = gungnir.wait();
    let log = gungnir.log();
    assert!(matches!(status.code(), Some(2 | 3)), "{status}\n{log}");
    let address = set.node(1).address().to_string();
    assert!(log.contains(&address) && log.contains("password"), "{log}");
    assert!(!log.contains(NEW), "the password is in the log:\n{log}");
    assert_eq!(gungnir.named(), None);
    assert_eq!(set.roles(), before);
}

/// Who refuses a password is there to do so.
fn a_master_whose_password_changed_is_alive(world: &World) {
    let (set, gungnir) = with_password(OLD);
    let (set, gungnir) = start(world, &set, &gungnir);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| {
        set.node(1).tell(&["CONFIG", "SET", "requirepass", NEW]);
        set.node(1).tell(&["CLIENT", "KILL", "USER", "default", "TYPE", "normal", "SKIPME", "yes"]);
    });
    stays("node 1 is named", DOWN_AFTER * 3, || gungnir.named() == Some(set.node(1).address()));
    set.node(1).tell(&["CONFIG", "SET", "requirepass", OLD]);
    assert_eq!(trial.settle().number, 1);
    let report = finish(world, "another password on the master", trial, &gungnir);
    assert_eq!(report.promoted, None, "{report}");
}

/// Every server gets the new one beside the old one, then the controller, then the old one goes.
fn after_a_rotation_a_killed_master_is_replaced(world: &World) {
    let (set, gungnir) = with_password(OLD);
    let (set, gungnir) = start(world, &set, &gungnir);
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    for node in set.nodes() {
        node.tell(&["ACL", "SETUSER", "default", &format!(">{NEW}")]);
        node.tell(&["CONFIG", "SET", "masterauth", NEW]);
    }
    gungnir.set_password(NEW);
    for node in set.nodes() {
        node.tell(&["ACL", "SETUSER", "default", &format!("<{OLD}")]);
    }
    end_connections(&set);
    trial.settle();
    let since = trial.watcher().namings_after(trial.fault_at());
    wait_until("gungnir has signed in again everywhere", DOWN_AFTER * 2, || {
        set.nodes().all(|node| {
            let clients = node.ask::<String>(&["CLIENT", "LIST", "TYPE", "normal"]);
            clients.is_ok_and(|list| list.lines().any(|line| line.contains("user=default")))
        })
    });
    assert_eq!(trial.watcher().namings_after(trial.fault_at()), since, "nobody moved");
    trial.fault(|| set.node(1).kill());
    trial.wait_until_it_names_another_than(1);
    // Its configuration file still has the old password: its users are the new ones' business.
    trial.settle();
    finish(world, "password rotated, then kill -9", trial, &gungnir);
}

fn with_a_password_a_killed_master_is_replaced(world: &World) {
    let (set, gungnir) = with_password(OLD);
    let (set, gungnir) = start(world, &set, &gungnir);
    assert!(!gungnir.log().contains(OLD), "{}", gungnir.log());
    let mut trial = Trial::start(&set, &gungnir, &Load::default());
    trial.fault(|| set.node(1).kill());
    trial.wait_until_it_names_another_than(1);
    set.node(1).start();
    trial.settle();
    finish(world, "kill -9, password", trial, &gungnir);
}

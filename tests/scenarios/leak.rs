//! Passwords where they have no place: in what the operator tells anybody.

use crate::base64::decode;
use crate::cluster::kubectl;
use crate::command_line::gungnir;
use crate::install;
use crate::set::ValkeySet;

/// A shorter one could be anywhere by chance.
const SHORTEST_PASSWORD: usize = 12;

/// Looks for every password of a set, plain and in base 64.
///
/// # Panics
/// When one is found, or a place has nothing to say about the set.
#[track_caller]
pub fn search(set: &ValkeySet<'_>) {
    let within = ["-n", &set.namespace, "-o", "yaml"];
    let explained = gungnir(&["explain", set.name, "-n", &set.namespace, "-o", "json"]);
    let leader = install::leader(set.cluster());
    let mut told = vec![
        ("events".to_owned(), kubectl(&[&["get", "events"][..], &within].concat())),
        ("the resource".to_owned(), kubectl(&[&["get", "vk", set.name][..], &within].concat())),
        ("what is explained".to_owned(), explained.printed()),
        ("the leader's log".to_owned(), install::log(&leader)),
        ("the leader's metrics".to_owned(), install::metrics(&leader)),
    ];
    for (place, text) in &told {
        assert!(text.contains(set.name), "{place} has nothing of it: {text}");
    }
    // Whoever does not lead has less to tell.
    for pod in install::pods(set.cluster()).into_iter().filter(|pod| *pod != leader) {
        told.push((format!("the log of {pod}"), install::log(&pod)));
        told.push((format!("the metrics of {pod}"), install::metrics(&pod)));
    }
    let passwords = set.secret();
    assert_eq!(passwords.len(), 3, "not every password is known");
    for (key, encoded) in passwords {
        let password = decode(&encoded);
        assert!(password.len() >= SHORTEST_PASSWORD, "{key} may be anywhere by chance");
        for (place, text) in &told {
            let has = text.contains(&password) || text.contains(&encoded);
            assert!(!has, "{key} is in {place}");
        }
    }
}

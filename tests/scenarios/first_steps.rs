//! What somebody does who has just installed the operator: the README's own words, one after the other.

use std::time::{Duration, Instant};

use crate::cluster::{Kind, kubectl};
use crate::command_line::{gungnir, plugin};
use crate::figures::Figures;
use crate::leak;
use crate::operator;
use crate::set::{ValkeySet, World};
use crate::trial::Trial;

/// The file that people apply, and what is in it.
const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/minimal.yaml");
const NAME: &str = "demo";
const WITHIN: [&str; 2] = ["-n", "default"];
/// How soon it is ready.
const READY: Duration = Duration::from_secs(20);

/// Applied, looked at, handed over, and its master lost; then it rests.
pub fn taken(world: &World) -> Figures {
    let set = ValkeySet::of_people(world, NAME);
    let applied = Instant::now();
    let said = kubectl(&["apply", "-f", EXAMPLE]);
    assert!(said.contains("demo created"), "{said}");
    let wait = ["wait", "--for=condition=Ready", "vk", NAME, "--timeout=20s"];
    let ready = kubectl(&[&wait[..], &WITHIN].concat());
    assert!(ready.contains("condition met"), "{ready}; {}", set.told());
    assert!(applied.elapsed() < READY, "it was ready after {:?}", applied.elapsed());
    for diff in [&["diff", "--live", "-n", "default"][..], &["diff", "--live", EXAMPLE]] {
        assert_eq!(gungnir(diff).printed(), "", "{diff:?}");
    }
    let first = set.settle(3);
    looked_at(&first);

    let next = (0..3).map(|ordinal| format!("{NAME}-{ordinal}")).find(|pod| *pod != first);
    let next = next.expect("there are others");
    let mut trial = Trial::start(&set);
    let last = trial.fault(|| {
        let words = [&["switchover", NAME, "--to", &next][..], &WITHIN].concat();
        assert_eq!(plugin(&words).printed(), format!("{next}\n"));
        assert_eq!(set.is_led_by(&next), Ok(()));
        assert_eq!(set.settle(3), next);
        set.cluster().delete_by_force(Kind::Pod, &set.namespace, &next);
        set.moved(&next)
    });
    let figures = trial.finish(3);
    figures.are_safe();
    assert_eq!(set.pointer().as_ref(), Some(&last), "nobody moves back");
    looked_at(&last);
    leak::search(&set);
    operator::rests(world);
    figures
}

/// `gungnir status` and `gungnir explain` say what is so, each by its own words.
#[track_caller]
fn looked_at(master: &str) {
    let leads = |label: &str| format!("{label}{master}");
    let status = gungnir(&[&["status", NAME][..], &WITHIN].concat()).printed();
    says(&status, "cluster        default/demo");
    says(&status, "phase          Running");
    says(&status, &leads("master         "));
    says(&status, "to be applied  nothing");
    // Who leads explains itself: nothing is said of what is only recorded.
    let explained = gungnir(&[&["explain", NAME][..], &WITHIN].concat()).printed();
    says(&explained, "set               default/demo");
    says(&explained, "phase             Stable");
    says(&explained, &leads("master            "));
    says(&explained, &leads("clients go to     "));
    says(&explained, "next              nothing");
}

#[track_caller]
fn says(text: &str, line: &str) {
    assert!(text.lines().any(|found| found == line), "`{line}` is not in:\n{text}");
}

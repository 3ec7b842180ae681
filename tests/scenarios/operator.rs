//! The operator itself: at rest, replaced, and gone.

use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::audit::{Audit, Requests};
use crate::cluster::Kind;
use crate::create_and_scale::NO_GAP;
use crate::figures::Figures;
use crate::install;
use crate::set::{ValkeySet, World};
use crate::trial::Trial;
use crate::wait::{DEADLINE, stays, until};

/// How long nothing may be asked for.
const REST: Duration = Duration::from_secs(60);
/// And when all scenarios run.
const LONG_REST: Duration = Duration::from_secs(300);
/// After a change, how long nothing must be asked for until rest has begun.
const QUIET: Duration = Duration::from_secs(5);

/// Waits until the operator rests, and holds it to that: a converged cluster costs the API server
/// nothing but watches and the lease.
#[track_caller]
pub fn rests(world: &World) {
    // Its last status, and the removal of what ran before it.
    until("nothing is asked for", DEADLINE, || {
        let audit = Audit::start().expect("an audit log");
        thread::sleep(QUIET);
        let requests = audit.requests();
        if requests.is_empty() { Ok(()) } else { Err(format!("{requests:?}")) }
    });
    let rest = if world.takes_its_time { LONG_REST } else { REST };
    let audit = Audit::start().expect("an audit log");
    thread::sleep(rest);
    assert_eq!(audit.requests(), Requests::new(), "in {rest:?}");
}

/// The operator is upgraded to one that makes another template of the pods, then taken away: clusters
/// run on, and no pod is another.
pub fn upgrade(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "helm");
    let mut trial = Trial::start(&set);
    let before = containers(&set);
    let operators = install::pods(&world.cluster);
    let mut other_template = false;
    trial.fault(|| other_template = install::upgrade());
    until("every operator is new", DEADLINE, || {
        let now = install::pods(&world.cluster);
        if now.iter().any(|pod| operators.contains(pod)) { Err(format!("{now:?}")) } else { Ok(()) }
    });
    set.settle(3);
    if other_template {
        until("the new template is applied, and waits for people", DEADLINE, || {
            let sets = set.cluster().get(Kind::StatefulSet, &set.namespace, "shop");
            let template = sets.ok_or("there is no StatefulSet")?["spec"]["template"].to_string();
            let (_, threshold) = install::TEMPLATE_LINES[1].split_once(": ").expect("a number");
            if !template.contains(&format!("\"failureThreshold\":{threshold}")) {
                return Err(template);
            }
            match set.reason("RestartPending") {
                Some(reason) if reason == "TemplateChanged" => Ok(()),
                other => Err(format!("{other:?}")),
            }
        });
    }
    install::uninstall(&world.cluster);
    let again = Again;
    stays("the servers run", Duration::from_secs(20), || {
        let now = containers(&set);
        if now == before { Ok(()) } else { Err(format!("{now:?}, not {before:?}")) }
    });
    trial.write_on();
    drop(again);
    let figures = trial.finish(3);
    assert_eq!(containers(&set), before, "a pod or a container is another");
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "{figures}");
    assert!(figures.gap < NO_GAP, "{figures}");
    figures
}

/// The next scenario finds an operator, whatever became of this one.
pub struct Again;

impl Drop for Again {
    fn drop(&mut self) {
        install::helm(&[]);
    }
}

/// The containers of a set.
fn containers(set: &ValkeySet<'_>) -> Vec<Value> {
    let pods = set.cluster().list(Kind::Pod, &set.namespace);
    pods.iter().map(|pod| pod["status"]["containerStatuses"][0]["containerID"].clone()).collect()
}

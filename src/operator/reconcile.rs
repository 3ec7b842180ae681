//! One look at one cluster: observe → validate → render → adopt → apply → prune → status.
//!
//! **Guarantees.** What is done follows from what is, whatever was done before: it may be stopped at
//! every request and begun again. A cluster that is as it should be costs no request. A child that
//! somebody else owns is never touched, nor is anything of a cluster that another operator has.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use tokio::time::Instant;

use crate::api::Management;
use crate::cluster::{Fault, Roles, ValidatedCluster, validate};
use crate::render::render;

use super::adopt::adopt;
use super::apply::perform;
use super::blocked;
use super::cache::{Cache, ClusterObject, KindId, Part, View};
use super::condition::Finding;
use super::election::ElectionView;
use super::elections::Elections;
use super::elsewhere::{self, OtherLeases};
use super::error::{ReconcileError, RequestError, Retry};
use super::events::Events;
use super::facts::ClusterKey;
use super::memory::{Memories, Memory};
use super::metrics::Metrics;
use super::outside::WallClock;
use super::passwords;
use super::plan::{Plan, Step, plan};
use super::queue;
use super::reason::Reason;
use super::release;
use super::report::Report;
use super::requests::Requests;
use super::restart;
use super::roll;
use super::salvage::salvage;
use super::schema::Served;
use super::shrink;
use super::standing;
use super::status;
use super::terminating;
use super::unchanged::Basis;
use super::volume::{self, VolumeStep};

/// For how long a repair stays in sight as the condition `Drifted`.
const DRIFT_SHOWN: Duration = Duration::from_secs(3600);

/// The least time between two writes of a status that say nothing new but how far things are.
const STATUS_PERIOD: Duration = Duration::from_millis(500);

/// After how long a process that only watches asks again for a Secret that it could not read.
const LEARN_AGAIN: Duration = Duration::from_secs(10);

/// What every look uses.
pub struct Context {
    /// The world as the watches have it.
    pub cache: Rc<Cache>,
    /// The way to change it.
    pub requests: Requests,
    /// What is remembered.
    pub memories: Memories,
    /// Who elects masters.
    pub elections: Rc<dyn Elections>,
    /// What people are told.
    pub events: Events,
    /// What is counted.
    pub metrics: Metrics,
    /// Whether the schema is that of this version.
    pub served: Served,
    /// Who this operator is in an election's record: its lease as `namespace/name`.
    pub identity: String,
    /// Those of others.
    pub other_leases: OtherLeases,
    /// Nothing is changed in any cluster.
    pub pause_all: bool,
    /// The time of day.
    pub clock: WallClock,
}

/// Looks at a cluster and does what is to be done; when to look again.
pub async fn reconcile(context: &Context, key: &ClusterKey) -> Option<Instant> {
    let began = Instant::now();
    let view = context.cache.view(key);
    let Some(cluster) = view.cluster.clone() else {
        context.memories.forget(key);
        context.metrics.forget(key);
        return None;
    };
    // The garbage collector takes the children; nothing is made anew under its hands.
    if cluster.deleting {
        return None;
    }
    let memory = context.memories.of(key, &cluster.uid);
    if let Some(again) = elsewhere::keep_off(context, &cluster, &memory).await {
        return Some(again);
    }
    let mut report = Report::default();
    look(context, &cluster, &view, &memory, &mut report).await;
    if !context.cache.stays(&cluster) {
        return None;
    }
    report_status(context, &cluster, &memory, &mut report).await;

    context.metrics.reconcile(began.elapsed(), report.retry);
    let failures = match report.retry {
        None => 0,
        Some(_) => memory.borrow().failures.saturating_add(1),
    };
    memory.borrow_mut().failures = failures;
    let wait = report.retry.and_then(|retry| queue::wait(retry, failures));
    let again = wait.map(|wait| Instant::now() + wait);
    [again, report.wake_at].into_iter().flatten().min()
}

/// What a process does that watches and does not lead: it learns the passwords, so that its clocks
/// are warm when it comes to lead.
pub async fn watch(context: &Context, key: &ClusterKey) -> Option<Instant> {
    let view = context.cache.view(key);
    let cluster = view.cluster.clone().filter(|cluster| !cluster.deleting)?;
    let memory = context.memories.of(key, &cluster.uid);
    let sound = validated(&cluster).ok().or_else(|| salvage(&cluster)).map(Rc::new)?;
    memory.borrow_mut().sound = Some(Rc::clone(&sound));
    let learnt = passwords::learn(context, &cluster, &view, &sound, &memory).await;
    learnt.is_err().then(|| Instant::now() + LEARN_AGAIN)
}

async fn look(
    context: &Context,
    cluster: &ClusterObject,
    view: &View,
    memory: &RefCell<Memory>,
    report: &mut Report,
) {
    context.served.judge(cluster, report);
    let sound = match validated(cluster) {
        Ok(sound) => Rc::new(sound),
        Err(text) => {
            report.find(Reason::Invalid, text);
            return watch_on(context, cluster, view, memory, report).await;
        }
    };
    memory.borrow_mut().sound = Some(Rc::clone(&sound));
    if cluster.paused() || context.pause_all {
        let text = if context.pause_all {
            "nothing is changed in any cluster while the operator runs with `--pause-all`"
        } else {
            "nothing is changed until `valkey.verilean.io/reconcile` says otherwise"
        };
        return report.find(Reason::Paused, text);
    }
    match sound.management {
        Management::Operator => {
            if let Err(error) = push(context, cluster, view, &sound, memory, report).await {
                report.fail(&error);
            }
        }
        Management::GitOps => {
            if let Err(error) = leave_to_git(context, cluster, view, &sound, memory, report).await {
                report.fail(&ReconcileError::Request(error));
            }
        }
    }
    if !context.cache.stays(cluster) {
        return;
    }
    // The set's own answers are in the cache by now.
    let view = context.cache.view(&cluster.key);
    let ensured = passwords::ensure(context, cluster, &view, &sound, memory, report).await;
    let found = passwords::look_for_named(context, cluster, &sound, memory, report).await;
    let rolled = restart::proceed(context, cluster, &view, &sound, memory, report).await;
    for error in [ensured, found, rolled].into_iter().filter_map(Result::err) {
        report.fail(&error);
    }
}

/// Git applies the set; what it cannot do to what runs is done here.
async fn leave_to_git(
    context: &Context,
    cluster: &ClusterObject,
    view: &View,
    sound: &ValidatedCluster,
    memory: &RefCell<Memory>,
    report: &mut Report,
) -> Result<(), RequestError> {
    release::release(context, cluster, view, report).await?;
    let step = volume::next_step(view, sound);
    if let VolumeStep::Recreate { .. } = step {
        let before = memory.borrow_mut().recreated.replace(cluster.generation);
        if before == Some(cluster.generation) {
            let text = "persistence.storageSize: the StatefulSet in Git still makes smaller volumes; \
                        commit what `gungnir render` prints";
            report.find(Reason::GitMakesSmallerVolumes, text);
            return Ok(());
        }
    }
    volume::grow(context, cluster, sound, step, report).await.map(drop)
}

/// What is at fault is not carried out, and a cluster that runs is watched all the same.
async fn watch_on(
    context: &Context,
    cluster: &ClusterObject,
    view: &View,
    memory: &RefCell<Memory>,
    report: &mut Report,
) {
    let known = memory.borrow().sound.clone();
    let Some(sound) = known.or_else(|| salvage(cluster).map(Rc::new)) else { return };
    if let Err(error) = passwords::learn(context, cluster, view, &sound, memory).await {
        report.fail(&error);
    }
    memory.borrow_mut().sound = Some(sound);
}

/// Renders the set and brings the world to it.
async fn push(
    context: &Context,
    cluster: &ClusterObject,
    view: &View,
    sound: &Rc<ValidatedCluster>,
    memory: &RefCell<Memory>,
    report: &mut Report,
) -> Result<(), ReconcileError> {
    let size = shrink::size(cluster, view, sound);
    let mut plan = planned(context, cluster, view, sound, size.replicas, memory)?;
    if let Some(why) = &size.waits_for {
        report.rolling = Some(format!("pods go one after the other: {why}"));
    }
    if roll::master_is_to_go(view, sound) {
        // The set shrinks when its master is on a pod that stays.
        plan.steps.retain(|step| !step.changes_set());
        report.rolling = Some("the master is handed over before its pod goes".to_owned());
    }
    let step = volume::next_step(view, sound);
    if !volume::grow(context, cluster, sound, step, report).await? {
        plan.steps.retain(|step| !step.changes_set());
    }
    // A set that becomes smaller is given more than one size by the same spec.
    let same_spec = roll::is_of_generation(view, cluster.generation)
        && !shrink::is_under_way(view, sound, &size);
    if same_spec && !roll::is_pending(cluster) && plan.steps.iter().any(Step::changes_set) {
        // Written down before it is applied: a new spec is not the cause, so nobody has asked for
        // a restart.
        let text = "Gungnir itself has changed the pods' template";
        report.find(Reason::TemplateChanged, text);
        report.again(Retry::Now);
        plan.steps.retain(|step| !step.changes_set());
    }
    perform(context, cluster, plan, memory, report).await;
    Ok(())
}

/// What is to be done; nothing, without a look at the set, where nothing has changed since there was
/// nothing to do.
fn planned(
    context: &Context,
    cluster: &ClusterObject,
    view: &View,
    sound: &Rc<ValidatedCluster>,
    replicas: u32,
    memory: &RefCell<Memory>,
) -> Result<Plan, ReconcileError> {
    let basis = Basis::of(sound, cluster.generation, replicas, view);
    let mut memory = memory.borrow_mut();
    if memory.converged.as_ref().is_some_and(|converged| converged.is_same(&basis)) {
        return Ok(Plan::default());
    }
    let set = render(sound).map_err(|source| ReconcileError::Render { source })?;
    let adopted = set
        .iter()
        .map(|manifest| adopt(manifest, cluster, Some(replicas)))
        .collect::<Result<Vec<_>, _>>();
    let adopted = adopted.map_err(|source| ReconcileError::Manifest { source })?;
    let served = context.cache.as_ref();
    let plan = plan(adopted, view, cluster, served, &memory.repairs, Instant::now());
    memory.converged = (plan == Plan::default()).then_some(basis);
    Ok(plan)
}

/// The cluster as everything else takes it, or all that is wrong with it.
///
/// # Errors
///
/// Every fault, as one text.
pub fn validated(cluster: &ClusterObject) -> Result<ValidatedCluster, String> {
    validate(cluster.to_validate()?, Roles::Elected).map_err(|faults| words(&faults))
}

fn words(faults: &[Fault]) -> String {
    let words = faults.iter().map(|Fault { path, message, help, of_key: _ }| match help {
        Some(help) => format!("{path}: {message} ({help})"),
        None => format!("{path}: {message}"),
    });
    words.collect::<Vec<_>>().join("; ")
}

/// Writes the status when it differs, and tells of conditions that have come to hold.
async fn report_status(
    context: &Context,
    cluster: &ClusterObject,
    memory: &RefCell<Memory>,
    report: &mut Report,
) {
    let now = context.clock.now();
    note_drift(memory, now, report);
    let view = context.cache.view(&cluster.key);
    let sound = memory.borrow().sound.clone();
    let election = context.elections.view(&cluster.key);
    if let Some(election) = &election {
        standing::note(&cluster.key, election, Instant::now(), report);
        count_change(context, memory, election);
    }
    blocked::note(&view, now, Instant::now(), report);
    terminating::note(&view, report);
    let status = status::status(cluster, &view, election.as_ref(), sound.as_deref(), report, now);
    let wanted = sound.map_or(0, |sound| sound.replicas);
    context.metrics.pods(&cluster.key, status.ready_replicas.unwrap_or(0), wanted);
    let Some(object) = status::object(cluster, &status) else { return };
    let told = news(cluster, &report.findings);
    let last = memory.borrow().status_written;
    if let Some(due) = last.map(|at| at + STATUS_PERIOD).filter(|due| Instant::now() < *due)
        && told.is_empty()
    {
        // What changes by the moment is told when it has settled: each write of the status makes
        // one of the record come too late.
        return report.wake_at(due);
    }
    memory.borrow_mut().status_written = Some(Instant::now());
    let Some(kind) = KindId::all().find(|kind| kind.row().part == Part::Cluster) else { return };
    if let Err(error) = context.requests.apply_status(kind, &cluster.key, &object).await {
        // It is gone, or another: the watch will tell.
        let code = error.status().map_or(0, |status| status.code);
        let retry = if code == 404 { Retry::OnChange } else { error.retry() };
        report.again(retry);
        return;
    }
    for finding in told {
        context.events.tell(cluster, true, finding.reason.name(), &finding.message, None).await;
    }
}

/// Counts a change of master once.
fn count_change(context: &Context, memory: &RefCell<Memory>, election: &ElectionView) {
    let Some(timeline) = &election.timeline else { return };
    let counted = memory.borrow_mut().counted_epoch.replace(timeline.epoch);
    if counted != Some(timeline.epoch) {
        context.metrics.elections.changed(timeline);
    }
}

/// A repair stays in sight for a while.
fn note_drift(memory: &RefCell<Memory>, now: Timestamp, report: &mut Report) {
    let mut memory = memory.borrow_mut();
    let Some((at, text)) = &memory.drifted else { return };
    let age = Duration::try_from(now.duration_since(*at)).unwrap_or_default();
    match DRIFT_SHOWN.checked_sub(age).filter(|left| !left.is_zero()) {
        Some(left) => {
            report.find(Reason::Repaired, text.clone());
            report.wake_at(Instant::now() + left);
        }
        None => memory.drifted = None,
    }
}

/// The findings that did not hold before. A drift is told of when it is repaired.
fn news<'f>(cluster: &ClusterObject, findings: &'f [Finding]) -> Vec<&'f Finding> {
    let held = |finding: &Finding| {
        let conditions = &cluster.status.conditions;
        conditions.iter().any(|old| old.type_ == finding.kind().name() && old.status == "True")
    };
    findings.iter().filter(|finding| finding.reason != Reason::Repaired && !held(finding)).collect()
}

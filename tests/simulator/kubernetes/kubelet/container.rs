//! One container of a pod: started, started again when it ends, stopped when the pod is to end.

use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;
use tokio::time::{Instant, sleep, sleep_until};

use crate::kubernetes::object::{name, text, uid};

use super::containers::{ContainerStart, Exit};
use super::environment::{Waits, mounts, variables};
use super::pod::Pod;
use super::probe;
use super::status::{Ended, State};

/// The first wait before a container that has ended is started again; the second start is at once.
const BACKOFF: Duration = Duration::from_secs(10);
/// The longest wait.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
/// A container that ran for so long is not taken for one that crashes.
const SOUND: Duration = Duration::from_secs(600);

/// Keeps a container running until the pod is to end.
pub async fn keep(pod: &Pod, index: usize) {
    let mut backoff = Duration::ZERO;
    loop {
        pod.until(|machine| machine.up).await;
        if pod.is_ending() {
            return;
        }
        let boot = pod.machine().boots;
        let start = match or_end(pod, prepare(pod, index)).await {
            None => return,
            Some(Ok(start)) => start,
            Some(Err((reason, message))) => {
                pod.set(index, |container| container.state = State::Waiting { reason, message });
                let wait = pod.shared.settings().config_retry.draw(&pod.chance);
                or_end(pod, sleep(wait)).await;
                continue;
            }
        };
        if pod.machine().boots != boot || !pod.machine().up {
            continue;
        }
        let (id, began) = (start.id.clone(), Instant::now());
        let started_at = pod.shared.store().now();
        pod.shared
            .store()
            .trace()
            .clone()
            .note(format_args!("kubelet: start {} of {} as {id}", start.container, start.pod));
        let exit = pod.containers.start(start);
        pod.set(index, |container| {
            let started_at = started_at.clone();
            container.state = State::Running { id: id.clone(), started_at };
        });
        let exit = live(pod, index, &id, exit).await;
        let trace = pod.shared.store().trace().clone();
        trace.note(format_args!("kubelet: {id} has ended: {} {}", exit.code, exit.reason));
        let finished_at = pod.shared.store().now();
        let ended = Ended { id, exit, started_at, finished_at };
        pod.set(index, |container| {
            container.state = State::Terminated(ended.clone());
            (container.started, container.ready) = (false, false);
        });
        if pod.is_ending() {
            return;
        }
        if began.elapsed() >= SOUND {
            backoff = Duration::ZERO;
        }
        if !backoff.is_zero() {
            let message = format!("back-off {}s restarting failed container", backoff.as_secs());
            pod.set(index, |container| {
                container.last = Some(ended.clone());
                container.state = State::Waiting { reason: "CrashLoopBackOff", message };
            });
        }
        if or_end(pod, sleep(backoff)).await.is_none() {
            return;
        }
        backoff = (backoff * 2).clamp(BACKOFF, LONGEST_BACKOFF);
        let mut states = pod.states.borrow_mut();
        states[index].last = Some(ended);
        states[index].restarts += 1;
    }
}

/// Waits for something, unless the pod is to end.
async fn or_end<T>(pod: &Pod, what: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        () = pod.ending() => None,
        done = what => Some(done),
    }
}

/// All that a container is given.
async fn prepare(pod: &Pod, index: usize) -> Result<ContainerStart, Waits> {
    let spec = pod.spec(index);
    // Its volumes come first, then the sandbox, then all else.
    let mounted = mounts(&pod.shared.store(), &pod.object, spec)?;
    let ip = pod.address().await;
    let lag = pod.shared.settings().container.draw(&pod.chance);
    sleep(lag).await;
    let mut object = pod.object.clone();
    object["status"]["podIP"] = Value::from(ip.as_str());
    let mut store = pod.shared.store();
    let env = variables(&store, &object, spec)?;
    let id = store.next_container_id();
    Ok(ContainerStart {
        id,
        pod: name(&object).to_owned(),
        uid: uid(&object).to_owned(),
        ip,
        container: text(&spec["name"]).to_owned(),
        env,
        files: mounted.files,
        volumes: mounted.volumes,
    })
}

/// From its start to its end.
async fn live(pod: &Pod, index: usize, id: &str, mut exit: LocalBoxFuture<'static, Exit>) -> Exit {
    let unhealthy = tokio::select! {
        biased;
        ended = &mut exit => return ended,
        () = pod.until(|machine| !machine.up) => return lose_power(pod, id, exit).await,
        () = pod.ending() => false,
        () = probe::watch(pod, index, id) => true,
    };
    let grace = pod.object["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(30);
    let until = unhealthy.then(|| Instant::now() + Duration::from_secs(grace));
    let hook = async {
        if pod.spec(index)["lifecycle"]["preStop"].is_object() {
            pod.containers.pre_stop(id).await;
        }
    };
    tokio::select! {
        biased;
        ended = &mut exit => return ended,
        () = pod.until(|machine| !machine.up) => return lose_power(pod, id, exit).await,
        () = over(pod, until) => {}
        () = hook => {}
    }
    pod.containers.terminate(id);
    tokio::select! {
        biased;
        ended = &mut exit => return ended,
        () = pod.until(|machine| !machine.up) => return lose_power(pod, id, exit).await,
        () = over(pod, until) => {}
    }
    pod.containers.kill(id);
    exit.await
}

async fn over(pod: &Pod, until: Option<Instant>) {
    tokio::select! {
        biased;
        () = pod.overdue(), if pod.is_ending() => {}
        () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {}
    }
}

/// Whatever ran is gone; that it is, is seen when the machine runs again.
async fn lose_power(pod: &Pod, id: &str, exit: LocalBoxFuture<'static, Exit>) -> Exit {
    pod.containers.kill(id);
    exit.await;
    pod.until(|machine| machine.up).await;
    Exit { code: 255, reason: "Unknown" }
}

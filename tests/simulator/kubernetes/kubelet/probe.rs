//! The probes of a container: started, ready, alive.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::containers::Probe;
use super::pod::Pod;

/// How a probe is put.
struct Times {
    delay: Duration,
    period: Duration,
    patience: Duration,
    failures: u64,
    successes: u64,
}

impl Times {
    fn of(spec: &Value, name: &str) -> Option<Self> {
        let probe = spec.get(name).filter(|probe| probe.is_object())?;
        let number = |field: &str, default| probe[field].as_u64().unwrap_or(default);
        Some(Self {
            delay: Duration::from_secs(number("initialDelaySeconds", 0)),
            period: Duration::from_secs(number("periodSeconds", 10)),
            patience: Duration::from_secs(number("timeoutSeconds", 1)),
            failures: number("failureThreshold", 3),
            successes: number("successThreshold", 1),
        })
    }
}

/// Puts the probes, until the container counts as dead.
pub async fn watch(pod: &Pod, index: usize, id: &str) {
    let spec = pod.spec(index);
    if let Some(times) = Times::of(spec, "startupProbe") {
        sleep(times.delay).await;
        let mut failed = 0;
        while !ask(pod, id, Probe::Startup, &times).await {
            failed += 1;
            if failed >= times.failures {
                return;
            }
            sleep(times.period).await;
        }
    }
    pod.set(index, |container| container.started = true);
    tokio::select! {
        biased;
        () = readiness(pod, index, id) => {}
        () = liveness(pod, index, id) => {}
    }
}

async fn ask(pod: &Pod, id: &str, probe: Probe, times: &Times) -> bool {
    timeout(times.patience, pod.containers.probe(id, probe)).await.unwrap_or(false)
}

/// Says whether it is ready; for ever.
async fn readiness(pod: &Pod, index: usize, id: &str) {
    let Some(times) = Times::of(pod.spec(index), "readinessProbe") else {
        pod.set(index, |container| container.ready = true);
        return std::future::pending().await;
    };
    sleep(times.delay.max(pod.chance.between(Duration::ZERO, times.period))).await;
    let (mut good, mut bad) = (0, 0);
    loop {
        if ask(pod, id, Probe::Readiness, &times).await {
            (good, bad) = (good + 1, 0);
        } else {
            (good, bad) = (0, bad + 1);
        }
        let was = pod.states.borrow()[index].ready;
        if !was && good >= times.successes || was && bad >= times.failures {
            pod.set(index, |container| container.ready = !was);
        }
        sleep(times.period).await;
    }
}

/// Ends when it does not live.
async fn liveness(pod: &Pod, index: usize, id: &str) {
    let Some(times) = Times::of(pod.spec(index), "livenessProbe") else {
        return std::future::pending().await;
    };
    sleep(times.delay.max(pod.chance.between(Duration::ZERO, times.period))).await;
    let mut bad = 0;
    loop {
        bad = if ask(pod, id, Probe::Liveness, &times).await { 0 } else { bad + 1 };
        if bad >= times.failures {
            return;
        }
        sleep(times.period).await;
    }
}

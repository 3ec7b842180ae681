//! The status of a pod, as its kubelet writes it.

use serde_json::{Value, json};

use crate::kubernetes::object::set_condition;

use super::containers::Exit;

/// A process that has ended.
#[derive(Debug, Clone)]
pub struct Ended {
    pub id: String,
    pub exit: Exit,
    pub started_at: String,
    pub finished_at: String,
}

/// What a container is doing.
#[derive(Debug, Clone)]
pub enum State {
    Waiting { reason: &'static str, message: String },
    Running { id: String, started_at: String },
    Terminated(Ended),
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    pub name: String,
    pub image: String,
    pub state: State,
    pub last: Option<Ended>,
    pub restarts: u32,
    pub started: bool,
    pub ready: bool,
}

impl Container {
    pub fn new(spec: &Value) -> Self {
        let text = |field: &str| spec[field].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            image: text("image"),
            state: State::Waiting { reason: "ContainerCreating", message: String::new() },
            last: None,
            restarts: 0,
            started: false,
            ready: false,
        }
    }

    fn status(&self) -> Value {
        let Self { name, image, state, last, restarts, started, ready } = self;
        let id = match (state, last) {
            (State::Running { id, .. } | State::Terminated(Ended { id, .. }), _) => id.as_str(),
            (State::Waiting { .. }, Some(last)) => &last.id,
            (State::Waiting { .. }, None) => "",
        };
        let state = match state {
            State::Waiting { reason, message } if message.is_empty() => {
                json!({ "waiting": { "reason": reason } })
            }
            State::Waiting { reason, message } => {
                json!({ "waiting": { "reason": reason, "message": message } })
            }
            State::Running { started_at, .. } => json!({ "running": { "startedAt": started_at } }),
            State::Terminated(ended) => json!({ "terminated": terminated(ended) }),
        };
        let last = match last {
            Some(last) => json!({ "terminated": terminated(last) }),
            None => json!({}),
        };
        let mut status = json!({
            "name": name, "image": image, "imageID": image, "state": state, "lastState": last,
            "ready": ready, "started": started, "restartCount": restarts,
        });
        if !id.is_empty() {
            status["containerID"] = json!(id);
        }
        status
    }
}

fn terminated(ended: &Ended) -> Value {
    json!({
        "containerID": ended.id, "exitCode": ended.exit.code, "reason": ended.exit.reason,
        "startedAt": ended.started_at, "finishedAt": ended.finished_at,
    })
}

/// The status, from the one that is there.
pub fn status(
    before: &Value,
    ip: Option<&str>,
    began: &str,
    containers: &[Container],
    now: &str,
) -> Value {
    let mut status = before.clone();
    let ready = containers.iter().all(|container| container.ready);
    let said = |is_so: bool| if is_so { "True" } else { "False" };
    let reason = if ready { "" } else { "ContainersNotReady" };
    let conditions = &mut status["conditions"];
    set_condition(conditions, "Initialized", "True", "", now);
    set_condition(conditions, "ContainersReady", said(ready), reason, now);
    set_condition(conditions, "Ready", said(ready), reason, now);
    let ran = containers.iter().all(|container| {
        !matches!(container.state, State::Waiting { .. }) || container.last.is_some()
    });
    status["phase"] = json!(if ran { "Running" } else { "Pending" });
    status["startTime"] = json!(began);
    if let Some(ip) = ip {
        status["podIP"] = json!(ip);
        status["podIPs"] = json!([{ "ip": ip }]);
    }
    let all: Vec<Value> = containers.iter().map(Container::status).collect();
    status["containerStatuses"] = json!(all);
    status
}

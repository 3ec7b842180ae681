//! One pod on its node, from its sandbox to its end.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::chance::Chance;
use crate::kubernetes::api::Shared;
use crate::kubernetes::api::delete::{Deletion, delete};
use crate::kubernetes::api::kind::Row;
use crate::kubernetes::api::write::Write;
use crate::kubernetes::machine::Machine;
use crate::kubernetes::object::{name, namespace, text, uid, write};
use crate::kubernetes::settings::Actor;

use super::container;
use super::containers::Containers;
use super::status::{Container, status};

/// A pod.
pub struct Pod {
    pub shared: Shared,
    pub containers: Rc<dyn Containers>,
    pub chance: Chance,
    /// As it was when its node got it.
    pub object: Value,
    node: String,
    began: String,
    /// The address, and the boot of the machine that it is of.
    address: RefCell<Option<(String, u32)>>,
    pub states: RefCell<Vec<Container>>,
    /// Until when every process has to be gone.
    end: watch::Sender<Option<Instant>>,
    published: RefCell<bool>,
}

impl Pod {
    pub fn new(
        shared: &Shared,
        containers: &Rc<dyn Containers>,
        object: Value,
        chance: Chance,
    ) -> Self {
        let specs = object["spec"]["containers"].as_array().into_iter().flatten();
        Self {
            shared: shared.clone(),
            containers: Rc::clone(containers),
            chance,
            node: text(&object["spec"]["nodeName"]).to_owned(),
            began: shared.store().now(),
            address: RefCell::default(),
            states: RefCell::new(specs.map(Container::new).collect()),
            end: watch::channel(None).0,
            published: RefCell::new(true),
            object,
        }
    }

    /// Runs it until nothing is left of it.
    pub async fn run(&self) {
        self.sleep_of(Actor::Kubelet).await;
        self.until(Machine::is_heard).await;
        let keep = async {
            let count = self.states.borrow().len();
            join_all((0..count).map(|index| container::keep(self, index))).await;
        };
        tokio::select! {
            biased;
            () = self.follow() => {}
            () = keep => {}
        }
        // What is left is the object.
        self.until(Machine::is_heard).await;
        self.publish();
        sleep(self.chance.between(Duration::from_millis(1), Duration::from_millis(200))).await;
        self.until(Machine::is_heard).await;
        let deletion = Deletion {
            uid: Some(uid(&self.object).to_owned()),
            grace_seconds: Some(0),
            ..Deletion::default()
        };
        let (pods, object) = (Row::named("Pod"), &self.object);
        let mut store = self.shared.store();
        // Another of the name, or none: it is gone already.
        let _ = delete(&mut store, "kubelet", pods, namespace(object), name(object), &deletion);
    }

    /// Follows what becomes of the object, and brings what could not be written; for ever.
    async fn follow(&self) {
        let mut news = self.shared.store().news(Row::named("Pod"));
        let mut machines = self.shared.machine_news();
        loop {
            news.borrow_and_update();
            machines.borrow_and_update();
            if self.machine().is_heard() {
                self.hear();
                if !*self.published.borrow() || self.was_said_otherwise() {
                    self.publish();
                }
            }
            tokio::select! {
                biased;
                changed = news.changed() => drop(changed),
                changed = machines.changed() => drop(changed),
            }
            let lag = self.shared.settings().lag(Actor::Kubelet).draw(&self.chance);
            if self.end.borrow().is_none() {
                sleep(lag).await;
            }
        }
    }

    /// Whether it is to end, and when.
    fn hear(&self) {
        let now = Instant::now();
        let wanted = match self.live() {
            None => {
                let lag = self.shared.settings().forced_end;
                self.end.borrow().is_none().then(|| now + lag.draw(&self.chance))
            }
            Some(pod) => {
                let grace = pod["metadata"]["deletionGracePeriodSeconds"].as_u64();
                grace.map(|seconds| now + Duration::from_secs(seconds.max(1)))
            }
        };
        let known = *self.end.borrow();
        if let Some(wanted) = wanted
            && known.is_none_or(|known| wanted < known)
        {
            self.end.send_replace(Some(wanted));
        }
    }

    /// Somebody else wrote whether it is ready: who looks after silent nodes does.
    fn was_said_otherwise(&self) -> bool {
        let Some(pod) = self.live() else { return false };
        let ready = self.states.borrow().iter().all(|container| container.ready);
        let conditions = pod["status"]["conditions"].as_array();
        let said = conditions.into_iter().flatten().find(|it| it["type"] == "Ready");
        said.is_some_and(|said| (said["status"] == "True") != ready)
    }

    /// The object as it is, if it is this very pod's.
    fn live(&self) -> Option<std::sync::Arc<Value>> {
        let store = self.shared.store();
        let found = store.get("Pod", namespace(&self.object), name(&self.object))?;
        (uid(found) == uid(&self.object)).then(|| found.clone())
    }

    /// Writes the status, now or when the API server is reached again.
    pub fn publish(&self) {
        let heard = self.machine().is_heard();
        *self.published.borrow_mut() = heard;
        let (true, Some(live)) = (heard, self.live()) else { return };
        let mut store = self.shared.store();
        let now = store.now();
        let address = self.address.borrow().as_ref().map(|(ip, _)| ip.clone());
        let states = self.states.borrow();
        let said = status(&live["status"], address.as_deref(), &self.began, &states, &now);
        let checks = json!({ "metadata": { "uid": uid(&self.object) } });
        let own = Write { status: true, ..write("kubelet", "Pod", &live) };
        let _ = own.edit(&mut store, &checks, |pod| {
            pod["status"] = said;
            Ok(())
        });
    }

    /// Changes what a container is doing, and tells of it.
    pub fn set(&self, index: usize, change: impl FnOnce(&mut Container)) {
        change(&mut self.states.borrow_mut()[index]);
        self.publish();
    }

    pub fn machine(&self) -> Machine {
        self.shared.machines().remove(&self.node).unwrap_or_default()
    }

    /// Waits until the machine is so.
    pub async fn until(&self, wanted: impl Fn(&Machine) -> bool) {
        let mut news = self.shared.machine_news();
        while !wanted(&self.machine()) {
            if news.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The address: one for each boot of the machine.
    pub async fn address(&self) -> String {
        let boots = self.machine().boots;
        let known = self.address.borrow().clone();
        if let Some((ip, _)) = known.filter(|(_, boot)| *boot == boots) {
            return ip;
        }
        let lag = self.shared.settings().sandbox.draw(&self.chance);
        sleep(lag).await;
        let mut address = self.address.borrow_mut();
        // Another container may have made the sandbox meanwhile.
        if address.as_ref().is_none_or(|(_, boot)| *boot != boots) {
            let ip = self.shared.store().next_pod_ip();
            *address = Some((ip, boots));
        }
        address.as_ref().map(|(ip, _)| ip.clone()).unwrap_or_default()
    }

    pub fn is_ending(&self) -> bool {
        self.end.borrow().is_some()
    }

    /// Waits until it is to end.
    pub async fn ending(&self) {
        let mut end = self.end.subscribe();
        // The sender is `self`.
        let _ = end.wait_for(Option::is_some).await;
    }

    /// Waits until its time is over.
    pub async fn overdue(&self) {
        let mut end = self.end.subscribe();
        loop {
            let due = *end.borrow_and_update();
            tokio::select! {
                biased;
                changed = end.changed() => drop(changed),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => return,
            }
        }
    }

    async fn sleep_of(&self, actor: Actor) {
        let lag = self.shared.settings().lag(actor).draw(&self.chance);
        sleep(lag).await;
    }

    /// What a container says of itself in its specification.
    pub fn spec(&self, index: usize) -> &Value {
        &self.object["spec"]["containers"][index]
    }
}

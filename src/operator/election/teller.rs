//! Tells of each step: news for the rest of the operator, discovery's clients, labels, and what is
//! shown.

use std::cell::RefCell;
use std::rc::Rc;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::cluster::MAX_REPLICAS;
use crate::discovery::{Announcer, Publisher};
use crate::operator::log_mark::LogMark;
use crate::operator::{ClusterKey, ElectionNews};
use crate::runtime::{
    Clock, EventLog, Explanation, Facts, Observer, SetNames, SettingsNews, Story, explain,
};
use crate::sentinel::{Action, Event, Hold, Local, Millis, NodeId, Observation, Phase, Record};
use crate::valkey::Address;

use super::desk::Desk;
use super::labels::{Wanted, wanted};
use super::record::pod_name;
use super::seats::Lock;
use super::stopwatch::Stopwatch;
use super::view::{Change, ElectionView, NodeView};

/// What was seen last, for whoever asks.
pub(super) struct Shown {
    names: SetNames,
    clock: Clock,
    events: EventLog,
    last: Option<(Observation, Local)>,
    /// What does not follow from what was seen last. The rest is worked out when somebody asks:
    /// steps are many, and those who ask are few.
    view: ElectionView,
}

impl Shown {
    pub fn new(names: SetNames, clock: Clock) -> Self {
        let (events, view) = (EventLog::default(), ElectionView::default());
        Self { names, clock, events, last: None, view }
    }

    pub fn view(&self) -> ElectionView {
        let Some((seen, local)) = &self.last else { return self.view.clone() };
        let name = |node: NodeId| self.names.address(node);
        let record = seen.record.as_ref();
        ElectionView {
            master: record.and_then(|record| record.master).map(|master| name(master.node)),
            phase: record.map(|record| record.phase),
            epoch: record.map_or(0, |record| record.epoch),
            term: record.map_or(0, |record| record.term),
            w: record.map_or(0, |record| record.w),
            hold: local.hold.map(|hold| hold.describe(&name)),
            nodes: nodes(&self.names, self.clock, seen, local),
            ..self.view.clone()
        }
    }

    /// Whether any pod is heard; `None` while there is no record.
    pub fn sight(&self) -> Option<bool> {
        let (seen, local) = self.last.as_ref()?;
        seen.record.as_ref().map(|_| local.hold != Some(Hold::Blind))
    }

    /// What is seen, what would be done, and why not yet.
    pub fn explanation(&self) -> Option<Explanation> {
        let (seen, local) = self.last.as_ref()?;
        Some(explain(Facts {
            names: &self.names,
            seen,
            local,
            events: &self.events,
            ungated: &std::collections::BTreeSet::new(),
            now_ms: self.clock.now_ms(),
        }))
    }
}

/// The names of a cluster's pods.
pub(super) fn names(key: &ClusterKey) -> SetNames {
    let pods = (0..MAX_REPLICAS).map(|node| pod_name(&key.name, NodeId::at(node as usize)));
    SetNames::new(key.to_string(), pods)
}

/// The teller of one cluster.
pub(super) struct Teller {
    pub key: ClusterKey,
    pub mark: Rc<LogMark>,
    pub desk: Rc<Desk>,
    pub news: mpsc::Sender<ElectionNews>,
    pub publisher: Rc<Publisher>,
    pub labels: watch::Sender<Wanted>,
    pub shown: Rc<RefCell<Shown>>,
    pub story: Story,
    pub announcer: Announcer,
    /// The names by which clients find the cluster.
    pub aliases: watch::Receiver<Vec<String>>,
    pub stopwatch: Stopwatch,
    pub record: Option<Record>,
    /// Which facts are told of, and whether as the one who leads.
    pub told_of: Option<(u64, bool)>,
}

impl Teller {
    fn tell(&self, reason: &'static str, text: String, warning: bool, now_ms: Millis) {
        let news = ElectionNews { key: self.key.clone(), reason, text, warning };
        tell(&self.shown, &self.news, news, now_ms);
    }

    /// Tells what servers were set to.
    pub fn settings_told(&self) -> Rc<dyn Fn(SettingsNews)> {
        let (key, clock) = (self.key.clone(), self.shown.borrow().clock);
        let (sender, shown) = (self.news.clone(), Rc::clone(&self.shown));
        Rc::new(move |SettingsNews { node, changed, refused }| {
            let pod = pod_name(&key.name, node);
            let mut told = Vec::new();
            if !changed.is_empty() {
                told.push(("+set", format!("{pod} {}", changed.join(" ")), false));
            }
            for (name, error) in &refused {
                told.push(("-set", format!("{pod} {name}: {error}"), true));
            }
            {
                let known = &mut shown.borrow_mut().view.settings_refused;
                known.retain(|(other, ..)| *other != pod);
                known.extend(refused.into_iter().map(|(name, error)| (pod.clone(), name, error)));
                known.sort_unstable();
            }
            for (reason, text, warning) in told {
                tell(
                    &shown,
                    &sender,
                    ElectionNews { key: key.clone(), reason, text, warning },
                    clock.now_ms(),
                );
            }
        })
    }

    /// Which run sits in which container.
    fn note_seats(&self, seen: &Observation) {
        let facts = self.desk.facts.borrow();
        let mut seats = self.desk.seats.borrow_mut();
        for (index, node) in seen.nodes.iter().enumerate() {
            let Some(report) = &node.report else { continue };
            let Some(pod) = facts.pods.get(index) else { continue };
            let Some(container_id) = &pod.container_id else { continue };
            let node = NodeId::at(index);
            if seats.has_noted(node, report.run_id, pod) {
                continue;
            }
            if pod.uid.as_deref().and_then(super::record::home_of) == Some(report.home) {
                seats.note(node, report.run_id, report.home, container_id, Lock::of(pod));
            }
        }
    }

    fn show(&mut self, seen: &Observation, local: &Local, actions: &[Action]) {
        let mut shown = self.shown.borrow_mut();
        let view = &mut shown.view;
        let name = |node: NodeId| pod_name(&self.key.name, node);
        let record = seen.record.as_ref();
        let master = record.and_then(|record| record.master);
        if !view.settings_refused.is_empty() {
            let is_there =
                |pod: &String| (0..seen.nodes.len()).any(|at| name(NodeId::at(at)) == *pod);
            view.settings_refused.retain(|(pod, ..)| is_there(pod));
        }
        for action in actions {
            if let Action::Tell(Event::DataLossPossible(node)) = action {
                view.data_loss_possible = Some(name(*node));
            }
        }
        let before = self.record.as_ref().and_then(|record| record.master);
        if let Some((record, master)) = record.zip(master)
            && self.record.is_some()
            && before.map(|it| it.node) != Some(master.node)
        {
            view.changed = Some(Change {
                from: before.map(|before| name(before.node)),
                to: name(master.node),
                reason: match self.record.as_ref().map(|record| record.phase) {
                    Some(Phase::Switchover) => "Switchover",
                    Some(Phase::Failover) => "Failover",
                    _ => "First",
                },
                epoch: record.epoch,
            });
            // What an earlier master lacked is no matter of this one's.
            if view.data_loss_possible.as_deref() != Some(&name(master.node)) {
                view.data_loss_possible = None;
            }
        }
        let since = shown.view.writes_refused;
        shown.view.writes_refused =
            writes_refused(seen).then(|| since.unwrap_or_else(Instant::now));
        shown.last = Some((seen.clone(), local.clone()));
    }

    /// What pods and volumes are to carry. Only who decides writes.
    fn label(&self, seen: &Observation) {
        let labels = if seen.leading {
            wanted(&self.desk.facts.borrow(), seen.record.as_ref())
        } else {
            Wanted::default()
        };
        self.labels.send_if_modified(|before| {
            let changed = *before != labels;
            *before = labels;
            changed
        });
    }

    /// Where clients find the nodes: pods by address, or by the name in their certificate.
    fn place(&mut self) {
        let places: Vec<Option<Address>> = {
            let facts = self.desk.facts.borrow();
            let tls = facts.access.as_ref().is_some_and(|access| access.tls.is_some());
            let place = |pod: &crate::operator::PodFacts| {
                let host =
                    if tls { pod.ip.as_ref().and(Some(&pod.dns_name)) } else { pod.ip.as_ref() };
                Address::new(host?.as_str(), facts.port).ok()
            };
            facts.pods.iter().map(place).collect()
        };
        self.announcer.place(places.iter().map(Option::as_ref));
    }

    fn announce(&mut self, seen: &Observation, local: &Local, now_ms: Millis) {
        if self.aliases.has_changed().unwrap_or(false) {
            self.announcer.rename(self.aliases.borrow_and_update().clone());
        }
        if let Some((set, events)) = self.announcer.tell(seen, local, now_ms) {
            self.publisher.update(&self.key.to_string(), Some(set), &events);
        }
    }
}

/// Tells people, and whoever else wants to know.
fn tell(
    shown: &RefCell<Shown>,
    sender: &mpsc::Sender<ElectionNews>,
    news: ElectionNews,
    now_ms: Millis,
) {
    let ElectionNews { key: _, reason, text, warning } = &news;
    let said = if *reason == "hold" { text.clone() } else { format!("{reason} {text}") };
    if *warning {
        warn!("{said}");
    } else {
        info!("{said}");
    }
    shown.borrow_mut().events.push(now_ms, said);
    if sender.try_send(news).is_err() {
        // Whoever shows news is behind; what is so stands in the view.
        warn!("news was dropped");
    }
}

/// Each node as it is seen.
fn nodes(names: &SetNames, clock: Clock, seen: &Observation, local: &Local) -> Vec<NodeView> {
    let master = seen.record.as_ref().and_then(|record| record.master);
    let leader = master.and_then(|master| {
        let report = seen.nodes.get(master.node.index())?.report.as_ref()?;
        (report.run_id == master.run_id).then_some(report)
    });
    let view = |(index, node): (usize, &crate::sentinel::Node)| {
        let report = node.report.as_ref();
        NodeView {
            pod: names.address(NodeId::at(index)),
            down: local.nodes.get(index).is_some_and(|clock| clock.down),
            heard: report.map(|report| clock.instant(report.asked_ms)),
            behind_bytes: report.zip(leader).and_then(|(report, leader)| {
                let same = report.history == leader.history;
                same.then(|| leader.offset.saturating_sub(report.offset))
            }),
        }
    };
    seen.nodes.iter().enumerate().map(view).collect()
}

/// Whether the recorded master takes no writes, because too few replicas hold them.
fn writes_refused(seen: &Observation) -> bool {
    let master = seen.record.as_ref().and_then(|record| record.master);
    let leads = master.and_then(|master| {
        let report = seen.nodes.get(master.node.index())?.report.as_ref()?;
        (report.run_id == master.run_id && report.is_master()).then_some(report)
    });
    leads.is_some_and(|report| {
        let online = report.followers.iter().filter(|follower| follower.online).count();
        online < usize::from(report.min_replicas_to_write)
    })
}

impl Observer for Teller {
    fn stepped(&mut self, seen: &Observation, local: &Local, actions: &[Action], now_ms: Millis) {
        self.mark.set_epoch(seen.record.as_ref().map(|record| record.epoch));
        self.note_seats(seen);
        for told in self.story.tell(seen, local, actions) {
            self.tell(told.reason, told.text, told.warning, now_ms);
        }
        self.show(seen, local, actions);
        if let Some(timeline) = self.stopwatch.step(seen, now_ms) {
            self.shown.borrow_mut().view.timeline = Some(timeline);
        }
        let recorded_anew = seen.record != self.record;
        if recorded_anew {
            self.record.clone_from(&seen.record);
        }
        // Whatever else is seen changes neither.
        let now = Some((self.desk.taken.get(), seen.leading));
        if recorded_anew || self.told_of != now {
            self.told_of = now;
            self.label(seen);
            self.place();
        }
        self.announce(seen, local, now_ms);
    }
}

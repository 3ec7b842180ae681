//! One cluster's election: its futures, and the way to them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::{AbortHandle, spawn_local};

use crate::discovery::Announcer;
use crate::operator::ClusterFacts;
use crate::operator::log_mark::{LogMark, marked};
use crate::runtime::{Asked, Clock, Explanation, Fence, SetSetup, Story, watch_set};
use crate::valkey::Secret;

use super::ElectionsSetup;
use super::desk::Desk;
use super::labels::{self, Wanted};
use super::lanes::Lanes;
use super::stopwatch::Stopwatch;
use super::store::ClusterStore;
use super::teller::{Shown, Teller, names};
use super::view::ElectionView;
use super::wishes;

/// How many wishes may wait for the one under way.
const MAX_WISHES_WAITING: usize = 2;
/// Three times as long as a lease lasts: nobody else can have held it for all that time.
const RECLAIMS_AFTER: Duration = Duration::from_secs(15);
/// kube-proxy takes changes of Services in once a second, after their endpoints were made anew.
const POINTER_LAG: Duration = Duration::from_millis(1500);

/// A cluster that is watched. It no longer is when this is dropped.
pub(super) struct Watched {
    uid: String,
    mark: Rc<LogMark>,
    desk: Rc<Desk>,
    shown: Rc<RefCell<Shown>>,
    names: watch::Sender<Vec<String>>,
    facts: watch::Sender<()>,
    task: AbortHandle,
}

impl Watched {
    /// Begins to watch.
    pub fn start(setup: &ElectionsSetup, lanes: &Lanes, clock: Clock, facts: ClusterFacts) -> Self {
        let (uid, key) = (facts.uid.clone(), facts.key.clone());
        let mark = Rc::new(LogMark::new(key.clone()));
        let desk = Rc::new(Desk::new(facts, setup.identity.clone(), setup.outside.clone()));
        let shown = Rc::new(RefCell::new(Shown::new(names(&key), clock)));
        let (name_sender, aliases) = watch::channel(vec![key.to_string()]);
        let (labels, wanted) = watch::channel(Wanted::default());
        let (changed, _) = watch::channel(());
        let mut teller = Teller {
            mark: Rc::clone(&mark),
            desk: Rc::clone(&desk),
            news: setup.news.clone(),
            publisher: Rc::clone(&setup.publisher),
            labels,
            shown: Rc::clone(&shown),
            story: Story::new(names(&key)),
            announcer: Announcer::new(key.to_string(), &[]),
            aliases,
            stopwatch: Stopwatch::default(),
            record: None,
            told_of: None,
            key,
        };
        let may_act = may_act(setup, &desk);
        let parts = Parts { lanes: lanes.clone(), desk: Rc::clone(&desk), may_act, clock };
        let facts = changed.subscribe();
        // Once in the task, not once more as arguments.
        let run = async move { parts.run(&mut teller, wanted, facts).await };
        let task = spawn_local(marked(Rc::clone(&mark), run)).abort_handle();
        Self { uid, mark, desk, shown, names: name_sender, facts: changed, task }
    }

    /// Of which object this is the election.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Takes in what the caches have now.
    pub fn take(&self, facts: ClusterFacts) {
        self.mark.on(|| self.desk.take(facts));
        self.facts.send_replace(());
    }

    /// Leading has begun or ended.
    pub fn leadership_changed(&self) {
        self.mark.on(|| self.desk.leadership_changed());
    }

    /// Clients find it by these names.
    pub fn rename(&self, names: Vec<String>) {
        self.names.send_if_modified(|before| {
            let changed = *before != names;
            *before = names;
            changed
        });
    }

    pub fn view(&self) -> ElectionView {
        let problem = self.desk.problem.borrow().clone();
        ElectionView { problem, ..self.shown.borrow().view() }
    }

    /// Whether any pod is heard; `None` while there is no record.
    pub fn sight(&self) -> Option<bool> {
        self.shown.borrow().sight()
    }

    pub fn explanation(&self) -> Option<Explanation> {
        self.shown.borrow().explanation()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether this process may act on a cluster.
fn may_act(setup: &ElectionsSetup, desk: &Rc<Desk>) -> Rc<dyn Fn() -> bool> {
    let (leads, desk) = (Arc::clone(&setup.may_act), Rc::clone(desk));
    Rc::new(move || leads() && !desk.facts.borrow().paused)
}

/// What the futures of one cluster need.
struct Parts {
    lanes: Lanes,
    desk: Rc<Desk>,
    may_act: Rc<dyn Fn() -> bool>,
    clock: Clock,
}

impl Parts {
    async fn run(
        &self,
        teller: &mut Teller,
        wanted: watch::Receiver<Wanted>,
        facts: watch::Receiver<()>,
    ) {
        let Ok(password) = Secret::random() else {
            tracing::error!("no random bytes can be had");
            return;
        };
        let setup = SetSetup {
            targets: self.desk.targets(),
            fence: Some(Fence::new(password)),
            may_act: Rc::clone(&self.may_act),
            clock: self.clock,
            settings_told: teller.settings_told(),
            pointer_lag: Some(POINTER_LAG),
            reclaims_after: Some(RECLAIMS_AFTER),
        };
        let store = ClusterStore::new(&self.lanes.decisions, &self.desk);
        let served = ClusterStore::new(&self.lanes.decisions, &self.desk);
        let (wishes, asked) = mpsc::channel::<Asked>(MAX_WISHES_WAITING);
        let namespace = teller.key.namespace.clone();
        // None of them ends but by being dropped.
        tokio::select! {
            () = watch_set(setup, store, asked, teller) => {}
            () = labels::write_all(&self.lanes.labels, &namespace, wanted) => {}
            () = wishes::ask(&self.desk, &served, &self.may_act, facts, wishes) => {}
        }
    }
}

//! What the parts of one cluster's election share: the facts, and what was read and written last.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use tokio::sync::watch;
use tokio_rustls::rustls::ClientConfig;
use tracing::warn;

use crate::api::Election;
use crate::operator::{ClusterFacts, Outside, ServiceFacts, TlsFiles};
use crate::runtime::SetTargets;
use crate::sentinel::Record;
use crate::valkey::client_config;

use super::record::{Beside, to_status};
use super::seats::Seats;
use super::targets::{self, targets};
use super::view::Problem;

/// Shared by the futures of one thread; no borrow is held across an await.
pub(super) struct Desk {
    /// Who decides here: the lease as `namespace/name`.
    pub identity: String,
    pub outside: Outside,
    pub facts: RefCell<ClusterFacts>,
    /// Another number for all other facts.
    pub taken: Cell<u64>,
    pub known: RefCell<Known>,
    /// `N-client`, as it was read or written last.
    pub service: RefCell<Option<ServiceFacts>>,
    pub seats: RefCell<Seats>,
    pub problem: RefCell<Option<Problem>>,
    tls: RefCell<Option<(TlsFiles, Option<Arc<ClientConfig>>)>>,
    reread: Cell<u64>,
    leadership: Cell<u64>,
    targets: watch::Sender<SetTargets>,
}

/// The record as it was read or written last.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// The version of the object that it was in.
    pub resource_version: String,
    /// As the status has it.
    pub status: Option<Election>,
    /// As the rules have it.
    pub record: Option<Record>,
    /// Another number for every other record.
    pub version: u64,
}

impl Desk {
    pub fn new(facts: ClusterFacts, identity: String, outside: Outside) -> Self {
        let seats = Seats::default();
        let none = targets::Beside {
            record: None,
            seats: &seats,
            tls: None,
            network: &outside.network,
            reread: 0,
            leadership: 0,
        };
        let (targets, _) = watch::channel(targets(&facts, &none));
        let desk = Self {
            identity,
            outside,
            facts: RefCell::new(facts),
            taken: Cell::new(0),
            known: RefCell::default(),
            service: RefCell::new(None),
            seats: RefCell::new(seats),
            problem: RefCell::new(None),
            tls: RefCell::new(None),
            reread: Cell::new(0),
            leadership: Cell::new(0),
            targets,
        };
        desk.aim();
        desk
    }

    /// What the set is watched for.
    pub fn targets(&self) -> watch::Receiver<SetTargets> {
        self.targets.subscribe()
    }

    /// Takes in what the caches have now.
    pub fn take(&self, mut facts: ClusterFacts) {
        {
            // What is the same is the same one, so that it is there once, and compared in no time.
            let before = &self.facts.borrow().live;
            if facts.live == *before {
                facts.live = before.clone();
            }
        }
        if self.is_news(&facts) {
            self.reread.set(self.reread.get() + 1);
        } else {
            self.keep_up(&facts);
        }
        *self.facts.borrow_mut() = facts;
        self.taken.set(self.taken.get() + 1);
        self.aim();
    }

    /// Leading has begun or ended.
    pub fn leadership_changed(&self) {
        self.leadership.set(self.leadership.get() + 1);
        self.aim();
    }

    /// Somebody else has written the record or moved the Service. What is older than what we know
    /// comes late, and is no news.
    fn is_news(&self, facts: &ClusterFacts) -> bool {
        let known = self.known.borrow();
        let record = facts.election != known.status
            && !is_older(&facts.resource_version, &known.resource_version);
        let service = self.service.borrow();
        let moved = match (&facts.service, &*service) {
            (Some(now), Some(before)) => {
                (&now.pod, now.epoch) != (&before.pod, before.epoch)
                    && !is_older(&now.resource_version, &before.resource_version)
            }
            (now, before) => now.is_some() != before.is_some(),
        };
        record || moved
    }

    /// Others have written beside the record: the next write names the version after that.
    fn keep_up(&self, facts: &ClusterFacts) {
        let mut known = self.known.borrow_mut();
        let is_same = known.version > 0 && facts.election == known.status;
        if is_same && is_older(&known.resource_version, &facts.resource_version) {
            known.resource_version.clone_from(&facts.resource_version);
        }
    }

    /// Tells the set what it is watched for now.
    pub fn aim(&self) {
        let facts = self.facts.borrow();
        let tls = facts.access.as_ref().and_then(|access| self.tls(access.tls.as_ref()?));
        let targets = targets(
            &facts,
            &targets::Beside {
                record: self.known.borrow().record.as_ref(),
                seats: &self.seats.borrow(),
                tls: tls.as_ref(),
                network: &self.outside.network,
                reread: self.reread.get(),
                leadership: self.leadership.get(),
            },
        );
        self.targets.send_replace(targets);
    }

    /// The certificates, read once as long as they are the same.
    fn tls(&self, files: &TlsFiles) -> Option<Arc<ClientConfig>> {
        let mut kept = self.tls.borrow_mut();
        if let Some((_, config)) = kept.as_ref().filter(|(before, _)| before == files) {
            return config.clone();
        }
        let client = Some((files.certificate.as_slice(), files.key.as_slice()));
        let config = client_config(&files.ca, client);
        let mut problem = self.problem.borrow_mut();
        if let Err(error) = &config {
            warn!(%error, "TLS cannot be used");
            *problem = Some(Problem::TlsUnusable(error.to_string()));
        } else if matches!(*problem, Some(Problem::TlsUnusable(_))) {
            *problem = None;
        }
        let config = config.ok();
        *kept = Some((files.clone(), config.clone()));
        config
    }

    /// A record as it is to be written.
    pub fn status(&self, record: &Record) -> Election {
        let seats = self.seats.borrow();
        let known = self.known.borrow();
        let master = record.master;
        let before = known.record.as_ref();
        let led_on = before.is_some_and(|before| before.history == record.history);
        let previous_in_sync = match &known.status {
            Some(status) if led_on => status.previous_in_sync.clone(),
            Some(status) => status.in_sync.clone(),
            None => Vec::new(),
        };
        // What the record says of a run stays true when this process never saw its container.
        let recorded = known.status.as_ref().and_then(|status| status.master.as_ref());
        let recorded = recorded.and_then(|recorded| recorded.container_id.clone());
        let same = before.and_then(|before| before.master) == master;
        let container_id = master.and_then(|master| {
            let seat = seats.container_of(master.node, master.run_id).map(str::to_owned);
            seat.or_else(|| recorded.filter(|_| same))
        });
        let operator = Some(self.identity.clone());
        let served = known.status.as_ref().map(|status| status.served.clone()).unwrap_or_default();
        let name = &self.facts.borrow().key.name;
        to_status(name, record, Beside { container_id, operator, previous_in_sync, served })
    }

    /// Whether the caches have an older version of the object than the one that is known.
    pub fn is_behind(&self) -> bool {
        is_older(&self.facts.borrow().resource_version, &self.known.borrow().resource_version)
    }

    /// What was asked for and done, as far as is recorded; `None` before the record was read.
    pub fn served(&self) -> Option<Vec<String>> {
        let known = self.known.borrow();
        let served = |status: &Election| status.served.clone();
        (known.version > 0).then(|| known.status.as_ref().map(served).unwrap_or_default())
    }

    /// Keeps what was read or written.
    pub fn learn(
        &self,
        resource_version: String,
        status: Option<Election>,
        record: Option<Record>,
    ) {
        {
            let mut known = self.known.borrow_mut();
            if known.version == 0 || !decides_alike(known.status.as_ref(), status.as_ref()) {
                known.version += 1;
            }
            if let Some((master, container)) = record
                .as_ref()
                .and_then(|record| record.master)
                .zip(status.as_ref().and_then(|it| it.master.as_ref()?.container_id.as_deref()))
            {
                let mut seats = self.seats.borrow_mut();
                seats.note(master.node, master.run_id, master.home, container, None);
            }
            known.resource_version = resource_version;
            known.status = status;
            known.record = record;
        }
        self.aim();
    }
}

/// Whether two records are one to whoever decides: what was served is not of the rules.
fn decides_alike(one: Option<&Election>, other: Option<&Election>) -> bool {
    let rules = |status: &Election| Election { served: Vec::new(), ..status.clone() };
    one == other || one.map(rules) == other.map(rules)
}

/// Versions of one object grow; what is no number is never older.
pub(super) fn is_older(version: &str, than: &str) -> bool {
    match (version.parse::<u64>(), than.parse::<u64>()) {
        (Ok(version), Ok(than)) => version < than,
        _ => false,
    }
}

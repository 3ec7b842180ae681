//! One run: clients write, something happens, the set becomes whole again, and all is counted.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use super::controller::Controller;
use super::directory::Directory;
use super::network::client_address;
use super::node::Node;
use super::prober::most_writers_at_once;
use super::report::Report;
use super::set::Set;
use super::wait::wait_for;
use super::wait::wait_until;
use super::watcher::Watcher;
use super::writer::Kind;
use super::writer::WriterSetup;
use super::writer::Writers;

/// How long a set may take to be whole again.
pub const DEADLINE: Duration = Duration::from_secs(40);
/// How long clients write before anything happens.
const WARM_UP: Duration = Duration::from_millis(500);

/// How the clients of a run write.
#[derive(Debug, Clone)]
pub struct Load {
    /// Clients whose every write waits for this many replicas.
    pub waiting: Vec<u32>,
    /// Clients that take the master's word.
    pub plain: u8,
    /// How many writes a plain client sends at once.
    pub depth: u32,
    /// How many writes a plain client tries a second.
    pub per_second: u32,
    /// How long a client waits for a connection and for a reply; for replicas, half as long.
    pub patience: Duration,
}

impl Default for Load {
    /// Two clients that wait for a replica, and four that take the master's word, 500 a second.
    fn default() -> Self {
        let patience = Duration::from_secs(1);
        Self { waiting: vec![1, 1], plain: 4, depth: 1, per_second: 500, patience }
    }
}

/// A run under way.
pub struct Trial<'a> {
    set: &'a Set,
    controller: &'a dyn Controller,
    writers: Writers,
    watcher: Watcher,
    started: Instant,
    fault: Instant,
    /// How many writes were confirmed before it.
    confirmed_before: usize,
    resyncs_before: Vec<(u8, String, u64)>,
}

impl<'a> Trial<'a> {
    /// Starts the clients and waits until each writes.
    pub fn start(set: &'a Set, controller: &'a dyn Controller, load: &Load) -> Self {
        Self::start_with(set, controller, load.writers(&controller.directory()))
    }

    /// Starts these clients and waits until each writes.
    pub fn start_with(
        set: &'a Set,
        controller: &'a dyn Controller,
        writers: Vec<WriterSetup>,
    ) -> Self {
        let watcher = Watcher::start(set, controller.directory());
        let writers = Writers::start(writers);
        let trial = Self {
            set,
            controller,
            writers,
            watcher,
            started: Instant::now(),
            fault: Instant::now(),
            confirmed_before: 0,
            resyncs_before: full_resyncs(set),
        };
        trial.wait_until_all_write();
        trial
    }

    /// Waits until every client had a write confirmed that was sent a while from now.
    pub fn wait_until_all_write(&self) {
        let since = Instant::now() + WARM_UP;
        wait_until("every client writes", DEADLINE, || self.writers.all_write_since(since));
    }

    /// Does the thing whose consequences are counted.
    pub fn fault(&mut self, act: impl FnOnce()) {
        self.resyncs_before = full_resyncs(self.set);
        self.confirmed_before = self.writers.confirmed();
        self.fault = Instant::now();
        act();
    }

    /// When it happened.
    pub fn fault_at(&self) -> Instant {
        self.fault
    }

    /// How long ago it happened.
    pub fn since_fault(&self) -> Duration {
        self.fault.elapsed()
    }

    /// What is seen of the set.
    pub fn watcher(&self) -> &Watcher {
        &self.watcher
    }

    /// The clients.
    pub fn writers(&self) -> &Writers {
        &self.writers
    }

    /// Waits until the controller names another node than this, and answers which.
    pub fn wait_until_it_names_another_than(&self, number: u8) -> Arc<Node> {
        let what = format!("{} names another than node {number}", self.controller.name());
        wait_for(&what, DEADLINE, || {
            let node = self.set.at(self.controller.named()?);
            (node.number != number).then(|| Arc::clone(node))
        })
    }

    /// Waits until the named node is master, all running nodes follow it, and all clients write;
    /// answers which node that is.
    pub fn settle(&self) -> Arc<Node> {
        let master = self.wait_until_whole();
        self.wait_until_all_write();
        master
    }

    /// [`Trial::settle`], where some client never comes back.
    pub fn wait_until_whole(&self) -> Arc<Node> {
        let began = Instant::now();
        loop {
            let named = self.controller.named().map(|address| self.set.at(address));
            if let Some(master) = named.filter(|master| self.set.is_whole_under(master)) {
                return Arc::clone(master);
            }
            assert!(
                began.elapsed() < DEADLINE,
                "not whole within {DEADLINE:?}: {:?} is named, the nodes say {:?}",
                named.map(|node| node.number),
                self.set.roles(),
            );
        }
    }

    /// Ends the clients and counts against the data of the node that is named, once every running
    /// node has all of it.
    pub fn report(mut self) -> Report {
        let end = Instant::now();
        self.writers.stop();
        let master = self.wait_until_whole();
        for node in self.set.others(master.number).filter(|node| node.runs()) {
            node.wait_until_it_has_all_of(&master);
        }
        self.watcher.stop();
        let promoted = self.watcher.promotion_after(self.fault).map(|(when, _)| when);
        let named = self.watcher.naming_after(self.fault).map(|(when, _)| when);
        let mut report = Report {
            controller: self.controller.name(),
            writes_per_second: per_second(self.confirmed_before, self.fault - self.started),
            promoted: promoted.map(|when| when - self.fault),
            named: named.map(|when| when - self.fault),
            writers_at_once: most_writers_at_once(&self.watcher.probes().accepted()),
            full_resyncs: full_resyncs_since(&self.resyncs_before, &full_resyncs(self.set)),
            ..Report::default()
        };
        for book in self.writers.books() {
            let ledger = book.ledger();
            let (confirmed, lost) = match (book.kind, book.is_told) {
                (Kind::Waiting(_), _) => (&mut report.acknowledged, &mut report.acknowledged_lost),
                (Kind::Plain, true) => (&mut report.plain, &mut report.plain_lost),
                (Kind::Plain, false) => (&mut report.stray, &mut report.stray_lost),
            };
            *confirmed += ledger.confirmed.len();
            *lost += ledger.lost(&master).len();
            if book.is_told {
                report.write_gap = report.write_gap.max(ledger.longest_pause(self.fault, end));
            } else {
                report.stray_until = report.stray_until.max(ledger.last_success());
            }
        }
        report
    }
}

impl Load {
    /// The clients, each at an address of its own.
    pub fn writers(&self, directory: &Directory) -> Vec<WriterSetup> {
        let waiting = self.waiting.iter().map(|replicas| Kind::Waiting(*replicas));
        let plain = (0..self.plain).map(|_| Kind::Plain);
        let writer = |(number, kind)| WriterSetup {
            from: client_address(number),
            directory: directory.clone(),
            kind,
            depth: if kind == Kind::Plain { self.depth } else { 1 },
            per_second: self.per_second,
            patience: self.patience,
        };
        (1..).zip(waiting.chain(plain)).map(writer).collect()
    }
}

fn per_second(count: usize, span: Duration) -> f64 {
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    if span.is_zero() { 0.0 } else { f64::from(count) / span.as_secs_f64() }
}

/// How often each running node sent all its data to another, by number and run.
fn full_resyncs(set: &Set) -> Vec<(u8, String, u64)> {
    let of = |node: &Arc<Node>| {
        let run_id = node.info("server").get("run_id").cloned().unwrap_or_default();
        (node.number, run_id, node.info_number("stats", "sync_full"))
    };
    set.nodes().filter(|node| node.runs()).map(of).collect()
}

/// How often any of them did since `before`. A node that was started since counts from 0.
fn full_resyncs_since(before: &[(u8, String, u64)], now: &[(u8, String, u64)]) -> u64 {
    let earlier = |of: &(u8, String, u64)| {
        let same = before.iter().find(|(number, run_id, _)| (*number, run_id) == (of.0, &of.1));
        same.map_or(0, |(.., count)| *count)
    };
    now.iter().map(|of| of.2.saturating_sub(earlier(of))).sum()
}

#[test]
fn a_node_that_was_started_anew_counts_from_0() {
    let node = |number, run: &str, count| (number, run.to_owned(), count);
    let before = [node(1, "a", 2), node(2, "b", 1)];
    for (now, expected) in [
        (vec![node(1, "a", 2), node(2, "b", 1)], 0),
        (vec![node(1, "a", 2), node(2, "b", 3)], 2),
        (vec![node(1, "c", 1), node(2, "b", 1)], 1),
        (vec![node(2, "b", 2)], 1),
    ] {
        assert_eq!(full_resyncs_since(&before, &now), expected, "{now:?}");
    }
}

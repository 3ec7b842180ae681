//! Sets to decide about, for tests: a healthy one, and what may happen to it, a word each.

use crate::sentinel::*;

/// A healthy set is observed at this instant.
pub const START_MS: Millis = 100_000;
/// The offset of every node of a healthy set.
pub const OFFSET: u64 = 1000;

/// A row of a table: its name, what is different in it, and what comes of it.
pub type Row<T> = (&'static str, fn(&mut Set), T);
/// A row of a table all of whose rows come to the same.
pub type Case = (&'static str, fn(&mut Set));

/// The node at a place.
pub fn n(index: usize) -> NodeId {
    NodeId::at(index)
}

/// The name of a run of a node; the first one has the number 1.
pub fn run(node: usize, number: u8) -> Id {
    let mut bytes = [0; 20];
    bytes[0] = 0x10 + NodeId::at(node).0;
    bytes[1] = number;
    Id(bytes)
}

/// The name of a history; a healthy set has the first one.
pub fn history(number: u8) -> Id {
    Id([0xa0 + number; 20])
}

/// A node in its first run, as it is recorded.
pub fn member(node: usize) -> Member {
    Member { node: n(node), run_id: run(node, 1), home: Home::default() }
}

/// A command to a node in its first run.
pub fn send(node: usize, command: Command) -> Action {
    Action::Send { node: n(node), run_id: run(node, 1), command }
}

/// A link that is up and heard its master just now.
pub fn link(master: usize) -> Link {
    Link {
        upstream: Upstream::Node(n(master)),
        up: true,
        down_since_s: None,
        last_io_s: Some(0),
        second_ms: 0,
        syncing: false,
    }
}

/// The role of a node behind its gate, or frozen.
pub const NOWHERE: Role = Role::Replica(Link {
    upstream: Upstream::Nowhere,
    up: false,
    down_since_s: None,
    last_io_s: None,
    second_ms: 0,
    syncing: false,
});

/// What people ask for if they ask for nothing special: W is 1.
pub fn settings() -> Settings {
    Settings {
        ping_interval_ms: 500,
        down_after_ms: 5000,
        failover_timeout_ms: 30_000,
        min_replicas_to_write: 1,
        min_replicas_max_lag_s: 2,
        replica_order: ReplicaOrder::DataFirst,
        policy: Policy::Consistency,
        durability: Durability::Preferred,
        may_appoint_first: true,
        auto_failover: true,
        shuts_out: false,
    }
}

/// A set, the memory of the process that decides about it, and the time.
#[derive(Debug, Clone)]
pub struct Set {
    pub local: Local,
    pub seen: Observation,
    pub now_ms: Millis,
}

impl Set {
    /// A healthy set in peace: node 0 leads, everybody follows, W is 1 (0 for one node alone).
    pub fn of(nodes: usize) -> Self {
        let w = u8::from(nodes > 1);
        let report = |node: usize| Report {
            asked_ms: START_MS,
            run_id: run(node, 1),
            home: Home::default(),
            role: if node == 0 { Role::Master } else { Role::Replica(link(0)) },
            loading: false,
            priority: 100,
            history: history(1),
            previous_history: None,
            offset: OFFSET,
            keys: 10,
            min_replicas_to_write: w,
            followers: Vec::new(),
        };
        let node = |index| Node { report: Some(report(index)), gated: true, ..Node::default() };
        let mut set = Self {
            local: Local::default(),
            seen: Observation {
                settings: Settings { min_replicas_to_write: w, ..settings() },
                record: Some(Record {
                    phase: Phase::Stable,
                    master: Some(member(0)),
                    history: Some(history(1)),
                    in_sync: (1..nodes).map(member).collect(),
                    w,
                    ..Record::without_master(1, 1)
                }),
                my_term: 1,
                leading: true,
                writing: false,
                nodes: (0..nodes).map(node).collect(),
                service: Some(Pointer { node: n(0), epoch: 1 }),
                request: None,
            },
            now_ms: START_MS,
        };
        set.report(0).followers = (1..nodes)
            .map(|node| Follower { node: n(node), online: true, offset: OFFSET })
            .collect();
        let (local, actions) = step(&set.local, &set.seen, set.now_ms);
        assert_eq!(actions, [], "a healthy set needs nothing");
        set.local = local;
        set
    }

    /// A set that nobody has recorded yet, and in which nobody leads: all are behind their gates.
    pub fn unrecorded(nodes: usize) -> Self {
        let mut set = Self::of(nodes).fresh();
        set.seen.record = None;
        set.seen.my_term = 0;
        set.seen.service = None;
        for node in 0..nodes {
            set = set.frozen(node);
        }
        set
    }

    /// The same, with the W that is asked for, recorded and in force.
    pub fn w(mut self, w: u8) -> Self {
        self.seen.settings.min_replicas_to_write = w;
        self.record().w = w;
        self.report(0).min_replicas_to_write = w;
        self
    }

    /// The process that decides has just started.
    pub fn fresh(mut self) -> Self {
        self.local = Local::default();
        self
    }

    pub fn record(&mut self) -> &mut Record {
        self.seen.record.as_mut().unwrap()
    }

    pub fn node(&mut self, node: usize) -> &mut Node {
        &mut self.seen.nodes[node]
    }

    pub fn report(&mut self, node: usize) -> &mut Report {
        self.node(node).report.as_mut().unwrap()
    }

    /// Any other change.
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Time passes; whoever owes no answer has been asked again, and says the same.
    pub fn later(mut self, by_ms: Millis) -> Self {
        self.now_ms += by_ms;
        self.local.last_step_ms = Some(self.now_ms);
        for node in self.seen.nodes.iter_mut().filter(|node| node.asked_ms.is_none()) {
            if let Some(report) = &mut node.report {
                report.asked_ms = self.now_ms;
            }
        }
        self
    }

    /// A node has owed an answer for so long; its connection is still there.
    pub fn silent(mut self, node: usize, for_ms: Millis) -> Self {
        self.node(node).asked_ms = Some(self.now_ms - for_ms);
        self.local.trusted_since_ms = self.local.trusted_since_ms.min(self.now_ms - for_ms);
        self
    }

    /// A node has been silent for longer than people wait, and its replicas hear nothing either.
    pub fn down(self, node: usize) -> Self {
        let mut set = self.silent(node, 60_000);
        for other in 0..set.seen.nodes.len() {
            let Some(report) = set.node(other).report.as_mut() else { continue };
            if let Role::Replica(link) = &mut report.role
                && link.upstream == Upstream::Node(n(node))
            {
                link.last_io_s = Some(60);
            }
        }
        set
    }

    /// The process of a node has ended; its idle connection said so, and its replicas know it.
    pub fn dead(mut self, node: usize) -> Self {
        let run_id = self.node(node).report.as_ref().map_or(run(node, 1), |report| report.run_id);
        let at_ms = self.now_ms;
        let ended = Some(Ended { run_id, by: EndedBy::FinThenRefused, at_ms });
        *self.node(node) = Node { asked_ms: Some(at_ms), ended, gated: true, ..Node::default() };
        for other in 0..self.seen.nodes.len() {
            let Some(report) = self.node(other).report.as_mut() else { continue };
            if let Role::Replica(link) = &mut report.role
                && link.upstream == Upstream::Node(n(node))
            {
                *link = Link { up: false, down_since_s: Some(0), last_io_s: None, ..*link };
            }
        }
        self.unlisted(node)
    }

    /// A node answers in its second run, behind its gate, with all its data and its history.
    pub fn restarted(mut self, node: usize) -> Self {
        let report = self.report(node);
        report.run_id = run(node, 2);
        report.role = NOWHERE;
        report.followers = Vec::new();
        self.unlisted(node)
    }

    /// A node's pod was made anew: its second run answers from another home, and nobody knows what
    /// became of the first.
    pub fn moved(self, node: usize) -> Self {
        let mut set = self.restarted(node);
        set.report(node).home = Home(2);
        set
    }

    /// No master lists the node any more.
    fn unlisted(mut self, node: usize) -> Self {
        for report in self.seen.nodes.iter_mut().filter_map(|node| node.report.as_mut()) {
            report.followers.retain(|follower| follower.node != n(node));
        }
        self
    }

    /// A node answers in its second run, behind its gate, without data.
    pub fn emptied(self, node: usize) -> Self {
        let mut set = self.restarted(node);
        let report = set.report(node);
        report.offset = 0;
        report.keys = 0;
        report.history = Id([0xe0 + n(node).0; 20]);
        set
    }

    /// A node is a replica of nowhere, in the run that it has been in.
    pub fn frozen(mut self, node: usize) -> Self {
        self.report(node).role = NOWHERE;
        self.report(node).followers = Vec::new();
        self.unlisted(node)
    }

    /// A node leads, with a history of the given number that grew out of the one it had.
    pub fn promoted(mut self, node: usize, number: u8) -> Self {
        let report = self.report(node);
        report.role = Role::Master;
        report.previous_history = Some((report.history, report.offset));
        report.history = history(number);
        self
    }

    /// A node holds the recorded history up to an offset.
    pub fn at(mut self, node: usize, offset: u64) -> Self {
        self.report(node).offset = offset;
        self
    }

    /// A failover to a node has been recorded.
    pub fn failover(mut self, target: usize) -> Self {
        let record = self.record();
        record.epoch += 1;
        record.phase = Phase::Failover;
        record.target = Some(n(target));
        self
    }

    /// A handover to a node has been recorded.
    pub fn switchover(mut self, target: usize) -> Self {
        self = self.failover(target);
        self.record().phase = Phase::Switchover;
        self
    }

    /// Somebody wishes for something.
    pub fn asks(mut self, wish: Wish) -> Self {
        self.seen.request = Some(Request { id: 7, wish });
        self
    }

    /// The next decision, without when to look again; the memory goes on.
    pub fn acts(&mut self) -> Vec<Action> {
        let (local, actions) = step(&self.local, &self.seen, self.now_ms);
        self.local = local;
        actions.into_iter().filter(|action| !matches!(action, Action::WakeAt(_))).collect()
    }

    /// The next decision: what is done (people are not listened to), or why nothing is.
    pub fn decides(&mut self) -> Result<Vec<Action>, Hold> {
        let actions = self.acts();
        let done = actions.into_iter().filter(|it| !matches!(it, Action::Tell(_))).collect();
        self.local.hold.map_or(Ok(done), Err)
    }

    /// The record that the next decision writes.
    pub fn writes(&mut self) -> Record {
        match self.decides().as_deref() {
            Ok([.., Action::Write(record)]) => record.clone(),
            other => panic!("no record is written: {other:?}"),
        }
    }

    /// The record as it is, changed.
    pub fn changed(&self, change: impl FnOnce(&mut Record)) -> Record {
        let mut record = self.seen.record.clone().unwrap();
        change(&mut record);
        record
    }
}

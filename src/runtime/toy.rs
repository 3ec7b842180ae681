//! A set of servers that exists only in a test: it obeys at once, and every node that lives is
//! seen as it is.

use crate::sentinel::{
    Action, Command, Durability, Ended, EndedBy, Follower, Hold, Home, Id, Link, Local, Millis,
    Node, NodeId, Observation, Pointer, Policy, Record, ReplicaOrder, Report, Request, Role,
    Settings, Upstream, step,
};

/// A server.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub alive: bool,
    pub upstream: Option<Upstream>,
    pub history: Id,
    pub previous_history: Option<(Id, u64)>,
    pub offset: u64,
    pub min_replicas_to_write: u8,
    pub silent_since_ms: Option<Millis>,
    pub ended: Option<Ended>,
    pub paused_until_ms: Option<Millis>,
}

/// Three servers and the one who decides about them.
#[derive(Debug, Clone)]
pub(super) struct Toy {
    pub servers: Vec<Server>,
    pub record: Option<Record>,
    pub term: u64,
    pub service: Option<Pointer>,
    pub request: Option<Request>,
    pub local: Local,
    pub now_ms: Millis,
}

/// A step that was taken.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub now_ms: Millis,
    pub seen: Observation,
    pub actions: Vec<Action>,
    pub hold: Option<Hold>,
}

impl Toy {
    /// A master with two replicas that nobody has watched yet.
    pub(super) fn new() -> Self {
        let server = |upstream| Server {
            alive: true,
            upstream,
            history: Id([0xaa; 20]),
            previous_history: None,
            offset: 100,
            min_replicas_to_write: 0,
            silent_since_ms: None,
            ended: None,
            paused_until_ms: None,
        };
        let follows = Some(Upstream::Node(NodeId(0)));
        Self {
            servers: vec![server(None), server(follows), server(follows)],
            record: None,
            term: 0,
            service: None,
            request: None,
            local: Local::default(),
            now_ms: 1000,
        }
    }

    fn run_id(node: usize) -> Id {
        Id([u8::try_from(node).unwrap() + 1; 20])
    }

    /// Ends a server; its end is seen.
    pub(super) fn kill(&mut self, node: usize) {
        let server = &mut self.servers[node];
        server.alive = false;
        server.silent_since_ms = Some(self.now_ms);
        let by = EndedBy::FinThenRefused;
        server.ended = Some(Ended { run_id: Self::run_id(node), by, at_ms: self.now_ms });
    }

    /// What can be seen now.
    pub(super) fn seen(&self) -> Observation {
        let nodes = (0..self.servers.len()).map(|node| self.node(node)).collect();
        Observation {
            settings: Settings {
                ping_interval_ms: 100,
                down_after_ms: 3000,
                failover_timeout_ms: 60_000,
                min_replicas_to_write: 1,
                min_replicas_max_lag_s: 1,
                replica_order: ReplicaOrder::DataFirst,
                policy: Policy::Consistency,
                durability: Durability::Preferred,
                may_appoint_first: false,
                auto_failover: true,
                shuts_out: false,
            },
            record: self.record.clone(),
            my_term: self.term,
            leading: true,
            writing: false,
            nodes,
            service: self.service,
            request: self.request,
        }
    }

    fn node(&self, node: usize) -> Node {
        let server = &self.servers[node];
        let up = |master: NodeId| self.servers[master.index()].alive;
        let role = server.upstream.map_or(Role::Master, |upstream| {
            let up = matches!(upstream, Upstream::Node(master) if up(master));
            Role::Replica(Link {
                upstream,
                up,
                down_since_s: (!up).then_some(0),
                last_io_s: up.then_some(0),
                second_ms: 0,
                syncing: false,
            })
        });
        let follows = |other: &&Server| other.upstream == Some(Upstream::Node(NodeId::at(node)));
        let followers = self.servers.iter().enumerate();
        let followers = followers
            .filter(|(_, other)| other.alive && follows(other))
            .map(|(id, other)| Follower {
                node: NodeId::at(id),
                online: true,
                offset: other.offset,
            })
            .collect();
        let report = server.alive.then(|| Report {
            asked_ms: self.now_ms,
            run_id: Self::run_id(node),
            home: Home::default(),
            role,
            loading: false,
            priority: 100,
            history: server.history,
            previous_history: server.previous_history,
            offset: server.offset,
            keys: 5,
            min_replicas_to_write: server.min_replicas_to_write,
            followers,
        });
        Node {
            asked_ms: server.silent_since_ms,
            report,
            ended: server.ended,
            paused_until_ms: server.paused_until_ms,
            ..Node::default()
        }
    }

    /// Takes a step, and does what was decided.
    pub(super) fn step(&mut self) -> Taken {
        let (now_ms, seen) = (self.now_ms, self.seen());
        let (local, actions) = step(&self.local, &seen, now_ms);
        self.local = local;
        for action in &actions {
            self.perform(action);
        }
        self.now_ms += 10;
        Taken { now_ms, seen, actions, hold: self.local.hold }
    }

    /// Takes steps until nothing more is to be done.
    pub(super) fn settle(&mut self) -> Vec<Taken> {
        let mut taken = Vec::new();
        for _ in 0..1000 {
            taken.push(self.step());
            if taken.last().is_some_and(|it| it.actions.is_empty() && it.hold.is_none()) {
                return taken;
            }
        }
        panic!("the set does not come to rest: {taken:?}");
    }

    fn perform(&mut self, action: &Action) {
        match action {
            Action::Write(record) => {
                self.term = record.term;
                self.record = Some(record.clone());
            }
            Action::PointService { node, epoch } => {
                self.service = Some(Pointer { node: *node, epoch: *epoch });
            }
            Action::Answer { .. } => self.request = None,
            Action::Send { node, command, .. } => self.obey(*node, *command),
            Action::Tell(_) | Action::WakeAt(_) => {}
        }
    }

    fn obey(&mut self, node: NodeId, command: Command) {
        let now_ms = self.now_ms;
        let follow = match command {
            Command::Follow(master) => Some(self.servers[master.index()].clone()),
            _ => None,
        };
        let server = &mut self.servers[node.index()];
        match command {
            Command::Freeze => server.upstream = Some(Upstream::Nowhere),
            Command::Promote { min_replicas_to_write } => {
                server.upstream = None;
                server.min_replicas_to_write = min_replicas_to_write;
                server.previous_history = Some((server.history, server.offset));
                server.history = Id([server.history.0[0] + 1; 20]);
            }
            Command::Follow(master) => {
                let master_state = follow.unwrap();
                server.upstream = Some(Upstream::Node(master));
                server.history = master_state.history;
                server.previous_history = master_state.previous_history;
                server.offset = master_state.offset;
            }
            Command::Pause { limit_ms } => server.paused_until_ms = Some(now_ms + limit_ms),
            Command::Release | Command::Unpause => server.paused_until_ms = None,
            Command::SetMinReplicas(count) => server.min_replicas_to_write = count,
            Command::Look | Command::ScriptKill | Command::ShutOut(_) | Command::LetIn(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_adopted_fails_over_and_comes_to_rest() {
        let mut toy = Toy::new();
        toy.settle();
        assert_eq!(toy.record.as_ref().unwrap().master.unwrap().node, NodeId(0));
        assert_eq!(toy.record.as_ref().unwrap().w, 1);
        toy.kill(0);
        // The dead one stays silent, so this set never comes to rest.
        for _ in 0..50 {
            toy.step();
        }
        let record = toy.record.unwrap();
        let master = record.master.unwrap().node;
        assert_ne!(master, NodeId(0));
        assert_eq!(toy.service.unwrap().node, master);
    }
}

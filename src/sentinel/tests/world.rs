//! A small world for whole stories: servers, clients, and the process that decides, in steps of
//! ten milliseconds. Nothing in it is random.

use super::server::{Boot, Server};
use crate::sentinel::fixture::{member, n, run, settings};
use crate::sentinel::*;

const TICK_MS: Millis = 10;
const WRITE_EVERY_MS: Millis = 100;
/// From the end of a process to the proof of it: two refused dials.
const PROOF_MS: Millis = 30;
/// From the end of the deciding process to the next one.
const TAKEOVER_MS: Millis = 50;

/// What happens to the world.
#[derive(Debug, Clone, Copy)]
pub enum Do {
    /// A process ends; its connections get a FIN.
    Kill(usize),
    /// It starts again.
    Start(usize, Boot),
    /// A process stands still; its connections stay.
    Hang(usize),
    Resume(usize),
    /// The deciding process does not reach a node; everybody else does.
    Cut(usize),
    Heal(usize),
    /// A node cannot save to its disk.
    Misconf(usize),
    Ask(Wish),
}

pub struct World {
    pub now_ms: Millis,
    pub servers: Vec<Server>,
    cut: Vec<bool>,
    died_ms: Vec<Option<Millis>>,
    local: Local,
    pub seen: Observation,
    wake_ms: Option<Millis>,
    down_until_ms: Millis,
    /// What was done, and when.
    pub log: Vec<(Millis, String)>,
    /// How many effects there were; the deciding process ends after this one.
    pub effects: usize,
    pub crash_after: Option<usize>,
    names: u8,
    writes: u32,
    /// The writes that W replicas held when the client was answered.
    pub acknowledged: Vec<u32>,
    /// The most nodes that took writes at one instant.
    pub writers: usize,
    /// The longest time in which no node took a write.
    pub longest_pause_ms: Millis,
    wrote_ms: Millis,
}

impl World {
    /// A healthy set: node 0 leads. A second has passed, and nothing had to be done.
    pub fn of(nodes: usize, w: u8) -> Self {
        let mut servers = vec![Server::new(nodes); nodes];
        servers[0].leads = true;
        servers[0].min_replicas = w;
        for server in &mut servers {
            server.term = 1;
            server.log.push(0);
        }
        for server in servers.iter_mut().skip(1) {
            server.follows = Some(0);
        }
        let mut world = Self {
            now_ms: 100_000,
            servers,
            cut: vec![false; nodes],
            died_ms: vec![None; nodes],
            local: Local::default(),
            seen: Observation {
                settings: Settings { min_replicas_to_write: w, ..settings() },
                record: Some(Record {
                    phase: Phase::Stable,
                    master: Some(member(0)),
                    history: Some(crate::sentinel::fixture::history(1)),
                    in_sync: (1..nodes).map(member).collect(),
                    w,
                    ..Record::without_master(1, 1)
                }),
                my_term: 1,
                leading: true,
                writing: false,
                nodes: vec![Node { gated: true, ..Node::default() }; nodes],
                service: Some(Pointer { node: n(0), epoch: 1 }),
                request: None,
            },
            wake_ms: None,
            down_until_ms: 0,
            log: Vec::new(),
            effects: 0,
            crash_after: None,
            names: 1,
            writes: 0,
            acknowledged: vec![0],
            writers: 0,
            longest_pause_ms: 0,
            wrote_ms: 100_000,
        };
        world.replicate();
        for node in 0..nodes {
            world.look(node);
        }
        world.run_to(101_000);
        assert_eq!(world.log, [], "a healthy set needs nothing");
        world
    }

    /// Time since the story began.
    fn story_ms(&self) -> Millis {
        self.now_ms - 101_000
    }

    fn name(&mut self) -> Id {
        self.names += 1;
        Id([self.names; 20])
    }

    /// Goes through a story and on to an instant of it.
    pub fn tell(&mut self, events: &[(Millis, Do)], until_ms: Millis) {
        for (at_ms, event) in events {
            self.run_to(101_000 + at_ms);
            self.happen(*event);
        }
        self.run_to(101_000 + until_ms);
    }

    fn happen(&mut self, event: Do) {
        match event {
            Do::Kill(node) => {
                self.servers[node].up = false;
                self.died_ms[node] = Some(self.now_ms);
                self.lose(node);
            }
            Do::Start(node, boot) => {
                let name = self.name();
                self.servers[node].start(boot, name);
                self.died_ms[node] = None;
            }
            Do::Hang(node) => self.servers[node].hung = true,
            Do::Resume(node) => {
                self.servers[node].hung = false;
                self.look(node);
            }
            Do::Cut(node) => self.cut[node] = true,
            Do::Heal(node) => {
                self.cut[node] = false;
                self.look(node);
            }
            Do::Misconf(node) => self.servers[node].misconf = true,
            Do::Ask(wish) => self.seen.request = Some(Request { id: 7, wish }),
        }
        self.replicate();
        self.decide();
    }

    fn run_to(&mut self, until_ms: Millis) {
        while self.now_ms < until_ms {
            self.now_ms += TICK_MS;
            if self.now_ms.is_multiple_of(WRITE_EVERY_MS) {
                self.replicate();
                self.write();
            }
            self.probe();
        }
    }

    /// Every link does what it can at once.
    fn replicate(&mut self) {
        for node in 0..self.servers.len() {
            let Some(master) = self.servers[node].follows else { continue };
            let (now_ms, leads) =
                (self.now_ms, self.servers[master].up && self.servers[master].leads);
            if !leads || !self.servers[node].up {
                let server = &mut self.servers[node];
                if server.link {
                    server.link_lost_ms = Some(now_ms);
                }
                server.link = false;
                self.servers[master].acknowledged[node] = None;
                continue;
            }
            if !self.servers[node].answers() || !self.servers[master].answers() {
                continue;
            }
            let mut server = std::mem::replace(&mut self.servers[node], Server::new(0));
            server.sync(&self.servers[master]);
            self.servers[node] = server;
            let server = &mut self.servers[node];
            (server.link, server.heard_ms) = (true, now_ms);
            let held = server.offset();
            self.servers[master].acknowledged[node] = Some((held, now_ms));
        }
        for master in 0..self.servers.len() {
            for node in 0..self.servers.len() {
                if self.servers[node].follows != Some(master) {
                    self.servers[master].acknowledged[node] = None;
                }
            }
        }
    }

    /// A client of every node that takes writes writes once.
    fn write(&mut self) {
        let lag_ms = (self.seen.settings.min_replicas_max_lag_s + 1) * 1000;
        let mut writers = Vec::new();
        for (node, server) in self.servers.iter().enumerate() {
            let good = |held: &&Option<(u64, Millis)>| {
                held.is_some_and(|(_, at_ms)| self.now_ms - at_ms < lag_ms)
            };
            let enough =
                server.acknowledged.iter().filter(good).count() >= server.min_replicas.into();
            let open = server.paused_until_ms <= self.now_ms;
            if server.answers() && server.leads && enough && open {
                writers.push(node);
            }
        }
        self.writers = self.writers.max(writers.len());
        for node in writers {
            self.writes += 1;
            self.longest_pause_ms = self.longest_pause_ms.max(self.now_ms - self.wrote_ms);
            self.wrote_ms = self.now_ms;
            self.servers[node].log.push(self.writes);
            let offset = self.servers[node].offset();
            self.replicate();
            let holds = |held: &&Option<(u64, Millis)>| held.is_some_and(|(at, _)| at >= offset);
            let holders = self.servers[node].acknowledged.iter().filter(holds).count();
            if holders >= self.seen.settings.min_replicas_to_write.into() {
                self.acknowledged.push(self.writes);
            }
        }
    }

    fn reaches(&self, node: usize) -> bool {
        self.servers[node].answers() && !self.cut[node]
    }

    /// The deciding process asks a node and has its answer.
    fn look(&mut self, node: usize) {
        let server = &self.servers[node];
        let seen = &mut self.seen.nodes[node];
        seen.asked_ms = None;
        seen.report = Some(server.report(node, self.now_ms));
        seen.trouble = server.misconf.then_some(Trouble::Misconf);
        seen.highest_term = server.term;
    }

    /// The connection to a node is gone.
    fn lose(&mut self, node: usize) {
        if !self.cut[node] && !self.servers[node].hung {
            let gated = self.seen.nodes[node].gated;
            let ended = self.seen.nodes[node].ended;
            let asked_ms = self.seen.nodes[node].asked_ms.or(Some(self.now_ms));
            self.seen.nodes[node] = Node { asked_ms, ended, gated, ..Node::default() };
        }
    }

    /// What the deciding process hears in one tick; then it decides, if anything is new or due.
    fn probe(&mut self) {
        if self.now_ms < self.down_until_ms {
            return;
        }
        let ping_ms = self.seen.settings.ping_interval_ms;
        let mut news = self.down_until_ms == self.now_ms;
        for node in 0..self.servers.len() {
            if let Some(died_ms) = self.died_ms[node]
                && self.now_ms == died_ms + PROOF_MS
                && !self.cut[node]
                && self.down_until_ms < died_ms
            {
                let run_id = run(node, self.servers[node].run);
                let by = EndedBy::FinThenRefused;
                self.seen.nodes[node].ended = Some(Ended { run_id, by, at_ms: self.now_ms });
                news = true;
            }
            let known = self.seen.nodes[node].report.is_some();
            let due = (self.now_ms + 50 * node as Millis).is_multiple_of(ping_ms);
            if !due && known {
                continue;
            }
            if self.reaches(node) {
                self.replicate();
                self.look(node);
                news = true;
            } else if self.seen.nodes[node].asked_ms.is_none() {
                self.seen.nodes[node].asked_ms = Some(self.now_ms);
                news = true;
            }
        }
        if news || self.wake_ms.is_some_and(|at_ms| at_ms <= self.now_ms) {
            self.decide();
        }
    }

    /// Steps until nothing more is to be done now.
    fn decide(&mut self) {
        if self.now_ms < self.down_until_ms {
            return;
        }
        for _ in 0..100 {
            self.wake_ms = None;
            let (local, actions) = step(&self.local, &self.seen, self.now_ms);
            self.local = local;
            let mut effects = 0;
            for action in actions {
                if matches!(action, Action::WakeAt(_) | Action::Tell(_)) {
                    self.perform(action);
                    continue;
                }
                self.perform(action);
                self.replicate();
                (self.effects, effects) = (self.effects + 1, effects + 1);
                if Some(self.effects) == self.crash_after {
                    return self.crash();
                }
            }
            if effects == 0 {
                return;
            }
        }
        panic!("it goes round in circles: {:#?}", &self.log[self.log.len() - 20..]);
    }

    /// The deciding process is gone, and another one begins with nothing but the record.
    fn crash(&mut self) {
        self.note("the deciding process ends".into());
        self.local = Local::default();
        self.seen.my_term = 0;
        self.wake_ms = None;
        self.down_until_ms = self.now_ms + TAKEOVER_MS;
        for node in &mut self.seen.nodes {
            *node = Node { asked_ms: Some(self.now_ms), gated: true, ..Node::default() };
        }
    }

    fn note(&mut self, text: String) {
        self.log.push((self.story_ms(), text));
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Write(record) => {
                self.note(told(&record));
                self.seen.my_term = record.term;
                for node in 0..self.servers.len() {
                    if self.reaches(node) {
                        self.servers[node].term = record.term;
                        self.seen.nodes[node].highest_term = record.term;
                    }
                }
                self.seen.record = Some(record);
            }
            Action::Send { node, run_id, command } => self.command(node.index(), run_id, command),
            Action::PointService { node, epoch } => {
                self.note(format!("service to {} in epoch {epoch}", node.0));
                self.seen.service = Some(Pointer { node, epoch });
            }
            Action::Answer { outcome, .. } => {
                self.note(format!("answer {outcome:?}"));
                self.seen.request = None;
            }
            Action::Tell(event) => self.note(match event {
                Event::Down(node) => format!("+sdown {}", node.0),
                Event::Up(node) => format!("-sdown {}", node.0),
                other => format!("tell {other:?}"),
            }),
            Action::WakeAt(at_ms) => self.wake_ms = Some(at_ms),
        }
    }

    fn command(&mut self, node: usize, run_id: Id, command: Command) {
        let name = self.name();
        let arrives = self.reaches(node) && run(node, self.servers[node].run) == run_id;
        let now_ms = self.now_ms;
        let server = &mut self.servers[node];
        let text = match command {
            Command::Freeze => format!("freeze {node}"),
            Command::Promote { min_replicas_to_write: w } => format!("promote {node} with {w}"),
            Command::Follow(master) => format!("{node} follows {}", master.0),
            Command::Pause { limit_ms } => format!("pause {node} for {limit_ms}"),
            Command::Release => format!("release {node}"),
            Command::Unpause => format!("unpause {node}"),
            Command::Look => format!("look {node}"),
            Command::ScriptKill => format!("script kill {node}"),
            Command::SetMinReplicas(w) => format!("min-replicas {w} on {node}"),
            Command::ShutOut(other) => format!("shut {} out of {node}", other.0),
            Command::LetIn(other) => format!("let {} into {node}", other.0),
        };
        if arrives {
            match command {
                Command::Freeze => server.freeze(),
                Command::Promote { min_replicas_to_write: w } => server.promote(w, name),
                Command::Follow(master) => server.follow(master.index()),
                Command::Pause { limit_ms } => server.paused_until_ms = now_ms + limit_ms,
                Command::Release | Command::Unpause => server.paused_until_ms = 0,
                Command::SetMinReplicas(w) => server.min_replicas = w,
                Command::Look | Command::ScriptKill => {}
                Command::ShutOut(other) => self.seen.nodes[other.index()].shut_out = true,
                Command::LetIn(other) => self.seen.nodes[other.index()].shut_out = false,
            }
            let until_ms = self.servers[node].paused_until_ms;
            self.seen.nodes[node].paused_until_ms = (until_ms > now_ms).then_some(until_ms);
            self.replicate();
            self.look(node);
            self.note(text);
        } else {
            if self.seen.nodes[node].asked_ms.is_none() {
                self.seen.nodes[node].asked_ms = Some(now_ms);
            }
            // A command that is not answered keeps the connection.
            self.seen.nodes[node].busy = true;
            self.note(format!("{text}: lost"));
        }
    }

    /// One master leads, everybody who runs follows it, and nothing acknowledged is missing.
    pub fn assert_settled(&self, story: &str) {
        let told = || format!("{story}, crash after {:?}\n{}", self.crash_after, self.told());
        let record = self.seen.record.as_ref().unwrap();
        assert_eq!(record.phase, Phase::Stable, "{}", told());
        let master = record.master.unwrap();
        let leader = &self.servers[master.node.index()];
        assert_eq!(run(master.node.index(), leader.run), master.run_id, "{}", told());
        assert_eq!(self.seen.service, Some(Pointer { node: master.node, epoch: record.epoch }));
        for (node, server) in self.servers.iter().enumerate().filter(|(_, server)| server.up) {
            let expected = if n(node) == master.node {
                (true, None, false)
            } else {
                (false, Some(master.node.index()), true)
            };
            assert_eq!((server.leads, server.follows, server.link), expected, "{node}: {}", told());
            assert_eq!(server.log, leader.log, "{}", told());
        }
        let lost =
            self.acknowledged.iter().filter(|it| leader.log.binary_search(it).is_err()).count();
        assert_eq!(lost, 0, "acknowledged writes are gone: {}", told());
        let writes = self.now_ms <= self.wrote_ms + 2 * WRITE_EVERY_MS;
        assert!(writes, "clients write again: {}", told());
    }

    /// What was done, a line each.
    pub fn told(&self) -> String {
        let line = |(at_ms, text): &(Millis, String)| format!("{at_ms:>6} {text}\n");
        self.log.iter().map(line).collect::<Vec<_>>().concat()
    }
}

fn told(record: &Record) -> String {
    let Record { term, epoch, phase, target, master, in_sync, w, .. } = record;
    let place = |node: NodeId| node.0.to_string();
    let members: Vec<String> = in_sync.iter().map(|it| place(it.node)).collect();
    let whom = match (target, master) {
        (Some(target), _) => format!("to {}", target.0),
        (None, Some(master)) => format!("under {}", master.node.0),
        (None, None) => "under nobody".into(),
    };
    format!("record {term}.{epoch} {phase:?} {whom}, members [{}], w {w}", members.join(" "))
}

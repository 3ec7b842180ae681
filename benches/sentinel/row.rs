//! What is measured: a row is a fault, a set and a load; controllers take turns at it.

use std::net::Ipv4Addr;
use std::time::Duration;

use clap::ValueEnum;

use crate::harness::controller::Controller;
use crate::harness::directory::Directory;
use crate::harness::gungnir::Gungnir;
use crate::harness::gungnir::GungnirSetup;
use crate::harness::network::client_address;
use crate::harness::network::controller_address;
use crate::harness::report::Report;
use crate::harness::sentinels::Sentinels;
use crate::harness::set::Set;
use crate::harness::set::SetSetup;
use crate::harness::trial::Load;
use crate::harness::trial::Trial;
use crate::harness::wait::stays;
use crate::harness::world::World;
use crate::harness::writer::Kind;
use crate::harness::writer::WriterSetup;

/// Who decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Who {
    /// `gungnir sentinel`.
    Gungnir,
    /// Three valkey-sentinels.
    Sentinel,
}

/// What happens to the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Its process is killed.
    Kill,
    /// It is suspended, and never comes back.
    Suspend,
    /// It is suspended, and goes on once another is master.
    SuspendAndResume,
    /// It is asked to end.
    Terminate,
    /// It and one client are cut off from everything else for this long.
    Isolate(Duration),
    /// Nothing: it is asked to hand over.
    HandOver,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// What became of the master, as a reader calls it.
    pub title: &'static str,
    /// What is aimed at, beside Sentinel.
    pub goal: &'static str,
    fault: Fault,
    set: SetSetup,
    load: Load,
    down_after_ms: u32,
}

/// How long a client waits for a server: long beside an answer, short beside a failover, so that a
/// gap is the controller's and not made of whole attempts of its clients.
const PATIENCE: Duration = Duration::from_millis(250);

/// Five clients, one of which waits for a replica, at what two cores can do.
fn full_load() -> Load {
    Load { waiting: vec![1], plain: 4, depth: 50, per_second: 10_000, patience: PATIENCE }
}

/// Every row, for servers of a series.
pub fn rows(series: &str) -> Vec<Row> {
    // As Valkey Sentinel's own documentation sets a set up.
    let usual = SetSetup { series: series.into(), replicas_to_write: 0, ..SetSetup::default() };
    let light = Load { waiting: Vec::new(), patience: PATIENCE, ..Load::default() };
    let safe = SetSetup { series: series.into(), ..SetSetup::default() };
    let gap = |name, title, fault, goal| Row {
        name,
        title,
        goal,
        fault,
        set: usual.clone(),
        load: light.clone(),
        down_after_ms: 1000,
    };
    let loss = |name, title, fault, goal| Row {
        name,
        title,
        goal,
        fault,
        set: safe.clone(),
        load: full_load(),
        down_after_ms: 3000,
    };
    let cut_off = Fault::Isolate(Duration::from_secs(15));
    vec![
        gap("kill -9", "killed", Fault::Kill, "gap ≤ 0.10"),
        gap("SIGSTOP", "hung", Fault::Suspend, "gap ≤ 0.65, master ≤ 0.55"),
        gap("SIGTERM", "asked to end", Fault::Terminate, "gap ≤ 0.5"),
        loss("handover", "planned handover", Fault::HandOver, "gap ≤ 15 ms"),
        loss("loss kill -9", "killed", Fault::Kill, ""),
        loss("loss SIGSTOP and SIGCONT", "hung, goes on later", Fault::SuspendAndResume, ""),
        loss("loss SIGTERM", "asked to end", Fault::Terminate, ""),
        loss("loss cut off with a client", "cut off with a client", cut_off, ""),
    ]
}

impl Who {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Gungnir, Self::Sentinel];

    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gungnir => "gungnir",
            Self::Sentinel => "sentinel",
        }
    }
}

impl Row {
    /// How long a server is silent until it counts as down, in milliseconds, and how many replicas
    /// must hold a write.
    pub fn settings(&self) -> (u32, u32) {
        (self.down_after_ms, self.set.replicas_to_write)
    }

    /// One run of it.
    pub fn run(&self, world: &World, who: Who) -> Report {
        // Valkey Sentinel writes roles into the servers' files; the gate would override them.
        let gate = who == Who::Gungnir;
        let set = Set::start(world, &SetSetup { gate, ..self.set.clone() });
        let setup = GungnirSetup { down_after_ms: self.down_after_ms, ..GungnirSetup::default() };
        let controller: Box<dyn Controller> = match who {
            Who::Gungnir => Box::new(Gungnir::start(world, &set, &setup)),
            Who::Sentinel => Box::new(Sentinels::start(world, &set, self.down_after_ms)),
        };
        let mut writers = self.load.writers(&controller.directory());
        if let Fault::Isolate(_) = self.fault {
            writers.push(inside(&set));
        }
        let mut trial = Trial::start_with(&set, controller.as_ref(), writers);
        self.fault.happens(world, &set, controller.as_ref(), &mut trial);
        trial.settle();
        trial.report()
    }
}

impl Fault {
    fn happens(self, world: &World, set: &Set, controller: &dyn Controller, trial: &mut Trial<'_>) {
        let master = set.node(1);
        match self {
            Self::Kill => trial.fault(|| master.kill()),
            Self::Terminate => {
                trial.fault(|| master.terminate());
                master.wait_for_its_end();
            }
            Self::HandOver => trial.fault(|| controller.hand_over()),
            Self::Suspend | Self::SuspendAndResume => trial.fault(|| master.suspend()),
            Self::Isolate(span) => {
                let mut cut = None;
                trial.fault(|| cut = Some(isolate(world, set)));
                trial.wait_until_it_names_another_than(1);
                // The cut lasts as long as it is said to, whoever is faster.
                let left = span.saturating_sub(trial.since_fault());
                stays("it goes on", left, || true);
                drop(cut);
            }
        }
        trial.wait_until_it_names_another_than(1);
        trial.wait_until_all_write();
        match self {
            Self::Suspend => master.kill(),
            Self::SuspendAndResume => master.resume(),
            Self::Kill | Self::Terminate | Self::Isolate(_) | Self::HandOver => {}
        }
    }
}

/// Cuts node 1 and one client off from everything else.
fn isolate(world: &World, set: &Set) -> crate::harness::network::Fault {
    let text = |address: Ipv4Addr| address.to_string();
    let one = [set.node(1).address().ip().to_string(), text(inside_address())];
    let clients = (1..=9).chain([250]).map(client_address);
    let controllers = [1, 20].map(controller_address);
    let nodes = set.others(1).map(|node| node.place().address);
    let other: Vec<String> = clients.chain(controllers).chain(nodes).map(text).collect();
    world.network().cut(&one, &other)
}

/// A client that stays with node 1 whatever is decided.
fn inside(set: &Set) -> WriterSetup {
    WriterSetup {
        from: inside_address(),
        directory: Directory::Fixed(set.node(1).address()),
        kind: Kind::Plain,
        depth: 1,
        per_second: 500,
        patience: PATIENCE,
    }
}

fn inside_address() -> Ipv4Addr {
    client_address(200)
}

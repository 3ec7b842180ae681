//! One set, one controller, every client at once, one fault: what each client saw of it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::client::Client;
use crate::client::programs;
use crate::controller::Controller;
use crate::controller::Kind;
use crate::events::Writes;
use crate::set::Set;
use crate::set::said;
use crate::table;
use crate::valkey::Server;
use crate::valkey::install_series;
use crate::valkey::wait_until;

/// The servers' version.
const SERIES: &str = "8.1";
/// How long the clients may take to start.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How long a master may take to move, and then how long the clients.
const MOVE_DEADLINE: Duration = Duration::from_secs(40);
/// What each client writes before the fault: a gap is worth something between steady writes.
const WRITES_BEFORE: Writes = Writes { number: 400, over_us: 2_000_000 };
/// What each client writes after the master has moved, to be taken for one that has followed.
const WRITES_AFTER: Writes = Writes { number: 200, over_us: 1_000_000 };

/// How many runs Valkey's Sentinels have for one in which the new master stays the only one.
const SENTINEL_ATTEMPTS: u32 = 3;

/// What is done to the master.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// SIGKILL.
    Killed,
    /// `SENTINEL FAILOVER`, while it is well.
    HandedOver,
}

/// What one client saw.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The client's name.
    pub name: String,
    /// Its library's version.
    pub version: String,
    /// The longest time without an acknowledged write that ended after the fault, in µs.
    pub gap_us: u64,
    /// How many writes were acknowledged in all.
    pub acknowledged: usize,
    /// How many of them the new master does not have.
    pub lost: usize,
    /// How many of its writes failed.
    pub errors: usize,
    /// What the last of them said, when it has not moved.
    pub stuck: Option<String>,
}

/// A run in which the new master did not stay the only one.
#[derive(Debug)]
pub struct Unsettled {
    /// The role of each server, in their order, as it says.
    pub roles: Vec<String>,
    /// What the controller wrote.
    pub log: String,
}

/// What every client saw, in a fixed order. Measured once in this process, one run at a time.
pub fn measured(kind: Kind, fault: Fault) -> Vec<Seen> {
    static MEASURED: Mutex<BTreeMap<(Kind, Fault), Vec<Seen>>> = Mutex::new(BTreeMap::new());
    // A run that failed leaves nothing behind: the next one may have the lock.
    let mut measured = MEASURED.lock().unwrap_or_else(PoisonError::into_inner);
    measured.entry((kind, fault)).or_insert_with(|| measure_settled(kind, fault)).clone()
}

/// What every client saw of one fault. With Valkey's Sentinels the new master does not always stay
/// the only one: such a run is told, and another one measured. Of Gungnir's none is let pass.
fn measure_settled(kind: Kind, fault: Fault) -> Vec<Seen> {
    let attempts = match kind {
        Kind::Sentinel => SENTINEL_ATTEMPTS,
        Kind::Gungnir => 1,
    };
    for _ in 0..attempts {
        match measure(kind, fault) {
            Ok(seen) => {
                table::report(kind, fault, &seen);
                return seen;
            }
            Err(why) => table::report_unsettled(kind, fault, &why),
        }
    }
    panic!("{kind:?}, {fault:?}: in none of {attempts} runs did the new master stay the only one")
}

/// One run of the fault.
///
/// # Errors
/// How the set stands when the new master is not the only one, or another one by now.
fn measure(kind: Kind, fault: Fault) -> Result<Vec<Seen>, Unsettled> {
    let installed = &install_series(&[SERIES])[0];
    let programs = programs();
    let set = Set::start(installed);
    let controller = Controller::start(kind, installed, &set);
    let start = |program| Client::start(program, installed, &controller);
    let mut clients: Vec<Client> = programs.iter().map(start).collect();

    let all_write = wait_until(START_DEADLINE, || {
        clients.iter_mut().all(|client| client.read_on().writes_since(0, WRITES_BEFORE))
    });
    assert!(all_write, "not every client writes: {clients:#?}");
    let fault_us = now_us();
    match fault {
        Fault::Killed => set.kill_first(),
        Fault::HandedOver => controller.hand_over(),
    }
    let has_moved =
        || set.new_master().is_some() && (fault == Fault::Killed || set.first_is_replica());
    assert!(wait_until(MOVE_DEADLINE, has_moved), "no new master:\n{}", controller.log());
    let moved_us = now_us();
    let unsettled = || Unsettled { roles: set.roles(), log: controller.log() };
    let port = set.new_master().ok_or_else(unsettled)?.port;
    wait_until(MOVE_DEADLINE, || {
        clients.iter_mut().all(|client| client.read_on().writes_since(moved_us, WRITES_AFTER))
    });

    // Of another master it would be lost writes of another fault that are counted.
    let stays = set.new_master().filter(|master| master.port == port);
    let master = stays.ok_or_else(unsettled)?;
    controller.wait_until_it_names(master.port);
    let seen = clients.into_iter().map(|client| {
        let (name, events) = client.end();
        let held = numbers_of(master, &name);
        let last = events.acknowledged.last().expect("every client has written");
        let moved = events.writes_since(moved_us, WRITES_AFTER) && held.contains(last);
        Seen {
            version: events.version.clone(),
            gap_us: events.longest_gap_us(fault_us),
            acknowledged: events.acknowledged.len(),
            lost: events.acknowledged.difference(&held).count(),
            errors: events.errors,
            stuck: (!moved).then(|| format!("{name}: {:?}", events.last_error)),
            name,
        }
    });
    let seen = seen.collect();
    controller.terminate();
    Ok(seen)
}

/// The numbers that a client has written to this server.
fn numbers_of(server: &Server, client: &str) -> BTreeSet<u64> {
    let keys = said(server, &["KEYS", &format!("{client}:*")]);
    let number = |key: &str| key.rsplit_once(':')?.1.parse().ok();
    keys.lines().filter_map(number).collect()
}

/// µs since 1970, the clients' clock.
fn now_us() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock that is set");
    u64::try_from(time.as_micros()).expect("a time in this age")
}

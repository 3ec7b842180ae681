//! The scenarios there are, in the order in which they run.

use Story::{Measured, Timed, Told};
use When::{All, Named, Usual};
use Where::{Anywhere, InNodes};

use crate::figures::Figures;
use crate::set::World;
use crate::took::Took;
use crate::{
    change, crash, create_and_scale, cut, discovery, disk, first_steps, gaps, gitops, leaders,
    libraries, node_down, operator, soak, tls,
};

/// When a scenario runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Always.
    Usual,
    /// With `all`, or by its name.
    All,
    /// By its name alone: it takes as long as is asked.
    Named,
}

/// Where a scenario can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// On any cluster.
    Anywhere,
    /// Where nodes can be reached into.
    InNodes,
}

/// What happens in a scenario.
#[derive(Debug, Clone, Copy)]
pub enum Story {
    /// Nobody writes meanwhile.
    Told(fn(&World)),
    /// Nobody writes meanwhile, and something is waited for.
    Timed(fn(&World) -> Took),
    /// Clients write, and there are figures of it.
    Measured(fn(&World) -> Figures),
}

/// A scenario: what happens in it, and what has to come of it.
pub struct Scenario {
    /// What it is called by.
    pub name: &'static str,
    /// What happens in it, for people.
    pub title: &'static str,
    /// When it runs.
    pub when: When,
    /// Where it can.
    pub place: Where,
    /// What happens in it.
    pub story: Story,
}

const fn scenario(
    name: &'static str,
    title: &'static str,
    when: When,
    place: Where,
    story: Story,
) -> Scenario {
    Scenario { name, title, when, place, story }
}

/// All of them, in the order in which they run.
pub const SCENARIOS: &[Scenario] = &[
    scenario("E1", "create", Usual, Anywhere, Timed(create_and_scale::create)),
    scenario("first", "first steps, then rest", Usual, InNodes, Measured(first_steps::taken)),
    scenario(
        "lease",
        "leading operator asked to end",
        Usual,
        Anywhere,
        Timed(leaders::asked_to_end),
    ),
    scenario(
        "E4",
        "master pod deleted by force, twice",
        Usual,
        InNodes,
        Measured(crash::deleted_twice),
    ),
    scenario("C1", "master process killed", Usual, InNodes, Measured(crash::killed)),
    scenario("C11", "master restarts with an empty disk", Usual, InNodes, Measured(crash::emptied)),
    scenario("C3", "master's node cut off for 60 s", Usual, InNodes, Measured(cut::node)),
    scenario(
        "C3-leader",
        "as C3, the leading operator with it",
        All,
        InNodes,
        Measured(cut::node_with_leader),
    ),
    scenario("C14", "manual switchover, three ways", Usual, InNodes, Measured(change::switchover)),
    scenario("E6", "delete", All, Anywhere, Timed(create_and_scale::delete)),
    scenario("E2", "scale 3 to 5", All, InNodes, Measured(create_and_scale::grow)),
    scenario(
        "E3",
        "scale 5 to 3, master on ordinal 4",
        All,
        InNodes,
        Measured(create_and_scale::shrink),
    ),
    scenario(
        "E7",
        "deleted, volumes kept, made again",
        All,
        InNodes,
        Timed(create_and_scale::again),
    ),
    scenario("C2", "replica pod deleted by force", All, InNodes, Measured(crash::replica_deleted)),
    scenario(
        "C8",
        "scaled, and given memory, in the middle of a failover",
        All,
        InNodes,
        Measured(change::in_a_failover),
    ),
    scenario("C9", "master stands still for 40 s", All, InNodes, Measured(cut::stopped)),
    scenario("C15", "a hand edit of every kind of child", All, Anywhere, Timed(change::hand_edits)),
    scenario(
        "C16",
        "forced re-apply every second in a failover",
        All,
        InNodes,
        Measured(gitops::reapplied),
    ),
    scenario(
        "C20",
        "master's node cut off, pod deleted by force",
        All,
        InNodes,
        Measured(cut::deleted),
    ),
    scenario("C10", "all killed at once", All, InNodes, Measured(crash::all_killed)),
    scenario("C13", "rolling change", Usual, InNodes, Measured(change::rolled)),
    scenario(
        "C13-reload",
        "change that running servers take over",
        All,
        InNodes,
        Measured(change::reloaded),
    ),
    scenario(
        "C19",
        "a replica gone for long, then the master killed",
        All,
        InNodes,
        Measured(crash::after_a_long_absence),
    ),
    scenario(
        "C21",
        "record wiped, then restored from before",
        All,
        InNodes,
        Measured(change::record_restored),
    ),
    scenario("C22", "Secret deleted", All, InNodes, Measured(change::secret_deleted)),
    scenario(
        "C4",
        "leading operator cut off from the API server for 30 s, master killed",
        All,
        InNodes,
        Measured(leaders::cut_off),
    ),
    scenario("C5", "API server slow for 120 s", All, InNodes, Measured(leaders::slow)),
    scenario("C6", "master's node drained", Usual, InNodes, Measured(node_down::drained)),
    scenario("C7", "master's folder read-only", All, InNodes, Measured(disk::read_only)),
    scenario(
        "C17",
        "leading operator stopped, master killed, operator goes on",
        All,
        InNodes,
        Measured(leaders::stopped),
    ),
    scenario(
        "C18",
        "master's node without power for 30 s",
        All,
        InNodes,
        Measured(node_down::without_power),
    ),
    scenario(
        "sentinel",
        "Sentinel's clients ask both operators, with TLS and a password",
        All,
        InNodes,
        Timed(discovery::asked),
    ),
    scenario("tls", "TLS alone, the master killed", All, InNodes, Told(tls::failover)),
    scenario(
        "libraries",
        "client libraries behind the Service",
        All,
        InNodes,
        Told(libraries::measure),
    ),
    scenario("gaps", "every fault, many times", Named, InNodes, Told(gaps::measure)),
    scenario("soak", "a random fault every 20 s", Named, InNodes, Measured(soak::soak)),
    scenario(
        "helm",
        "helm upgrade to other pod templates, then uninstall",
        All,
        InNodes,
        Measured(operator::upgrade),
    ),
];

//! What no search is about: the test that holds it instead, a row each.

use std::path::Path;

/// Something that has to hold, and the test that fails without it.
pub struct Elsewhere {
    pub what: &'static str,
    pub file: &'static str,
    pub test: &'static str,
}

const fn row(what: &'static str, file: &'static str, test: &'static str) -> Elsewhere {
    Elsewhere { what, file, test }
}

const ORDER: &str = "src/sentinel/tests/order.rs";
const ELECTION: &str = "src/sentinel/tests/election.rs";
const POWER_CUT: &str = "src/sentinel/tests/power_cut.rs";
const CLOCKS: &str = "src/sentinel/tests/clocks.rs";
const CREATE: &str = "tests/operator/create.rs";

/// In the model every node has one priority and none loads; who stands still does so for less than
/// ten times its patience, and a replica that hears the master stops what it believes by then.
pub const ELSEWHERE: [Elsewhere; 9] = [
    row(
        "selection: priority 0 never wins, and one eligible candidate always does",
        ORDER,
        "priority_zero_is_never_selected_and_one_eligible_candidate_always_is",
    ),
    row(
        "selection, `DataFirst`: no eligible candidate holds more than the winner",
        ORDER,
        "with_data_first_no_eligible_candidate_holds_more",
    ),
    row(
        "selection, `PriorityFirst`: the best priority wins",
        ORDER,
        "with_priority_first_the_best_priority_wins",
    ),
    row(
        "selection: the order is total, deterministic and transitive, in both",
        ORDER,
        "the_order_is_total_deterministic_and_transitive",
    ),
    row(
        "selection: no priority beats what was acknowledged",
        ORDER,
        "priority_never_beats_what_was_acknowledged",
    ),
    row(
        "who was without the master for ten times the patience longer never wins",
        ELECTION,
        "who_was_cut_off_for_ten_times_the_patience_longer_is_out",
    ),
    row(
        "a member that loads does not count as seen",
        POWER_CUT,
        "while_one_member_is_away_or_loads_it_waits",
    ),
    row(
        "after a standstill of the process, the silence before it is worth nothing",
        CLOCKS,
        "a_standstill_of_the_process_itself_makes_older_silence_worthless",
    ),
    row(
        "`reconcileTerminates`: a cluster that is made costs no request any more",
        CREATE,
        "a_cluster_is_made_with_few_requests_and_costs_none_afterwards",
    ),
];

#[test]
fn each_of_these_tests_is_there() {
    for Elsewhere { file, test, .. } in &ELSEWHERE {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let text = std::fs::read_to_string(path).expect("a file of tests can be read");
        assert!(text.contains(&format!("fn {test}()")), "{file} has no test {test}");
    }
}

//! A scenario is a function of a world; here it becomes a test.

use std::time::Duration;

/// How long a scenario may run, whatever it waits for.
pub const LIMIT: Duration = Duration::from_secs(150);

/// Makes each function of a world (`&World`) a test: `NAME::in_a_world`.
macro_rules! scenarios {
    ($($scenario:ident),+ $(,)?) => {$(
        mod $scenario {
            #[test]
            fn in_a_world() {
                let test = concat!(module_path!(), "::in_a_world");
                // The test runner leaves out the name of the program.
                let test = test.split_once("::").map_or(test, |(_, rest)| rest);
                crate::harness::world::in_own_world(test, crate::scenario::LIMIT, super::$scenario);
            }
        }
    )+};
}
pub(crate) use scenarios;

//! A time in which a process did not run, and what it cannot know at its end.
//!
//! Valkey takes a write when enough replicas acknowledged lately, as it last counted them. Whoever goes
//! on after a standstill reads acknowledgements that are as old as that, and dates them now; where a
//! replica's FIN did not arrive, nothing tells it that they are nobody's any more. Until it is told to
//! follow, or they have become too old, it takes writes that no replica gets.

use std::net::IpAddr;
use std::time::Duration;

use tokio::time::Instant;

/// A lag is counted in whole seconds, and once a second.
const COARSENESS: Duration = Duration::from_secs(2);

/// From SIGSTOP to SIGCONT.
#[derive(Debug, Clone, Copy)]
pub struct Standstill {
    pub server: IpAddr,
    pub from: Instant,
    pub until: Instant,
    /// How old an acknowledgement may be that counts.
    pub max_lag: Duration,
}

impl Standstill {
    /// Whether a write that a server answered then is one of those: another led from `other_led` on,
    /// while it stood still, or before it forgets. By then whoever elects has not heard it for as long
    /// as it stood, and goes by that where no packet of it arrives.
    pub fn explains(&self, server: IpAddr, other_led: Instant, answered: Instant) -> bool {
        let forgets = self.until + self.max_lag + COARSENESS;
        self.server == server
            && (self.from..=forgets).contains(&other_led)
            && (self.until..=forgets).contains(&answered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_explains_what_is_taken_right_after_it_and_nothing_else() {
        let at = |s| Instant::now() + Duration::from_secs(s);
        let server = IpAddr::from([10, 0, 0, 1]);
        let (from, until) = (at(10), at(50));
        let still = Standstill { server, from, until, max_lag: Duration::from_secs(2) };
        let soon = Duration::from_millis(20);
        assert!(still.explains(server, at(16), until + soon));
        assert!(!still.explains(IpAddr::from([10, 0, 0, 2]), at(16), until + soon), "another's");
        assert!(!still.explains(server, at(9), until + soon), "it ran when another led");
        let forgets = until + Duration::from_secs(4);
        assert!(still.explains(server, at(51), forgets), "nobody has heard of it by then");
        assert!(!still.explains(server, at(55), forgets), "they were too old when another led");
        assert!(!still.explains(server, at(16), from + soon), "nobody writes while it stands");
        assert!(
            !still.explains(server, at(16), until + Duration::from_secs(5)),
            "they are too old"
        );
    }
}

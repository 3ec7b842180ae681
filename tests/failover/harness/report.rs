//! What came of one run, in one line.

use std::fmt;
use std::time::Duration;
use std::time::Instant;

/// What came of one run.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Who decided.
    pub controller: &'static str,
    /// From the fault until another node said that it is master.
    pub promoted: Option<Duration>,
    /// From the fault until the controller named another node.
    pub named: Option<Duration>,
    /// The longest time that a client had no write confirmed, of those who are told where to go.
    pub write_gap: Duration,
    /// Writes a second that were confirmed before the fault, by all clients.
    pub writes_per_second: f64,
    /// Writes whose `WAIT` said that enough replicas have them.
    pub acknowledged: usize,
    /// Those of them that are gone.
    pub acknowledged_lost: usize,
    /// Writes that were answered, by clients that do not wait for replicas.
    pub plain: usize,
    /// Those of them that are gone.
    pub plain_lost: usize,
    /// Writes that were answered, by clients that nobody tells that the master moved.
    pub stray: usize,
    /// Those of them that are gone.
    pub stray_lost: usize,
    /// When such a client last had a write answered.
    pub stray_until: Option<Instant>,
    /// The most nodes that took writes at once.
    pub writers_at_once: usize,
    /// How many replicas were sent all data after the fault.
    pub full_resyncs: u64,
}

impl Report {
    /// That nothing acknowledged is gone, that something was acknowledged at all, and that at most
    /// one node took writes at any time.
    ///
    /// # Panics
    /// When one of these is not so.
    #[track_caller]
    pub fn is_safe(&self) {
        assert!(self.acknowledged > 0, "nothing was acknowledged: {self}");
        assert_eq!(self.acknowledged_lost, 0, "acknowledged writes are lost: {self}");
        assert!(self.writers_at_once <= 1, "two masters took writes: {self}");
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {:.0} writes a second, promoted {}, named {}, write gap {}, acknowledged lost {} of {}, plain lost {} \
             of {}, stray lost {} of {}, writers at once {}, full resyncs {}",
            self.controller,
            self.writes_per_second,
            seconds(self.promoted),
            seconds(self.named),
            seconds(Some(self.write_gap)),
            self.acknowledged_lost,
            self.acknowledged,
            self.plain_lost,
            self.plain,
            self.stray_lost,
            self.stray,
            self.writers_at_once,
            self.full_resyncs,
        )
    }
}

fn seconds(time: Option<Duration>) -> String {
    time.map_or_else(|| "never".to_owned(), |time| format!("{:.3} s", time.as_secs_f64()))
}

//! A cluster, and what happens to it: one schedule after the other, each when what the last one did is
//! healed and everything is as people want it.

use std::fmt;

use serde_json::{Value, json};

use crate::chance::Chance;
use crate::schedule::Schedule;

/// How many schedules a world goes through.
pub const CHAPTERS: usize = 8;

/// A cluster, and what happens to it.
#[derive(Debug, Clone, PartialEq)]
pub struct Story {
    pub spec: Value,
    pub chapters: Vec<Schedule>,
}

/// How often servers are asked, and how long one is waited for that does not answer, in milliseconds.
const PATIENCE_MS: [(u32, u32); 5] =
    [(100, 5000), (500, 5000), (3000, 5000), (4000, 20_000), (10_000, 10_000)];

impl Story {
    /// The one of a seed.
    pub fn draw(chance: &Chance) -> Self {
        let replicas = *chance.one_of(&[3, 3, 3, 3, 3, 2, 5, 1]);
        let mode = *chance.one_of(&["both", "both", "aof"]);
        let mut spec = json!({ "replicas": replicas, "persistence": { "mode": mode } });
        // What decides how soon somebody is missed, and who follows.
        if chance.happens(250) {
            let (ping_ms, down_after_ms) = *chance.one_of(&PATIENCE_MS);
            let order = *chance.one_of(&["DataFirst", "PriorityFirst"]);
            spec["sentinel"] = json!({
                "pingIntervalMs": ping_ms, "downAfterMs": down_after_ms, "replicaOrder": order,
            });
        }
        if replicas > 2 && chance.happens(100) {
            spec["replication"] = json!({ "durability": "Required" });
        }
        Self { spec, chapters: (0..CHAPTERS).map(|_| Schedule::draw(chance)).collect() }
    }

    /// How much happens.
    pub fn events(&self) -> usize {
        self.chapters.iter().map(|schedule| schedule.0.len()).sum()
    }

    /// What is left of it when everything is taken away that is not needed for `fails`.
    pub fn shrunk(mut self, mut fails: impl FnMut(&Self) -> bool) -> Self {
        let mut at = 0;
        while at < self.chapters.len() {
            let mut shorter = self.clone();
            shorter.chapters.remove(at);
            if fails(&shorter) {
                self = shorter;
            } else {
                at += 1;
            }
        }
        for at in 0..self.chapters.len() {
            let story = self.clone();
            self.chapters[at] = story.chapters[at].clone().shrunk(|schedule| {
                let mut shorter = story.clone();
                shorter.chapters[at] = schedule.clone();
                fails(&shorter)
            });
        }
        self
    }
}

impl fmt::Display for Story {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "{}", self.spec)?;
        for (number, schedule) in self.chapters.iter().enumerate() {
            write!(out, "chapter {}\n{schedule}", number + 1)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::schedule::{Action, Event, Who};

    #[test]
    fn chapters_and_events_that_are_not_needed_are_taken_away() {
        let event = |at, action| Event { at: Duration::from_secs(at), action };
        let kill = event(1, Action::Kill(Who::Master));
        let chapters = vec![
            Schedule(vec![event(0, Action::Reload)]),
            Schedule(vec![event(0, Action::Roll), kill]),
            Schedule(vec![event(0, Action::Compact)]),
        ];
        let story = Story { spec: json!({}), chapters };
        let fails = |story: &Story| story.chapters.iter().any(|it| it.0.contains(&kill));
        assert_eq!(story.shrunk(fails).chapters, [Schedule(vec![kill])]);
    }
}

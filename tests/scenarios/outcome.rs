//! What came of a scenario, of one run or of several.

use crate::catalog::{Scenario, Story};
use crate::figures::{Figures, Row};
use crate::set::World;
use crate::took::Took;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It held.
    Held,
    /// It held, and took so long.
    Took(Took),
    /// It held, and clients saw this.
    Seen(Figures),
}

impl Outcome {
    /// Goes through it once.
    ///
    /// # Panics
    /// When it does not hold.
    pub fn of(scenario: &Scenario, world: &World) -> Self {
        match scenario.story {
            Story::Told(story) => {
                story(world);
                Self::Held
            }
            Story::Timed(story) => Self::Took(story(world)),
            Story::Measured(story) => Self::Seen(story(world)),
        }
    }

    /// Of two runs: what took longest, what cost most, and the sums of what was written.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Took(one), Self::Took(other)) => Self::Took(Took {
                what: one.what,
                time: one.time.max(other.time),
                api_writes: one.api_writes.max(other.api_writes),
            }),
            (Self::Seen(one), Self::Seen(other)) => Self::Seen(Figures {
                gap: one.gap.max(other.gap),
                acknowledged: one.acknowledged + other.acknowledged,
                acknowledged_lost: one.acknowledged_lost + other.acknowledged_lost,
                plain: one.plain + other.plain,
                plain_lost: one.plain_lost + other.plain_lost,
                writers: one.writers.max(other.writers),
                window: one.window.max(other.window),
                api_writes: one.api_writes.max(other.api_writes),
            }),
            (Self::Held, other) | (other, _) => other,
        }
    }

    /// As a row of the README, where there are figures.
    pub fn row(&self, scenario: &Scenario) -> Option<Row> {
        let named = (scenario.name, scenario.title);
        match self {
            Self::Held => None,
            Self::Took(took) => Some(Row::of_time(named, took)),
            Self::Seen(figures) => Some(Row::of_writes(named, figures)),
        }
    }

    /// For people, after `ok`.
    pub fn said(&self) -> String {
        match self {
            Self::Held => String::new(),
            Self::Took(took) => format!(": {took}"),
            Self::Seen(figures) => format!(": {figures}"),
        }
    }
}

//! The README's tables: written by the searches, so that they say what was found.

use std::fmt::Write;

use super::ablation::{ABLATIONS, Ablation};
use super::assumption::ASSUMPTIONS;
use super::configuration::Configuration;
use super::elsewhere::{ELSEWHERE, Elsewhere};
use super::property::{PROPERTIES, Property};
use super::readme::Table;
use super::search::Found;
use super::update::wants_update;

/// A number with its thousands apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// What is not promised.
fn but(except: &[Property]) -> String {
    let all: Vec<String> = except.iter().map(|it| format!(" (but `{}`)", it.name())).collect();
    all.concat()
}

/// What was searched.
pub fn of_searches(configurations: &[Configuration], found: &[Found]) -> String {
    let mut text =
        String::from("| what happens | nodes, W | states | depth |\n| --- | --- | ---: | ---: |\n");
    for (config, found) in configurations.iter().zip(found) {
        let (states, depth) = (grouped(found.states), found.depth);
        let _ = writeln!(
            text,
            "| {}{} | {}, {} | {states} | {depth} |",
            config.name,
            but(config.except),
            config.nodes,
            config.w
        );
    }
    let states = grouped(found.iter().map(|it| it.states).sum());
    let _ = writeln!(text, "| **all of it** | | **{states}** | |");
    text
}

/// What was walked through.
pub fn of_walks(configurations: &[Configuration], found: &[Found], walks: u64) -> String {
    let mut text = String::from(
        "| what happens | nodes, W | walks | steps | longest |\n| --- | --- | ---: | ---: | ---: |\n",
    );
    for (config, found) in configurations.iter().zip(found) {
        let (steps, longest) = (grouped(found.states), found.depth);
        let _ = writeln!(
            text,
            "| {} | {}, {} | {walks} | {steps} | {longest} |",
            config.name, config.nodes, config.w
        );
    }
    text
}

/// What every state of them has, and what it takes: rules, and what these rely on.
pub fn of_properties() -> String {
    let mut text = String::from("| property | what holds | fails without |\n| --- | --- | --- |\n");
    for (property, name, meaning) in PROPERTIES {
        let rules = ABLATIONS.iter().filter(|it| it.breaks.contains(&property));
        let rules = rules.map(|it| format!("`{:?}`", it.rule));
        let assumed = ASSUMPTIONS.iter().filter(|it| it.breaks.contains(&property));
        let assumed = assumed.map(|it| format!("*{}*;", it.configuration.name));
        let all: Vec<String> = rules.chain(assumed).collect();
        let _ =
            writeln!(text, "| `{name}` | {meaning} | {} |", all.join(" ").trim_end_matches(';'));
    }
    text
}

/// What happens without each rule: the searches of all that misses it.
pub fn of_rules(found: &[(&Ablation, Property, Found)]) -> String {
    let mut text = String::from("| without | fails | after |\n| --- | --- | ---: |\n");
    for (ablation, property, found) in found {
        let way = found.way_to(*property).unwrap_or_default();
        let length = ablation.configuration.story.len() + way.len();
        let name = property.name();
        let _ = writeln!(text, "| `{:?}` | `{name}` | {length} steps |", ablation.rule);
    }
    text
}

/// What no search is about.
pub fn of_elsewhere() -> String {
    let mut text = String::from("| what holds | test that fails without |\n| --- | --- |\n");
    for Elsewhere { what, file, test } in &ELSEWHERE {
        let _ = writeln!(text, "| {what} | `{test}` in `{file}` |");
    }
    text
}

/// Writes a table between its marks in the README when `UPDATE_GOLDEN` asks for it; otherwise it has to
/// be there already.
pub fn is_in_readme(mark: &str, table: &str) {
    let written = Table::read(mark);
    if wants_update() {
        written.write(table);
    } else {
        assert_eq!(written.text, table, "UPDATE_GOLDEN=1 tests/run model writes the README");
    }
}

//! The values that the table of directives takes, against what the servers themselves take.

use gungnir::cluster::directive;
use gungnir::cluster::directive::Applies;
use gungnir::cluster::directive::Directive;
use gungnir::cluster::directive::Owner;

use crate::directives::plain_server;
use crate::directives::refused;
use crate::directives::settings;
use crate::support::valkey::Installed;
use crate::version::on_every_version;

on_every_version!(every_default_is_a_value, what_the_table_refuses_the_server_refuses);

/// What no directive of yes or no, of a number, of memory or of given words has for a value.
const NO_VALUES: [&str; 5] = ["often", "-99999999999999", "12q", "yes no", "1.5x"];

/// The directive of a name that the server has, if people may set it.
fn of_people(name: &str) -> Option<&'static Directive> {
    directive::find(name).filter(|known| known.owner == Owner::User)
}

/// What CONFIG SET takes as one argument, as a line of the configuration writes it.
fn one_argument(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

fn every_default_is_a_value(version: &Installed) {
    let (_server, mut connection) = plain_server(version);
    let all = settings(&mut connection);
    let wrong: Vec<String> = all
        .iter()
        .filter_map(|(name, value)| {
            let fault = of_people(name)?.value_fault(&one_argument(value))?;
            Some(format!("{name} {value}: {}", fault.message))
        })
        .collect();
    assert!(all.len() > 100, "only {} directives", all.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn what_the_table_refuses_the_server_refuses(version: &Installed) {
    let (_server, mut connection) = plain_server(version);
    let (mut tried, mut taken) = (0, Vec::new());
    for name in settings(&mut connection).keys() {
        let Some(known) = of_people(name).filter(|known| known.applies == Applies::Reload) else {
            continue;
        };
        for value in
            NO_VALUES.iter().filter(|value| known.value_fault(&one_argument(value)).is_some())
        {
            tried += 1;
            if refused(&mut connection, name, value).is_none() {
                taken.push(format!("{name} {value}"));
            }
        }
    }
    assert!(tried > 200, "only {tried} values were tried");
    assert!(taken.is_empty(), "the server takes {taken:#?}");
}

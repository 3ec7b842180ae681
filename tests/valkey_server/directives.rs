//! The table of directives against what the servers themselves know.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::PoisonError;

use gungnir::cluster::Roles;
use gungnir::cluster::directive;
use gungnir::cluster::directive::Applies;
use gungnir::cluster::directive::Owner;
use redis::Connection;
use serde_json::json;

use crate::rendered::Example;
use crate::support::valkey::Installed;
use crate::support::valkey::Server;
use crate::support::valkey::ServerSetup;
use crate::version::on_every_version;
use crate::version::versions;

/// Directives by name, each with its value.
pub type Settings = BTreeMap<String, String>;

on_every_version!(
    the_table_has_every_name_that_a_server_knows,
    what_the_table_reloads_a_server_takes_at_run_time,
    names_that_change_together_are_one_directive,
    what_gungnir_owns_is_refused_by_every_name_that_a_server_knows,
);

/// Names that CONFIG GET never answers, but a file may have.
const FILE_ONLY: [&str; 2] = ["loadmodule", "user"];

/// Whether a version takes a directive by this name.
pub fn takes(version: &Installed, name: &str) -> bool {
    FILE_ONLY.contains(&name) || names(version).contains(name)
}

/// Every name that a version answers to, asked once a version.
fn names(version: &Installed) -> BTreeSet<String> {
    static NAMES: Mutex<BTreeMap<String, BTreeSet<String>>> = Mutex::new(BTreeMap::new());
    let mut known = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    let found = known.entry(version.version.clone()).or_insert_with(|| {
        let (_server, mut connection) = plain_server(version);
        settings(&mut connection).into_keys().collect()
    });
    found.clone()
}

/// Why a version refuses to change a directive at run time, by its name in that version.
pub fn refused(connection: &mut Connection, name: &str, value: &str) -> Option<String> {
    let answer = redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query::<()>(connection);
    answer.err().map(|error| error.to_string())
}

/// A server with nothing set, and a connection to it.
pub fn plain_server(version: &Installed) -> (Server, Connection) {
    // Else `dir` and `dbfilename` are refused, which is no property of theirs.
    let conf = "enable-protected-configs yes\nsave \"\"\n".to_owned();
    let server = version.start(&ServerSetup { conf, ..ServerSetup::default() });
    let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port));
    let connection = client.and_then(|client| client.get_connection()).expect("a connection");
    (server, connection)
}

/// Every directive that the server has.
pub fn settings(connection: &mut Connection) -> Settings {
    redis::cmd("CONFIG").arg("GET").arg("*").query(connection).expect("CONFIG GET * answers")
}

fn the_table_has_every_name_that_a_server_knows(version: &Installed) {
    let unknown: Vec<String> =
        names(version).into_iter().filter(|name| directive::find(name).is_none()).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

fn what_the_table_reloads_a_server_takes_at_run_time(version: &Installed) {
    let (_server, mut connection) = plain_server(version);
    let mut wrong = Vec::new();
    for (name, value) in settings(&mut connection) {
        let Some(known) = directive::find(&name) else { continue };
        let refused = refused(&mut connection, &name, &value);
        if let (Applies::Reload, Some(cause)) = (known.applies, &refused) {
            wrong.push(format!("{name} {value:?}: {cause}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The other way round needs all versions: one that refuses, or lacks the name, is enough.
#[test]
fn what_the_table_restarts_for_some_server_does_not_take_at_run_time() {
    let mut taken_by: BTreeMap<&str, usize> = BTreeMap::new();
    for version in versions() {
        let (_server, mut connection) = plain_server(version);
        let mut taken = BTreeSet::new();
        for (name, value) in settings(&mut connection) {
            let known = directive::find(&name).filter(|known| known.applies == Applies::Restart);
            if let Some(known) = known
                && refused(&mut connection, &name, &value).is_none()
            {
                taken.insert(known.name);
            }
        }
        for name in taken {
            *taken_by.entry(name).or_default() += 1;
        }
    }
    taken_by.retain(|_, count| *count == versions().len());
    assert!(taken_by.is_empty(), "every version takes these at run time: {taken_by:?}");
}

fn names_that_change_together_are_one_directive(version: &Installed) {
    let (_server, mut connection) = plain_server(version);
    let mut wrong = Vec::new();
    let mut changed_count = 0;
    for (name, value) in settings(&mut connection) {
        let Some(other) = another_value(&value) else { continue };
        let before = settings(&mut connection);
        if refused(&mut connection, &name, &other).is_some() {
            continue;
        }
        let after = settings(&mut connection);
        let meant = directive::find(&name);
        let changed = after.iter().filter(|(name, value)| before.get(*name) != Some(value));
        for (changed, _) in changed {
            changed_count += 1;
            if directive::find(changed) != meant {
                wrong.push(format!("{name} {other} changes {changed}, too"));
            }
        }
        let back = refused(&mut connection, &name, &value);
        assert_eq!(back, None, "{name} does not take its own value {value:?} again");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(changed_count > 100, "only {changed_count} directives could be changed");
}

/// A value near to another, likely to be valid.
fn another_value(value: &str) -> Option<String> {
    match value {
        "yes" => Some("no".into()),
        "no" => Some("yes".into()),
        _ => value.parse::<u64>().ok().map(|number| (number + 1).to_string()),
    }
}

fn what_gungnir_owns_is_refused_by_every_name_that_a_server_knows(version: &Installed) {
    let file_only = ["include", "rename-command", "sentinel", "user", "slaveof"].map(Into::into);
    let mut count = 0;
    for name in names(version).into_iter().chain(file_only) {
        let Some(Owner::Gungnir(_)) = directive::find(&name).map(|known| known.owner) else {
            continue;
        };
        count += 1;
        for spelling in [name.clone(), name.to_uppercase()] {
            let config = json!({"config": {(&*spelling): "1"}});
            let refused = Example::minimal(&config).try_render(Roles::Elected);
            let cause = refused.err().unwrap_or_else(|| panic!("config may set {spelling}"));
            assert!(cause.contains("is set by Gungnir"), "{spelling}: {cause}");
        }
    }
    assert!(count > 50, "only {count} names are owned");
}

//! What survives a stop, in each mode of persistence, and what is left on the volume.

use std::fs;
use std::path::Path;

use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use crate::kubelet::Place;
use crate::pod::DEADLINE;
use crate::pod::Pod;
use crate::rendered::Example;
use crate::support::valkey::Installed;
use crate::version::on_every_version;

on_every_version!(
    a_stop_keeps_the_data_that_the_mode_says,
    a_kill_keeps_what_the_append_only_file_has,
    a_stop_saves_what_no_save_point_has_saved,
);

fn a_stop_keeps_the_data_that_the_mode_says(version: &Installed) {
    for (persistence, kept, files) in [
        (json!({"mode": "none"}), "0", &[][..]),
        (json!({"enabled": false}), "0", &[]),
        (json!({"mode": "rdb"}), "100", &["dump.rdb"]),
        (json!({"mode": "aof"}), "100", &["appendonlydir"]),
        (json!({"mode": "both"}), "100", &["appendonlydir", "dump.rdb"]),
        (json!({}), "100", &["appendonlydir", "dump.rdb"]),
    ] {
        let folder = TempDir::new().expect("a folder");
        let data = folder.path().join("data");
        let (mut pod, again) = with_data(version, &persistence, &data);
        pod.stop();
        assert_eq!(file_names(&data), files, "{persistence}");
        let mut pod = again();
        pod.wait_for_info("loading", "0");
        assert_eq!(pod.app(&["DBSIZE"]), kept, "{persistence}");
        // A gated server that has nothing to keep keeps what is on its volume.
        pod.stop();
        assert_eq!(file_names(&data), files, "{persistence}");
    }
}

fn a_kill_keeps_what_the_append_only_file_has(version: &Installed) {
    for (mode, kept) in [("rdb", "0"), ("aof", "100"), ("both", "100")] {
        let folder = TempDir::new().expect("a folder");
        let data = folder.path().join("data");
        let (mut pod, again) = with_data(version, &json!({"mode": mode}), &data);
        pod.container.signal("KILL");
        pod.container.wait(DEADLINE);
        let pod = again();
        pod.wait_for_info("loading", "0");
        assert_eq!(pod.app(&["DBSIZE"]), kept, "{mode}");
    }
}

fn a_stop_saves_what_no_save_point_has_saved(version: &Installed) {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data");
    let (mut pod, _) = with_data(version, &json!({"mode": "rdb"}), &data);
    // No snapshot yet: 100 keys in less than 300 seconds are none of the save points.
    assert_eq!(file_names(&data), [""; 0]);
    assert_eq!(pod.info("rdb_changes_since_last_save"), "100");
    pod.stop();
    assert_eq!(file_names(&data), ["dump.rdb"]);
}

/// A master with 100 keys, and what starts it again on the same volume.
fn with_data<'a>(
    version: &'a Installed,
    persistence: &Value,
    data: &Path,
) -> (Pod, impl Fn() -> Pod + 'a) {
    let spec = json!({"persistence": persistence, "replication": {"minReplicasToWrite": 0}});
    let rendered = Example::minimal(&spec).render();
    let place = Place { data: Some(data.to_owned()), ..Place::default() };
    let pod = Pod::start(version, &rendered, &place);
    pod.open_gate();
    let fill = "for i = 1, 100 do redis.call('SET', 'key' .. i, i) end";
    assert_eq!(pod.app(&["EVAL", fill, "0"]), "");
    (pod, move || Pod::start(version, &rendered, &place))
}

/// What is on the volume, but for the lock of the start script.
fn file_names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the data folder");
    let names = entries.map(|entry| entry.expect("a file").file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.retain(|name| name != ".lock");
    names.sort();
    names
}

//! Volumes that take no more writes.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use crate::figures::Figures;
use crate::resp::Reply;
use crate::set::{ValkeySet, World};
use crate::trial::Trial;
use crate::wait::{DEADLINE, until};

/// C7: the master may no longer write its folder. It goes on to answer, and refuses to write.
pub fn read_only(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C7");
    let master = set.settle(3);
    let process = world.nodes().process(&set.namespace, &master);
    let folder = Folder::open(process);
    let before = folder.names();
    let mut trial = Trial::start(&set);
    let next = trial.fault(|| {
        folder.forbid();
        // That it cannot even begin is as good.
        set.ask(&master, &["BGSAVE"]);
        set.moved(&master)
    });
    let holds = |pod: &str| match set.ask(pod, &["INFO", "persistence"]) {
        Reply::Text(info) => info.contains("rdb_last_bgsave_status:err"),
        _ => false,
    };
    assert!(holds(&master) && !holds(&next), "who leads now can write");
    for file in &before {
        assert!(folder.names().contains(file), "{file} is gone");
    }
    trial.write_on();
    folder.allow();
    until("it can save again", DEADLINE, || {
        set.ask(&master, &["BGSAVE"]);
        if holds(&master) { Err("it cannot".to_owned()) } else { Ok(()) }
    });
    let figures = trial.finish(3);
    assert_eq!(set.pointer(), Some(next), "nobody moves back");
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "it lives, and hands over: {figures}");
    figures
}

/// A server's data folder; it can be written again when this is dropped.
struct Folder {
    path: PathBuf,
    allowed: Permissions,
}

impl Folder {
    fn open(process: u32) -> Self {
        let path = PathBuf::from(format!("/proc/{process}/root/data"));
        let allowed = path.metadata().expect("the master's volume").permissions();
        Self { path, allowed }
    }

    fn forbid(&self) {
        fs::set_permissions(&self.path, Permissions::from_mode(0o555)).expect("the volume");
    }

    fn allow(&self) {
        fs::set_permissions(&self.path, self.allowed.clone()).expect("the volume");
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.path).expect("the master's volume");
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        // Of a snapshot under way.
        names.filter(|name| !name.starts_with("temp")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The process may have ended, and its folder with it.
        let _ = fs::set_permissions(&self.path, self.allowed.clone());
    }
}

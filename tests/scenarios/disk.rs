//! Volumes that take no more writes.

use std::fs::{self, File, Permissions};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;

use crate::figures::Figures;
use crate::set::{ValkeySet, World};
use crate::trial::Trial;
use crate::wait::{DEADLINE, until};

/// C7: the master may no longer write its folder. It goes on to answer, and refuses to write.
pub fn read_only(world: &World) -> Figures {
    let set = ValkeySet::usual(world, "C7");
    let master = set.settle(3);
    let folder = Folder::open(world.nodes().process(&set.namespace, &master));
    let before = folder.names();
    let mut trial = Trial::start(&set);
    let next = trial.fault(|| {
        folder.forbid();
        // That it cannot even begin is as good.
        set.ask(&master, &["BGSAVE"]);
        set.moved(&master)
    });
    let can_save = |pod: &str| {
        let info = set.ask(pod, &["INFO", "persistence"]).texts().concat();
        info.contains("rdb_last_bgsave_status:ok")
    };
    assert!(can_save(&next), "who leads now can write");
    for file in &before {
        assert!(folder.names().contains(file), "{file} is gone");
    }
    trial.write_on();
    folder.allow();
    // A replica that cannot append to its file ends itself, until it can.
    until("it can save again", DEADLINE, || {
        set.ask(&master, &["BGSAVE"]);
        if can_save(&master) { Ok(()) } else { Err("it cannot".to_owned()) }
    });
    let figures = trial.finish(3);
    assert_eq!(set.pointer(), Some(next), "nobody moves back");
    figures.are_safe();
    assert_eq!(figures.plain_lost, 0, "it lives, and hands over: {figures}");
    figures
}

/// A server's data folder, whichever process has it; it can be written again when this is dropped.
struct Folder {
    folder: File,
    allowed: Permissions,
}

impl Folder {
    fn open(process: u32) -> Self {
        let folder = File::open(format!("/proc/{process}/root/data")).expect("a volume");
        let allowed = folder.metadata().expect("the volume").permissions();
        Self { folder, allowed }
    }

    fn forbid(&self) {
        self.folder.set_permissions(Permissions::from_mode(0o555)).expect("the volume");
    }

    fn allow(&self) {
        self.folder.set_permissions(self.allowed.clone()).expect("the volume");
    }

    fn names(&self) -> Vec<String> {
        let path = format!("/proc/self/fd/{}", self.folder.as_raw_fd());
        let entries = fs::read_dir(path).expect("the volume");
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        // Of a snapshot under way.
        names.filter(|name| !name.starts_with("temp")).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // The scenario may have failed, and the volume be gone.
        let _ = self.folder.set_permissions(self.allowed.clone());
    }
}

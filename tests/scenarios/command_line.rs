//! Gungnir's command line, as people use it beside a cluster.

use std::env;
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use crate::run::{Finished, GUNGNIR, Run};

/// `gungnir` with these words.
#[track_caller]
pub fn gungnir(words: &[&str]) -> Finished {
    beside_the_cluster(Run::gungnir(words)).finish()
}

/// `kubectl gungnir` with these words: kubectl finds its plugins on PATH, by their names.
#[track_caller]
pub fn plugin(words: &[&str]) -> Finished {
    let folder = TempDir::new().expect("a temporary folder");
    symlink(GUNGNIR, folder.path().join("kubectl-gungnir")).expect("a link");
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = [folder.path().to_owned()].into_iter().chain(env::split_paths(&path));
    let path = env::join_paths(folders).expect("PATH can be extended");
    let kubectl = Run::program("kubectl", ["gungnir"].iter().chain(words));
    beside_the_cluster(kubectl).env("PATH", path).finish()
}

fn beside_the_cluster(run: Run) -> Run {
    run.env("KUBECONFIG", env::var_os("KUBECONFIG").unwrap_or_default())
}

impl Finished {
    /// What it printed, when it had nothing to say about that and succeeded.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn printed(self) -> String {
        assert_eq!((self.stderr.as_str(), self.status), ("", 0), "{}", self.stdout);
        self.stdout
    }
}

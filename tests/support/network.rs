//! Connects containers: a bridge in a network namespace of its own, with every container on it by
//! a pair of virtual interfaces. Nothing of it is seen on the host, and it is gone with its value.

use std::process::Child;
use std::process::Command;
use std::process::Stdio;

use tempfile::TempDir;

use super::container::Attachment;
use super::container::PATH;
use super::container::SETUP_DEADLINE;
use super::valkey::Installed;
use super::valkey::create_file;
use super::valkey::read_logs;
use super::valkey::wait_until;

/// An Ethernet, gone when dropped.
#[derive(Debug)]
pub struct Network {
    switch: Child,
    // Held so that the log lives as long as the process.
    _folder: TempDir,
}

impl Network {
    /// Makes a network for containers of any version.
    ///
    /// # Panics
    /// When it cannot be made, with the reason.
    pub fn new(installed: &Installed) -> Self {
        let folder = TempDir::new().unwrap_or_else(|error| panic!("no folder: {error}"));
        let script = "ip link add name switch type bridge && ip link set switch up && echo up && \
                      exec sleep infinity";
        let mut switch = Command::new("unshare")
            .args(["--net", "setpriv", "--pdeathsig=KILL", "chroot"])
            .arg(installed.folder.join("root"))
            .args(["/bin/sh", "-c", script])
            .env_clear()
            .env("PATH", PATH)
            .stdin(Stdio::null())
            .stdout(create_file(&folder.path().join("stdout.log")))
            .stderr(create_file(&folder.path().join("stderr.log")))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run unshare: {error}"));
        let log = || read_logs(folder.path());
        wait_until(SETUP_DEADLINE, || log() == "up\n" || !matches!(switch.try_wait(), Ok(None)));
        if log() != "up\n" {
            let _ = switch.kill();
            let _ = switch.wait();
            panic!("the network was not made (is this root?):\n{}", log());
        }
        Self { switch, _folder: folder }
    }

    /// A place in the network. The address is 10.0.0.1 for 1, and so on.
    pub fn attach(&self, host: u8) -> Attachment {
        Attachment::Switch { process_id: self.switch.id(), address: Self::address(host) }
    }

    /// The address of the place `host`.
    pub fn address(host: u8) -> String {
        format!("10.0.0.{host}")
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = self.switch.kill();
        let _ = self.switch.wait();
    }
}

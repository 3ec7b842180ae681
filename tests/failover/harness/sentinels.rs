//! Three real valkey-sentinels: what a controller is measured against.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use super::controller::Controller;
use super::directory::Directory;
use super::directory::SET_NAME;
use super::directory::address_of;
use super::network::PORT;
use super::network::controller_address;
use super::process::Process;
use super::sentinel_client::ask;
use super::set::Set;
use super::wait::wait_until;
use super::world::World;
use crate::support::valkey::write_file;
use crate::version::version;

/// How many of them must agree.
const QUORUM: u8 = 2;
const SENTINELS: u16 = 3;
/// How long they may take to find each other and the replicas.
const DEADLINE: Duration = Duration::from_secs(30);

/// Three of them in one place.
#[derive(Debug)]
pub struct Sentinels {
    addresses: Vec<SocketAddr>,
    _processes: Vec<Process>,
    hands_over_coordinated: bool,
}

impl Sentinels {
    /// Starts them over a set whose master is node 1; waits until each knows of all.
    pub fn start(world: &World, set: &Set, down_after_ms: u32) -> Self {
        let place = world.network().place(controller_address(20));
        let folder = world.folder("sentinels");
        let installed = version(&set.setup.series);
        let master = set.node(1).address();
        let (mut addresses, mut processes) = (Vec::new(), Vec::new());
        for number in 0..SENTINELS {
            let port = 26379 + number;
            let own = folder.join(port.to_string());
            let mut conf = format!(
                "bind *\nport {port}\nprotected-mode no\nlogfile \"\"\ndir {own}\n\
                 sentinel monitor {SET_NAME} {ip} {PORT} {QUORUM}\n\
                 sentinel down-after-milliseconds {SET_NAME} {down_after_ms}\n",
                own = own.display(),
                ip = master.ip(),
            );
            if let Some(password) = set.setup.password {
                let _ = writeln!(conf, "sentinel auth-pass {SET_NAME} {password}");
            }
            write_file(&own.join("sentinel.conf"), conf.as_bytes());
            let mut command = place.command(installed.program("valkey-sentinel").get_program());
            command.arg(own.join("sentinel.conf"));
            let process = Process::default();
            process.start(&mut command, &folder.join(format!("{port}.log")));
            processes.push(process);
            addresses.push((place.address, port).into());
        }
        let newest = set.setup.series.starts_with('9');
        let sentinels = Self { addresses, _processes: processes, hands_over_coordinated: newest };
        sentinels.wait_until_they_know(set.setup.nodes - 1);
        sentinels
    }

    /// The first one's address.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    fn wait_until_they_know(&self, replicas: u8) {
        let wanted = [("num-slaves", replicas.into()), ("num-other-sentinels", SENTINELS - 1)];
        for address in &self.addresses {
            wait_until(&format!("the sentinel at {address} knows of all"), DEADLINE, || {
                let master: Vec<String> =
                    ask(*address, None, &["SENTINEL", "MASTER", SET_NAME]).unwrap_or_default();
                wanted.iter().all(|(name, count)| {
                    let has = |pair: &[String]| pair[0] == *name && pair[1] == count.to_string();
                    master.chunks_exact(2).any(has)
                })
            });
        }
    }
}

impl Controller for Sentinels {
    fn name(&self) -> &'static str {
        "sentinel"
    }

    fn directory(&self) -> Directory {
        Directory::Sentinels(self.addresses.clone())
    }

    fn named(&self) -> Option<SocketAddr> {
        let words = ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SET_NAME];
        let answer: Vec<String> = ask(self.addresses[0], None, &words).ok()?;
        address_of(&answer)
    }

    /// The best that this version has: coordinated with the master from 9 on.
    fn hand_over(&self) {
        let mut words = vec!["SENTINEL", "FAILOVER", SET_NAME];
        if self.hands_over_coordinated {
            words.push("COORDINATED");
        }
        let answer = ask::<String>(self.addresses[0], None, &words);
        assert_eq!(answer.as_deref(), Ok("OK"), "{words:?}");
    }
}

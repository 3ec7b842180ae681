//! Whatever happens to servers, in any order: a replica that is level has its master's data, all can
//! be brought together again, and one seed is one run.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::chance::Chance;
use crate::valkey::Client;

use super::{LIMIT, OWN, World, at, ip, say};

const SERVERS: [usize; 3] = [0, 1, 2];
const STEPS: usize = 60;
const SEEDS: u64 = 40;

impl World {
    /// One command, where anybody answers.
    async fn try_to_say(&self, number: usize, words: &str) {
        let network = self.fleet.network(OWN);
        let connecting = timeout(LIMIT / 4, Client::connect(&network, at(number))).await;
        if let Ok(Ok(mut client)) = connecting {
            let _ = timeout(LIMIT / 4, say(&mut client, words)).await;
        }
    }

    async fn bring_about_something(&mut self, chance: &Chance, step: usize) {
        let one = *chance.one_of(&SERVERS);
        let other = *chance.one_of(&SERVERS);
        let process = self.processes[one];
        match chance.below(14) {
            0..4 => self.try_to_say(one, &format!("SET key{step} {one}")).await,
            4 => self.try_to_say(one, "REPLICAOF NO ONE").await,
            5 | 6 => self.try_to_say(one, &format!("REPLICAOF {} 6379", ip(other))).await,
            7 => self.try_to_say(one, "REPLICAOF 127.0.0.1 1").await,
            8 => self.fleet.stop(process),
            9 => self.fleet.resume(process),
            10 => self.fleet.cut(ip(one), ip(other), chance.happens(600)),
            11 => self.fleet.refuse(ip(one), ip(other), chance.happens(300)),
            12 => {
                if chance.happens(500) {
                    self.fleet.kill(process);
                } else {
                    self.fleet.terminate(process);
                }
                if self.fleet.exit(process).is_some() {
                    self.restart(one);
                }
            }
            _ => {
                let slow = (Duration::from_millis(1), Duration::from_millis(200));
                self.fleet.set_latency(ip(one), ip(other), slow);
            }
        }
        sleep(chance.between(Duration::ZERO, 2 * LIMIT)).await;
        for number in SERVERS {
            if self.fleet.exit(self.processes[number]).is_some() {
                self.restart(number);
            }
        }
    }

    /// Who follows, is up and as far as its master, has what its master has.
    fn check(&self) {
        for replica in SERVERS.map(|number| self.look(number)) {
            let Some(follows) = replica.follows.filter(|_| replica.link_is_up) else { continue };
            for (number, master) in SERVERS.map(|number| (number, self.look(number))) {
                let is_level = (master.history, master.offset) == (replica.history, replica.offset);
                if follows == at(number).to_string() && is_level && !master.is_loading {
                    assert_eq!(master.data, replica.data, "{follows}");
                    assert_ne!(master.run_id, replica.run_id);
                }
            }
        }
    }

    async fn bring_together(&mut self) {
        for one in SERVERS {
            self.fleet.resume(self.processes[one]);
            for other in SERVERS {
                self.fleet.cut(ip(one), ip(other), false);
                self.fleet.refuse(ip(one), ip(other), false);
            }
        }
        sleep(Duration::from_secs(15)).await;
        for number in SERVERS {
            if self.fleet.exit(self.processes[number]).is_some() {
                self.restart(number);
            }
        }
        sleep(LIMIT).await;
        self.try_to_say(0, "REPLICAOF NO ONE").await;
        for number in [1, 2] {
            self.try_to_say(number, "REPLICAOF 127.0.0.1 1").await;
            self.follow(number, 0).await;
        }
        sleep(Duration::from_secs(30)).await;
        let master = self.look(0);
        assert!(master.takes_writes);
        assert_eq!((master.process, master.min_replicas_to_write), (self.processes[0], 0));
        for number in [1, 2] {
            let replica = self.look(number);
            assert!(replica.link_is_up && !replica.is_stopped, "{number}");
            assert_eq!((replica.history, replica.data), (master.history, master.data.clone()));
        }
    }
}

async fn run(seed: u64) -> Vec<String> {
    let chance = Chance::new(seed);
    let kept = chance.one_of(&["", "appendonly yes\n", "save \"60 1\"\n"]);
    let mut world = World::led(3, kept).await;
    for step in 0..STEPS {
        world.bring_about_something(&chance, step).await;
        world.check();
    }
    world.bring_together().await;
    world.trace.lines()
}

#[test]
fn whatever_happens_is_the_same_again_and_ends_well() {
    for seed in 0..SEEDS {
        let [once, again] = [seed; 2].map(|seed| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time()
                .start_paused(true)
                .build()
                .unwrap();
            runtime.block_on(run(seed))
        });
        assert_eq!(once, again, "seed {seed}");
    }
}

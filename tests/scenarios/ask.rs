//! What a server of a set is asked, as an application asks it.

use std::time::Duration;

use tokio::time::timeout;

use crate::client::Client;
use crate::cluster::{Kind, kubectl};
use crate::resp::Reply;
use crate::set::ValkeySet;
use crate::wait::until;

/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);

impl ValkeySet<'_> {
    /// Asks a pod's server, as an application.
    #[track_caller]
    pub fn ask(&self, pod: &str, words: &[&str]) -> Reply {
        until(&format!("{pod} answers {words:?}"), PATIENCE, || self.ask_once(pod, words))
    }

    /// Asks once.
    ///
    /// # Errors
    /// That there is no answer.
    pub fn ask_once(&self, pod: &str, words: &[&str]) -> Result<Reply, String> {
        if self.world.nodes.is_none() {
            return self.ask_by_kubectl(pod, words);
        }
        let object = self.get(Kind::Pod, pod).ok_or("there is no such pod")?;
        let ip = object["status"]["podIP"].as_str().ok_or("it has no address")?;
        let address = format!("{ip}:6379").parse().expect("an address");
        let password = self.password();
        let ask = async { Client::connect(address, &password).await?.ask(words).await };
        let asked = self.cluster().block_on(async { timeout(PATIENCE, ask).await });
        asked.map_err(|_| "no answer in time")?.map_err(|error| error.to_string())
    }

    fn ask_by_kubectl(&self, pod: &str, words: &[&str]) -> Result<Reply, String> {
        let start = ["exec", "-n", &self.namespace, pod, "-c", "valkey", "--", "valkey-cli"];
        let said = kubectl(&[&start, words].concat());
        // INFO has words about errors, too.
        let faults = ["error:", "Error from server", "Could not connect", "command terminated"];
        let failed = faults.iter().any(|fault| said.trim_start().starts_with(fault));
        if failed { Err(said) } else { Ok(Reply::Text(said.replace('\r', ""))) }
    }
}

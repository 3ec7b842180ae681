//! Where a client learns who is master.

use std::fs;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use tokio::time::timeout;

use super::client::Client;

/// The set's name, for sentinels.
pub const SET_NAME: &str = "mymaster";
/// How long a sentinel may take to answer before the next one is asked.
const SENTINEL_LIMIT: Duration = Duration::from_millis(200);

/// Where a client learns it.
#[derive(Debug, Clone)]
pub enum Directory {
    /// A file with `HOST PORT`.
    File(PathBuf),
    /// Sentinels, asked in this order until one answers.
    Sentinels(Vec<SocketAddr>),
    /// Nowhere: it was told once.
    Fixed(SocketAddr),
}

impl Directory {
    /// Who is master, as a client at `from` is told now; nobody, if it is not told.
    ///
    /// # Panics
    /// When a file is there that is no `HOST PORT` and newline: readers must never see half of it.
    pub async fn look_up(&self, from: Ipv4Addr) -> Option<SocketAddr> {
        match self {
            Self::File(file) => read_endpoint(file),
            Self::Sentinels(sentinels) => {
                for sentinel in sentinels {
                    let asked = timeout(SENTINEL_LIMIT, ask(from, *sentinel)).await;
                    if let Ok(Some(address)) = asked {
                        return Some(address);
                    }
                }
                None
            }
            Self::Fixed(address) => Some(*address),
        }
    }
}

/// What an endpoint file says; nothing, if it is not there.
///
/// # Panics
/// When it is there and says anything else.
pub fn read_endpoint(file: &Path) -> Option<SocketAddr> {
    let text = fs::read_to_string(file).ok()?;
    let address = text
        .strip_suffix('\n')
        .and_then(|line| line.split_once(' '))
        .and_then(|(host, port)| format!("{host}:{port}").parse().ok());
    Some(address.unwrap_or_else(|| panic!("the endpoint file says {text:?}")))
}

/// What a reply to `SENTINEL GET-MASTER-ADDR-BY-NAME` says.
pub fn address_of(words: &[String]) -> Option<SocketAddr> {
    match words {
        [host, port] => format!("{host}:{port}").parse().ok(),
        _ => None,
    }
}

async fn ask(from: Ipv4Addr, sentinel: SocketAddr) -> Option<SocketAddr> {
    let mut client = Client::tcp(from, sentinel).await.ok()?;
    let reply = client.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", SET_NAME]).await.ok()?;
    address_of(&reply.texts())
}

//! What is true of a server, for who judges a run.

use std::sync::Arc;

use gungnir::valkey::Id;

use crate::network::ProcessId;

use super::server::Server;
use super::stream::Data;
use super::upstream::Upstream;

/// A server as nobody inside the world can see it.
#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own")]
pub struct Look {
    pub process: ProcessId,
    pub run_id: Id,
    /// Whom it follows, `host:port`; nobody for a master.
    pub follows: Option<String>,
    pub link_is_up: bool,
    pub is_loading: bool,
    pub is_stopped: bool,
    pub history: Id,
    pub earlier_history: Id,
    /// The first byte that is no longer of the earlier history; -1 when there is none.
    pub earlier_until: i64,
    pub offset: u64,
    pub min_replicas_to_write: u64,
    /// Whether a write of a client would be taken now.
    pub takes_writes: bool,
    pub data: Data,
}

impl Look {
    pub fn of(server: &Server, is_stopped: bool) -> Self {
        let upstream = server.upstream.as_ref();
        Look {
            process: server.id,
            run_id: server.run_id,
            follows: upstream.map(|it| format!("{}:{}", it.host, it.port)),
            link_is_up: upstream.is_some_and(Upstream::is_up),
            is_loading: server.loading.is_some(),
            is_stopped,
            history: server.history.id,
            earlier_history: server.history.earlier,
            earlier_until: server.history.earlier_until,
            offset: server.history.offset,
            min_replicas_to_write: server.settings.min_replicas_to_write,
            takes_writes: !is_stopped
                && server.is_master()
                && server.loading.is_none()
                && !server.is_paused_for_writes()
                && !server.lacks_replicas()
                && server.disk_fault().is_none(),
            data: Arc::clone(&server.data),
        }
    }
}

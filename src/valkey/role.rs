//! `ROLE`: the shortest answer to what a server is now.

use redis::Value;

use super::reply::{ReplyError, array, integer, text};

/// What a server says it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoleReply {
    /// A master. One that is loading says so, too, with offset 0.
    Master {
        /// How much of its history it has written, in bytes.
        offset: u64,
        /// The replicas that it lists as online.
        replicas: Vec<RoleReplica>,
    },
    /// A replica, or a replica of nowhere.
    Replica {
        /// The master's host, as this server was told it.
        host: String,
        /// The master's port.
        port: u16,
        /// How far its link is.
        link: LinkState,
        /// How much of the master's history it has, in bytes; `None` while it has none.
        offset: Option<u64>,
    },
    /// A Valkey Sentinel, which holds no data.
    Sentinel,
}

/// A replica as its master lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleReplica {
    /// Its host, as it announces itself or as the master sees it.
    pub host: String,
    /// Where it listens.
    pub port: u16,
    /// How much it has acknowledged, in bytes.
    pub offset: u64,
}

/// How far a replica's link to its master is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It is up: the replica follows.
    Connected,
    /// It has to connect.
    Connect,
    /// It is connecting.
    Connecting,
    /// It is agreeing on where to go on.
    Handshake,
    /// It is being sent the whole data set.
    Sync,
    /// What no server of today says.
    Unknown,
}

impl RoleReply {
    /// Reads the answer to `ROLE`.
    ///
    /// # Errors
    /// [`ReplyError`] names what is not as the command promises.
    pub fn parse(value: &Value) -> Result<Self, ReplyError> {
        let fields = array("a role", value)?;
        let field = |at: usize| fields.get(at).unwrap_or(&Value::Nil);
        match text("a role", field(0))? {
            "master" => {
                let listed = array("a list of replicas", field(2))?;
                Ok(Self::Master {
                    offset: offset("the master's offset", field(1))?.unwrap_or(0),
                    replicas: listed.iter().map(replica).collect::<Result<_, _>>()?,
                })
            }
            "slave" => Ok(Self::Replica {
                host: text("the master's host", field(1))?.to_owned(),
                port: port("the master's port", field(2))?,
                link: match text("the state of the link", field(3))? {
                    "connected" => LinkState::Connected,
                    "connect" => LinkState::Connect,
                    "connecting" => LinkState::Connecting,
                    "handshake" => LinkState::Handshake,
                    "sync" => LinkState::Sync,
                    _ => LinkState::Unknown,
                },
                offset: offset("the replica's offset", field(4))?,
            }),
            "sentinel" => Ok(Self::Sentinel),
            _ => Err(ReplyError { wanted: "a role", found: "a word that is none" }),
        }
    }
}

fn replica(value: &Value) -> Result<RoleReplica, ReplyError> {
    let [host, its_port, its_offset] = array("a replica", value)? else {
        return Err(ReplyError { wanted: "a replica", found: "more or less than three fields" });
    };
    Ok(RoleReplica {
        host: text("a replica's host", host)?.to_owned(),
        port: port("a replica's port", its_port)?,
        offset: offset("a replica's offset", its_offset)?.unwrap_or(0),
    })
}

fn port(wanted: &'static str, value: &Value) -> Result<u16, ReplyError> {
    u16::try_from(integer(wanted, value)?)
        .map_err(|_| ReplyError { wanted, found: "a number that is no port" })
}

/// An offset; servers write -1 where there is none.
fn offset(wanted: &'static str, value: &Value) -> Result<Option<u64>, ReplyError> {
    Ok(u64::try_from(integer(wanted, value)?).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(reply: &str) -> Result<RoleReply, ReplyError> {
        RoleReply::parse(&redis::parse_redis_value(reply.as_bytes()).unwrap())
    }

    #[test]
    fn each_role_is_read() {
        let replica = |link, offset| RoleReply::Replica {
            host: "10.0.0.1".to_owned(),
            port: 6379,
            link,
            offset,
        };
        let slave = |rest: &str| format!("*5\r\n$5\r\nslave\r\n$8\r\n10.0.0.1\r\n:6379\r\n{rest}");
        for (reply, expected) in [
            (
                "*3\r\n$6\r\nmaster\r\n:42\r\n*1\r\n*3\r\n$3\r\n::1\r\n$4\r\n6380\r\n$2\r\n41\r\n"
                    .to_owned(),
                RoleReply::Master {
                    offset: 42,
                    replicas: vec![RoleReplica { host: "::1".to_owned(), port: 6380, offset: 41 }],
                },
            ),
            (
                "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n".to_owned(),
                RoleReply::Master { offset: 0, replicas: Vec::new() },
            ),
            (slave("$9\r\nconnected\r\n:7\r\n"), replica(LinkState::Connected, Some(7))),
            (slave("$9\r\nhandshake\r\n:-1\r\n"), replica(LinkState::Handshake, None)),
            (slave("$4\r\nsync\r\n:-1\r\n"), replica(LinkState::Sync, None)),
            (slave("$3\r\nnew\r\n:1\r\n"), replica(LinkState::Unknown, Some(1))),
            ("*2\r\n$8\r\nsentinel\r\n*0\r\n".to_owned(), RoleReply::Sentinel),
        ] {
            assert_eq!(parse(&reply), Ok(expected), "{reply}");
        }
    }

    #[test]
    fn anything_else_names_what_is_wrong() {
        for (reply, wanted) in [
            ("+OK\r\n", "a role"),
            ("*0\r\n", "a role"),
            ("*1\r\n$4\r\nlord\r\n", "a role"),
            ("*1\r\n$6\r\nmaster\r\n", "a list of replicas"),
            ("*3\r\n$6\r\nmaster\r\n+x\r\n*0\r\n", "the master's offset"),
            ("*3\r\n$6\r\nmaster\r\n:1\r\n*1\r\n*2\r\n+a\r\n+1\r\n", "a replica"),
            ("*3\r\n$6\r\nmaster\r\n:1\r\n*1\r\n*3\r\n+a\r\n+70000\r\n+1\r\n", "a replica's port"),
            ("*4\r\n$5\r\nslave\r\n+a\r\n:1\r\n+sync\r\n", "the replica's offset"),
        ] {
            assert_eq!(parse(reply).unwrap_err().wanted, wanted, "{reply}");
        }
    }
}

//! Commands about clients and users.

use std::time::Duration;

use crate::network::EndId;

use super::answers;
use super::resp::{Reply, Words};
use super::room::Room;
use super::server::Server;
use super::session::Session;

const KINDS: [&str; 6] = ["normal", "master", "primary", "replica", "slave", "pubsub"];

/// Which connections `CLIENT KILL` is about.
#[derive(Debug, Default)]
struct Filter<'a> {
    kind: Option<String>,
    user: Option<&'a str>,
    address: Option<&'a str>,
    spares_own: bool,
}

impl Server {
    pub fn run_on_clients(
        &mut self,
        end: EndId,
        name: &str,
        words: &Words,
        room: &mut Room<'_>,
    ) -> Option<Reply> {
        Some(match name {
            "client|setname" => {
                if words[2].bytes().any(|byte| !(b'!'..=b'~').contains(&byte)) {
                    return Some(Reply::error(
                        "ERR Client names cannot contain spaces, newlines or special characters.",
                    ));
                }
                self.sessions.get_mut(&end)?.name.clone_from(&words[2]);
                Reply::OK
            }
            "client|id" => Reply::Number(i64::try_from(end.connection).unwrap()),
            "client|pause" => match words[2].parse() {
                Ok(limit_ms) => {
                    let of_all = !words.get(3).is_some_and(|it| it.eq_ignore_ascii_case("write"));
                    self.pause(Duration::from_millis(limit_ms), of_all, room);
                    Reply::OK
                }
                Err(_) => Reply::error("ERR timeout is not an integer or out of range"),
            },
            "client|unpause" => {
                self.unpause(room);
                Reply::OK
            }
            "client|kill" => self.client_kill(end, &words[2..], room),
            _ => Reply::OK,
        })
    }

    fn client_kill(&mut self, own: EndId, words: &[String], room: &mut Room<'_>) -> Reply {
        let mut filter = Filter { spares_own: true, ..Filter::default() };
        for pair in words.chunks(2) {
            let [name, value] = pair else { return Reply::error("ERR syntax error") };
            match name.to_lowercase().as_str() {
                "type" => filter.kind = Some(value.to_lowercase()),
                "user" => filter.user = Some(value),
                "addr" => filter.address = Some(value),
                "skipme" => filter.spares_own = value.eq_ignore_ascii_case("yes"),
                _ => return Reply::error("ERR syntax error"),
            }
        }
        if let Some(kind) = &filter.kind
            && !KINDS.contains(&kind.as_str())
        {
            return Reply::Error(format!("ERR Unknown client type '{kind}'"));
        }
        if let Some(user) = filter.user
            && self.users.get(user).is_none()
        {
            return Reply::Error(format!("ERR No such user '{user}'"));
        }
        let is_meant = |end: EndId, session: &Session| {
            let of_kind = match filter.kind.as_deref() {
                None => true,
                Some("normal") => !session.is_replica(),
                Some("replica" | "slave") => session.is_replica(),
                Some(_) => false,
            };
            let of_user = filter.user.is_none_or(|user| session.user.as_deref() == Some(user));
            let peer = || room.wire.peer(end).map(|peer| peer.to_string());
            let from = filter.address.is_none_or(|address| peer().as_deref() == Some(address));
            of_kind && of_user && from && !(filter.spares_own && end == own)
        };
        let meant: Vec<EndId> = self
            .sessions
            .iter()
            .filter(|(end, it)| is_meant(**end, it))
            .map(|(end, _)| *end)
            .collect();
        self.end_sessions(own, &meant, room);
        Reply::count(meant.len())
    }

    /// Ends connections at once; the one that asks is answered first.
    fn end_sessions(&mut self, own: EndId, meant: &[EndId], room: &mut Room<'_>) {
        for end in meant {
            if *end == own {
                if let Some(session) = self.sessions.get_mut(end) {
                    session.closes = true;
                }
            } else {
                self.forget_session(*end, room);
            }
        }
    }

    pub fn run_on_users(
        &mut self,
        end: EndId,
        name: &str,
        words: &Words,
        room: &mut Room<'_>,
    ) -> Reply {
        match name {
            "acl|users" => Reply::bulks(self.users.names().cloned()),
            "acl|whoami" => {
                let user = self.sessions.get(&end).and_then(|session| session.user.clone());
                Reply::Bulk(user.unwrap_or_default())
            }
            "acl|list" => Reply::bulks(self.users.names().map(|name| {
                let user = self.users.get(name);
                let rules = user.map(super::users::User::commands).unwrap_or_default();
                format!("user {name} {rules}")
            })),
            "acl|getuser" => self.describe(&words[2]),
            "acl|setuser" => match self.users.set(&words[2], &words[3..]) {
                Ok(()) => Reply::OK,
                Err(error) => Reply::Error(error),
            },
            "acl|deluser" => self.remove_users(end, &words[2..], room),
            _ => Reply::error(answers::NOT_BUSY),
        }
    }

    fn describe(&self, name: &str) -> Reply {
        let Some(user) = self.users.get(name) else { return Reply::Nothing };
        let mut flags = vec![if user.is_on { "on" } else { "off" }];
        if user.nopass {
            flags.push("nopass");
        }
        let text = |text: &str| Reply::Bulk(text.to_owned());
        Reply::List(vec![
            text("flags"),
            Reply::bulks(flags),
            text("passwords"),
            Reply::bulks(user.hashes.iter().cloned()),
            text("commands"),
            Reply::Bulk(user.commands()),
            text("keys"),
            text(user.keys()),
            text("channels"),
            text(""),
            text("selectors"),
            Reply::List(Vec::new()),
        ])
    }

    fn remove_users(&mut self, own: EndId, names: &[String], room: &mut Room<'_>) -> Reply {
        if names.iter().any(|name| name == "default") {
            return Reply::error("ERR The 'default' user cannot be removed");
        }
        let gone: Vec<&String> = names.iter().filter(|name| self.users.remove(name)).collect();
        let belongs =
            |session: &Session| session.user.as_ref().is_some_and(|it| gone.contains(&it));
        let meant: Vec<EndId> =
            self.sessions.iter().filter(|(_, it)| belongs(it)).map(|(end, _)| *end).collect();
        self.end_sessions(own, &meant, room);
        Reply::count(gone.len())
    }
}

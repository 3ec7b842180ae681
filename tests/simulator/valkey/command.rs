//! Commands of clients: which there are, what they are refused for, and what each does.

use std::sync::Arc;
use std::time::Duration;

use crate::network::EndId;

use super::answers;
use super::known::{Command, Kind};
use super::resp::{Reply, Words};
use super::room::Room;
use super::server::Server;
use super::session::{Blocked, Queue};
use super::settings::Settings;
use super::stream::{Entry, Write};

/// What becomes of a command.
enum Verdict {
    Refused(String),
    Postponed,
    Queued,
    Run(Command),
}

impl Server {
    /// Takes one command of a client.
    pub fn obey(&mut self, end: EndId, words: Words, room: &mut Room<'_>) {
        match self.judge(end, &words) {
            Verdict::Refused(error) => self.reject(end, &words, error),
            Verdict::Postponed => {
                if let Some(session) = self.sessions.get_mut(&end) {
                    session.blocked = Some(Blocked::Postponed(words));
                }
            }
            Verdict::Queued => {
                if let Some(queue) = self.sessions.get_mut(&end).and_then(|it| it.queue.as_mut()) {
                    queue.commands.push(words);
                }
                self.answer(end, &Reply::Simple("QUEUED"));
            }
            Verdict::Run(command) => {
                if let Some(reply) = self.run(end, command, &words, room) {
                    self.answer(end, &reply);
                }
            }
        }
    }

    /// In the order in which Valkey looks.
    fn judge(&self, end: EndId, words: &Words) -> Verdict {
        let refused = |error: &str| Verdict::Refused(error.to_owned());
        let Some(session) = self.sessions.get(&end) else { return refused("ERR gone") };
        let is_open = ["auth", "quit"].iter().any(|name| words[0].eq_ignore_ascii_case(name));
        if session.user.is_none() && !is_open {
            return refused(answers::NO_AUTH);
        }
        let command = match Command::find(words) {
            Ok(command) => command,
            Err(error) => return Verdict::Refused(error),
        };
        let name = command.name;
        if name == "multi" && session.queue.is_some() {
            return refused(answers::NESTED);
        }
        match &session.user {
            Some(user) if name != "auth" => {
                let rights = self.users.get(user);
                if !rights.is_some_and(|it| it.may(name)) {
                    return Verdict::Refused(answers::no_right(user, name));
                }
                let touches = command.kind != Kind::Other && name != "flushall";
                if touches && !rights.is_some_and(super::users::User::may_touch_keys) {
                    return refused(answers::NO_KEY_RIGHT);
                }
            }
            _ => {}
        }
        let queued_writes = || {
            let commands = session.queue.iter().flat_map(|queue| &queue.commands);
            commands.filter_map(|it| Command::find(it).ok()).any(|it| it.kind == Kind::Write)
        };
        let writes = command.kind == Kind::Write || name == "exec" && queued_writes();
        if (writes || name == "ping")
            && let Some(fault) = self.disk_fault()
        {
            return refused(fault);
        }
        if writes && self.lacks_replicas() {
            return refused(answers::NO_REPLICAS);
        }
        if writes && !self.is_master() && self.settings.read_only {
            return refused(answers::READ_ONLY);
        }
        let has_no_link = self.upstream.as_ref().is_some_and(|it| !it.is_up());
        if has_no_link && !self.settings.serve_stale && !command.stands_stale() {
            return refused(answers::MASTER_DOWN);
        }
        if self.loading.is_some() && !command.always {
            return refused(answers::LOADING);
        }
        let of_all = self.pause.is_some_and(|pause| pause.of_all);
        if of_all || writes && self.is_paused_for_writes() {
            return Verdict::Postponed;
        }
        if session.queue.is_some() && !matches!(name, "exec" | "discard" | "quit") {
            return Verdict::Queued;
        }
        Verdict::Run(command)
    }

    fn reject(&mut self, end: EndId, words: &Words, error: String) {
        let Some(session) = self.sessions.get_mut(&end) else { return };
        let is_exec = words[0].eq_ignore_ascii_case("exec");
        let error = match &mut session.queue {
            Some(_) if is_exec => {
                session.queue = None;
                format!("EXECABORT Transaction discarded because of: {error}")
            }
            Some(queue) => {
                queue.has_failed = true;
                error
            }
            None => error,
        };
        self.answer(end, &Reply::Error(error));
    }

    fn run(
        &mut self,
        end: EndId,
        command: Command,
        words: &Words,
        room: &mut Room<'_>,
    ) -> Option<Reply> {
        if command.kind != Kind::Other {
            return Some(self.run_on_keys(end, command, words, room));
        }
        Some(match command.name {
            "ping" => words.get(1).map_or(Reply::Simple("PONG"), |it| Reply::Bulk(it.clone())),
            "echo" => Reply::Bulk(words[1].clone()),
            "auth" => self.auth(end, words),
            "info" => Reply::Bulk(self.info(&words[1..], room)),
            "role" => self.role(),
            "dbsize" => Reply::count(self.data.len()),
            "select" if words[1] == "0" => Reply::OK,
            "select" => Reply::error("ERR DB index is out of range"),
            "time" => Reply::bulks([room.unix_s().to_string(), "0".to_owned()]),
            "multi" => self.begin_transaction(end),
            "exec" => self.execute(end, room),
            "discard" => {
                let queue = self.sessions.get_mut(&end)?.queue.take();
                queue.map_or(Reply::error("ERR DISCARD without MULTI"), |_| Reply::OK)
            }
            "quit" => {
                self.sessions.get_mut(&end)?.closes = true;
                Reply::OK
            }
            "bgsave" => {
                self.save_aside(room);
                Reply::Simple("Background saving started")
            }
            "script|kill" | "function|kill" => Reply::error(answers::NOT_BUSY),
            "replicaof" | "slaveof" => self.replicaof(words, room),
            "wait" => match (words[1].parse(), words[2].parse()) {
                _ if !self.is_master() => Reply::error(answers::WAIT_ON_REPLICA),
                (Ok(replicas), Ok(limit_ms)) => {
                    return self.wait(end, replicas, Duration::from_millis(limit_ms), room);
                }
                _ => Reply::error(answers::NOT_A_NUMBER),
            },
            "config|get" => {
                let found = words[2..].iter().flat_map(|name| self.directives.find(name));
                Reply::bulks(found.flat_map(|(name, value)| [name.to_owned(), value.to_owned()]))
            }
            "config|set" => self.config_set(&words[2..], room),
            name if name.starts_with("client|") => self.run_on_clients(end, name, words, room)?,
            name => self.run_on_users(end, name, words, room),
        })
    }

    fn run_on_keys(
        &mut self,
        end: EndId,
        command: Command,
        words: &Words,
        room: &mut Room<'_>,
    ) -> Reply {
        let text = |at: usize| Arc::from(words[at].as_str());
        let (write, reply) = match command.name {
            "get" => {
                let found = self.data.get(words[1].as_str());
                return found.map_or(Reply::Nothing, |value| Reply::Bulk(value.to_string()));
            }
            "exists" => {
                return Reply::count(usize::from(self.data.contains_key(words[1].as_str())));
            }
            "set" => (Write::Set(text(1), text(2)), Reply::OK),
            "incr" => {
                let before = self.data.get(words[1].as_str()).map_or(Ok(0), |it| it.parse::<i64>());
                let Ok(before) = before else { return Reply::error(answers::NOT_A_NUMBER) };
                let after = before + 1;
                (Write::Set(text(1), Arc::from(after.to_string())), Reply::Number(after))
            }
            "del" if self.data.contains_key(words[1].as_str()) => {
                (Write::Delete(text(1)), Reply::Number(1))
            }
            "del" => return Reply::Number(0),
            _ => (Write::FlushAll, Reply::OK),
        };
        self.write(&write);
        if let Write::Set(key, _) = &write {
            room.journal.note(key, self.history.id);
        }
        let entry = Entry::write(words, write);
        self.feed(&entry);
        let offset = self.history.offset;
        if let Some(session) = self.sessions.get_mut(&end)
            && session.queue.is_none()
        {
            session.written = offset;
        }
        reply
    }

    fn auth(&mut self, end: EndId, words: &Words) -> Reply {
        let (name, password) = match words.as_slice() {
            [_, password] => {
                if self.users.get("default").is_some_and(|user| user.nopass) {
                    return Reply::error(answers::NO_PASSWORD);
                }
                ("default", password)
            }
            [_, name, password] => (name.as_str(), password),
            _ => return Reply::error("ERR syntax error"),
        };
        if !self.users.login(name, password) {
            return Reply::error(answers::WRONG_PASS);
        }
        if let Some(session) = self.sessions.get_mut(&end) {
            session.user = Some(name.to_owned());
        }
        Reply::OK
    }

    fn begin_transaction(&mut self, end: EndId) -> Reply {
        if let Some(session) = self.sessions.get_mut(&end) {
            session.queue = Some(Queue::default());
        }
        Reply::OK
    }

    /// `EXEC`: what is queued runs, with nothing in between.
    fn execute(&mut self, end: EndId, room: &mut Room<'_>) -> Reply {
        let session = self.sessions.get(&end);
        let Some(queue) = session.and_then(|session| session.queue.as_ref()) else {
            return Reply::error("ERR EXEC without MULTI");
        };
        let (commands, has_failed) = (queue.commands.clone(), queue.has_failed);
        let mut replies = Vec::with_capacity(commands.len());
        if !has_failed {
            self.transaction = Some(Vec::new());
            for words in &commands {
                let reply = Command::find(words)
                    .ok()
                    .and_then(|command| self.run(end, command, words, room))
                    .unwrap_or(Reply::Nothing);
                replies.push(reply);
            }
            self.end_transaction();
        }
        let offset = self.history.offset;
        if let Some(session) = self.sessions.get_mut(&end) {
            session.queue = None;
            session.written = offset;
        }
        if has_failed { Reply::error(answers::EXEC_ABORT) } else { Reply::List(replies) }
    }

    /// What was written goes out, in brackets when it is more than one.
    fn end_transaction(&mut self) {
        let written = self.transaction.take().unwrap_or_default();
        let brackets = Entry::brackets();
        let is_bracketed = written.len() > 1;
        if is_bracketed {
            self.feed(&brackets[0]);
        }
        for entry in &written {
            self.feed(entry);
        }
        if is_bracketed {
            self.feed(&brackets[1]);
        }
    }

    fn replicaof(&mut self, words: &Words, room: &mut Room<'_>) -> Reply {
        let (host, port) = (&words[1], &words[2]);
        if host.eq_ignore_ascii_case("no") && port.eq_ignore_ascii_case("one") {
            self.lead(room);
            self.note_upstream();
            return Reply::OK;
        }
        let Ok(port) = port.parse::<u16>() else {
            return Reply::error("ERR Invalid master port");
        };
        if self.upstream.as_ref().is_some_and(|it| it.host == *host && it.port == port) {
            return Reply::Simple("OK Already connected to specified master");
        }
        self.follow(host, port, room);
        self.note_upstream();
        Reply::OK
    }

    /// `CONFIG GET replicaof` tells of now.
    fn note_upstream(&mut self) {
        let now = self.upstream.as_ref().map(|it| format!("{} {}", it.host, it.port));
        self.directives.follow(now.unwrap_or_default());
    }

    fn config_set(&mut self, words: &[String], room: &mut Room<'_>) -> Reply {
        let pairs: Vec<(String, String)> =
            words.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect();
        if let Err(error) = self.directives.set(&pairs) {
            return Reply::Error(error);
        }
        let before = std::mem::replace(&mut self.settings, Settings::of(&self.directives));
        if self.settings.appendonly && !before.appendonly {
            self.begin_rewrite(room);
        }
        for (name, value) in &pairs {
            if name == "requirepass" {
                let rule = if value.is_empty() { "nopass".to_owned() } else { format!(">{value}") };
                let rules = ["resetpass".to_owned(), rule];
                self.users.set("default", &rules).expect("a rule");
            }
        }
        self.count_good_replicas(room);
        Reply::OK
    }
}

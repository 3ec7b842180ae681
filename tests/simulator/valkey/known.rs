//! The commands that there are, and when each is answered at all.

use super::answers;
use super::resp::Words;

/// What is known of a command before it runs.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    /// `config|get` for one of two words.
    pub name: &'static str,
    least_words: usize,
    pub kind: Kind,
    /// It is also answered while data is read, and by a replica without link.
    pub always: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Other,
    Read,
    Write,
}

const fn other(name: &'static str, least_words: usize, always: bool) -> Command {
    Command { name, least_words, kind: Kind::Other, always }
}

const fn keys(name: &'static str, least_words: usize, kind: Kind) -> Command {
    Command { name, least_words, kind, always: false }
}

const COMMANDS: [Command; 39] = [
    other("acl|deluser", 3, true),
    other("acl|getuser", 3, true),
    other("acl|list", 2, true),
    other("acl|setuser", 3, true),
    other("acl|users", 2, true),
    other("acl|whoami", 2, true),
    other("auth", 2, true),
    other("bgsave", 1, false),
    other("client|id", 2, true),
    other("client|kill", 3, true),
    other("client|no-evict", 3, true),
    other("client|pause", 3, true),
    other("client|setinfo", 4, true),
    other("client|setname", 3, true),
    other("client|unpause", 2, true),
    other("config|get", 3, true),
    other("config|set", 4, true),
    other("dbsize", 1, false),
    keys("del", 2, Kind::Write),
    other("discard", 1, true),
    other("echo", 2, true),
    other("exec", 1, true),
    keys("exists", 2, Kind::Read),
    Command { name: "flushall", least_words: 1, kind: Kind::Write, always: false },
    other("function|kill", 2, false),
    keys("get", 2, Kind::Read),
    keys("incr", 2, Kind::Write),
    other("info", 1, true),
    other("multi", 1, true),
    other("ping", 1, false),
    other("quit", 1, true),
    other("replicaof", 3, false),
    other("role", 1, true),
    other("script|kill", 2, false),
    other("select", 2, true),
    keys("set", 3, Kind::Write),
    other("slaveof", 3, false),
    other("time", 1, true),
    other("wait", 3, false),
];
/// Commands of two words.
const CONTAINERS: [&str; 5] = ["acl", "client", "config", "function", "script"];

impl Command {
    /// The command that these words are, or the error that they are answered with.
    pub fn find(words: &Words) -> Result<Self, String> {
        let mut name = words[0].to_lowercase();
        let is_container = CONTAINERS.contains(&name.as_str());
        if is_container {
            let Some(second) = words.get(1) else { return Err(answers::wrong_arity(&name)) };
            name = format!("{name}|{}", second.to_lowercase());
        }
        let found = COMMANDS.binary_search_by(|command| command.name.cmp(&name));
        match found {
            Ok(at) if words.len() >= COMMANDS[at].least_words => Ok(COMMANDS[at]),
            Ok(_) => Err(answers::wrong_arity(&name)),
            Err(_) if is_container => Err(answers::unknown_subcommand(words)),
            Err(_) => Err(answers::unknown_command(words)),
        }
    }

    /// Whether it is answered by a replica without link that may serve no old data.
    pub fn stands_stale(self) -> bool {
        self.always || matches!(self.name, "replicaof" | "slaveof")
    }
}

//! What a server answers instead of a result.

use std::fmt;

/// The most that is kept of a message, in bytes.
pub(super) const MAX_MESSAGE_BYTES: usize = 256;

/// An error reply. Whoever sends one lives: see [`ErrorReply::proves_alive`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorReply {
    /// `LOADING`: the data set is being read from disk or from the master.
    Loading,
    /// `MASTERDOWN`: a replica without link that may not serve old data.
    MasterDown,
    /// `BUSY`: a script has run longer than `busy-reply-threshold`; `SCRIPT KILL` may end it.
    Busy,
    /// `UNKILLABLE`: the script has written, so it cannot be ended.
    Unkillable,
    /// `NOTBUSY`: there is no script to end.
    NotBusy,
    /// `MISCONF`: the disk refuses, and so the server refuses writes.
    Misconf,
    /// `NOAUTH`: this connection has not said who it is.
    NoAuth,
    /// `WRONGPASS`: no such user, a wrong password, or the user is off.
    WrongPass,
    /// A password was given, and the default user has none.
    NoPasswordSet,
    /// `NOPERM`: the user may not do that.
    NoPerm {
        /// What the server says is missing.
        message: String,
    },
    /// `READONLY`: a write to a replica.
    ReadOnly,
    /// `NOREPLICAS`: fewer replicas than `min-replicas-to-write`.
    NoReplicas,
    /// No connection is free: `maxclients`.
    MaxClients,
    /// `DENIED`: protected mode lets in nobody but this host.
    Denied,
    /// `NOMASTERLINK`: a replica without link cannot feed another.
    NoMasterLink,
    /// `EXECABORT`: a command of the transaction was refused, so none has run.
    ExecAbort,
    /// `NOSCRIPT`: the server does not know this script.
    NoScript,
    /// The server has no such command or subcommand. Its arguments are not kept.
    UnknownCommand {
        /// The name that it does not know.
        command: String,
    },
    /// The server has no user of this name.
    NoSuchUser,
    /// Everything else.
    Other {
        /// The first word.
        code: String,
        /// The rest, shortened, without control characters.
        message: String,
    },
}

impl ErrorReply {
    /// Sorts a server's error.
    #[must_use]
    pub fn new(error: &redis::ServerError) -> Self {
        Self::sorted(error.code(), error.details().unwrap_or_default())
    }

    fn sorted(code: &str, detail: &str) -> Self {
        match code {
            "LOADING" => Self::Loading,
            "MASTERDOWN" => Self::MasterDown,
            "BUSY" => Self::Busy,
            "UNKILLABLE" => Self::Unkillable,
            "NOTBUSY" => Self::NotBusy,
            "MISCONF" => Self::Misconf,
            "NOAUTH" => Self::NoAuth,
            "WRONGPASS" => Self::WrongPass,
            "NOPERM" => Self::NoPerm { message: cleaned(detail) },
            "READONLY" => Self::ReadOnly,
            "NOREPLICAS" => Self::NoReplicas,
            "DENIED" => Self::Denied,
            "NOMASTERLINK" => Self::NoMasterLink,
            "EXECABORT" => Self::ExecAbort,
            "NOSCRIPT" => Self::NoScript,
            "ERR" => Self::sorted_by_text(detail),
            _ => Self::Other { code: cleaned(code), message: cleaned(detail) },
        }
    }

    /// Errors that have no code of their own.
    fn sorted_by_text(detail: &str) -> Self {
        if detail.starts_with("max number of clients") {
            return Self::MaxClients;
        }
        if detail.starts_with("AUTH <password> called without any password") {
            return Self::NoPasswordSet;
        }
        if detail.starts_with("No such user") {
            return Self::NoSuchUser;
        }
        // "unknown command 'x', with args beginning with: …": the arguments may be a password.
        for start in ["unknown command ", "unknown subcommand ", "Unknown subcommand "] {
            if let Some(rest) = detail.strip_prefix(start) {
                let quote = |c| c == '\'' || c == '`';
                let name = rest.trim_start_matches(quote).split(quote).next().unwrap_or_default();
                return Self::UnknownCommand { command: cleaned(name) };
            }
        }
        Self::Other { code: "ERR".to_owned(), message: cleaned(detail) }
    }

    /// The same error without what the server wrote: it may repeat a secret that it was sent.
    #[must_use]
    pub(super) fn withheld(self) -> Self {
        match self {
            Self::Other { code, .. } if code.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                Self::Other { code, message: "the command held a secret".to_owned() }
            }
            Self::Other { .. } => Self::Other {
                code: "ERR".to_owned(),
                message: "the command held a secret".to_owned(),
            },
            Self::NoPerm { .. } => Self::NoPerm { message: String::new() },
            Self::UnknownCommand { .. } => Self::UnknownCommand { command: String::new() },
            Self::Loading
            | Self::MasterDown
            | Self::Busy
            | Self::Unkillable
            | Self::NotBusy
            | Self::Misconf
            | Self::NoAuth
            | Self::WrongPass
            | Self::NoPasswordSet
            | Self::ReadOnly
            | Self::NoReplicas
            | Self::MaxClients
            | Self::Denied
            | Self::NoMasterLink
            | Self::ExecAbort
            | Self::NoScript
            | Self::NoSuchUser => self,
        }
    }

    /// Whether only a living server writes this.
    ///
    /// Every code of a server is in capitals; a proxy that has lost its server answers in its own
    /// words, and proves nothing about it.
    #[must_use]
    pub fn proves_alive(&self) -> bool {
        match self {
            Self::Other { code, .. } => {
                !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_uppercase())
            }
            Self::Loading
            | Self::MasterDown
            | Self::Busy
            | Self::Unkillable
            | Self::NotBusy
            | Self::Misconf
            | Self::NoAuth
            | Self::WrongPass
            | Self::NoPasswordSet
            | Self::NoPerm { .. }
            | Self::ReadOnly
            | Self::NoReplicas
            | Self::MaxClients
            | Self::Denied
            | Self::NoMasterLink
            | Self::ExecAbort
            | Self::NoScript
            | Self::UnknownCommand { .. }
            | Self::NoSuchUser => true,
        }
    }
}

impl From<&redis::ServerError> for ErrorReply {
    fn from(error: &redis::ServerError) -> Self {
        Self::new(error)
    }
}

impl fmt::Display for ErrorReply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loading => out.write_str("`LOADING`: it is reading its data set"),
            Self::MasterDown => out.write_str("`MASTERDOWN`: its link to the master is down"),
            Self::Busy => out.write_str("`BUSY`: a script has been running for too long"),
            Self::Unkillable => out.write_str("`UNKILLABLE`: the script has written already"),
            Self::NotBusy => out.write_str("`NOTBUSY`: no script is running"),
            Self::Misconf => out.write_str("`MISCONF`: it cannot write to its disk"),
            Self::NoAuth => out.write_str("`NOAUTH`: it asks for a password"),
            Self::WrongPass => out.write_str("`WRONGPASS`: it refuses the user or the password"),
            Self::NoPasswordSet => {
                out.write_str("a password was given, and its default user has none")
            }
            Self::NoPerm { message } => write!(out, "`NOPERM`: the user lacks a right: {message}"),
            Self::ReadOnly => out.write_str("`READONLY`: it is a replica and takes no writes"),
            Self::NoReplicas => {
                out.write_str("`NOREPLICAS`: fewer replicas than `min-replicas-to-write`")
            }
            Self::MaxClients => out.write_str("it has no free connection: `maxclients`"),
            Self::Denied => {
                out.write_str("`DENIED`: its protected mode lets in nobody but its own host")
            }
            Self::NoMasterLink => {
                out.write_str("`NOMASTERLINK`: a replica without link cannot feed another")
            }
            Self::ExecAbort => out.write_str("`EXECABORT`: no command of the transaction has run"),
            Self::NoScript => out.write_str("`NOSCRIPT`: it does not know the script"),
            Self::UnknownCommand { command } => write!(out, "it has no command `{command}`"),
            Self::NoSuchUser => out.write_str("it has no such user"),
            Self::Other { code, message } => write!(out, "`{code}`: {message}"),
        }
    }
}

impl std::error::Error for ErrorReply {}

/// A text without control characters, cut to [`MAX_MESSAGE_BYTES`].
pub(super) fn cleaned(text: &str) -> String {
    let mut clean = String::with_capacity(text.len().min(MAX_MESSAGE_BYTES));
    for character in text.chars() {
        let character = if character.is_control() { ' ' } else { character };
        if clean.len() + character.len_utf8() > MAX_MESSAGE_BYTES {
            break;
        }
        clean.push(character);
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> ErrorReply {
        match redis::parse_redis_value(format!("-{line}\r\n").as_bytes()).unwrap() {
            redis::Value::ServerError(error) => ErrorReply::new(&error),
            other => panic!("{other:?} is no error"),
        }
    }

    fn other(code: &str, message: &str) -> ErrorReply {
        ErrorReply::Other { code: code.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn what_servers_write_is_sorted() {
        let unknown = |command: &str| ErrorReply::UnknownCommand { command: command.to_owned() };
        for (line, expected) in [
            ("LOADING Valkey is loading the dataset in memory", ErrorReply::Loading),
            ("MASTERDOWN Link with MASTER is down", ErrorReply::MasterDown),
            ("BUSY Valkey is busy running a script.", ErrorReply::Busy),
            ("UNKILLABLE Sorry the script already executed", ErrorReply::Unkillable),
            ("NOTBUSY No scripts in execution right now.", ErrorReply::NotBusy),
            ("MISCONF Valkey is configured to save RDB snapshots", ErrorReply::Misconf),
            ("NOAUTH Authentication required.", ErrorReply::NoAuth),
            ("WRONGPASS invalid username-password pair", ErrorReply::WrongPass),
            (
                "ERR AUTH <password> called without any password configured",
                ErrorReply::NoPasswordSet,
            ),
            (
                "NOPERM User x has no permissions",
                ErrorReply::NoPerm { message: "User x has no permissions".to_owned() },
            ),
            ("READONLY You can't write against a read only replica.", ErrorReply::ReadOnly),
            ("NOREPLICAS Not enough good replicas to write.", ErrorReply::NoReplicas),
            ("ERR max number of clients reached", ErrorReply::MaxClients),
            ("ERR max number of clients + cluster connections reached", ErrorReply::MaxClients),
            ("DENIED Valkey is running in protected mode", ErrorReply::Denied),
            ("NOMASTERLINK Can't SYNC while not connected", ErrorReply::NoMasterLink),
            ("EXECABORT Transaction discarded", ErrorReply::ExecAbort),
            ("NOSCRIPT No matching script.", ErrorReply::NoScript),
            ("ERR No such user 'x'", ErrorReply::NoSuchUser),
            ("ERR unknown command 'FOO', with args beginning with: 'hunter2'", unknown("FOO")),
            ("ERR unknown command `FOO`, with args beginning with: ", unknown("FOO")),
            ("ERR unknown subcommand 'X'. Try CLIENT HELP.", unknown("X")),
            ("ERR syntax error", other("ERR", "syntax error")),
            ("upstream failure", other("upstream", "failure")),
            ("", other("", "")),
        ] {
            assert_eq!(reply(line), expected, "{line}");
        }
    }

    #[test]
    fn every_code_of_a_server_proves_that_it_lives_and_a_proxys_words_do_not() {
        for (line, alive) in [
            ("LOADING x", true),
            ("NOAUTH x", true),
            ("ERR max number of clients reached", true),
            ("CLUSTERDOWN x", true),
            ("upstream failure", false),
            ("", false),
        ] {
            assert_eq!(reply(line).proves_alive(), alive, "{line}");
        }
    }

    #[test]
    fn a_message_is_short_and_printable() {
        let ErrorReply::Other { message, .. } = reply(&format!("ERR a\u{7}\tb{}", "ä".repeat(500)))
        else {
            panic!("sorted as something else")
        };
        assert!(message.starts_with("a  bää"), "{message}");
        assert!(message.len() <= MAX_MESSAGE_BYTES && !message.contains(char::is_control));
        let ErrorReply::Other { code, .. } = reply(&"X".repeat(1000)) else {
            panic!("sorted as something else")
        };
        assert_eq!(code.len(), MAX_MESSAGE_BYTES);
    }

    #[test]
    fn a_withheld_error_repeats_nothing() {
        for line in
            ["ERR bad >hunter2", "NOPERM hunter2", "hunter2 x", "ERR unknown command 'hunter2'"]
        {
            let shown = format!("{:?} {}", reply(line).withheld(), reply(line).withheld());
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        assert_eq!(reply("WRONGPASS hunter2").withheld(), ErrorReply::WrongPass);
    }
}

//! The server's users: how one is made, turned off, removed and read.

use redis::Value;

use super::command::{Builder, Command};
use super::reply::{ReplyError, array, text};
use super::secret::Secret;

/// One rule of `ACL SETUSER`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AclRule {
    /// A word of Valkey's, as `on`, `off`, `reset`, `resetpass`, `-@all`, `+info`, `~*`.
    Word(String),
    /// A password more.
    Password(Secret),
    /// The SHA-256 of a password more, as 64 hexadecimal digits.
    PasswordHash(Secret),
}

/// A user as the server describes it, without its passwords.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Whether it may log in.
    pub on: bool,
    /// Whether any password does.
    pub nopass: bool,
    /// How many passwords it has.
    pub passwords: usize,
    /// What it may do, as the server writes it.
    pub commands: String,
}

impl Command {
    /// `ACL USERS`: the names of all users, for [`User::names`].
    #[must_use]
    pub fn acl_users() -> Self {
        Self::of(&["ACL", "USERS"])
    }

    /// `ACL GETUSER`: one user, for [`User::parse`].
    #[must_use]
    pub fn acl_getuser(name: &str) -> Self {
        Self::of(&["ACL", "GETUSER", name])
    }

    /// `ACL SETUSER`: makes or changes a user, all rules or none. Who is logged in as it stays so.
    #[must_use]
    pub fn acl_setuser(name: &str, rules: &[AclRule]) -> Self {
        let mut builder = Builder::new();
        for word in ["ACL", "SETUSER", name] {
            builder.word(word);
        }
        for rule in rules {
            match rule {
                // A password that somebody wrote as a word stays unseen all the same.
                AclRule::Word(word) if word.starts_with(['>', '<', '#', '!']) => {
                    builder.secret("", &Secret::new(word.clone()));
                }
                AclRule::Word(word) => builder.word(word),
                AclRule::Password(password) => builder.secret(">", password),
                AclRule::PasswordHash(hash) => builder.secret("#", hash),
            }
        }
        builder.done()
    }

    /// `ACL DELUSER`: removes users and ends their connections; answers how many there were.
    #[must_use]
    pub fn acl_deluser(names: &[&str]) -> Self {
        Self::of(&[&["ACL", "DELUSER"], names].concat())
    }
}

impl User {
    /// Reads the answer to `ACL USERS`.
    ///
    /// # Errors
    /// [`ReplyError`] when it is no list of names.
    pub fn names(value: &Value) -> Result<Vec<String>, ReplyError> {
        let names = array("a list of users", value)?.iter();
        names.map(|name| Ok(text("a user's name", name)?.to_owned())).collect()
    }

    /// Reads the answer to `ACL GETUSER`; `None` when there is no such user.
    ///
    /// # Errors
    /// [`ReplyError`] when it is no description of a user.
    pub fn parse(value: &Value) -> Result<Option<Self>, ReplyError> {
        if *value == Value::Nil {
            return Ok(None);
        }
        let wanted = "the description of a user";
        let mut user = Self { on: false, nopass: false, passwords: 0, commands: String::new() };
        for pair in array(wanted, value)?.chunks(2) {
            let [name, value] = pair else {
                return Err(ReplyError { wanted, found: "a name without a value" });
            };
            match text("a field's name", name)? {
                "flags" => {
                    for flag in array("a user's flags", value)? {
                        match text("a user's flag", flag)? {
                            "on" => user.on = true,
                            "nopass" => user.nopass = true,
                            _ => {}
                        }
                    }
                }
                "passwords" => user.passwords = array("a user's passwords", value)?.len(),
                "commands" => text("a user's commands", value)?.clone_into(&mut user.commands),
                _ => {}
            }
        }
        Ok(Some(user))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(texts: &[&str]) -> Value {
        Value::Array(texts.iter().map(|text| Value::BulkString(text.as_bytes().into())).collect())
    }

    #[test]
    fn a_rule_with_a_password_is_sent_and_not_shown() {
        let secret = || Secret::new("hunter2".to_owned());
        let rules = [
            AclRule::Word("on".to_owned()),
            AclRule::Password(secret()),
            AclRule::PasswordHash(secret()),
        ];
        let command = Command::acl_setuser("gungnir-t7", &rules);
        assert_eq!(command.to_string(), "ACL SETUSER gungnir-t7 on ><secret> #<secret>");
        let word = Command::acl_setuser("x", &[AclRule::Word(">hunter2".to_owned())]);
        assert_eq!(word.to_string(), "ACL SETUSER x <secret>");
        let sent = String::from_utf8(command.packed().to_vec()).unwrap();
        assert!(sent.ends_with("$8\r\n>hunter2\r\n$8\r\n#hunter2\r\n"), "{sent}");
        assert!(!format!("{rules:?}").contains("hunter2"));
        assert_eq!(Command::acl_deluser(&["a", "b"]).to_string(), "ACL DELUSER a b");
    }

    #[test]
    fn users_are_read() {
        assert_eq!(User::names(&texts(&["a", "b"])), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert!(User::names(&Value::Okay).is_err());
        let field = |name: &str| Value::BulkString(name.as_bytes().to_vec());
        let described = Value::Array(vec![
            field("flags"),
            texts(&["on", "sanitize-payload"]),
            field("passwords"),
            texts(&["aa"]),
            field("commands"),
            field("-@all +info"),
            field("selectors"),
            Value::Array(Vec::new()),
        ]);
        let user =
            User { on: true, nopass: false, passwords: 1, commands: "-@all +info".to_owned() };
        assert_eq!(User::parse(&described), Ok(Some(user)));
        assert_eq!(User::parse(&Value::Nil), Ok(None));
        assert!(User::parse(&texts(&["flags"])).is_err());
        assert!(User::parse(&texts(&["flags", "on"])).is_err());
    }
}

//! Users: who may log in, and what they may do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The users of a server, by name.
#[derive(Debug, Clone)]
pub struct Users(BTreeMap<String, User>);

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct User {
    pub is_on: bool,
    pub nopass: bool,
    /// SHA-256, in hexadecimal digits.
    pub hashes: Vec<String>,
    /// `+@all`, `-config`, `+client|kill`: the last one that is about a command decides.
    rules: Vec<String>,
    all_keys: bool,
}

/// SHA-256 in hexadecimal digits.
fn hash(password: &str) -> String {
    let mut digits = String::with_capacity(64);
    for byte in Sha256::digest(password.as_bytes()) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

impl User {
    /// Changes it by one rule; `Err` says what is wrong with the rule.
    fn change(&mut self, rule: &str) -> Result<(), &'static str> {
        match rule {
            "on" => self.is_on = true,
            "off" => self.is_on = false,
            "nopass" => {
                self.nopass = true;
                self.hashes.clear();
            }
            "resetpass" => {
                self.nopass = false;
                self.hashes.clear();
            }
            "reset" => *self = Self { rules: vec!["-@all".to_owned()], ..Self::default() },
            "~*" | "allkeys" => self.all_keys = true,
            "resetkeys" => self.all_keys = false,
            "&*" | "allchannels" | "resetchannels" | "sanitize-payload" => {}
            "allcommands" => self.allow("+@all"),
            "nocommands" => self.allow("-@all"),
            _ => match rule.split_at_checked(1) {
                Some((">", password)) => self.add_hash(&hash(password)),
                Some(("<", password)) => {
                    let gone = hash(password);
                    self.hashes.retain(|known| *known != gone);
                }
                Some(("#", digits)) => {
                    let is_digit = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                    if digits.len() != 64 || !digits.bytes().all(is_digit) {
                        return Err("The password hash must be exactly 64 characters and contain \
                                    only lowercase hexadecimal characters");
                    }
                    self.add_hash(digits);
                }
                Some(("+" | "-", _)) => self.allow(&rule.to_lowercase()),
                Some(("~" | "%" | "&", _)) => {}
                _ => return Err("Syntax error"),
            },
        }
        Ok(())
    }

    fn add_hash(&mut self, hash: &str) {
        self.nopass = false;
        if !self.hashes.iter().any(|known| known == hash) {
            self.hashes.push(hash.to_owned());
        }
    }

    fn allow(&mut self, rule: &str) {
        if rule.ends_with("@all") {
            self.rules.clear();
        }
        self.rules.retain(|known| known[1..] != rule[1..]);
        self.rules.push(rule.to_owned());
    }

    /// Whether it may give a command, `config|get` for one of several words.
    pub fn may(&self, command: &str) -> bool {
        let is_about = |rule: &&String| {
            let subject = &rule[1..];
            subject == "@all"
                || subject == command
                || command.strip_prefix(subject).is_some_and(|rest| rest.starts_with('|'))
        };
        self.rules.iter().rev().find(is_about).is_some_and(|rule| rule.starts_with('+'))
    }

    pub fn may_touch_keys(&self) -> bool {
        self.all_keys
    }

    pub fn takes(&self, password: &str) -> bool {
        self.is_on && (self.nopass || self.hashes.contains(&hash(password)))
    }

    /// The rules about commands, as the server shows them.
    pub fn commands(&self) -> String {
        let starts = self.rules.first().is_some_and(|rule| rule.ends_with("@all"));
        let rules = self.rules.join(" ");
        if starts { rules } else { format!("-@all {rules}").trim_end().to_owned() }
    }

    pub fn keys(&self) -> &'static str {
        if self.all_keys { "~*" } else { "" }
    }
}

impl Users {
    /// The default user alone, without a password.
    pub fn new() -> Self {
        let default = User {
            is_on: true,
            nopass: true,
            rules: vec!["+@all".to_owned()],
            all_keys: true,
            ..User::default()
        };
        Self(BTreeMap::from([("default".to_owned(), default)]))
    }

    /// Makes or changes a user, all rules or none; `Err` is what the server answers.
    pub fn set(&mut self, name: &str, rules: &[String]) -> Result<(), String> {
        let mut user = self.0.get(name).cloned().unwrap_or_default();
        for rule in rules {
            user.change(rule)
                .map_err(|fault| format!("ERR Error in ACL SETUSER modifier '{rule}': {fault}"))?;
        }
        self.0.insert(name.to_owned(), user);
        Ok(())
    }

    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    pub fn get(&self, name: &str) -> Option<&User> {
        self.0.get(name)
    }

    pub fn names(&self) -> impl Iterator<Item = &String> {
        self.0.keys()
    }

    /// Whether somebody is let in.
    pub fn login(&self, name: &str, password: &str) -> bool {
        self.0.get(name).is_some_and(|user| user.takes(password))
    }

    /// The user of a connection that has not said who it is.
    pub fn unnamed(&self) -> Option<String> {
        let default = self.0.get("default")?;
        (default.nopass && default.is_on).then(|| "default".to_owned())
    }
}

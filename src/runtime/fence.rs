//! The fence: every term has a user of its own on every node, and a new term deletes the users of
//! the terms before. A leader that was replaced finds its connections closed and its password
//! wrong, whatever it believes.

use crate::valkey::{AclRule, Command, Connection, Credentials, ErrorReply, Lost, Secret, User};

use super::set::Timing;

/// What the users are called; the term follows.
const PREFIX: &str = "gungnir-t";

/// All that is done after taking over. No rule touches a key.
const RIGHTS: [&str; 18] = [
    "reset",
    "on",
    "-@all",
    "+ping",
    "+info",
    "+role",
    "+config|get",
    "+config|set",
    "+replicaof",
    "+client|setname",
    "+client|no-evict",
    "+client|pause",
    "+client|unpause",
    "+client|kill",
    "+script|kill",
    "+function|kill",
    "+acl",
    "+dbsize",
];

/// The fence of one process.
#[derive(Debug, Clone)]
pub struct Fence {
    password: Secret,
}

/// How a node stands to the fence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// This connection belongs to the user of this term.
    Held,
    /// A user of a higher term is there.
    Superseded(u64),
    /// The server lets us make no users: a leader that was replaced is not shut out here.
    Open,
}

impl Fence {
    /// A fence with a password that nobody else knows.
    #[must_use]
    pub fn new(password: Secret) -> Self {
        Self { password }
    }

    /// Takes a connection over into a term.
    pub(super) async fn raise(
        &self,
        connection: &mut Connection,
        term: u64,
        timing: Timing,
    ) -> Result<Standing, Lost> {
        let name = format!("{PREFIX}{term}");
        let Some(terms) = terms(connection, timing).await? else { return Ok(Standing::Open) };
        if let Some(higher) = terms.iter().copied().filter(|it| *it > term).max() {
            return Ok(Standing::Superseded(higher));
        }
        let login = Credentials { user: Some(name.clone()), password: self.password.clone() };
        if terms.contains(&term) {
            // Made by this process on an earlier connection, or by another one that believes in
            // the same term: who came first stays.
            let answers = connection.request(&[Command::auth(&login)], timing.request).await?;
            let own = answers.first().is_some_and(Result::is_ok);
            return Ok(if own { Standing::Held } else { Standing::Superseded(term + 1) });
        }
        let mut rules: Vec<AclRule> =
            RIGHTS.iter().map(|word| AclRule::Word((*word).to_owned())).collect();
        rules.push(AclRule::Password(self.password.clone()));
        let earlier: Vec<String> =
            terms.into_iter().filter(|it| *it < term).map(|it| format!("{PREFIX}{it}")).collect();
        let commands = [Command::acl_setuser(&name, &rules), Command::auth(&login)];
        let answers = connection.request(&commands, timing.request).await?;
        if answers.iter().any(Result::is_err) {
            return Ok(Standing::Open);
        }
        if !earlier.is_empty() {
            let names: Vec<&str> = earlier.iter().map(String::as_str).collect();
            connection.request(&[Command::acl_deluser(&names)], timing.request).await?;
        }
        Ok(Standing::Held)
    }
}

/// The terms that have users on a node; `None` when it does not tell.
pub(super) async fn terms(
    connection: &mut Connection,
    timing: Timing,
) -> Result<Option<Vec<u64>>, Lost> {
    let answers = connection.request(&[Command::acl_users()], timing.request).await?;
    let answer: Option<&Result<_, ErrorReply>> = answers.first();
    let Some(Ok(value)) = answer else { return Ok(None) };
    let Ok(names) = User::names(value) else { return Ok(None) };
    let term = |name: &String| name.strip_prefix(PREFIX)?.parse().ok();
    Ok(Some(names.iter().filter_map(term).collect()))
}

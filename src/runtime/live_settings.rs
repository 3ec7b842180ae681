//! What a server is set to while it runs, and that it stays so.
//!
//! **Guarantees.** Only who may act sets anything, in the term that the connection stands in. Each
//! directive is set by itself: one that a server refuses keeps no other from being set, and is not
//! tried again before something else changes. What was set is read back, and what the server says
//! then is how it is to stay: who sets it to something else later is overruled. Of what it said, a
//! digest is kept.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio::time::Instant;
use tracing::info;

use crate::sentinel::NodeId;
use crate::valkey::{Answer, Command, ErrorReply, Lost, values};

use super::fence::Standing;
use super::session::Session;
use super::watcher::Watcher;

/// How often files are named again that a server reads at once: another certificate may be in them.
const FILES_PERIOD: Duration = Duration::from_secs(600);
/// The directives that name such files.
const FILES: [&str; 3] = ["tls-ca-cert-file", "tls-cert-file", "tls-key-file"];

/// Directives with their values, as `CONFIG SET` takes them, in the order in which they are set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveSettings(Arc<[(String, String)]>);

/// What came of setting them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingsNews {
    /// Where.
    pub node: NodeId,
    /// The directives that have another value than before.
    pub changed: Vec<String>,
    /// The directives that the server refused to set, each with its own words.
    pub refused: Vec<(String, String)>,
}

/// What a server was set to, and said afterwards.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    wanted: LiveSettings,
    found: Digest,
    at: Instant,
}

type Values = Vec<(String, Vec<u8>)>;

/// A digest of [`Values`]. Nobody outside can say which lists have the same.
type Digest = u64;

fn digest(values: &Values) -> Digest {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    KEYS.hash_one(values)
}

impl LiveSettings {
    /// These directives.
    #[must_use]
    pub fn new(directives: Vec<(String, String)>) -> Self {
        Self(directives.into())
    }

    /// The same without one of them.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        Self(self.0.iter().filter(|(other, _)| other != name).cloned().collect())
    }

    fn question(&self) -> Command {
        let names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        Command::config_get(&names)
    }

    fn orders(&self) -> Vec<Command> {
        self.0.iter().map(|(name, value)| Command::config_set(name, value)).collect()
    }

    fn names_files(&self) -> bool {
        self.0.iter().any(|(name, _)| FILES.contains(&name.as_str()))
    }

    /// The directives that were refused; `None` if one may be taken a little later.
    fn refused(&self, answers: &[Answer]) -> Option<Vec<(String, String)>> {
        let mut refused = Vec::new();
        for ((name, _), answer) in self.0.iter().zip(answers) {
            match answer {
                Ok(_) => {}
                Err(ErrorReply::Loading | ErrorReply::Busy | ErrorReply::Unkillable) => {
                    return None;
                }
                Err(error) => refused.push((name.clone(), error.to_string())),
            }
        }
        Some(refused)
    }
}

impl Kept {
    /// Whether that is still how it is, and how it is to be.
    fn holds(&self, wanted: &LiveSettings, found: &Values, now: Instant) -> bool {
        let read_again = wanted.names_files() && now.duration_since(self.at) >= FILES_PERIOD;
        self.wanted == *wanted && self.found == digest(found) && !read_again
    }
}

/// The directives that differ.
fn changed(before: &Values, after: &Values) -> Vec<String> {
    let differs = |entry: &&(String, Vec<u8>)| !before.contains(entry);
    after.iter().filter(differs).map(|(name, _)| name.clone()).collect()
}

impl Watcher {
    /// Whether the server of a session is to be set to something else than it was.
    pub(super) fn is_to_be_set(&self, session: &Session) -> bool {
        let kept = session.kept.as_ref().map(|kept| &kept.wanted);
        let wanted = self.live_settings();
        // Who is not let read what a server is set to does not try.
        session.config.is_some()
            && kept.unwrap_or(&LiveSettings::default()) != &wanted
            && (self.may_act)()
    }

    /// Looks what the server is set to, and sets what is to be otherwise.
    pub(super) async fn keep_settings(&self, session: &mut Session) -> Result<(), Lost> {
        let wanted = self.live_settings();
        if wanted.0.is_empty() {
            session.kept = None;
            return Ok(());
        }
        self.stand(session).await?;
        let superseded = matches!(session.standing, Standing::Superseded(_));
        if superseded || session.config.is_none() || session.info.loading || !(self.may_act)() {
            return Ok(());
        }
        let Some(before) = self.read_settings(session, &wanted).await? else { return Ok(()) };
        if session.kept.as_ref().is_some_and(|kept| kept.holds(&wanted, &before, Instant::now())) {
            return Ok(());
        }
        let answers = session.connection.request(&wanted.orders(), self.timing.answer).await?;
        let Some(refused) = wanted.refused(&answers) else { return Ok(()) };
        let found = self.read_settings(session, &wanted).await?.unwrap_or_default();
        let changed = changed(&before, &found);
        if !changed.is_empty() {
            let node = &session.target.dial.address;
            info!(%node, directives = changed.join(" "), "CONFIG SET");
        }
        session.kept = Some(Kept { wanted, found: digest(&found), at: Instant::now() });
        (self.settings_told)(SettingsNews { node: self.id, changed, refused });
        Ok(())
    }

    fn live_settings(&self) -> LiveSettings {
        let targets = self.targets.borrow();
        targets.nodes.get(self.id.index()).map(|node| node.live.clone()).unwrap_or_default()
    }

    /// What the server is set to; `None` when it does not tell.
    async fn read_settings(
        &self,
        session: &mut Session,
        wanted: &LiveSettings,
    ) -> Result<Option<Values>, Lost> {
        let answers = session.connection.request(&[wanted.question()], self.timing.answer).await?;
        let told = answers.into_iter().next().and_then(Result::ok);
        Ok(told.and_then(|value| values(&value).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(directives: &[(&str, &str)]) -> LiveSettings {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        LiveSettings::new(directives.iter().map(pair).collect())
    }

    fn said(values: &[(&str, &str)]) -> Values {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), value.as_bytes().to_vec());
        values.iter().map(pair).collect()
    }

    #[test]
    fn each_directive_is_set_by_itself_and_all_are_read_at_once() {
        let wanted = settings(&[("maxmemory", "1gb"), ("save", "")]);
        assert_eq!(wanted.question().to_string(), "CONFIG GET maxmemory save");
        let orders: Vec<String> = wanted.orders().iter().map(ToString::to_string).collect();
        assert_eq!(orders, ["CONFIG SET maxmemory 1gb", "CONFIG SET save "]);
    }

    #[test]
    fn what_was_set_holds_until_either_side_changes() {
        let wanted = settings(&[("maxmemory", "1gb")]);
        let found = said(&[("maxmemory", "1073741824")]);
        let at = Instant::now();
        let kept = Kept { wanted: wanted.clone(), found: digest(&found), at };
        assert!(kept.holds(&wanted, &found, at + 2 * FILES_PERIOD));
        assert!(!kept.holds(&settings(&[("maxmemory", "2gb")]), &found, at), "people want another");
        assert!(!kept.holds(&wanted, &said(&[("maxmemory", "5")]), at), "somebody set another");
    }

    #[test]
    fn a_certificate_is_read_again_though_its_file_is_called_the_same() {
        let wanted = settings(&[("tls-cert-file", "/etc/valkey-tls/tls.crt")]);
        let found = said(&[("tls-cert-file", "/etc/valkey-tls/tls.crt")]);
        let at = Instant::now();
        let kept = Kept { wanted: wanted.clone(), found: digest(&found), at };
        assert!(kept.holds(&wanted, &found, at));
        assert!(!kept.holds(&wanted, &found, at + FILES_PERIOD));
    }

    #[test]
    fn a_refusal_is_told_and_a_server_that_is_busy_is_asked_again() {
        let wanted = settings(&[("maxmemory", "1gb"), ("maxclients", "9")]);
        let error = |code: &str| {
            let (code, message) = (code.to_owned(), "no".to_owned());
            Err(ErrorReply::Other { code, message })
        };
        let fine = || Ok(redis::Value::Okay);
        assert_eq!(wanted.refused(&[fine(), fine()]), Some(Vec::new()));
        let refused = wanted.refused(&[fine(), error("ERR")]).unwrap();
        assert_eq!((refused.len(), refused[0].0.as_str()), (1, "maxclients"));
        assert_eq!(wanted.refused(&[error("ERR"), Err(ErrorReply::Busy)]), None);
    }

    #[test]
    fn what_differs_is_named() {
        let before = said(&[("a", "1"), ("b", "2")]);
        assert_eq!(changed(&before, &said(&[("a", "1"), ("b", "3"), ("c", "4")])), ["b", "c"]);
        assert_eq!(changed(&before, &before), [""; 0]);
    }
}

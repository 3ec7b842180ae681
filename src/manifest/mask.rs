//! Takes secrets out of objects before anything compares or shows them.
//!
//! Each secret becomes `<secret #N>`, numbered in order of appearance: equal secrets share a
//! number, so that a reader sees *whether* one changed; never its length, never a hash of it.
//!
//! **Invariant.** Comparison sees masked objects only, so no change can hold a secret.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::manifest::server_config;

/// Directives whose arguments are secret, however they are spelt.
const SECRET_DIRECTIVES: &[&str] =
    &["requirepass", "masterauth", "primaryauth", "tls-key-file-pass", "tls-client-key-file-pass"];

/// Words that make a variable's name look as if its value were secret.
const SECRET_WORDS: &[&str] = &[
    "AUTH",
    "CREDENTIAL",
    "CREDENTIALS",
    "PASS",
    "PASSPHRASE",
    "PASSWD",
    "PASSWORD",
    "SECRET",
    "TOKEN",
];
/// The same for parts of a name.
const SECRET_PARTS: &[&str] =
    &["PASSWORD", "APIKEY", "API_KEY", "ACCESS_KEY", "PRIVATE_KEY", "PRIVATEKEY", "ENCRYPTION_KEY"];

/// JSON Pointer to where `kubectl apply` keeps a copy of everything.
const LAST_APPLIED: &str =
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

const PEM_BEGIN: &str = "-----BEGIN";
const PEM_END: &str = "-----END";
const PEM_DASHES: &str = "-----";
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// Masks the secrets of any number of objects, with one numbering for all of them.
#[derive(Debug, Default)]
pub(super) struct Mask {
    numbers: BTreeMap<String, usize>,
}

impl Mask {
    /// `object` without its secrets.
    pub fn object(&mut self, mut object: Value) -> Value {
        if object.get("kind").is_some_and(|kind| kind == "Secret") {
            for field in ["data", "stringData"] {
                self.everything(object.get_mut(field));
            }
        }
        self.everything(object.pointer_mut(LAST_APPLIED));
        self.visit("", &mut object);
        object
    }

    /// Masks every scalar of `value`.
    fn everything(&mut self, value: Option<&mut Value>) {
        match value {
            None | Some(Value::Null) => {}
            Some(Value::Object(fields)) => {
                for value in fields.values_mut() {
                    self.everything(Some(value));
                }
            }
            Some(Value::Array(items)) => {
                for value in items {
                    self.everything(Some(value));
                }
            }
            Some(Value::String(text)) => *text = self.secret(text),
            Some(other) => *other = Value::String(self.secret(&other.to_string())),
        }
    }

    /// Masks what looks like a secret anywhere in `value`, which is called `key`.
    fn visit(&mut self, key: &str, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                if fields.get("name").and_then(Value::as_str).is_some_and(names_a_secret)
                    && let Some(Value::String(text)) = fields.get_mut("value")
                    && !text.is_empty()
                {
                    *text = self.secret(text);
                }
                for (key, value) in fields {
                    self.visit(key, value);
                }
            }
            Value::Array(items) => {
                self.arguments(items);
                for value in items {
                    self.visit(key, value);
                }
            }
            Value::String(text) => {
                if let Some(masked) = self.private_keys(text) {
                    *text = masked;
                }
                if [".conf", ".acl"].iter().any(|suffix| key.ends_with(suffix)) {
                    *text = self.server_config(text);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Masks what follows `--requirepass` and its like on a command line.
    fn arguments(&mut self, items: &mut [Value]) {
        for place in 1..items.len() {
            let option = items[place - 1].as_str().and_then(|text| text.strip_prefix("--"));
            if option.is_some_and(is_secret_directive)
                && let Value::String(text) = &mut items[place]
            {
                *text = self.secret(text);
            }
        }
    }

    /// Masks PEM blocks of private keys; `None` when there are none.
    fn private_keys(&mut self, text: &str) -> Option<String> {
        let mut masked = String::new();
        let mut rest = text;
        while let Some(label) = rest.find(PRIVATE_KEY) {
            let start = rest[..label].rfind(PEM_BEGIN).unwrap_or(label);
            let end = rest[label..].find(PEM_END).map_or(rest.len(), |end| {
                let after = label + end + PEM_END.len();
                rest[after..]
                    .find(PEM_DASHES)
                    .map_or(rest.len(), |at| after + at + PEM_DASHES.len())
            });
            masked.push_str(&rest[..start]);
            masked.push_str(&self.secret(&rest[start..end]));
            rest = &rest[end..];
        }
        if masked.is_empty() {
            return None;
        }
        masked.push_str(rest);
        Some(masked)
    }

    /// Masks the passwords, and the hashes of passwords, in a `valkey.conf` or an ACL file.
    fn server_config(&mut self, text: &str) -> String {
        text.split_inclusive('\n').map(|line| self.directive(line)).collect()
    }

    fn directive(&mut self, text: &str) -> String {
        let Some(line) = server_config::line(text) else { return text.to_owned() };
        let words = server_config::arguments(line.rest);
        let masked = if is_secret_directive(line.name) && !words.concat().is_empty() {
            self.secret(&words.join(" "))
        } else if line.name.eq_ignore_ascii_case("user") {
            let words = words.into_iter().map(|word| match word.split_at_checked(1) {
                Some((sign @ (">" | "<" | "#" | "!"), secret)) => {
                    sign.to_owned() + &self.secret(secret)
                }
                _ => word,
            });
            words.collect::<Vec<_>>().join(" ")
        } else {
            return text.to_owned();
        };
        let end = if text.ends_with('\n') { "\n" } else { "" };
        format!("{} {masked}{end}", line.name)
    }

    /// The mask of one secret text.
    fn secret(&mut self, text: &str) -> String {
        let next = self.numbers.len() + 1;
        let number = *self.numbers.entry(text.to_owned()).or_insert(next);
        format!("<secret #{number}>")
    }
}

fn is_secret_directive(name: &str) -> bool {
    SECRET_DIRECTIVES.iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace(['-', '.'], "_");
    name.split('_').any(|word| SECRET_WORDS.contains(&word))
        || SECRET_PARTS.iter().any(|part| name.contains(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_secrets_share_a_number_over_all_objects() {
        let mut mask = Mask::default();
        let secret = |a: &str, b: &str| json!({"kind": "Secret", "data": {"a": a, "b": b}});
        assert_eq!(mask.object(secret("x", "long secret")), secret("<secret #1>", "<secret #2>"));
        assert_eq!(mask.object(secret("y", "x")), secret("<secret #3>", "<secret #1>"));
    }

    #[test]
    fn every_place_that_can_hold_a_secret_is_masked_and_nothing_else() {
        let pem = "-----BEGIN EC PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\n";
        for (name, object, expected) in [
            (
                "data and stringData of a Secret, whatever their type",
                json!({"kind": "Secret", "data": {"a": 7, "n": null}, "stringData": {"b": ["s"]}}),
                json!({"kind": "Secret", "data": {"a": "<secret #1>", "n": null}, "stringData": {"b": ["<secret #2>"]}}),
            ),
            (
                "data of a ConfigMap is no secret",
                json!({"kind": "ConfigMap", "data": {"a": "b"}}),
                json!({"kind": "ConfigMap", "data": {"a": "b"}}),
            ),
            (
                "what kubectl applied last",
                json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"}}}),
                json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "<secret #1>", "a": "b"}}}),
            ),
            (
                "variables that are named like secrets",
                json!([{"name": "REDISCLI_AUTH", "value": "p"}, {"name": "db-password", "value": "q"},
                       {"name": "AWS_ACCESS_KEY_ID", "value": "r"}, {"name": "MYAPIKEY", "value": "p"},
                       {"name": "AUTHOR", "value": "me"}, {"name": "PASSWORD", "value": ""},
                       {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
                json!([{"name": "REDISCLI_AUTH", "value": "<secret #1>"}, {"name": "db-password", "value": "<secret #2>"},
                       {"name": "AWS_ACCESS_KEY_ID", "value": "<secret #3>"}, {"name": "MYAPIKEY", "value": "<secret #1>"},
                       {"name": "AUTHOR", "value": "me"}, {"name": "PASSWORD", "value": ""},
                       {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]),
            ),
            (
                "directives with passwords, quoted or not",
                json!({"data": {"valkey.conf": "# requirepass x\nport 6379\nrequirepass \"p q\"\nMasterAuth p\\ q\nprimaryauth 'p q'\nrequirepass \"\"\nmasteruser u"}}),
                json!({"data": {"valkey.conf": "# requirepass x\nport 6379\nrequirepass <secret #1>\nMasterAuth <secret #2>\nprimaryauth <secret #1>\nrequirepass \"\"\nmasteruser u"}}),
            ),
            (
                "passwords and hashes of users",
                json!({"users.acl": "user default on >p1 #00ff ~* +@all\nuser b off <p1 -@all\n"}),
                json!({"users.acl": "user default on ><secret #1> #<secret #2> ~* +@all\nuser b off <<secret #1> -@all\n"}),
            ),
            (
                "a script that writes such a directive is no secret",
                json!({"start.sh": "requirepass \"$P\"\n"}),
                json!({"start.sh": "requirepass \"$P\"\n"}),
            ),
            (
                "command lines",
                json!({"args": ["--port", "1", "--requirepass", "p", "--MASTERAUTH", "p"]}),
                json!({"args": ["--port", "1", "--requirepass", "<secret #1>", "--MASTERAUTH", "<secret #1>"]}),
            ),
            (
                "private keys, and the text around them stays",
                json!({"a": format!("cert\n{pem}end {pem}"), "b": "-----BEGIN PRIVATE KEY-----\ncut off", "c": "-----BEGIN CERTIFICATE-----"}),
                json!({"a": "cert\n<secret #1>\nend <secret #1>\n", "b": "<secret #2>", "c": "-----BEGIN CERTIFICATE-----"}),
            ),
        ] {
            assert_eq!(Mask::default().object(object), expected, "{name}");
        }
    }
}

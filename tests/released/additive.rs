//! What of one CustomResourceDefinition is lost or means something else in the next.

use serde_json::{Map, Value};

/// Everything that an object of before would stumble over; nothing, when what changed was only added.
pub fn breaks(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Found::default();
    found.same("spec.group", &before["spec"]["group"], &after["spec"]["group"]);
    found.same("spec.scope", &before["spec"]["scope"], &after["spec"]["scope"]);
    for name in ["kind", "plural", "singular"] {
        let path = format!("spec.names.{name}");
        found.same(&path, &before["spec"]["names"][name], &after["spec"]["names"][name]);
    }
    for name in ["categories", "shortNames"] {
        let path = format!("spec.names.{name}");
        found.holds_all(&path, &before["spec"]["names"][name], &after["spec"]["names"][name]);
    }
    for version in before["spec"]["versions"].as_array().into_iter().flatten() {
        let name = version["name"].as_str().unwrap_or_default();
        let mut versions = after["spec"]["versions"].as_array().into_iter().flatten();
        match versions.find(|other| other["name"] == version["name"]) {
            Some(now) => found.version(name, version, now),
            None => found.0.push(format!("version {name} is gone")),
        }
    }
    found.0
}

#[derive(Default)]
struct Found(Vec<String>);

impl Found {
    fn same(&mut self, path: &str, before: &Value, after: &Value) {
        if before != after {
            self.0.push(format!("{path} was {before} and is {after}"));
        }
    }

    /// Of two lists, the second has all that the first has.
    fn holds_all(&mut self, path: &str, before: &Value, after: &Value) {
        let after = after.as_array().map(Vec::as_slice).unwrap_or_default();
        for item in before.as_array().into_iter().flatten() {
            if !after.contains(item) {
                self.0.push(format!("{path} no longer has {item}"));
            }
        }
    }

    fn version(&mut self, name: &str, before: &Value, after: &Value) {
        if before["served"] == true && after["served"] != true {
            self.0.push(format!("version {name} is not served"));
        }
        for (kind, paths) in before["subresources"].as_object().into_iter().flatten() {
            match after["subresources"].get(kind) {
                None => self.0.push(format!("version {name} has no {kind}")),
                Some(now) => self.same(&format!("version {name}: {kind}"), paths, now),
            }
        }
        let schema = |version: &Value| version["schema"]["openAPIV3Schema"].clone();
        self.schema("", &schema(before), &schema(after));
    }

    /// Whatever the schema of before takes, that of after takes, and sets the same for what is left out.
    fn schema(&mut self, path: &str, before: &Value, after: &Value) {
        let nothing = Map::new();
        let (before, after) =
            (before.as_object().unwrap_or(&nothing), after.as_object().unwrap_or(&nothing));
        let words = before.keys().chain(after.keys().filter(|word| !before.contains_key(*word)));
        for word in words {
            let at =
                [path, word].into_iter().filter(|it| !it.is_empty()).collect::<Vec<_>>().join(".");
            let (was, is) = (before.get(word), after.get(word));
            let none = Value::Null;
            match word.as_str() {
                // For people.
                "description" | "title" | "example" | "externalDocs" => {}
                "properties" => self.properties(&at, was.unwrap_or(&none), is.unwrap_or(&none)),
                "items" | "additionalProperties" if was.is_some() && is.is_some() => {
                    self.schema(&at, was.unwrap_or(&none), is.unwrap_or(&none));
                }
                // What must be there may become fewer.
                "required" | "x-kubernetes-validations" => {
                    self.holds_all(&at, is.unwrap_or(&none), was.unwrap_or(&none));
                }
                "enum" if was.is_some() && is.is_none() => {}
                "enum" if was.is_some() => {
                    self.holds_all(&at, was.unwrap_or(&none), is.unwrap_or(&none));
                }
                "maximum" | "maxLength" | "maxItems" | "maxProperties" => {
                    self.bound(&at, was, is, |was, is| is >= was);
                }
                "minimum" | "minLength" | "minItems" | "minProperties" => {
                    self.bound(&at, was, is, |was, is| is <= was);
                }
                // Type, default, pattern, kind of list, and whatever there may be: as it was.
                _ => self.same(&at, was.unwrap_or(&none), is.unwrap_or(&none)),
            }
        }
    }

    fn properties(&mut self, path: &str, before: &Value, after: &Value) {
        for (name, was) in before.as_object().into_iter().flatten() {
            let at = format!("{path}.{name}").trim_start_matches("properties.").to_owned();
            match after.get(name) {
                Some(is) => self.schema(&at, was, is),
                None => self.0.push(format!("{at} is gone")),
            }
        }
    }

    /// A bound that is new, or is narrower than it was.
    fn bound(
        &mut self,
        path: &str,
        was: Option<&Value>,
        is: Option<&Value>,
        holds: fn(f64, f64) -> bool,
    ) {
        let Some(is) = is else { return };
        let was = was.and_then(Value::as_f64);
        if !was.zip(is.as_f64()).is_some_and(|(was, is)| holds(was, is)) {
            self.0.push(format!("{path} was {was:?} and is {is}"));
        }
    }
}

//! Two values of one shape: which fields they have, where they differ, one laid over the other, and
//! what goes when nobody owns it any more.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::shape::{Form, Shape};

/// Where a new value differs from an old one.
#[derive(Debug, Default)]
pub struct Change {
    pub added: Fields,
    pub modified: Fields,
    pub removed: Fields,
}

impl Change {
    fn put(&mut self, step: &str, below: Self) {
        self.added.put(step.to_owned(), below.added);
        self.modified.put(step.to_owned(), below.modified);
        self.removed.put(step.to_owned(), below.removed);
    }

    /// What is there now and was not so.
    pub fn set(&self) -> Fields {
        let mut set = self.added.clone();
        set.add(&self.modified);
        set
    }
}

/// The fields that whoever applies a value sets.
pub fn fields_of(shape: Shape, value: &Value) -> Fields {
    let mut fields = Fields::default();
    match (shape.form(value), value) {
        (Form::Fields, Value::Object(map)) => {
            for (name, value) in map {
                let mut below = fields_of(shape.field(name), value);
                let is_empty = value.is_null() || value.as_object().is_some_and(Map::is_empty);
                below.member |= is_empty;
                fields.put(format!("f:{name}"), below);
            }
        }
        (Form::Items, Value::Array(items)) => {
            for item in items {
                let mut below = if shape.step(item).starts_with('v') {
                    Fields::default()
                } else {
                    fields_of(shape.item(), item)
                };
                below.member = true;
                fields.put(shape.step(item), below);
            }
        }
        _ => fields.member = true,
    }
    fields
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// Where `new` differs from `old`.
pub fn compare(shape: Shape, old: Option<&Value>, new: Option<&Value>) -> Change {
    let mut change = Change::default();
    if old == new {
        return change;
    }
    let some = new.or(old).unwrap_or(&Value::Null);
    let empty = old.is_none_or(is_nothing) && new.is_none_or(is_nothing);
    let form = if empty { Form::Leaf } else { shape.form(some) };
    match form {
        Form::Fields => {
            let (before, after) = (old.and_then(Value::as_object), new.and_then(Value::as_object));
            for (name, new) in after.into_iter().flatten() {
                let old = before.and_then(|before| before.get(name));
                if old != Some(new) {
                    change.put(&format!("f:{name}"), compare(shape.field(name), old, Some(new)));
                }
            }
            for (name, old) in before.into_iter().flatten() {
                if after.is_none_or(|after| !after.contains_key(name)) {
                    change.put(&format!("f:{name}"), compare(shape.field(name), Some(old), None));
                }
            }
        }
        Form::Items => {
            let (before, after) = (steps(shape, old), steps(shape, new));
            for (step, new) in &after {
                let old = before.iter().find(|(own, _)| own == step).map(|(_, item)| *item);
                change.put(step, compare(shape.item(), old, Some(new)));
            }
            for (step, old) in &before {
                if !after.iter().any(|(own, _)| own == step) {
                    change.put(step, compare(shape.item(), Some(old), None));
                }
            }
        }
        Form::Leaf => {
            match (old, new) {
                (None, _) => change.added.member = true,
                (_, None) => change.removed.member = true,
                _ => change.modified.member = true,
            }
            return change;
        }
    }
    match (old, new) {
        (None, Some(_)) => change.added.member = true,
        (Some(_), None) => change.removed.member = true,
        _ => {}
    }
    change
}

fn steps(shape: Shape, value: Option<&Value>) -> Vec<(String, &Value)> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.map(|item| (shape.step(item), item)).collect()
}

/// A value with what is applied laid over it.
pub fn merge(shape: Shape, live: &Value, applied: &Value) -> Value {
    match (shape.form(applied), live, applied) {
        (Form::Fields, Value::Object(live), Value::Object(applied)) => {
            let mut merged = live.clone();
            for (name, value) in applied {
                if value.is_null() {
                    merged.remove(name);
                } else if let Some(old) = merged.get_mut(name) {
                    *old = merge(shape.field(name), old, value);
                } else {
                    merged.insert(name.clone(), value.clone());
                }
            }
            Value::Object(merged)
        }
        (Form::Items, Value::Array(_), Value::Array(_)) => {
            let (live, applied) = (steps(shape, Some(live)), steps(shape, Some(applied)));
            Value::Array(merge_items(shape, &live, &applied))
        }
        _ => applied.clone(),
    }
}

/// The order of what is applied holds; what is only there stays after what it stood behind.
fn merge_items(
    shape: Shape,
    live: &[(String, &Value)],
    applied: &[(String, &Value)],
) -> Vec<Value> {
    let mut merged = Vec::new();
    let mut done: Vec<&str> = Vec::new();
    let (mut left, mut right) = (live.iter().peekable(), applied.iter().peekable());
    loop {
        match (left.peek(), right.peek()) {
            (Some((step, item)), _) if !applied.iter().any(|(own, _)| own == step) => {
                merged.push((*item).clone());
                left.next();
            }
            (Some((step, _)), next)
                if done.contains(&step.as_str()) || next.is_some_and(|(own, _)| own == step) =>
            {
                if !done.contains(&step.as_str()) {
                    let (step, item) = right.next().unwrap();
                    let old = &left.peek().unwrap().1;
                    merged.push(merge(shape.item(), old, item));
                    done.push(step);
                }
                left.next();
            }
            (_, Some((step, item))) => {
                let old = live.iter().find(|(own, _)| own == step);
                merged.push(
                    old.map_or_else(|| (*item).clone(), |(_, old)| merge(shape.item(), old, item)),
                );
                done.push(step);
                right.next();
            }
            (Some(_), None) => drop(left.next()),
            (None, None) => return merged,
        }
    }
}

/// Takes out of a value what `last` had and nobody owns now.
pub fn prune(shape: Shape, value: &mut Value, last: &Fields, owned: &Fields) {
    let nobody = Fields::default();
    match (shape.form(value), value) {
        (Form::Fields, Value::Object(map)) => {
            for (step, last) in &last.below {
                let Some(name) = step.strip_prefix("f:") else { continue };
                let Some(below) = map.get_mut(name) else { continue };
                match owned.below.get(step) {
                    None => drop(map.shift_remove(name)),
                    Some(owned) => prune(shape.field(name), below, last, owned),
                }
            }
        }
        (Form::Items, Value::Array(items)) => {
            items.retain_mut(|item| {
                let step = shape.step(item);
                let Some(last) = last.below.get(&step) else { return true };
                let owned = owned.below.get(&step).unwrap_or(&nobody);
                if last.member && owned.is_empty() {
                    return false;
                }
                prune(shape.item(), item, last, owned);
                true
            });
        }
        _ => {}
    }
}

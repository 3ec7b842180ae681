//! RFC 6902, as far as it is used: `add`, `replace`, `remove`, `test`.

use serde_json::Value;

use super::refusal::Refusal;

/// Changes an object by a list of operations.
pub fn apply(object: &mut Value, operations: &Value) -> Result<(), Refusal> {
    for operation in operations.as_array().into_iter().flatten() {
        let path = operation["path"].as_str().unwrap_or_default();
        let done = one(object, operation["op"].as_str().unwrap_or_default(), path, operation);
        if done.is_none() {
            let text = "the server rejected our request due to an error in our request";
            return Err(Refusal::new(422, "Invalid", text));
        }
    }
    Ok(())
}

fn one(object: &mut Value, verb: &str, path: &str, operation: &Value) -> Option<()> {
    let value = operation["value"].clone();
    if verb == "test" {
        return (*object.pointer(path)? == value).then_some(());
    }
    let (parent, last) = path.rsplit_once('/')?;
    let last = last.replace("~1", "/").replace("~0", "~");
    match (object.pointer_mut(parent)?, verb) {
        (Value::Object(map), "add") => drop(map.insert(last, value)),
        (Value::Object(map), "replace") => *map.get_mut(&last)? = value,
        (Value::Object(map), "remove") => drop(map.shift_remove(&last)?),
        (Value::Array(items), "add") if last == "-" => items.push(value),
        (Value::Array(items), verb) => {
            let at: usize = last.parse().ok()?;
            match verb {
                "add" if at <= items.len() => items.insert(at, value),
                "replace" => *items.get_mut(at)? = value,
                "remove" if at < items.len() => drop(items.remove(at)),
                _ => return None,
            }
        }
        _ => return None,
    }
    Some(())
}

//! A CRD's `OpenAPI` schema as a small typed tree, compiled once and walked often.
//!
//! It holds what a structural schema of Kubernetes can say of a value's shape. What
//! it leaves out is checked elsewhere: CEL rules by the API server, `pattern` and
//! what spans several fields by `cluster`.

use std::collections::BTreeMap;

use serde_json::Value;

use super::object_meta;

/// A compiled schema of one value.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Schema {
    pub(super) kind: Kind,
    /// Whether `null` is a value of it.
    pub(super) nullable: bool,
    /// The allowed values; empty for any.
    pub(super) one_of: Vec<Value>,
}

/// What a value may be, with the limits that go with it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Kind {
    /// Anything.
    #[default]
    Any,
    Boolean,
    Integer(NumberRange),
    Number(NumberRange),
    /// Length in characters.
    String(CountRange),
    /// An integer or a string.
    IntOrString,
    /// Count of items.
    List(Box<Schema>, CountRange),
    Mapping(Box<Fields>),
}

/// What a mapping holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields {
    pub(super) named: BTreeMap<String, Schema>,
    pub(super) required: Vec<String>,
    pub(super) others: Others,
    /// Count of entries.
    pub(super) count: CountRange,
}

/// What keys without a schema of their own may hold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Others {
    /// There may be none.
    #[default]
    Unknown,
    /// Values of this schema.
    Like(Schema),
}

/// The least and the greatest number allowed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct NumberRange {
    pub(super) min: Option<Bound>,
    pub(super) max: Option<Bound>,
}

/// One end of a range.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Bound {
    pub(super) value: serde_json::Number,
    /// Whether the end itself is outside.
    pub(super) exclusive: bool,
}

/// The fewest and the most of something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CountRange {
    pub(super) min: Option<u64>,
    pub(super) max: Option<u64>,
}

/// Why a schema cannot be compiled: a bug of whoever wrote the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A keyword has a value of the wrong kind.
    #[error("the schema's `{keyword}` is not {wanted}")]
    BadKeyword {
        /// The keyword.
        keyword: &'static str,
        /// What it has to be.
        wanted: &'static str,
    },
    /// A `type` that is not of `OpenAPI` v3.
    #[error("the schema names the unknown type `{name}`")]
    UnknownType {
        /// The type's name.
        name: String,
    },
    /// Deeper than any real schema.
    #[error("the schema is nested more than {max} deep")]
    TooDeep {
        /// The limit.
        max: usize,
    },
}

/// The deepest nesting of a schema that is compiled.
const MAX_SCHEMA_DEPTH: usize = 100;

impl Schema {
    /// Compiles the schema of a whole resource, as a CRD version carries it in
    /// `schema.openAPIV3Schema`.
    ///
    /// `apiVersion`, `kind` and `metadata` are checked against what every object of
    /// Kubernetes has, whatever the CRD says of them.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] when it is no `OpenAPI` v3 schema.
    pub fn compile(openapi: &Value) -> Result<Self, SchemaError> {
        let mut schema = Self::compile_part(openapi)?;
        if let Kind::Mapping(fields) = &mut schema.kind {
            let text = || Self { kind: Kind::String(CountRange::default()), ..Self::default() };
            for (name, of) in [
                ("apiVersion", text()),
                ("kind", text()),
                ("metadata", Self::compile_part(&object_meta::openapi())?),
            ] {
                fields.named.insert(name.to_owned(), of);
                if !fields.required.iter().any(|known| known == name) {
                    fields.required.push(name.to_owned());
                }
            }
        }
        Ok(schema)
    }

    /// Compiles the schema of any value.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] when it is no `OpenAPI` v3 schema.
    pub fn compile_part(openapi: &Value) -> Result<Self, SchemaError> {
        compile(openapi, MAX_SCHEMA_DEPTH)
    }
}

fn compile(openapi: &Value, depth_left: usize) -> Result<Schema, SchemaError> {
    let depth_left =
        depth_left.checked_sub(1).ok_or(SchemaError::TooDeep { max: MAX_SCHEMA_DEPTH })?;
    let reader = Keywords(openapi);
    let nullable = reader.flag("nullable")?;
    let one_of = reader.list("enum")?.to_vec();
    let kind = if reader.flag("x-kubernetes-int-or-string")? || reader.is_any_of_int_and_string() {
        Kind::IntOrString
    } else {
        match reader.text("type")? {
            None if openapi.get("properties").is_some() => mapping(reader, depth_left)?,
            None => Kind::Any,
            Some("object") => mapping(reader, depth_left)?,
            Some("array") => {
                let item =
                    openapi.get("items").map(|items| compile(items, depth_left)).transpose()?;
                Kind::List(
                    Box::new(item.unwrap_or_default()),
                    reader.counts("minItems", "maxItems")?,
                )
            }
            Some("string") => Kind::String(reader.counts("minLength", "maxLength")?),
            Some("boolean") => Kind::Boolean,
            Some("integer") => Kind::Integer(reader.integers()?),
            Some("number") => Kind::Number(reader.numbers()?),
            Some(name) => return Err(SchemaError::UnknownType { name: name.to_owned() }),
        }
    };
    Ok(Schema { kind, nullable, one_of })
}

fn mapping(reader: Keywords<'_>, depth_left: usize) -> Result<Kind, SchemaError> {
    let openapi = reader.0;
    let named = match openapi.get("properties") {
        None => BTreeMap::new(),
        Some(Value::Object(properties)) => properties
            .iter()
            .map(|(name, part)| Ok((name.clone(), compile(part, depth_left)?)))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(bad("properties", "a mapping")),
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let required = reader.list("required")?.iter().filter_map(text).collect();
    let tolerant = reader.flag("x-kubernetes-preserve-unknown-fields")?
        || reader.flag("x-kubernetes-embedded-resource")?;
    let others = match openapi.get("additionalProperties") {
        Some(Value::Bool(true)) => Others::Like(Schema::default()),
        Some(part @ Value::Object(_)) => Others::Like(compile(part, depth_left)?),
        // A mapping of which nothing is said, `type: object` alone, is free.
        _ if tolerant || openapi.get("properties").is_none() => Others::Like(Schema::default()),
        _ => Others::Unknown,
    };
    let count = reader.counts("minProperties", "maxProperties")?;
    Ok(Kind::Mapping(Box::new(Fields { named, required, others, count })))
}

fn bad(keyword: &'static str, wanted: &'static str) -> SchemaError {
    SchemaError::BadKeyword { keyword, wanted }
}

/// Reads the keywords of one schema.
#[derive(Clone, Copy)]
struct Keywords<'v>(&'v Value);

impl<'v> Keywords<'v> {
    fn read<T>(
        self,
        keyword: &'static str,
        wanted: &'static str,
        convert: impl Fn(&'v Value) -> Option<T>,
    ) -> Result<Option<T>, SchemaError> {
        let value = self.0.get(keyword);
        value.map(|value| convert(value).ok_or_else(|| bad(keyword, wanted))).transpose()
    }

    fn flag(self, keyword: &'static str) -> Result<bool, SchemaError> {
        Ok(self.read(keyword, "a boolean", Value::as_bool)?.unwrap_or(false))
    }

    fn text(self, keyword: &'static str) -> Result<Option<&'v str>, SchemaError> {
        self.read(keyword, "a string", Value::as_str)
    }

    fn list(self, keyword: &'static str) -> Result<&'v [Value], SchemaError> {
        let list = self.read(keyword, "a list", |value| value.as_array().map(Vec::as_slice))?;
        Ok(list.unwrap_or_default())
    }

    fn counts(self, min: &'static str, max: &'static str) -> Result<CountRange, SchemaError> {
        let count = |keyword| self.read(keyword, "a count", Value::as_u64);
        Ok(CountRange { min: count(min)?, max: count(max)? })
    }

    fn bound(
        self,
        keyword: &'static str,
        exclusive: &'static str,
    ) -> Result<Option<Bound>, SchemaError> {
        let value = self.read(keyword, "a number", |value| value.as_number().cloned())?;
        let exclusive = self.flag(exclusive)?;
        Ok(value.map(|value| Bound { value, exclusive }))
    }

    fn numbers(self) -> Result<NumberRange, SchemaError> {
        let min = self.bound("minimum", "exclusiveMinimum")?;
        Ok(NumberRange { min, max: self.bound("maximum", "exclusiveMaximum")? })
    }

    /// Like [`Self::numbers`], with what the integer's format can hold where nothing
    /// narrower is said.
    fn integers(self) -> Result<NumberRange, SchemaError> {
        let NumberRange { min, max } = self.numbers()?;
        let bound = |value: serde_json::Number| Bound { value, exclusive: false };
        let (least, greatest) = match self.text("format")? {
            Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        Ok(NumberRange {
            min: min.or_else(|| Some(bound(least.into()))),
            max: max.or_else(|| Some(bound(greatest.into()))),
        })
    }

    /// The long spelling of `x-kubernetes-int-or-string`.
    fn is_any_of_int_and_string(self) -> bool {
        let types = |part: &'v Value| part.get("type").and_then(Value::as_str);
        let Some(Value::Array(parts)) = self.0.get("anyOf") else { return false };
        let found: Vec<_> = parts.iter().map(types).collect();
        matches!(found[..], [Some("integer"), Some("string")] | [Some("string"), Some("integer")])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_bad_schema_is_refused() {
        for (openapi, expected) in [
            (json!({"type": 3}), "the schema's `type` is not a string"),
            (json!({"type": "text"}), "the schema names the unknown type `text`"),
            (json!({"type": "string", "maxLength": -1}), "the schema's `maxLength` is not a count"),
            (
                json!({"type": "object", "properties": []}),
                "the schema's `properties` is not a mapping",
            ),
            (json!({"enum": "a"}), "the schema's `enum` is not a list"),
            (json!({"nullable": "yes"}), "the schema's `nullable` is not a boolean"),
            (json!({"type": "integer", "minimum": "1"}), "the schema's `minimum` is not a number"),
        ] {
            assert_eq!(Schema::compile_part(&openapi).unwrap_err().to_string(), expected);
        }
        let deep = (0..200).fold(json!({}), |inner, _| json!({"type": "array", "items": inner}));
        assert_eq!(
            Schema::compile_part(&deep),
            Err(SchemaError::TooDeep { max: MAX_SCHEMA_DEPTH })
        );
    }

    #[test]
    fn both_spellings_of_int_or_string_are_one() {
        for openapi in [
            json!({"x-kubernetes-int-or-string": true}),
            json!({"anyOf": [{"type": "integer"}, {"type": "string"}]}),
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}], "pattern": "x"}),
        ] {
            assert_eq!(Schema::compile_part(&openapi).unwrap().kind, Kind::IntOrString);
        }
    }
}

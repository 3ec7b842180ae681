//! A CRD's `OpenAPI` schema as a small typed tree, compiled once and walked often.
//!
//! It holds what a structural schema of Kubernetes can say of a value's shape. What
//! it leaves out is checked elsewhere: CEL rules by the API server, `pattern` and
//! what spans several fields by `cluster`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::OnceLock;

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Number, Value};

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
    List(Box<Part>, CountRange),
    Mapping(Box<Fields>),
}

/// What a mapping holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields {
    pub(super) named: BTreeMap<String, Part>,
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
    Like(Part),
}

/// A schema below another one, compiled when a walk first comes to it: a cluster uses few of the
/// fields that there are, and most runs of the program read one cluster.
#[derive(Debug, Clone, Default)]
pub(super) struct Part {
    /// JSON; nothing for a schema that allows anything.
    json: Option<Cow<'static, str>>,
    lines: Lines,
    schema: OnceLock<Schema>,
}

impl Part {
    fn new(json: impl Into<Cow<'static, str>>, lines: Lines) -> Self {
        Self { json: Some(json.into()), lines, schema: OnceLock::new() }
    }

    fn compile(&self) -> Result<Schema, SchemaError> {
        let Some(json) = self.json.as_deref() else { return Ok(Schema::default()) };
        let mut keywords = Keywords::read(json)?;
        if let Some(line) = keywords.line {
            keywords = Keywords::read(self.lines.at(line)?)?;
        }
        keywords.compile(self.lines)
    }
}

impl Deref for Part {
    type Target = Schema;

    /// A part that cannot be compiled allows anything: the tests compile every one.
    fn deref(&self) -> &Schema {
        self.schema.get_or_init(|| self.compile().unwrap_or_default())
    }
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl From<Schema> for Part {
    fn from(schema: Schema) -> Self {
        Self { schema: OnceLock::from(schema), ..Self::default() }
    }
}

/// The text whose lines `{"$ref":3}` counts, from 0; without a line where nothing may be referred to.
#[derive(Debug, Clone, Copy, Default)]
struct Lines(&'static str);

impl Lines {
    fn at(self, line: usize) -> Result<&'static str, SchemaError> {
        self.0.lines().nth(line).ok_or(SchemaError::NoSuchLine { line })
    }
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
    pub(super) value: Number,
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
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// It is no JSON, or a keyword has a value of the wrong kind.
    #[error("the schema cannot be read")]
    Malformed {
        /// Which part, and what was expected.
        source: serde_json::Error,
    },
    /// A `type` that is not of `OpenAPI` v3.
    #[error("the schema names the unknown type `{name}`")]
    UnknownType {
        /// The type's name.
        name: String,
    },
    /// A reference to a line that its text does not have, or that refers to another one.
    #[error("the schema refers to the line {line}, which holds no schema")]
    NoSuchLine {
        /// The line, counted from 0.
        line: usize,
    },
}

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
        Ok(Self::compile_part(openapi)?.of_resource())
    }

    /// The same from text of one schema a line, as JSON. The first is that of the resource;
    /// wherever one stands below another it may be `{"$ref":3}`, the line with that number,
    /// counted from 0. Lines that no walk comes to are never read.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] when the first line is no JSON, or no `OpenAPI` v3 schema.
    pub fn compile_lines(text: &'static str) -> Result<Self, SchemaError> {
        let lines = Lines(text);
        Ok(Keywords::read(lines.at(0)?)?.compile(lines)?.of_resource())
    }

    /// Compiles the schema of any value.
    ///
    /// # Errors
    ///
    /// [`SchemaError`] when it is no `OpenAPI` v3 schema.
    pub fn compile_part(openapi: &Value) -> Result<Self, SchemaError> {
        let keywords = Keywords::deserialize(openapi);
        keywords.map_err(|source| SchemaError::Malformed { source })?.compile(Lines::default())
    }

    fn of_resource(mut self) -> Self {
        if let Kind::Mapping(fields) = &mut self.kind {
            let text = || Self { kind: Kind::String(CountRange::default()), ..Self::default() };
            for (name, of) in [
                ("apiVersion", text().into()),
                ("kind", text().into()),
                ("metadata", Part::new(object_meta::OPENAPI, Lines::default())),
            ] {
                fields.named.insert(name.to_owned(), of);
                if !fields.required.iter().any(|known| known == name) {
                    fields.required.push(name.to_owned());
                }
            }
        }
        self
    }
}

/// The keywords of one schema that say something of a value's shape.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a keyword of its own")]
struct Keywords {
    /// The schema is another line.
    #[serde(rename = "$ref")]
    line: Option<usize>,
    r#type: Option<String>,
    format: Option<String>,
    nullable: bool,
    r#enum: Vec<Value>,
    items: Option<Box<RawValue>>,
    properties: Option<BTreeMap<String, Box<RawValue>>>,
    additional_properties: Option<Box<RawValue>>,
    required: Vec<String>,
    any_of: Vec<Keywords>,
    minimum: Option<Number>,
    exclusive_minimum: bool,
    maximum: Option<Number>,
    exclusive_maximum: bool,
    min_length: Option<u64>,
    max_length: Option<u64>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    min_properties: Option<u64>,
    max_properties: Option<u64>,
    #[serde(rename = "x-kubernetes-int-or-string")]
    int_or_string: bool,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    preserve_unknown_fields: bool,
    #[serde(rename = "x-kubernetes-embedded-resource")]
    embedded_resource: bool,
}

impl Keywords {
    fn read(json: &str) -> Result<Self, SchemaError> {
        serde_json::from_str(json).map_err(|source| SchemaError::Malformed { source })
    }

    fn compile(self, lines: Lines) -> Result<Schema, SchemaError> {
        if let Some(line) = self.line {
            return Err(SchemaError::NoSuchLine { line });
        }
        let (nullable, one_of) = (self.nullable, self.r#enum.clone());
        let kind = if self.int_or_string || self.is_any_of_int_and_string() {
            Kind::IntOrString
        } else {
            match self.r#type.as_deref() {
                None if self.properties.is_some() => self.mapping(lines),
                None => Kind::Any,
                Some("object") => self.mapping(lines),
                Some("array") => {
                    let count = CountRange { min: self.min_items, max: self.max_items };
                    let item = self.items.map(|json| part(json, lines));
                    Kind::List(Box::new(item.unwrap_or_default()), count)
                }
                Some("string") => {
                    Kind::String(CountRange { min: self.min_length, max: self.max_length })
                }
                Some("boolean") => Kind::Boolean,
                Some("integer") => Kind::Integer(self.integers()),
                Some("number") => Kind::Number(self.numbers()),
                Some(name) => return Err(SchemaError::UnknownType { name: name.to_owned() }),
            }
        };
        Ok(Schema { kind, nullable, one_of })
    }

    fn mapping(self, lines: Lines) -> Kind {
        let tolerant = self.preserve_unknown_fields || self.embedded_resource;
        let others = match self.additional_properties {
            Some(json) if json.get() == "true" => Others::Like(Part::default()),
            Some(json) if json.get() != "false" => Others::Like(part(json, lines)),
            // A mapping of which nothing is said, `type: object` alone, is free.
            _ if tolerant || self.properties.is_none() => Others::Like(Part::default()),
            _ => Others::Unknown,
        };
        let named = self.properties.unwrap_or_default().into_iter();
        let named = named.map(|(name, json)| (name, part(json, lines))).collect();
        let count = CountRange { min: self.min_properties, max: self.max_properties };
        Kind::Mapping(Box::new(Fields { named, required: self.required, others, count }))
    }

    fn numbers(&self) -> NumberRange {
        let bound = |value: &Option<Number>, exclusive| {
            value.clone().map(|value| Bound { value, exclusive })
        };
        NumberRange {
            min: bound(&self.minimum, self.exclusive_minimum),
            max: bound(&self.maximum, self.exclusive_maximum),
        }
    }

    /// Like [`Self::numbers`], with what the integer's format can hold where nothing
    /// narrower is said.
    fn integers(&self) -> NumberRange {
        let NumberRange { min, max } = self.numbers();
        let bound = |value: i64| Some(Bound { value: value.into(), exclusive: false });
        let (least, greatest) = match self.format.as_deref() {
            Some("int32") => (i64::from(i32::MIN), i64::from(i32::MAX)),
            _ => (i64::MIN, i64::MAX),
        };
        NumberRange { min: min.or_else(|| bound(least)), max: max.or_else(|| bound(greatest)) }
    }

    /// The long spelling of `x-kubernetes-int-or-string`.
    fn is_any_of_int_and_string(&self) -> bool {
        let found: Vec<_> = self.any_of.iter().map(|part| part.r#type.as_deref()).collect();
        matches!(found[..], [Some("integer"), Some("string")] | [Some("string"), Some("integer")])
    }
}

fn part(json: Box<RawValue>, lines: Lines) -> Part {
    Part::new(String::from(Box::<str>::from(json)), lines)
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use serde_json::json;

    use crate::api::{SCHEMA_LINES, crd};

    use super::*;

    #[test]
    fn a_bad_schema_is_refused() {
        for (openapi, cause) in [
            (json!({"type": 3}), "expected a string"),
            (json!({"type": "string", "maxLength": -1}), "expected u64"),
            (json!({"type": "object", "properties": []}), "expected a map"),
            (json!({"enum": "a"}), "expected a sequence"),
            (json!({"nullable": "yes"}), "expected a boolean"),
            (json!({"type": "integer", "minimum": "1"}), "expected a JSON number"),
        ] {
            let error = Schema::compile_part(&openapi).unwrap_err();
            let source = error.source().unwrap().to_string();
            assert!(source.contains(cause), "{openapi}: {source}");
        }
        let unknown = Schema::compile_part(&json!({"type": "text"})).unwrap_err();
        assert_eq!(unknown.to_string(), "the schema names the unknown type `text`");
    }

    #[test]
    fn lines_give_the_same_as_the_value_with_each_of_them_in_its_place() {
        let text = r#"{"type": "object", "properties": {"a": {"$ref": 2}, "b": {"$ref": 1}}}
{"type": "array", "items": {"$ref": 2}}
{"type": "object", "properties": {"c": {"type": "integer", "minimum": 1.5}}}
"#;
        let item = json!({"type": "object", "properties": {
            "c": {"type": "integer", "minimum": 1.5},
        }});
        let value = json!({"type": "object", "properties": {
            "a": item, "b": {"type": "array", "items": item},
        }});
        assert_eq!(Schema::compile_lines(text).unwrap(), Schema::compile(&value).unwrap());
        assert!(Schema::compile_lines("{").is_err());
        assert!(matches!(Schema::compile_lines(""), Err(SchemaError::NoSuchLine { line: 0 })));
        let lost = Part::new(r#"{"$ref": 3}"#, Lines(text)).compile().unwrap_err();
        assert_eq!(lost.to_string(), "the schema refers to the line 3, which holds no schema");
        let round = Part::new(r#"{"$ref": 0}"#, Lines(r#"{"$ref": 0}"#)).compile();
        assert!(matches!(round, Err(SchemaError::NoSuchLine { line: 0 })));
    }

    #[test]
    fn the_lines_are_the_schema_of_the_custom_resource() {
        let whole = &crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"];
        let lines = Schema::compile_lines(SCHEMA_LINES).unwrap();
        assert_eq!(lines, Schema::compile(whole).unwrap());
    }

    #[test]
    fn every_part_of_the_clusters_schema_compiles() {
        fn below(schema: &Schema) -> usize {
            let part = |part: &Part| {
                let schema = part.compile().unwrap();
                1 + below(&schema)
            };
            match &schema.kind {
                Kind::List(item, _) => part(item),
                Kind::Mapping(fields) => {
                    let others = match &fields.others {
                        Others::Like(like) => part(like),
                        Others::Unknown => 0,
                    };
                    others + fields.named.values().map(part).sum::<usize>()
                }
                _ => 0,
            }
        }
        assert!(below(&Schema::compile_lines(SCHEMA_LINES).unwrap()) > 300);
        let broken = json!({"type": "object", "properties": {"a": {"type": "text"}}});
        let Kind::Mapping(fields) = Schema::compile_part(&broken).unwrap().kind else {
            panic!("a mapping")
        };
        assert!(fields.named["a"].compile().is_err());
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

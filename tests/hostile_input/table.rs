//! Inputs that would cost much, and what is said of each.

use gungnir::input::limits::{MAX_DEPTH, MAX_INPUT_BYTES};

const MIB: usize = 1 << 20;

/// `count` times what `part` makes of its number.
fn repeat(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

/// Ten lists, each holding the one before ten times.
fn alias_bomb() -> String {
    let uses = |n: usize| vec![format!("*a{n}"); 10].join(",");
    "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned()
        + &repeat(9, |n| format!("a{}: &a{} [{}]\n", n + 1, n + 1, uses(n)))
}

/// A long text, named once and used often.
fn text_bomb() -> String {
    format!("a: &x \"{}\"\nb: [{}]\n", "x".repeat(MIB), vec!["*x"; 900].join(","))
}

/// Mappings that each merge all mappings before.
fn merge_bomb() -> String {
    let uses = |n: usize| (0..n).map(|m| format!("*a{m}")).collect::<Vec<_>>().join(",");
    repeat(200, |n| format!("a{n}: &a{n} {{<<: [{}], k{n}: 1}}\n", uses(n)))
}

/// Lists as deep as allowed, put one into the other by aliases.
fn alias_tower() -> String {
    let (open, close) = ("[".repeat(MAX_DEPTH - 2), "]".repeat(MAX_DEPTH - 2));
    let floor = |n: usize| format!("a{}: &a{} {open}*a{n}{close}\n", n + 1, n + 1);
    format!("a0: &a0 {open}{close}\n") + &repeat(12, floor)
}

/// Anchors inside anchors, all of which the parser has to keep.
fn anchor_nest() -> String {
    repeat(MAX_DEPTH, |n| format!("&b{n} [")) + &"x,".repeat(MIB / 4) + &"]".repeat(MAX_DEPTH)
}

fn clusters(count: usize) -> String {
    repeat(count, |n| {
        let rest = "  labels:\n    team: shop\n    tier: cache\nspec:\n  replicas: 3\n  list:\n";
        let items = repeat(20, |i| format!("  - \"item number {i}\"\n"));
        format!("---\napiVersion: v1\nkind: K\nmetadata:\n  name: cache-{n}\n{rest}{items}")
    })
}

/// What makes an input's text, so that only one is held at a time.
pub type Make = Box<dyn Fn() -> Vec<u8>>;

/// Name, text, how many documents are read, and how the report starts (empty for none).
pub type Row = (&'static str, Make, usize, &'static str);

fn text(make: impl Fn() -> String + 'static) -> Make {
    Box::new(move || make().into_bytes())
}

/// Small texts that would become huge, and deep ones.
pub fn bombs() -> Vec<Row> {
    vec![
        ("alias bomb", text(alias_bomb), 0, "error: input.yaml:5:18: aliases (`*name`) repeat"),
        ("text bomb", text(text_bomb), 0, "error: input.yaml:2:"),
        ("merge bomb", text(merge_bomb), 0, "error: input.yaml:"),
        ("alias tower", text(alias_tower), 0, "error: input.yaml:2:"),
        ("anchors in anchors", text(anchor_nest), 0, "error: input.yaml:1:"),
        (
            "many anchors",
            text(|| repeat(100_000, |n| format!("- &a{n} x\n"))),
            0,
            "error: input.yaml:1001:",
        ),
        (
            "open lists",
            text(|| "[".repeat(MIB)),
            0,
            "error: input.yaml:1:41: mappings and lists are",
        ),
        (
            "open mappings",
            text(|| "{".repeat(MIB)),
            0,
            "error: input.yaml:1:41: mappings and lists are",
        ),
        (
            "nested lists",
            text(|| "- ".repeat(MIB / 2)),
            0,
            "error: input.yaml:1:81: mappings and lists",
        ),
        (
            "nested keys",
            text(|| "a: ".repeat(MIB / 3)),
            0,
            "error: input.yaml:1:5: mapping values are",
        ),
        (
            "complex keys",
            text(|| "? ".repeat(MIB / 2)),
            0,
            "error: input.yaml:1:81: mappings and lists",
        ),
        (
            "indented keys",
            text(|| repeat(1_400, |n| " ".repeat(n) + "a:\n")),
            0,
            "error: input.yaml:41:",
        ),
    ]
}

/// Much of one thing.
pub fn heaps() -> Vec<Row> {
    vec![
        (
            "one long plain text",
            text(|| "a: ".to_owned() + &"x".repeat(MAX_INPUT_BYTES - 3)),
            0,
            "error: input.yaml:1:1: the document is longer than 4 MiB",
        ),
        (
            "one text of 4 MiB",
            text(|| format!("a: '{}'", "x".repeat(4 * MIB - 5))),
            1,
            "error: input.yaml:1:1: the field",
        ),
        (
            "one block text of 4 MiB",
            text(|| format!("a: |\n  {}", "x".repeat(4 * MIB - 7))),
            1,
            "error: input.yaml:1:1: the field",
        ),
        (
            "too long",
            text(|| "a".repeat(MAX_INPUT_BYTES + 1)),
            0,
            "error: input.yaml:1:1: the input is longer than 16 MiB",
        ),
        (
            "a million keys",
            text(|| repeat(1_000_000, |n| format!("k{n}:\n"))),
            0,
            "error: input.yaml:1:1: the document is longer",
        ),
        (
            "many keys",
            text(|| repeat(300_000, |n| format!("k{n}:\n"))),
            0,
            "error: input.yaml:75000:",
        ),
        (
            "repeated keys",
            text(|| repeat(70_000, |n| format!("k{}:\n", n % 35_000))),
            0,
            "error: input.yaml:35001:1: the key `k0` is set twice",
        ),
        (
            "number keys",
            text(|| repeat(70_000, |n| format!("{n}:\n"))),
            0,
            "error: input.yaml:1:1: a key must be a string",
        ),
        (
            "unknown fields",
            text(|| "spec:\n".to_owned() + &repeat(70_000, |n| format!("  replica{n}: 1\n"))),
            1,
            "error: input.yaml:2:3: spec.replica0: unknown field",
        ),
        (
            "wrong items",
            text(|| "spec: {list: [".to_owned() + &"1,".repeat(140_000) + "]}"),
            1,
            "error: input.yaml:1:15: spec.list[0]: expected a string",
        ),
        ("key of 1 MiB", text(|| "k".repeat(MIB) + ": 1"), 0, "error: input.yaml:1:1048577:"),
    ]
}

/// Marks, blanks and bytes.
pub fn garbage() -> Vec<Row> {
    vec![
        ("colons", text(|| ":".repeat(MIB)), 0, "error: input.yaml:1:1048576:"),
        ("commas", text(|| format!("[{}]", ",".repeat(MIB))), 0, "error: input.yaml:1:2:"),
        ("bangs", text(|| "!".repeat(MIB)), 0, "error: input.yaml:1:1:"),
        ("percents", text(|| "%".repeat(MIB)), 0, "error: input.yaml:1:2:"),
        ("quotes", text(|| "\"".repeat(MIB)), 0, "error: input.yaml:1:3:"),
        ("ampersands", text(|| "&".repeat(MIB)), 0, ""),
        ("stars", text(|| "*".repeat(MIB)), 0, "error: input.yaml:1:"),
        ("pipes", text(|| "|\n".repeat(MIB / 2)), 1, "error: input.yaml:2:1: expected a mapping"),
        (
            "tabs",
            text(|| "\t".repeat(MIB) + "a"),
            1,
            "error: input.yaml:1:1048577: expected a mapping",
        ),
        ("blanks", text(|| " ".repeat(4 * MIB)), 0, ""),
        ("line breaks", text(|| "\n".repeat(4 * MIB)), 0, ""),
        ("comments", text(|| "#c\n".repeat(MIB)), 0, ""),
        ("comment of 4 MiB", text(|| "#".repeat(4 * MIB)), 0, ""),
        ("document marks", text(|| "---\n".repeat(MIB)), 0, ""),
        ("broken documents", text(|| "---\n[\n".repeat(MIB / 16)), 0, "error: input.yaml:2:"),
        (
            "scalar documents",
            text(|| "---\na\n".repeat(MIB / 16)),
            MIB / 16,
            "error: input.yaml:2:1: expected a mapping",
        ),
        ("words", text(|| "a ".repeat(MIB)), 1, "error: input.yaml:1:1: expected a mapping"),
        ("lines", text(|| "a\n".repeat(MIB)), 1, "error: input.yaml:1:1: expected a mapping"),
        ("10,000 clusters", text(|| clusters(10_000)), 10_000, ""),
        (
            "deepest",
            text(|| "[".repeat(MAX_DEPTH) + &"]".repeat(MAX_DEPTH)),
            1,
            "error: input.yaml:1:1: expected a mapping",
        ),
        (
            "too deep by one",
            text(|| "[".repeat(MAX_DEPTH + 1) + &"]".repeat(MAX_DEPTH + 1)),
            0,
            "error: input.yaml:1:41: mappings and lists",
        ),
        ("nothing", text(String::new), 0, ""),
        (
            "zeros",
            Box::new(|| vec![0; MIB]),
            0,
            "error: input.yaml:1:1: the control character 0x00",
        ),
        ("0xff", Box::new(|| vec![0xff; MIB]), 0, "error: input.yaml:1:1: the byte 0xff"),
        (
            "half a character",
            Box::new(|| b"a: \xe2\x82".to_vec()),
            0,
            "error: input.yaml:1:4: the byte 0xe2",
        ),
    ]
}

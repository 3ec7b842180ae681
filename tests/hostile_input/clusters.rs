//! Inputs full of clusters, which cost more than text: each is checked and kept.

use gungnir::input::limits::{MAX_OBJECTS, OF_A_FILE};

/// A name, what makes the input, and how what is said of it starts.
pub type Row = (&'static str, fn() -> String, &'static str);

/// All of them.
pub const ROWS: &[Row] = &[
    (
        "100,001 clusters, the last misspelt",
        misspelt_at_the_end,
        "error: stdin:50002:1: the input holds more than 10000 objects\n",
    ),
    (
        "clusters that aliases make long",
        long_by_aliases,
        "error: stdin:12:1: the clusters of the input are longer than 16 MiB, aliases expanded\n",
    ),
    (
        "a cluster that aliases make long, misspelt",
        || cluster(0, "{args: [&a \"") + &"x".repeat(80_000) + "\", " + &"*a,".repeat(100) + "]}",
        "error: stdin:5:8: spec.args: unknown field\n",
    ),
    (
        "a cluster of 4 MiB",
        || cluster(0, "{image: \"") + &"x".repeat(OF_A_FILE.bytes - 200) + "\"}\n",
        "error: stdin:5:15: spec.image: expected at most 512 characters, found ",
    ),
    (
        "a cluster with 70,000 arguments",
        || {
            let head = "{replica: 3, extraContainers: [{name: a, image: a, args: [";
            cluster(0, head) + &"\"a\",".repeat(70_000) + "]}]}\n"
        },
        "error: stdin:5:8: spec.replica: unknown field\n",
    ),
    (
        "100,000 labels",
        || cluster(0, "\n  labels:\n") + &repeat(70_000, |n| format!("    Ä{n}: x\n")),
        "error: stdin:7:5: spec.labels",
    ),
];

/// `count` times what `part` makes of its number.
fn repeat(count: usize, part: impl Fn(usize) -> String) -> String {
    (0..count).map(part).collect()
}

fn cluster(number: usize, spec: &str) -> String {
    format!(
        "---\napiVersion: valkey.verilean.io/v1\nkind: ValkeyCluster\nmetadata: {{name: \
         a{number}}}\nspec: {spec}"
    )
}

fn misspelt_at_the_end() -> String {
    repeat(10 * MAX_OBJECTS, |n| cluster(n, "{replicas: 3}\n")) + &cluster(0, "{replica: 3}\n")
}

/// Each is some 8 MiB once its aliases are expanded.
fn long_by_aliases() -> String {
    let text = "x".repeat(80_000);
    let arguments = format!("&a \"{text}\", {}", "*a, ".repeat(100));
    let spec = format!("{{extraContainers: [{{name: a, image: a, args: [{arguments}]}}]}}\n");
    repeat(100, |n| cluster(n, &spec))
}

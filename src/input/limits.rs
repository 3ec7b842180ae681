//! How much one input may cost.
//!
//! Input comes from anybody: a pull request, a plugin, a pipe. Each limit below
//! is far above what a real cluster needs (the API server itself refuses objects
//! over 3 MiB), and together they keep the worst input that is at fault under 64 MiB
//! of memory and well under a second a MiB. One that is sound also takes what it
//! renders to, some 30 KiB a cluster. A breach is an error that names the limit.

use serde_saphyr::Options;

/// The most bytes one file or stream may have (16 MiB).
pub const MAX_INPUT_BYTES: usize = 16 << 20;

/// The most objects that are kept of one input: clusters, and others where they are
/// wanted.
pub const MAX_OBJECTS: usize = 10_000;

/// The deepest nesting of mappings and lists in one document, aliases expanded. The
/// CRDs of large projects reach 27. A level costs 5 KiB of stack (43 KiB when not
/// optimised), so that a thread of 2 MiB is enough.
pub const MAX_DEPTH: usize = 40;

/// The most anchors (`&a`), aliases (`*a`) and merge keys (`<<`), each, of one document.
pub const MAX_ALIASES: usize = 1_000;

/// The most parser events (a value's start, its end, a scalar) that aliases of one
/// document may bring in again, and that may be kept for them.
pub const MAX_ALIAS_EVENTS: usize = 50_000;

/// The most faults that are looked for in one document.
pub const MAX_FAULTS: usize = 200;

/// How much one document may cost, and what helps whoever passes that.
#[derive(Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// The most bytes.
    pub bytes: usize,
    /// The most values (mappings, lists, scalars and keys), each use of an alias counted anew.
    pub nodes: usize,
    /// The most bytes all scalars may have together, each use of an alias counted anew.
    pub scalar_bytes: usize,
    /// What to do with an input that is too long.
    pub input_cure: &'static str,
    /// What to do with a document that is too long.
    pub document_cure: &'static str,
}

/// A document that people wrote: 4 MiB, 150,000 values, 8 MiB of text.
pub const OF_A_FILE: DocumentLimits = DocumentLimits {
    bytes: 4 << 20,
    nodes: 150_000,
    scalar_bytes: 8 << 20,
    input_cure: "split it into several files",
    document_cure: "separate the objects by lines of `---`",
};

/// A `ResourceList` by which a tool hands over every object of a folder as one document: as
/// long as any input, 1,000,000 values. Only who calls Gungnir makes one, and it may take
/// 200 MiB of memory.
pub const OF_A_LIST: DocumentLimits = DocumentLimits {
    bytes: MAX_INPUT_BYTES,
    nodes: 1_000_000,
    scalar_bytes: MAX_INPUT_BYTES,
    input_cure: LIST_CURE,
    document_cure: LIST_CURE,
};

const LIST_CURE: &str = "have the tool hand over fewer objects: keep the clusters in a folder of \
                         their own, with the function there";

/// How people's YAML is read: as `kubectl apply` reads it, inside the limits.
///
/// `0644` is octal, and `yes`, `on`, `y` and their like are booleans, because the
/// API server would see them so. Repeated keys are passed on: the reader reports
/// them with both places.
pub(super) fn options(limits: &DocumentLimits) -> Options {
    serde_saphyr::options! {
        legacy_octal_numbers: true,
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::PassThrough,
        reject_unsupported_tags: true,
        emit_comments: false,
        with_snippet: false,
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: MAX_ALIAS_EVENTS,
            max_replay_stack_depth: 16,
            max_alias_expansions_per_anchor: MAX_ALIASES,
        },
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_events: 2 * limits.nodes + 100,
            max_nodes: limits.nodes,
            max_total_scalar_bytes: limits.scalar_bytes,
            max_anchors: MAX_ALIASES,
            max_aliases: MAX_ALIASES,
            max_merge_keys: MAX_ALIASES,
            max_recorded_anchor_events: MAX_ALIAS_EVENTS,
            max_recorded_anchor_bytes: limits.scalar_bytes,
            // The plain limits above hold already; a ratio only refuses honest files.
            enforce_alias_anchor_ratio: false,
        },
    }
}

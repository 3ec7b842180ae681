//! How much one input may cost.
//!
//! Input comes from anybody: a pull request, a plugin, a pipe. Each limit below
//! is far above what a real cluster needs (the API server itself refuses objects
//! over 3 MiB), and together they keep the worst input under 64 MiB of memory
//! and well under a second a MiB. A breach is an error that names the limit.

use serde_saphyr::Options;

/// The most bytes one file or stream may have (16 MiB).
pub const MAX_INPUT_BYTES: usize = 16 << 20;

/// The most bytes one document of a stream may have (4 MiB).
pub const MAX_DOCUMENT_BYTES: usize = 4 << 20;

/// The most values (mappings, lists, scalars and keys) of one document,
/// each use of an alias counted anew.
pub const MAX_NODES: usize = 150_000;

/// The deepest nesting of mappings and lists in one document, aliases expanded. The
/// CRDs of large projects reach 27. A level costs 5 KiB of stack (43 KiB when not
/// optimised), so that a thread of 2 MiB is enough.
pub const MAX_DEPTH: usize = 40;

/// The most bytes all scalars of one document may have together (8 MiB), each
/// use of an alias counted anew.
pub const MAX_SCALAR_BYTES: usize = 8 << 20;

/// The most anchors (`&a`), aliases (`*a`) and merge keys (`<<`), each, of one document.
pub const MAX_ALIASES: usize = 1_000;

/// The most parser events (a value's start, its end, a scalar) that aliases of one
/// document may bring in again, and that may be kept for them.
pub const MAX_ALIAS_EVENTS: usize = 50_000;

/// The most faults that are looked for in one document.
pub const MAX_FAULTS: usize = 200;

/// How people's YAML is read: as `kubectl apply` reads it, inside the limits.
///
/// `0644` is octal, and `yes`, `on`, `y` and their like are booleans, because the
/// API server would see them so. Repeated keys are passed on: the reader reports
/// them with both places.
pub(super) fn options() -> Options {
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
            max_events: 2 * MAX_NODES + 100,
            max_nodes: MAX_NODES,
            max_total_scalar_bytes: MAX_SCALAR_BYTES,
            max_anchors: MAX_ALIASES,
            max_aliases: MAX_ALIASES,
            max_merge_keys: MAX_ALIASES,
            max_recorded_anchor_events: MAX_ALIAS_EVENTS,
            max_recorded_anchor_bytes: MAX_SCALAR_BYTES,
            // The plain limits above hold already; a ratio only refuses honest files.
            enforce_alias_anchor_ratio: false,
        },
    }
}

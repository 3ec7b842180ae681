//! The program as people and scripts meet it: stdout, stderr and exit code of each command, held
//! exactly. What it renders is the goldens' business; here it is how one asks for it.
//!
//! | module | what it is about |
//! | --- | --- |
//! | `sources` | what goes in, in which form and from where |
//! | `render` | what is asked for, and what comes out |
//! | `output_dir` | one object a file |
//! | `diff` | what a change does, and as which sides |
//! | `specs` | the same of two specs, field by field |
//! | `files` | what cannot be read or written |
//! | `validate` | faults in each format |
//! | `krm` | the function for kustomize and kpt |
//! | `plugin` | what Argo CD calls |
//! | `explain` | the story of a trace, and what a sentinel says of itself |
//! | `switchover` | what a sentinel is asked to do |
//! | `usage` | the command line itself, colour, generated pages |
#![allow(clippy::expect_used, clippy::unwrap_used)] // in the helpers: a test that panics fails

mod support;

mod cli {
    mod diff;
    mod explain;
    mod files;
    mod krm;
    mod output_dir;
    mod plugin;
    mod render;
    mod sources;
    mod specs;
    mod switchover;
    mod usage;
    mod validate;
}

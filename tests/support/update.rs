//! Whether what is kept in Git is written anew, instead of held against what it should be.

use std::env;

/// What is said of a wish that is not granted.
pub const REFUSAL: &str =
    "goldens are never rewritten where CI is set: a person reads the diff first";

/// Whether the environment asks for it. Panics where nobody would read the diff.
#[track_caller]
pub fn wants_update() -> bool {
    let variable = |name| env::var(name).ok();
    granted(variable("UPDATE_GOLDEN").as_deref(), variable("CI").as_deref())
        .unwrap_or_else(|refusal| panic!("{refusal}"))
}

/// The same for these values of `UPDATE_GOLDEN` and `CI`.
pub fn granted(update: Option<&str>, ci: Option<&str>) -> Result<bool, &'static str> {
    match (update, ci) {
        (None | Some("" | "0"), _) => Ok(false),
        (Some(_), None) => Ok(true),
        (Some(_), Some(_)) => Err(REFUSAL),
    }
}

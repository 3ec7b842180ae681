//! The versions, and one test a version.

use std::sync::OnceLock;

use crate::support::valkey::Installed;
use crate::support::valkey::install_series;

/// Every series that the tests run on. Redis 7.0 stands for Valkey 7.2, whose configuration it
/// shares.
const SERIES: [&str; 4] = ["7.0", "8.0", "8.1", "9"];

/// Every version, the oldest first; installed by the first call.
pub fn versions() -> &'static [Installed] {
    static INSTALLED: OnceLock<Vec<Installed>> = OnceLock::new();
    INSTALLED.get_or_init(|| install_series(&SERIES))
}

/// The version of a series.
///
/// # Panics
/// When it could not be installed.
pub fn version(series: &str) -> &'static Installed {
    let prefix = format!("{series}.");
    let found = versions().iter().find(|installed| installed.version.starts_with(&prefix));
    found.unwrap_or_else(|| panic!("no server of series {series} is installed"))
}

/// Makes each function of a version (`&Installed`) a test a version: `NAME::valkey_8_1`.
macro_rules! on_every_version {
    ($($test:ident),+ $(,)?) => {$(
        mod $test {
            use crate::version::version;

            #[test]
            fn redis_7_0() {
                super::$test(version("7.0"));
            }

            #[test]
            fn valkey_8_0() {
                super::$test(version("8.0"));
            }

            #[test]
            fn valkey_8_1() {
                super::$test(version("8.1"));
            }

            #[test]
            fn valkey_9() {
                super::$test(version("9"));
            }
        }
    )+};
}
pub(crate) use on_every_version;

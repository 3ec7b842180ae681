//! The scripts: one for each thing that Gungnir relies on.

macro_rules! scripts {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[test]
            fn is_the_same_on_real_servers() {
                crate::compare(super::$name);
            }
        }
    )+};
}

mod access;
mod clients;
mod disks;
mod ends;
mod roles;

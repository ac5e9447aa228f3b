//! Licences are read as SPDX expressions.

use xtask::tidy::Repository;
use xtask::tidy::licenses::{allowed, is_satisfied};
use xtask::tree::Tree;
use xtask::workspace::{Package, Workspace};

const ALLOWED: &[&str] = &["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"];

#[test]
fn expressions_are_satisfied_by_what_is_allowed() {
    for expression in [
        "MIT",
        "GPL-3.0 OR MIT",
        "GPL-3.0/MIT",
        "(MIT OR Apache-2.0) AND Unicode-3.0",
        "Apache-2.0 WITH LLVM-exception OR Apache-2.0",
        "GPL-3.0 AND GPL-2.0 OR MIT",
    ] {
        assert!(is_satisfied(expression, ALLOWED), "{expression}");
    }
}

#[test]
fn what_is_not_allowed_or_not_understood_is_refused() {
    for expression in [
        "",
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR GPL-3.0) AND GPL-3.0",
        "Apache-2.0",
        "Apache-2.0 WITH other-exception",
        "MIT MIT",
        "(MIT",
    ] {
        assert!(!is_satisfied(expression, ALLOWED), "{expression}");
    }
}

#[test]
fn foreign_packages_are_held_against_the_list() {
    let package = |license: Option<&str>, is_member| Package {
        license: license.map(str::to_owned),
        is_member,
        ..Package::default()
    };
    let found = |packages: &[Package]| {
        let workspace = Workspace {
            packages: packages.to_vec(),
            ..Workspace::default()
        };
        let deny = "[licenses]\nallow = [\n    \"MIT\", # \"GPL-3.0\"\n]\nother = [\"ISC\"]\n";
        let tree = Tree::of(&[("deny.toml", deny)]);
        allowed(&Repository {
            tree,
            workspace: &workspace,
        })
        .len()
    };
    assert_eq!(found(&[package(Some("MIT"), false)]), 0);
    assert_eq!(found(&[package(Some("GPL-3.0"), false)]), 1);
    assert_eq!(found(&[package(Some("ISC"), false)]), 1);
    assert_eq!(found(&[package(None, false)]), 1);
    assert_eq!(found(&[package(None, true)]), 0);
}

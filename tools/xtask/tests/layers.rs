//! Arrows that point up and dependencies that are not used are found.

use xtask::tidy::layers::{LAYERS, arrows, documented, layer, used};
use xtask::tidy::{Finding, Repository};
use xtask::tree::Tree;
use xtask::workspace::{Dependency, Kind, Package, Workspace};

fn package(folder: &str, name: &str, dependencies: &[(&str, Kind)]) -> Package {
    let dependency = |(name, kind): &(&str, Kind)| Dependency {
        name: (*name).to_owned(),
        code_name: name.replace('-', "_"),
        kind: *kind,
    };
    Package {
        name: name.to_owned(),
        folder: folder.to_owned(),
        is_member: true,
        dependencies: dependencies.iter().map(dependency).collect(),
        ..Package::default()
    }
}

fn workspace(packages: &[Package]) -> Workspace {
    Workspace {
        packages: packages.to_vec(),
        ..Workspace::default()
    }
}

fn findings(
    check: fn(&Repository<'_>) -> Vec<Finding>,
    packages: &[Package],
    files: &[(&str, &str)],
) -> Vec<String> {
    let workspace = workspace(packages);
    let repository = Repository {
        tree: Tree::of(files),
        workspace: &workspace,
    };
    check(&repository).iter().map(ToString::to_string).collect()
}

/// A loop and a timer queue, the one with this dependency on the other.
fn loop_and_timers(of_loop: &[(&str, Kind)], of_timers: &[(&str, Kind)]) -> Vec<Package> {
    vec![
        package("crates/asyncio-loop", "asyncio-loop", of_loop),
        package("crates/asyncio-timers", "asyncio-timers", of_timers),
        package("tools/testkit", "asyncio-testkit", &[]),
    ]
}

#[test]
fn the_table_itself_points_down() {
    for user in LAYERS {
        for used in user.uses {
            let used = layer(used).expect("a row for every crate that is used");
            assert!(used.rank < user.rank, "{} uses {}", user.name, used.name);
        }
    }
}

#[test]
fn an_arrow_down_is_allowed() {
    let packages = loop_and_timers(&[("asyncio-timers", Kind::Normal)], &[]);
    assert_eq!(findings(arrows, &packages, &[]), [""; 0]);
}

#[test]
fn an_arrow_up_is_refused_in_tests_too() {
    for kind in [Kind::Normal, Kind::Dev, Kind::Build] {
        let packages = loop_and_timers(&[], &[("asyncio-loop", kind)]);
        let found = findings(arrows, &packages, &[]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].starts_with("crates/asyncio-timers/Cargo.toml: rank 0"),
            "{found:?}"
        );
    }
}

#[test]
fn the_testkit_is_for_tests_only_and_uses_nothing_of_ours() {
    let packages = loop_and_timers(&[("asyncio-testkit", Kind::Dev)], &[]);
    assert_eq!(findings(arrows, &packages, &[]), [""; 0]);
    let packages = loop_and_timers(&[("asyncio-testkit", Kind::Normal)], &[]);
    assert_eq!(findings(arrows, &packages, &[]).len(), 1);
    let mut packages = loop_and_timers(&[], &[]);
    packages[2].dependencies = package("", "", &[("asyncio-timers", Kind::Normal)]).dependencies;
    assert_eq!(findings(arrows, &packages, &[]).len(), 1);
}

#[test]
fn a_crate_without_a_row_or_in_another_folder_is_refused() {
    let found = findings(
        arrows,
        &[package("crates/extra", "asyncio-extra", &[])],
        &[],
    );
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn what_a_crate_is_built_on_is_named_and_used() {
    let source = "crates/asyncio-futures/src/lib.rs";
    let built = package(
        "crates/asyncio-futures",
        "asyncio-futures",
        &[("futures-lite", Kind::Normal)],
    );
    let uses = "use futures_lite::FutureExt;";
    assert_eq!(
        findings(used, std::slice::from_ref(&built), &[(source, uses)]),
        [""; 0]
    );

    let found = findings(used, &[built], &[(source, "// futures_lite::FutureExt")]);
    assert!(
        found[0].contains("names `futures-lite`, which no file"),
        "{found:?}"
    );

    let unbuilt = package("crates/asyncio-futures", "asyncio-futures", &[]);
    let found = findings(used, &[unbuilt], &[(source, uses)]);
    assert!(
        found[0].contains("must be built on `futures-lite`"),
        "{found:?}"
    );
}

#[test]
fn tables_for_people_name_every_crate_with_its_rank() {
    let packages = [package("crates/asyncio-timers", "asyncio-timers", &[])];
    let readme = ("README.md", "| `asyncio-timers` | deadlines |\n");
    let page = |row| [readme, ("docs/src/architecture.md", row)];
    assert_eq!(
        findings(documented, &packages, &page("| 0 | `asyncio-timers` | |\n")),
        [""; 0]
    );
    let found = findings(documented, &packages, &page("| 1 | `asyncio-timers` | |\n"));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(findings(documented, &packages, &[]).len(), 2);
}

//! Manifests are read as cargo would, as far as the checks need.

use xtask::tidy::Repository;
use xtask::tidy::manifests::{oldest_toolchain, reasons, shared};
use xtask::tree::Tree;
use xtask::workspace::{Dependency, Kind, Package, Workspace};

const MEMBER: &str = "[package]\nversion.workspace = true\nedition.workspace = true\n\
    rust-version.workspace = true\nlicense.workspace = true\n\n[lints]\nworkspace = true\n\n\
    [dependencies]\nslab.workspace = true\nrustix = { workspace = true, features = [\n    \"net\",\n] }\n";

fn member() -> Workspace {
    let package = Package {
        folder: "crates/a".into(),
        is_member: true,
        ..Package::default()
    };
    Workspace {
        packages: vec![package],
        ..Workspace::default()
    }
}

fn shared_in(manifest: &str) -> Vec<String> {
    let workspace = member();
    let tree = Tree::of(&[("crates/a/Cargo.toml", manifest)]);
    let found = shared(&Repository {
        tree,
        workspace: &workspace,
    });
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn every_dependency_has_its_reason_and_a_user() {
    let mut workspace = member();
    let slab = Dependency {
        name: "slab".into(),
        ..Dependency::default()
    };
    workspace.packages[0].dependencies.push(slab);
    let found = |line: &str| {
        let ours = "[workspace.dependencies]\n# Ours.\na = { path = \"a\" }";
        let root = format!("{ours}\n{line}\n\n[profile.x]\ny = 1\n");
        let tree = Tree::of(&[("Cargo.toml", &root)]);
        reasons(&Repository {
            tree,
            workspace: &workspace,
        })
        .len()
    };
    assert_eq!(found("slab = \"0.4\" # stable small keys"), 0);
    assert_eq!(found("slab = \"0.4\""), 1);
    assert_eq!(found("other = \"0.4\" # nobody knows"), 1);
}

#[test]
fn members_share_lints_and_versions() {
    assert_eq!(shared_in(MEMBER), [""; 0]);
    for line in MEMBER
        .lines()
        .filter(|it| it.contains("workspace = true") && !it.contains("slab"))
    {
        if line.starts_with("rustix") {
            continue;
        }
        let found = shared_in(&MEMBER.replacen(line, "", 1));
        assert_eq!(found.len(), 1, "without {line}: {found:?}");
    }
}

#[test]
fn versions_stand_in_the_root_manifest() {
    let found = shared_in(&MEMBER.replace("slab.workspace = true", "slab = \"0.4\""));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("the version stands in the root manifest"),
        "{found:?}"
    );
}

#[test]
fn metadata_becomes_packages_and_a_newer_toolchain_is_found() {
    let json = |theirs: &str| {
        format!(
            r#"{{"workspace_root": "/r", "target_directory": "/r/target", "workspace_members": ["ours"],
            "packages": [
                {{"id": "theirs", "name": "b", "version": "1.0.0", "rust_version": "{theirs}",
                  "manifest_path": "/x/b/Cargo.toml", "dependencies": [], "targets": [], "features": {{}}}},
                {{"id": "ours", "name": "asyncio-a", "version": "0.1.0", "rust_version": "1.88",
                  "manifest_path": "/r/crates/asyncio-a/Cargo.toml",
                  "dependencies": [{{"name": "b-c", "kind": null, "rename": null}},
                                   {{"name": "d", "kind": "dev", "rename": "e"}}],
                  "targets": [{{"name": "asyncio_a", "kind": ["lib"], "src_path": "/r/crates/asyncio-a/src/lib.rs"}}],
                  "features": {{"default": [], "extra": []}}}}],
            "resolve": {{"nodes": [{{"id": "ours", "deps": [{{"pkg": "theirs", "dep_kinds": [{{"kind": null}}]}}]}},
                                   {{"id": "theirs", "deps": []}}]}}}}"#
        )
    };
    let workspace = Workspace::from_metadata(&json("1.88.0")).unwrap();
    let ours = workspace.member("asyncio-a").unwrap();
    assert_eq!(ours.folder, "crates/asyncio-a");
    assert_eq!(ours.features, ["extra"]);
    assert_eq!(ours.targets[0].path, "crates/asyncio-a/src/lib.rs");
    assert_eq!(
        (
            ours.dependencies[0].code_name.as_str(),
            ours.dependencies[0].kind
        ),
        ("b_c", Kind::Normal)
    );
    assert_eq!(
        (
            ours.dependencies[1].code_name.as_str(),
            ours.dependencies[1].kind
        ),
        ("e", Kind::Dev)
    );
    assert!(workspace.is_built_from(ours, "b"));

    let newer = |theirs| {
        let workspace = Workspace::from_metadata(&json(theirs)).unwrap();
        oldest_toolchain(&Repository {
            tree: Tree::default(),
            workspace: &workspace,
        })
        .len()
    };
    assert_eq!(
        (
            newer("1.56"),
            newer("1.88.0"),
            newer("1.88.1"),
            newer("1.100")
        ),
        (0, 0, 1, 1)
    );
}

#[test]
fn other_output_is_an_error() {
    assert!(Workspace::from_metadata("no json").is_err());
    assert!(Workspace::from_metadata("{}").is_err());
}

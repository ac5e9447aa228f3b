//! Manifests: every dependency has a reason, members share what they can.

use super::{Finding, Repository};

/// The table of the root manifest in which versions stand.
const DEPENDENCIES: &str = "[workspace.dependencies]";

/// What every member's manifest takes from the workspace.
const SHARED: &[&str] = &["version.workspace = true", "edition.workspace = true"];

/// What a library's manifest takes from it too. A tool may need a newer toolchain: no user builds it.
const SHARED_BY_LIBRARIES: &[&str] = &["rust-version.workspace = true", "license.workspace = true"];

/// Each foreign dependency in the workspace's table says at its end why we have it, and we have it.
pub fn reasons(repository: &Repository<'_>) -> Vec<Finding> {
    let Some(manifest) = repository.tree.file("Cargo.toml") else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (number, line) in section(&manifest.text, DEPENDENCIES) {
        let Some((name, rest)) = line.split_once(" = ") else {
            continue;
        };
        if line.starts_with('#') || rest.contains("path = ") {
            continue;
        }
        let finding = |message| Finding::new("Cargo.toml", message).on_line(number);
        if !rest.contains("# ") {
            let message = format!("`{name}` lacks its reason: a comment at the end of the line");
            findings.push(finding(message));
        }
        let mut members = repository.workspace.members();
        if !members.any(|it| it.dependencies.iter().any(|it| it.name == name)) {
            findings.push(finding(format!("no member uses `{name}`")));
        }
    }
    findings
}

/// Each member takes lints, version, edition and oldest toolchain from the workspace, and no
/// version of a dependency stands outside the workspace's table.
pub fn shared(repository: &Repository<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repository.workspace.members() {
        let path = format!("{}/Cargo.toml", package.folder);
        let Some(manifest) = repository.tree.file(&path) else {
            continue;
        };
        if !section(&manifest.text, "[lints]").any(|(_, line)| line == "workspace = true") {
            findings.push(Finding::new(&path, "lacks `[lints] workspace = true`"));
        }
        let is_library = package.folder.starts_with("crates/");
        let own = if is_library { SHARED_BY_LIBRARIES } else { &[] };
        for line in SHARED.iter().chain(own) {
            if !manifest.text.lines().any(|it| it.trim() == *line) {
                findings.push(Finding::new(&path, format!("lacks `{line}`")));
            }
        }
        findings.extend(own_versions(&path, &manifest.text));
    }
    findings
}

/// Dependencies that do not take their version from the workspace.
fn own_versions(path: &str, manifest: &str) -> Vec<Finding> {
    let mut in_dependencies = false;
    let mut findings = Vec::new();
    for (index, line) in manifest.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if in_dependencies && line.contains('=') && !line.starts_with('#') {
            // An entry may go over several lines; the first one names the package.
            let is_first = line
                .split('=')
                .next()
                .is_some_and(|it| !it.contains(['"', '[', ']']));
            if is_first && !line.contains("workspace = true") {
                let message = "the version stands in the root manifest, with its reason";
                findings.push(Finding::new(path, message).on_line(index + 1));
            }
        }
    }
    findings
}

/// No package that a library is built from asks for a newer toolchain than we promise.
pub fn oldest_toolchain(repository: &Repository<'_>) -> Vec<Finding> {
    let workspace = &repository.workspace;
    let ours = workspace
        .libraries()
        .filter_map(|it| it.rust_version.as_deref())
        .min();
    let Some(ours) = ours else {
        return vec![Finding::new(
            "Cargo.toml",
            "the library crates state no `rust-version`",
        )];
    };
    let newer = workspace
        .all_built_from(workspace.libraries())
        .into_iter()
        .filter(|it| {
            it.rust_version
                .as_deref()
                .is_some_and(|theirs| version(theirs) > version(ours))
        });
    let finding = |it: &crate::workspace::Package| {
        let theirs = it.rust_version.as_deref().unwrap_or_default();
        let message = format!(
            "`{} {}` asks for Rust {theirs}, we promise {ours}",
            it.name, it.version
        );
        Finding::new("Cargo.lock", message)
    };
    newer.map(finding).collect()
}

/// The numbers of a version, to be compared.
fn version(text: &str) -> Vec<u64> {
    let mut numbers: Vec<u64> = text.split('.').map(|it| it.parse().unwrap_or(0)).collect();
    numbers.resize(3, 0);
    numbers
}

/// The lines of a section of a manifest, trimmed, with their numbers from 1.
fn section<'a>(manifest: &'a str, header: &'a str) -> impl Iterator<Item = (usize, &'a str)> {
    let lines = manifest
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()));
    let after = lines.skip_while(move |(_, line)| *line != header).skip(1);
    after.take_while(|(_, line)| !line.starts_with('['))
}

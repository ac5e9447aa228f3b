//! A project outside the workspace for each library crate: it depends on that one crate by path,
//! and runs the example of its README. Where the example also names a crate below it, as a user who
//! already has that one does, the project depends on both.
//!
//! It shows that the crate can be used alone, as its README says, with what its manifest names and
//! nothing that the workspace happens to provide.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::shell::Shell;
use crate::tidy::documents::{blocks, is_rust};
use crate::workspace::{Dependency, Kind, Package, Workspace};

/// How long an example of a README may run.
const RUN_TIME_MAX: Duration = Duration::from_secs(60);

/// Builds and runs the projects of these crates, or of all, one after another, offline.
///
/// # Errors
///
/// When one does not build or run, or a README has no example.
pub fn run(workspace: &Workspace, packages: &[String]) -> Result<(), String> {
    let folder = Folder::create()?;
    let is_asked_for = |it: &&Package| packages.is_empty() || packages.contains(&it.name);
    for package in workspace.libraries().filter(is_asked_for) {
        let project = folder.path.join(&package.name);
        write_project(workspace, package, &project)
            .map_err(|error| format!("{}: {error}", package.name))?;
        let cargo = |command: &str| {
            // One target folder for all: what they share is built once.
            Shell::cargo(workspace, &[command, "--quiet", "--offline"])
                .folder(&project)
                .env("CARGO_TARGET_DIR", workspace.target.join("outside"))
        };
        cargo("build").run()?;
        cargo("run").time_max(RUN_TIME_MAX).run()?;
    }
    Ok(())
}

fn write_project(workspace: &Workspace, package: &Package, project: &Path) -> Result<(), String> {
    let crate_folder = workspace.root.join(&package.folder);
    let readme = read(&crate_folder.join("README.md"))?;
    let example = blocks(&readme).into_iter().find(|it| is_rust(it.language));
    let example = example.ok_or("its README has no example in Rust")?;
    write(&project.join("src/main.rs"), &program(&example.code))?;
    write(
        &project.join("Cargo.toml"),
        &manifest(workspace, package, &example.code),
    )?;
    // The versions that the workspace was tested with, which are also the ones at hand offline.
    write(
        &project.join("Cargo.lock"),
        &read(&workspace.root.join("Cargo.lock"))?,
    )
}

/// The manifest of the project. `[workspace]` makes it a root of its own.
fn manifest(workspace: &Workspace, package: &Package, example: &str) -> String {
    let is_named = |below: &&Package| {
        let uses = |it: &Dependency| it.name == below.name && it.kind == Kind::Normal;
        let path = format!("{}::", below.name.replace('-', "_"));
        package.dependencies.iter().any(uses) && example.contains(&path)
    };
    let below = workspace.libraries().filter(is_named);
    let mut manifest = format!(
        "[package]\nname = \"outside-{}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [workspace]\n\n[dependencies]\n",
        package.name
    );
    for Package { name, folder, .. } in [package].into_iter().chain(below) {
        let path = workspace.root.join(folder).display().to_string();
        let _ = writeln!(manifest, "{name} = {{ path = {path:?} }}");
    }
    manifest
}

/// An example as a program: hidden lines shown, and in a `main` unless it has one, as rustdoc does.
/// What the compiler warns about does not belong in an example.
pub fn program(example: &str) -> String {
    let shown = |line: &str| {
        let text = line.trim_start();
        text.strip_prefix("# ")
            .or((text == "#").then_some(""))
            .unwrap_or(line)
            .to_owned()
    };
    let code: Vec<String> = example.lines().map(shown).collect();
    let code = code.join("\n");
    let body = if code.contains("fn main()") {
        code
    } else {
        format!("fn main() {{\n{code}\n}}")
    };
    format!("#![deny(warnings)]\n{body}\n")
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// A folder of our own among the system's temporary ones, removed at the end.
struct Folder {
    path: PathBuf,
}

impl Folder {
    fn create() -> Result<Folder, String> {
        let path = std::env::temp_dir().join(format!("asyncio-outside-{}", std::process::id()));
        // It must not exist: what lies there would be somebody else's.
        fs::create_dir(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Folder { path })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is the system's to remove: it is a temporary folder.
        let _ = fs::remove_dir_all(&self.path);
    }
}

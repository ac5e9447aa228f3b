//! What `cargo metadata` knows of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::shell::Shell;

/// The workspace and all packages that it is built from.
#[derive(Debug, Default)]
pub struct Workspace {
    /// The folder of the root manifest.
    pub root: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
    /// Members first, in order of name, then all other packages.
    pub packages: Vec<Package>,
    /// For each package's id the ids of those it is built from; dev-dependencies are left out.
    pub built_from: BTreeMap<String, Vec<String>>,
}

/// A package of the workspace or of a registry.
#[derive(Debug, Default, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Cargo's id for it.
    pub id: String,
    /// Its version.
    pub version: String,
    /// `rust-version` of its manifest.
    pub rust_version: Option<String>,
    /// Its licence, as an SPDX expression; `/` is an old way to write `OR`.
    pub license: Option<String>,
    /// For a member: its folder relative to the root, with `/` between names. Else empty.
    pub folder: String,
    /// Whether it is a member of the workspace.
    pub is_member: bool,
    /// What its manifest names as dependencies.
    pub dependencies: Vec<Dependency>,
    /// Its features but `default`; those that only stand for an optional dependency included.
    pub features: Vec<String>,
    /// What is built from it.
    pub targets: Vec<Target>,
    /// Its programs that serve until they are stopped: `serve` in `[package.metadata.programs]`.
    pub servers: Vec<String>,
}

/// A dependency of a manifest.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// The package's name.
    pub name: String,
    /// The name under which the code sees it, with underscores.
    pub code_name: String,
    /// Its table.
    pub kind: Kind,
}

/// The table in which a dependency stands.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `[dependencies]`
    #[default]
    Normal,
    /// `[dev-dependencies]`
    Dev,
    /// `[build-dependencies]`
    Build,
}

/// A library, program, test, … of a package.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// `lib`, `bin`, `test`, `example`, `bench`, `custom-build`, ….
    pub kind: String,
    /// Its root file relative to the workspace's root, with `/` between names.
    pub path: String,
}

impl Workspace {
    /// Asks cargo about the workspace that this program was built in.
    ///
    /// # Errors
    ///
    /// A message, when cargo fails or says something unexpected.
    pub fn load() -> Result<Workspace, String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        let here = Workspace {
            root: root
                .ok_or("xtask is not two folders below the root")?
                .to_owned(),
            ..Workspace::default()
        };
        let arguments = ["metadata", "--format-version", "1", "--all-features"];
        let json = Shell::cargo(&here, &arguments).output()?;
        Workspace::from_metadata(&json)
    }

    /// Reads the output of `cargo metadata --format-version 1`.
    ///
    /// # Errors
    ///
    /// A message, when it is something else.
    pub fn from_metadata(json: &str) -> Result<Workspace, String> {
        let metadata: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
        let root = PathBuf::from(text(&metadata["workspace_root"]));
        let members: BTreeSet<String> = array(&metadata["workspace_members"]).map(text).collect();
        let mut packages: Vec<Package> = array(&metadata["packages"])
            .map(|it| package(it, &root, &members))
            .collect();
        if packages.is_empty() || members.is_empty() {
            return Err("the output of `cargo metadata` names no packages".into());
        }
        packages.sort_by_key(|it| (!it.is_member, it.name.clone(), it.version.clone()));
        let nodes = array(&metadata["resolve"]["nodes"]);
        let built_from = nodes
            .map(|node| (text(&node["id"]), built_from(node)))
            .collect();
        let target = PathBuf::from(text(&metadata["target_directory"]));
        Ok(Workspace {
            root,
            target,
            packages,
            built_from,
        })
    }

    /// The members of the workspace.
    pub fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|it| it.is_member)
    }

    /// The members that users depend on: those below `crates/`.
    pub fn libraries(&self) -> impl Iterator<Item = &Package> {
        self.members().filter(|it| it.folder.starts_with("crates/"))
    }

    /// The member with this name.
    pub fn member(&self, name: &str) -> Option<&Package> {
        self.members().find(|it| it.name == name)
    }

    /// Whether one package is built from the other, directly or not. A package is from itself.
    pub fn is_built_from(&self, package: &Package, other: &str) -> bool {
        self.all_built_from([package])
            .iter()
            .any(|it| it.name == other)
    }

    /// These packages and all packages that they are built from.
    pub fn all_built_from<'a>(
        &'a self,
        packages: impl IntoIterator<Item = &'a Package>,
    ) -> Vec<&'a Package> {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&str> = packages.into_iter().map(|it| it.id.as_str()).collect();
        while let Some(id) = open.pop() {
            if seen.insert(id)
                && let Some(next) = self.built_from.get(id)
            {
                open.extend(next.iter().map(String::as_str));
            }
        }
        self.packages
            .iter()
            .filter(|it| seen.contains(it.id.as_str()))
            .collect()
    }
}

fn package(json: &Value, root: &Path, members: &BTreeSet<String>) -> Package {
    let id = text(&json["id"]);
    let is_member = members.contains(&id);
    let manifest = PathBuf::from(text(&json["manifest_path"]));
    let folder = manifest
        .parent()
        .filter(|_| is_member)
        .map(|it| relative(it, root));
    let features = json["features"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name);
    Package {
        name: text(&json["name"]),
        version: text(&json["version"]),
        rust_version: json["rust_version"].as_str().map(str::to_owned),
        license: json["license"].as_str().map(str::to_owned),
        folder: folder.unwrap_or_default(),
        is_member,
        dependencies: array(&json["dependencies"]).map(dependency).collect(),
        features: features
            .filter(|name| *name != "default")
            .cloned()
            .collect(),
        targets: array(&json["targets"]).map(|it| target(it, root)).collect(),
        servers: array(&json["metadata"]["programs"]["serve"])
            .map(text)
            .collect(),
        id,
    }
}

fn dependency(json: &Value) -> Dependency {
    let name = text(&json["name"]);
    let code_name = json["rename"].as_str().unwrap_or(&name).replace('-', "_");
    let kind = match json["kind"].as_str() {
        Some("dev") => Kind::Dev,
        Some("build") => Kind::Build,
        _ => Kind::Normal,
    };
    Dependency {
        name,
        code_name,
        kind,
    }
}

fn target(json: &Value, root: &Path) -> Target {
    Target {
        name: text(&json["name"]),
        kind: array(&json["kind"]).next().map(text).unwrap_or_default(),
        path: relative(Path::new(&text(&json["src_path"])), root),
    }
}

/// The ids that a node of the dependency graph is built from.
fn built_from(node: &Value) -> Vec<String> {
    let is_built =
        |it: &&Value| array(&it["dep_kinds"]).any(|kind| kind["kind"].as_str() != Some("dev"));
    array(&node["deps"])
        .filter(is_built)
        .map(|it| text(&it["pkg"]))
        .collect()
}

fn array(json: &Value) -> impl Iterator<Item = &Value> {
    json.as_array().into_iter().flatten()
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

/// `path` below `root` with `/` between names; the whole path when it lies elsewhere.
fn relative(path: &Path, root: &Path) -> String {
    let names = path.strip_prefix(root).unwrap_or(path).components();
    names
        .map(|it| it.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

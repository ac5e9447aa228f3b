//! The layers: which crate may use which, and what each is built on.

use super::{Finding, Repository};
use crate::rust_source::names_crate;
use crate::workspace::{Dependency, Kind, Package};

/// One library crate and its place.
#[derive(Debug)]
pub struct Layer {
    /// The package.
    pub name: &'static str,
    /// Its rank: it uses only what has a lower one.
    pub rank: u32,
    /// The crates of ours that it may use.
    pub uses: &'static [&'static str],
    /// Foreign packages that it must be built on: named in its manifest and used in its code.
    pub built_on: &'static [&'static str],
}

/// All library crates, those still to come included. The book's architecture page explains them.
pub const LAYERS: &[Layer] = &[
    Layer {
        name: "asyncio-reactor",
        rank: 0,
        uses: &[],
        built_on: &["polling", "slab"],
    },
    Layer {
        name: "asyncio-timers",
        rank: 0,
        uses: &[],
        built_on: &[],
    },
    Layer {
        name: "asyncio-executor",
        rank: 0,
        uses: &[],
        built_on: &["async-task", "concurrent-queue", "slab"],
    },
    Layer {
        name: "asyncio-blocking",
        rank: 0,
        uses: &[],
        built_on: &["blocking", "concurrent-queue", "event-listener"],
    },
    Layer {
        name: "asyncio-sync",
        rank: 1,
        uses: &["asyncio-executor"],
        built_on: &[],
    },
    Layer {
        name: "asyncio-loop",
        rank: 1,
        uses: &[
            "asyncio-reactor",
            "asyncio-timers",
            "asyncio-executor",
            "asyncio-blocking",
        ],
        built_on: &[],
    },
    Layer {
        name: "asyncio-futures",
        rank: 2,
        uses: &["asyncio-executor", "asyncio-loop"],
        built_on: &["futures-lite"],
    },
    Layer {
        name: "asyncio-transports",
        rank: 3,
        uses: &[
            "asyncio-executor",
            "asyncio-reactor",
            "asyncio-loop",
            "asyncio-futures",
            "asyncio-sync",
        ],
        built_on: &[],
    },
    Layer {
        name: "asyncio-signal",
        rank: 3,
        uses: &["asyncio-executor", "asyncio-reactor", "asyncio-loop"],
        built_on: &[],
    },
    Layer {
        name: "asyncio-tls",
        rank: 4,
        uses: &["asyncio-loop", "asyncio-transports"],
        built_on: &[],
    },
    Layer {
        name: "asyncio-streams",
        rank: 5,
        uses: &[
            "asyncio-executor",
            "asyncio-loop",
            "asyncio-futures",
            "asyncio-sync",
            "asyncio-transports",
            "asyncio-tls",
        ],
        built_on: &["futures-lite"],
    },
    Layer {
        name: "asyncio-process",
        rank: 6,
        uses: &[
            "asyncio-loop",
            "asyncio-futures",
            "asyncio-sync",
            "asyncio-transports",
            "asyncio-streams",
            "asyncio-signal",
        ],
        built_on: &[],
    },
    Layer {
        name: "asyncio",
        rank: 7,
        uses: &[
            "asyncio-reactor",
            "asyncio-timers",
            "asyncio-executor",
            "asyncio-blocking",
            "asyncio-sync",
            "asyncio-loop",
            "asyncio-futures",
            "asyncio-transports",
            "asyncio-signal",
            "asyncio-tls",
            "asyncio-streams",
            "asyncio-process",
        ],
        built_on: &[],
    },
];

/// The only tool that a library crate may use, and only in its tests.
const TESTKIT: &str = "asyncio-testkit";

/// The layer of the package with this name.
pub fn layer(name: &str) -> Option<&'static Layer> {
    LAYERS.iter().find(|it| it.name == name)
}

/// A library crate uses only what its row names, and in its tests also what lies in lower ranks.
pub fn arrows(repository: &Repository<'_>) -> Vec<Finding> {
    let workspace = &repository.workspace;
    let mut findings = Vec::new();
    for package in workspace.libraries() {
        if package.folder != format!("crates/{}", package.name) {
            findings.push(Finding::new(
                &package.folder,
                "the folder is not named as the package",
            ));
        }
        let Some(layer) = layer(&package.name) else {
            let message = "no row in `LAYERS` (tools/xtask/src/tidy/layers.rs) names this crate";
            findings.push(Finding::new(&package.folder, message));
            continue;
        };
        for dependency in &package.dependencies {
            let name = dependency.name.as_str();
            if workspace.member(name).is_some() && !is_allowed(layer, name, dependency.kind) {
                let Layer { rank, uses, .. } = layer;
                let message = format!("rank {rank} may use {uses:?} of ours, not `{name}`");
                findings.push(Finding::new(&manifest(package), message));
            }
        }
    }
    if let Some(package) = workspace.member(TESTKIT) {
        for dependency in &package.dependencies {
            if workspace.member(&dependency.name).is_some() {
                let message = format!(
                    "every crate's tests use it, so it cannot use `{}`",
                    dependency.name
                );
                findings.push(Finding::new(&manifest(package), message));
            }
        }
    }
    findings
}

fn is_allowed(user: &Layer, used: &str, kind: Kind) -> bool {
    let is_below = layer(used).is_some_and(|it| it.rank < user.rank);
    // A crate names itself to have a feature on in its tests.
    let in_tests = used == TESTKIT || used == user.name || is_below;
    user.uses.contains(&used) || (kind == Kind::Dev && in_tests)
}

/// Each library crate names what its row says it is built on; and what a manifest names as a
/// dependency, the code names too.
pub fn used(repository: &Repository<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repository.workspace.libraries() {
        for name in layer(&package.name).map_or(&[][..], |it| it.built_on) {
            let is_named = |it: &Dependency| it.name == *name && it.kind == Kind::Normal;
            if !package.dependencies.iter().any(is_named) {
                let message = format!("must be built on `{name}`, which it does not name");
                findings.push(Finding::new(&manifest(package), message));
            }
        }
        let source = format!("{}/src", package.folder);
        for dependency in package
            .dependencies
            .iter()
            .filter(|it| it.kind == Kind::Normal)
        {
            let mut files = repository.tree.below(&source).filter(|it| it.is_rust());
            if !files.any(|file| names_crate(file.code(), &dependency.code_name)) {
                let message = format!(
                    "names `{}`, which no file below {source} uses",
                    dependency.name
                );
                findings.push(Finding::new(&manifest(package), message));
            }
        }
    }
    findings
}

/// The tables for people know each library crate: the architecture page with its rank, the README.
pub fn documented(repository: &Repository<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repository.workspace.libraries() {
        let rank = layer(&package.name).map(|it| it.rank.to_string());
        let page = "docs/src/architecture.md";
        if !has_row(repository, page, &package.name, rank.as_deref()) {
            let rank = rank.unwrap_or_default();
            let message = format!(
                "no row of a table names `{}` with rank {rank}",
                package.name
            );
            findings.push(Finding::new(page, message));
        }
        if !has_row(repository, "README.md", &package.name, None) {
            let message = format!("no row of a table names `{}`", package.name);
            findings.push(Finding::new("README.md", message));
        }
    }
    findings
}

/// Whether a table's row in the document names the crate, and has the rank as a cell.
fn has_row(repository: &Repository<'_>, path: &str, name: &str, rank: Option<&str>) -> bool {
    let Some(document) = repository.tree.file(path) else {
        return false;
    };
    document
        .text
        .lines()
        .filter(|line| line.starts_with('|'))
        .any(|line| {
            let mut cells = line.split('|').map(str::trim);
            line.contains(&format!("`{name}`"))
                && rank.is_none_or(|rank| cells.any(|cell| cell == rank))
        })
}

fn manifest(package: &Package) -> String {
    format!("{}/Cargo.toml", package.folder)
}

//! What can be checked of the rules: each check is a pure function from files and metadata to
//! findings.

use std::fmt;

use crate::tree::Tree;
use crate::workspace::Workspace;

pub mod documents;
pub mod facade;
pub mod files;
pub mod layers;
pub mod licenses;
pub mod manifests;
pub mod scenarios;
pub mod tests_in_time;
pub mod unsafe_code;

/// What the checks look at.
#[derive(Debug)]
pub struct Repository<'a> {
    /// The files.
    pub tree: Tree,
    /// The packages.
    pub workspace: &'a Workspace,
}

/// A rule that is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The file, from the root; or the folder of a package.
    pub path: String,
    /// The line, from 1, where there is one to name.
    pub line: Option<usize>,
    /// What is wrong, and what would be right.
    pub message: String,
    /// Whether it is only to be thought about.
    pub is_warning: bool,
}

impl Finding {
    /// A broken rule, somewhere in a file.
    pub fn new(path: &str, message: impl Into<String>) -> Finding {
        Finding {
            path: path.to_owned(),
            line: None,
            message: message.into(),
            is_warning: false,
        }
    }

    /// The same, on this line.
    pub fn on_line(self, line: usize) -> Finding {
        Finding {
            line: Some(line),
            ..self
        }
    }

    /// The same, only to be thought about.
    pub fn warning(self) -> Finding {
        Finding {
            is_warning: true,
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.is_warning { "warning: " } else { "" };
        match self.line {
            Some(line) => write!(f, "{}:{line}: {kind}{}", self.path, self.message),
            None => write!(f, "{}: {kind}{}", self.path, self.message),
        }
    }
}

/// One check.
#[derive(Debug)]
pub struct Check {
    /// The rule, as a sentence.
    pub rule: &'static str,
    /// Finds where it is not kept.
    pub find: fn(&Repository<'_>) -> Vec<Finding>,
}

/// All checks.
pub const CHECKS: &[Check] = &[
    Check {
        rule: "dependencies only point down",
        find: layers::arrows,
    },
    Check {
        rule: "what a crate is built on, it uses",
        find: layers::used,
    },
    Check {
        rule: "the architecture page knows every crate",
        find: layers::documented,
    },
    Check {
        rule: "the facade holds re-exports and the runner",
        find: facade::only_names,
    },
    Check {
        rule: "a file is one idea",
        find: files::sizes,
    },
    Check {
        rule: "a file says what it is, and nothing is left to do",
        find: files::contents,
    },
    Check {
        rule: "the top level holds what the design lists",
        find: files::top_level,
    },
    Check {
        rule: "unsafe code stands in named files, counted",
        find: unsafe_code::counted,
    },
    Check {
        rule: "unsafe code says why it is sound",
        find: unsafe_code::justified,
    },
    Check {
        rule: "all other crates forbid unsafe code",
        find: unsafe_code::forbidden,
    },
    Check {
        rule: "code in documents is compiled",
        find: documents::examples,
    },
    Check {
        rule: "each example is explained",
        find: documents::explained,
    },
    Check {
        rule: "links in documents lead somewhere",
        find: documents::links,
    },
    Check {
        rule: "the book lists the scenarios that tests cover",
        find: scenarios::listed,
    },
    Check {
        rule: "tests do not sleep",
        find: tests_in_time::sleeps,
    },
    Check {
        rule: "dependencies have reasons",
        find: manifests::reasons,
    },
    Check {
        rule: "licences are those of deny.toml",
        find: licenses::allowed,
    },
    Check {
        rule: "members share lints and versions",
        find: manifests::shared,
    },
    Check {
        rule: "dependencies build with our oldest toolchain",
        find: manifests::oldest_toolchain,
    },
];

/// Reads the repository and runs all checks.
///
/// # Errors
///
/// When a rule is broken, after printing where; when the repository cannot be read.
pub fn run(workspace: &Workspace) -> Result<(), String> {
    let repository = Repository {
        tree: Tree::read(&workspace.root)?,
        workspace,
    };
    let mut broken = 0;
    for Check { rule, find } in CHECKS {
        let findings = find(&repository);
        let errors = findings.iter().filter(|it| !it.is_warning).count();
        println!("{} {rule}", if errors == 0 { "  ok" } else { "FAIL" });
        for finding in &findings {
            println!("     {finding}");
        }
        broken += errors;
    }
    match broken {
        0 => Ok(()),
        1 => Err("a rule is broken in one place".into()),
        _ => Err(format!("rules are broken in {broken} places")),
    }
}

//! The book, built by mdBook.
//!
//! Its snippets are doctests of the member `docs`, and its links are checked by
//! [`crate::tidy::documents::links`]; this shows that mdBook agrees.

use std::path::PathBuf;

use crate::shell::Shell;
use crate::workspace::Workspace;

/// The version that is installed when there is none.
const VERSION: &str = "0.5.4";

/// Builds the book into `docs/book`; installs mdBook below the target folder when it is missing,
/// which takes a minute or two.
///
/// # Errors
///
/// When mdBook cannot be installed or refuses the book.
pub fn run(workspace: &Workspace) -> Result<(), String> {
    let mdbook = mdbook(workspace)?;
    Shell::new(&mdbook.to_string_lossy())
        .args(["build", "docs"])
        .folder(&workspace.root)
        .run()
}

/// An mdBook on the search path, or ours.
fn mdbook(workspace: &Workspace) -> Result<PathBuf, String> {
    if Shell::new("mdbook").args(["--version"]).output().is_ok() {
        return Ok("mdbook".into());
    }
    let tools = workspace.target.join("tools");
    let ours = tools
        .join("bin")
        .join(format!("mdbook{}", std::env::consts::EXE_SUFFIX));
    if !ours.exists() {
        // Without its server and its search index, which a check does not need, and unoptimized: it
        // builds one book.
        Shell::cargo(
            workspace,
            &["install", "mdbook", "--locked", "--no-default-features"],
        )
        .args(["--debug", "--quiet", "--version", VERSION, "--root"])
        .args([&tools])
        .env("CARGO_TARGET_DIR", tools.join("build"))
        .run()?;
    }
    Ok(ours)
}

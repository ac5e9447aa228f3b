//! The files of the work tree, as text.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::rust_source::code_only;

/// Folders that are not part of the repository, wherever they lie.
const NOT_OURS: &[&str] = &[".git", "target", "__pycache__"];

/// Folders that are not part of the repository, from the root.
const BUILT: &[&str] = &["docs/book"];

/// All text files, by their path from the root with `/` between names.
#[derive(Debug, Default)]
pub struct Tree {
    files: BTreeMap<String, File>,
}

/// One text file.
#[derive(Debug, Default)]
pub struct File {
    /// Its path from the root, with `/` between names.
    pub path: String,
    /// What it holds.
    pub text: String,
    code: OnceCell<String>,
}

impl File {
    /// For Rust: the text with comments and the contents of literals blanked out, line by line the
    /// same.
    pub fn code(&self) -> &str {
        self.code.get_or_init(|| code_only(&self.text))
    }

    /// Whether it is Rust.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether it is Markdown.
    pub fn is_markdown(&self) -> bool {
        self.path.ends_with(".md")
    }

    /// Whether it holds tests only: below a folder `tests`, or a module `tests`.
    pub fn is_test(&self) -> bool {
        self.path.split('/').any(|name| name == "tests") || self.path.ends_with("/tests.rs")
    }
}

impl Tree {
    /// Reads the work tree. Files that are no text are left out.
    ///
    /// # Errors
    ///
    /// A message, when a folder or file cannot be read.
    pub fn read(root: &Path) -> Result<Tree, String> {
        let mut tree = Tree::default();
        read_folder(root, "", &mut tree)?;
        Ok(tree)
    }

    /// A tree of these paths and texts.
    pub fn of(files: &[(&str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (path, text) in files {
            tree.insert((*path).to_owned(), (*text).to_owned());
        }
        tree
    }

    fn insert(&mut self, path: String, text: String) {
        self.files.insert(
            path.clone(),
            File {
                path,
                text,
                code: OnceCell::new(),
            },
        );
    }

    /// All files, in order of path.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.files.values()
    }

    /// All files of Rust, in order of path.
    pub fn rust(&self) -> impl Iterator<Item = &File> {
        self.files().filter(|file| file.is_rust())
    }

    /// All files below a folder, in order of path.
    pub fn below<'a>(&'a self, folder: &str) -> impl Iterator<Item = &'a File> {
        let prefix = format!("{folder}/");
        self.files()
            .filter(move |file| file.path.starts_with(&prefix))
    }

    /// The file with this path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.get(path)
    }

    /// Whether there is a file or a folder with this path.
    pub fn has(&self, path: &str) -> bool {
        self.files.contains_key(path) || self.below(path).next().is_some()
    }
}

fn read_folder(folder: &Path, prefix: &str, tree: &mut Tree) -> Result<(), String> {
    let told = |error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(told)? {
        let entry = entry.map_err(told)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().map_err(told)?;
        if kind.is_dir() {
            if !NOT_OURS.contains(&name.as_str()) && !BUILT.contains(&path.as_str()) {
                read_folder(&entry.path(), &format!("{path}/"), tree)?;
            }
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).map_err(|error| format!("{path}: {error}"))?;
            if let Ok(text) = String::from_utf8(bytes) {
                tree.insert(path, text);
            }
        }
    }
    Ok(())
}

//! Checks and chores of the workspace.

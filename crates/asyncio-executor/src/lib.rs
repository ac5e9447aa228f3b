//! A single-threaded executor with asyncio semantics: tasks, contexts, done-callbacks, cancel scopes.

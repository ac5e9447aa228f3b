//! Files whose blocking calls are made by threads of the elastic pool.
//!
//! No operating system tells when a regular file is ready: it always is, and then it blocks. So a
//! [`File`] has a thread that reads ahead, or writes behind, through a pipe. For a single call
//! (`rename`, `read_dir`, `read_to_string`) no type is needed: give the function of [`std::fs`] to
//! an executor, such as [`ElasticExecutor`](crate::ElasticExecutor).

mod file;
mod open_options;

pub use self::file::File;
pub use self::open_options::OpenOptions;

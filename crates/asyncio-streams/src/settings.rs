//! Settings of the builders: the limit of a stream, and those of what the builder is made of.

use std::cell::Cell;
use std::io;
use std::rc::Rc;

/// The limit that the protocols of a builder are made with.
pub(crate) type Limit = Rc<Cell<usize>>;

pub(crate) fn check(limit: &Limit) -> io::Result<()> {
    if limit.get() == 0 {
        let kind = io::ErrorKind::InvalidInput;
        return Err(io::Error::new(kind, "Limit cannot be <= 0"));
    }
    Ok(())
}

/// The methods of a builder whose fields are `create`, which has them, and `limit`.
macro_rules! same_settings {
    ($inner:ident: $($name:ident($argument:ident: $kind:ty),)*) => {
        /// How many bytes may come before a separator, and how many are read ahead at most; 64 KiB
        /// unless it is set.
        pub fn limit(self, bytes: usize) -> Self {
            self.limit.set(bytes);
            self
        }

        $(
            #[doc = concat!("As [`", stringify!($inner), "::", stringify!($name), "`].")]
            pub fn $name(mut self, $argument: $kind) -> Self {
                self.create = self.create.$name($argument);
                self
            }
        )*
    };
}
pub(crate) use same_settings;
